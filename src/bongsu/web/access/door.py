"""Signing in and out, and who a request comes from."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bongsu.i18n import N_, translator
from bongsu.store import access as accounts
from bongsu.store import sessions
from bongsu.web.access import attempts, csrf
from bongsu.web.access.actor import Actor, Via
from bongsu.web.access.passwords import Passwords

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response

    from bongsu.engine.clock import Clock
    from bongsu.store.access import Account
    from bongsu.store.database import Pool, PoolConnection
    from bongsu.store.sessions import Bearer

CLI_AGENT = "bongsu-cli/"
"""how the User-Agent of our own command line begins"""
AT_ONCE = 5
"""attempts of one address that are under way; more are refused before the database is asked"""
STRANGERS = 2
"""connections that attempts of all addresses may hold at once; the others serve who is signed in"""
SOON = 10
"""seconds after which somebody may try again who tried too much at once"""
_CACHED = "bongsu.actor"


class SignInRefusedError(Exception):
    """Nobody was signed in; ``show`` says why, without telling which accounts exist."""

    def __init__(self, code: str, text: str, retry_after: int = 0) -> None:
        self.code, self.text, self.retry_after = code, text, retry_after
        super().__init__(self.show("en"))

    def show(self, lang: str) -> str:
        """Return why."""
        if self.retry_after:
            return translator(lang)(self.text, minutes=-(-self.retry_after // 60))
        return translator(lang)(self.text)


class Signed(NamedTuple):
    """Somebody has just signed in."""

    login: str
    secret: str
    """the cookie's value"""


class Access:
    """Lets people in; one per process, any number of processes on one database."""

    def __init__(self, pool: Pool, clock: Clock, *, secret: bytes, base_url: str) -> None:
        self._pool, self._clock, self._secret = pool, clock, secret
        self._secure = base_url.startswith("https://")
        self.cookie = "__Host-bongsu" if self._secure else "bongsu"
        self.passwords = Passwords()
        self._trying: Counter[str] = Counter()
        self._strangers = asyncio.Semaphore(STRANGERS)

    # ── who is asking ────────────────────────────────────────────────────────────────────

    async def actor(self, request: HTTPConnection) -> Actor | None:
        """Return who sends a request, by its token or its cookie; None where neither is valid."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            async with self._pool.acquire() as conn:
                found = await sessions.by_token(conn, token.strip(), self._clock.now())
            return _actor(found, _program(request)) if found else None
        cookie = request.cookies.get(self.cookie)
        if not cookie:
            return None
        async with self._pool.acquire() as conn:
            found = await sessions.by_session(conn, cookie, self._clock.now())
        return _actor(found, "console") if found else None

    def csrf_token(self, actor: Actor) -> str:
        """Return what every form of this session must carry as `csrf.FIELD`."""
        return csrf.token(self._secret, actor.key)

    def meant(self, actor: Actor, given: str) -> bool:
        """Say whether a write was meant by the one who is signed in (`csrf`)."""
        return not actor.by_cookie or csrf.valid(self._secret, actor.key, given)

    # ── in ───────────────────────────────────────────────────────────────────────────────

    async def sign_in(self, request: HTTPConnection, login: str, password: str) -> Signed:
        """Sign somebody in with a password.

        Raises:
            SignInRefusedError: it is wrong, there is no such account, or there were too many
                attempts.
        """
        with self._trying_from(address_of(request)):
            return await self._sign_in(request, login.strip().lower(), password)

    async def _sign_in(self, request: HTTPConnection, login: str, password: str) -> Signed:
        address = address_of(request)
        async with self._for_a_stranger() as conn:
            seconds = await attempts.wait(conn, login, address, self._clock.now())
            if seconds:
                raise _too_many(seconds)
            # Whatever else was typed has no account, and need not be a text that a database takes.
            known = await sessions.password_of(conn, login) if accounts.is_login(login) else None
        if not await self.passwords.verify(known, password):
            text = N_("the name or the password is wrong")
            raise SignInRefusedError("wrong_password", text)
        async with self._for_a_stranger() as conn:
            await attempts.succeeded(conn, login, address, self._clock.now())
            return await self._open(conn, request, login)

    async def link_owner(self, token: str) -> tuple[str, str] | None:
        """Return the login and the name a one-time link is for; looking does not use it up."""
        async with self._for_a_stranger() as conn:
            return await sessions.link_owner(conn, token, self._clock.now())

    async def sign_in_by_link(self, request: HTTPConnection, token: str) -> Signed:
        """Sign somebody in with a one-time link, which is used up by that.

        Raises:
            SignInRefusedError: it is used, expired or unknown, or its account is disabled.
        """
        async with self._for_a_stranger() as conn, conn.transaction():
            login = await sessions.use_link(conn, token, self._clock.now())
            if login is None:
                text = N_("this link was used already or has expired; ask for another one")
                raise SignInRefusedError("bad_link", text)
            return await self._open(conn, request, login)

    async def _open(self, conn: PoolConnection, request: HTTPConnection, login: str) -> Signed:
        agent = request.headers.get("user-agent", "")
        secret = await sessions.open_session(
            conn, login, address=address_of(request), agent=agent, now=self._clock.now()
        )
        return Signed(login, secret)

    @contextmanager
    def _trying_from(self, address: str) -> Iterator[None]:
        """Count an attempt while it is under way; a flood is turned away without the database."""
        place = attempts.network(address)
        if self._trying[place] >= AT_ONCE:
            raise _too_many(SOON)
        self._trying[place] += 1
        try:
            yield
        finally:
            self._trying[place] -= 1
            if not self._trying[place]:
                del self._trying[place]

    @asynccontextmanager
    async def _for_a_stranger(self) -> AsyncIterator[PoolConnection]:
        async with self._strangers, self._pool.acquire() as conn:
            yield conn

    def remember(self, response: Response, signed: Signed) -> None:
        """Let the browser keep the session."""
        response.set_cookie(
            self.cookie, signed.secret, max_age=int(sessions.SESSION_LASTS.total_seconds()),
            path="/", httponly=True, secure=self._secure, samesite="lax",
        )  # fmt: skip

    # ── out, and the password ────────────────────────────────────────────────────────────

    async def sign_out(self, actor: Actor, response: Response) -> None:
        """End this session and let the browser forget it."""
        async with self._pool.acquire() as conn:
            await sessions.close(conn, actor.key)
        self.forget(response)

    async def sign_out_everywhere(self, actor: Actor, response: Response) -> int:
        """End all sessions of somebody, this one too; returns how many there were."""
        async with self._pool.acquire() as conn:
            ended = await sessions.close_all(conn, actor.person)
        self.forget(response)
        return ended

    def forget(self, response: Response) -> None:
        """Let the browser forget the session."""
        response.delete_cookie(
            self.cookie, path="/", httponly=True, secure=self._secure, samesite="lax"
        )

    async def change_password(
        self, request: HTTPConnection, actor: Actor, old: str, new: str
    ) -> None:
        """Change one's password, or set the first one, and end the other sessions.

        Raises:
            SignInRefusedError: the old one is wrong, or there were too many attempts.
            passwords.PasswordRefusedError: the new one is too short or too long.
        """
        async with self._pool.acquire() as conn:
            known = await sessions.password_of(conn, actor.person)
        if known is not None:
            with self._trying_from(address_of(request)):
                await self._confirm(request, actor, known, old)
        hashed = await self.passwords.hash(new)
        async with self._pool.acquire() as conn, conn.transaction():
            await sessions.set_password(conn, actor.person, hashed)
            await sessions.close_all(conn, actor.person, but=actor.key)

    async def _confirm(self, request: HTTPConnection, actor: Actor, known: str, given: str) -> None:
        async with self._pool.acquire() as conn:
            address, now = address_of(request), self._clock.now()
            seconds = await attempts.wait(conn, actor.person, address, now)
        if seconds:
            raise _too_many(seconds)
        if not await self.passwords.verify(known, given):
            raise SignInRefusedError("wrong_password", N_("the present password is wrong"))

    # ── accounts ─────────────────────────────────────────────────────────────────────────

    async def account(self, login: str) -> Account | None:
        """Return a person's account; None where they have none."""
        async with self._pool.acquire() as conn:
            try:
                return await accounts.account(conn, login)
            except accounts.AccessRefusedError:
                return None


async def current_actor(request: HTTPConnection) -> Actor | None:
    """Return who sends a request; asked for once a request, however often it is called."""
    scope = request.scope
    if _CACHED not in scope:
        scope[_CACHED] = await scope["bongsu"].access.actor(request)
    found: Actor | None = scope[_CACHED]
    return found


def address_of(request: HTTPConnection) -> str:
    """Return the sender's address, as the server or its trusted proxy says it."""
    return request.client.host if request.client else ""


def _too_many(seconds: int) -> SignInRefusedError:
    text = N_("too many attempts; wait {minutes} min, or ask for a sign-in link")
    return SignInRefusedError("too_many_attempts", text, seconds)


def _actor(found: Bearer, via: Via) -> Actor:
    return Actor(found.login, found.name, found.role, found.lang, via, found.key)


def _program(request: HTTPConnection) -> Via:
    agent = request.headers.get("user-agent", "")
    return "cli" if agent.startswith(CLI_AGENT) else "api"
