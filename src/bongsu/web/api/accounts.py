"""Signing in and out, accounts, and API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Request
from pydantic import Field, StrictBool
from starlette.responses import Response

from bongsu.i18n import N_
from bongsu.store import access as store
from bongsu.store import sessions
from bongsu.store.access import Account, Role, Token
from bongsu.web.access import csrf
from bongsu.web.access.actor import Actor
from bongsu.web.api import requests
from bongsu.web.api.depends import Admin, S, Viewer
from bongsu.web.api.json import answer, documents
from bongsu.web.problems import ProblemError

router = APIRouter(tags=["access"])
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Login = Annotated[str, Path(max_length=63, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]


class Me(msgspec.Struct, frozen=True):
    """Who is asking.

    `csrf_token` goes into the header X-CSRF-Token of every write that comes
    with a cookie, and is null where a token is used.
    """

    login: str
    name: str
    role: str
    lang: str | None
    via: str
    csrf_token: str | None


class SignedOut(msgspec.Struct, frozen=True):
    """How many sessions ended."""

    ended: int


class SessionView(msgspec.Struct, frozen=True):
    """One browser that is signed in."""

    made_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    here: bool


class SessionList(msgspec.Struct, frozen=True):
    """Where somebody is signed in."""

    sessions: list[SessionView]


class AccountList(msgspec.Struct, frozen=True):
    """All accounts."""

    accounts: Sequence[Account]


class TokenList(msgspec.Struct, frozen=True):
    """Tokens, without their secrets."""

    tokens: Sequence[Token]


class NewToken(msgspec.Struct, frozen=True):
    """A token and its secret, which is shown this once."""

    secret: str
    token: Token


class SignInLink(msgspec.Struct, frozen=True):
    """A one-time link; whoever has it can sign in with it once."""

    url: str
    expires_in_seconds: int


# ── one's own session ────────────────────────────────────────────────────────────────────


class SignIn(requests.Body):
    """A name and a password, or the token of a one-time link."""

    login: requests.Secret = ""
    password: requests.Secret = ""
    link: Annotated[str, Field(max_length=200)] | None = None


@router.post("/session", status_code=201, summary="Sign in", responses=documents(Me, status=201))
async def sign_in(at: S, request: Request, body: SignIn) -> Response:
    """Sets the session's cookie. Programs rather use a token."""
    if not csrf.same_origin(request):
        raise ProblemError("csrf", N_("another site can't sign you in"))
    if body.link is not None:
        signed = await at.access.sign_in_by_link(request, body.link)
    else:
        signed = await at.access.sign_in(request, body.login, body.password)
    async with at.reading() as conn:
        bearer = await sessions.by_session(conn, signed.secret, at.engine.clock.now())
    if bearer is None:
        raise ProblemError("sign_in_refused", N_("the account was disabled just now"))
    actor = Actor(bearer.login, bearer.name, bearer.role, bearer.lang, "console", bearer.key)
    response = answer(_me(at, actor), 201)
    at.access.remember(response, signed)
    return response


def _me(at: S, who: Actor) -> Me:
    token = at.access.csrf_token(who) if who.by_cookie else None
    return Me(who.person, who.name, who.role, who.lang, who.via, token)


@router.get("/session", summary="Who am I?", responses=documents(Me))
async def get_session(at: S, who: Viewer) -> Response:
    """Who is asking and what they may do."""
    return answer(_me(at, who))


@router.delete("/session", summary="Sign out", responses=documents(SignedOut))
async def sign_out(at: S, who: Viewer) -> Response:
    """End this session; a token goes on working until it is revoked."""
    response = answer(SignedOut(int(who.by_cookie)))
    if who.by_cookie:
        await at.access.sign_out(who, response)
    return response


@router.get("/sessions", summary="Where am I signed in?", responses=documents(SessionList))
async def list_sessions(at: S, who: Viewer) -> Response:
    """One's own sessions, the latest first."""
    async with at.reading() as conn:
        found = await sessions.of_account(conn, who.person, at.engine.clock.now())
    shown = [
        SessionView(s.made_at, s.seen_at, s.expires_at, s.address, s.agent, s.key == who.key)
        for s in found
    ]
    return answer(SessionList(shown))


@router.delete("/sessions", summary="Sign out everywhere", responses=documents(SignedOut))
async def sign_out_everywhere(at: S, who: Viewer) -> Response:
    """End all of one's own sessions, this one too."""
    response = answer(None)
    ended = await at.access.sign_out_everywhere(who, response)
    response.body = msgspec.json.encode(SignedOut(ended))
    response.headers["content-length"] = str(len(response.body))
    return response


class NewPassword(requests.Body):
    """The present password and the new one; the first password needs no present one."""

    old: requests.Secret = ""
    new: requests.Secret


@router.put("/password", summary="Change one's password", responses=documents(Me))
async def change_password(at: S, who: Viewer, request: Request, body: NewPassword) -> Response:
    """The other sessions end. Only with a session: a stolen token must not be able to."""
    if not who.by_cookie:
        raise ProblemError("forbidden", N_("a token can't change the password; sign in"))
    await at.access.change_password(request, who, body.old, body.new)
    return answer(_me(at, who))


# ── accounts ─────────────────────────────────────────────────────────────────────────────


class NewAccount(requests.Body):
    """An account; the name is the manual's where the login is a person of the manual."""

    login: Annotated[str, Field(max_length=63)]
    name: requests.OptionalLine = ""
    role: Role = "responder"
    lang: Literal["ko", "en"] | None = None


class AccountChange(requests.Body):
    """What is to be different; what is not given stays."""

    name: requests.Line | None = None
    role: Role | None = None
    lang: Literal["ko", "en"] | None = None
    disabled: StrictBool | None = None


@router.get("/accounts", summary="All accounts", responses=documents(AccountList))
async def list_accounts(at: S, who: Admin) -> Response:
    """Disabled ones included."""
    async with at.reading() as conn:
        return answer(AccountList(await store.list_accounts(conn)))


@router.post(
    "/accounts",
    status_code=201,
    summary="Make an account",
    responses=documents(Account, status=201),
)
async def create_account(at: S, who: Admin, body: NewAccount) -> Response:
    """It has no password yet: send its owner a sign-in link."""
    person = at.policy.manual.person(body.login)
    name = body.name or (person.name if person else "")
    async with at.pool.acquire() as conn:
        made = await store.create_account(
            conn, body.login, name=name, role=body.role, lang=body.lang, now=at.engine.clock.now()
        )
    return answer(made, 201)


@router.patch("/accounts/{login}", summary="Change an account", responses=documents(Account))
async def change_account(at: S, who: Admin, login: Login, body: AccountChange) -> Response:
    """A disabled account is shut out at once, with its sessions and tokens."""
    now = at.engine.clock.now()
    async with at.pool.acquire() as conn, conn.transaction():
        found = await store.change_account(conn, login, name=body.name, lang=body.lang)
        if body.role is not None:
            found = await store.set_role(conn, login, body.role)
        if body.disabled is not None:
            found = await store.set_disabled(conn, login, disabled=body.disabled, now=now)
    return answer(found)


@router.post(
    "/accounts/{login}/invite", status_code=201, summary="Make a one-time sign-in link",
    responses=documents(SignInLink, status=201),
)  # fmt: skip
async def invite(at: S, who: Admin, login: Login) -> Response:
    """Good for 24 hours and one sign-in; it works whatever the password is."""
    async with at.pool.acquire() as conn:
        token = await store.invite(conn, login, made_by=who.person, now=at.engine.clock.now())
    lasts = int(store.LINK_LASTS.total_seconds())
    return answer(SignInLink(f"{at.base_url}/sign-in/{token}", lasts), 201)


# ── tokens ───────────────────────────────────────────────────────────────────────────────


class TokenWish(requests.Body):
    """A token that acts as its account, with the account's role or a lesser one."""

    name: requests.Line
    role: Role | None = None
    expires_at: requests.Instant | None = None
    login: Annotated[str, Field(max_length=63)] | None = None
    """whose token it is; another account's needs the role admin"""


@router.get("/tokens", summary="API tokens", responses=documents(TokenList))
async def list_tokens(at: S, who: Viewer, *, all: bool = False) -> Response:  # noqa: A002  the parameter's name
    """One's own, or all of them (`all=true`, for admins)."""
    if all and not who.may("admin"):
        raise _only_admins(who)
    async with at.reading() as conn:
        return answer(TokenList(await store.list_tokens(conn, None if all else who.person)))


@router.post(
    "/tokens", status_code=201, summary="Issue an API token",
    responses=documents(NewToken, "The secret is shown this once.", 201),
)  # fmt: skip
async def issue_token(at: S, who: Viewer, body: TokenWish) -> Response:
    """It can't do more than whoever issues it."""
    login = body.login or who.person
    if login != who.person and not who.may("admin"):
        raise _only_admins(who)
    wanted = body.role or (who.role if login == who.person else None)
    if wanted is not None and not who.may(wanted):
        raise ProblemError("forbidden", N_("a token can't do more than you: {role}"), role=who.role)
    async with at.pool.acquire() as conn:
        secret, token = await store.issue_token(
            conn, login, name=body.name, role=wanted, made_by=who.person,
            now=at.engine.clock.now(), expires_at=body.expires_at,
        )  # fmt: skip
    return answer(NewToken(secret, token), 201)


@router.delete("/tokens/{token}", summary="Revoke an API token", responses=documents(Token))
async def revoke_token(at: S, who: Viewer, token: Id) -> Response:
    """One's own; admins may revoke any."""
    login = None if who.may("admin") else who.person
    async with at.pool.acquire() as conn:
        return answer(await store.revoke_token(conn, token, now=at.engine.clock.now(), login=login))


def _only_admins(who: Actor) -> ProblemError:
    text = N_("this needs the role {needed}; {name} is {role}")
    values = {"needed": "admin", "role": who.role}
    return ProblemError("forbidden", text, name=who.name, **values).adding(**values)
