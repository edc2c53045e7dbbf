"""Accounts and API tokens: who may do what, from the console, the API and the command line.

Whoever has the database may do all of this, so the functions ask for no permission; the API asks
before it calls them. Of every secret only the SHA-256 is kept: they are 256 random bits, which no
table of guesses covers.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    import asyncpg

    from bongsu.store.database import PoolConnection

Role = Literal["viewer", "responder", "commander", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""from the one who may least to the one who may most"""
TOKEN_PREFIX = "bgs_"  # noqa: S105  what secret scanners look for
FIRST_ADMIN = "admin"
LINK_LASTS = timedelta(hours=24)
_LOGIN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_NAME = 200
"""characters that a name may have"""


class AccessRefusedError(Exception):
    """An account or token can't be made or changed like this; ``show`` says why."""

    def __init__(self, code: str, text: str, **values: object) -> None:
        self.code, self.text, self.values = code, text, values
        super().__init__(self.show("en"))

    def show(self, lang: str) -> str:
        """Return why, for the person who asked."""
        return translator(lang)(self.text, **self.values)


class Account(msgspec.Struct, frozen=True):
    """Somebody who may sign in; never holds the password's hash."""

    login: str
    name: str
    role: Role
    lang: str | None
    has_password: bool
    disabled_at: datetime | None
    signed_in_at: datetime | None
    made_at: datetime


class Token(msgspec.Struct, frozen=True):
    """An API token without its secret."""

    id: int
    login: str
    name: str
    role: Role
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


def fingerprint(secret: str) -> bytes:
    """Return what is kept of a random secret."""
    return hashlib.sha256(secret.encode()).digest()


def is_login(text: str) -> bool:
    """Say whether an account could have this login."""
    return _LOGIN.fullmatch(text) is not None


def weaker(one: Role, other: Role) -> Role:
    """Return the role that may less."""
    return min(one, other, key=ROLES.index)


# ── accounts ─────────────────────────────────────────────────────────────────────────────

_ACCOUNT = "login, name, role, lang, password IS NOT NULL, disabled_at, signed_in_at, made_at"
CREATE = f"""
INSERT INTO accounts (login, name, role, lang, password, made_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (login) DO NOTHING RETURNING {_ACCOUNT}
"""  # noqa: S608  a constant
ONE = f"SELECT {_ACCOUNT} FROM accounts WHERE login = $1"  # noqa: S608  a constant
ALL = f"SELECT {_ACCOUNT} FROM accounts ORDER BY login"  # noqa: S608  a constant
CHANGE = f"""
UPDATE accounts SET name = COALESCE($2, name), lang = COALESCE($3, lang), role = COALESCE($4, role)
 WHERE login = $1 RETURNING {_ACCOUNT}
"""  # noqa: S608  a constant
DISABLE = f"UPDATE accounts SET disabled_at = $2 WHERE login = $1 RETURNING {_ACCOUNT}"  # noqa: S608  a constant
OTHER_ADMINS = """
SELECT login FROM accounts
 WHERE role = 'admin' AND disabled_at IS NULL ORDER BY login FOR UPDATE
"""


async def create_account(
    conn: PoolConnection,
    login: str,
    *,
    name: str = "",
    role: Role = "responder",
    lang: str | None = None,
    password: str | None = None,
    now: datetime,
) -> Account:
    """Make an account; ``password`` is its argon2 hash (`bongsu.web.access.passwords`).

    Raises:
        AccessRefusedError: the login is taken or is none, or the name is too long.
    """
    if not is_login(login):
        text = N_("{login} can't be a login; use lower-case letters, digits, '-', '_' and '.'")
        raise AccessRefusedError("bad_login", text, login=login[:80])
    shown = _checked_name(name or login)
    row = await conn.fetchrow(CREATE, login, shown, role, lang, password, now)
    if row is None:
        raise AccessRefusedError(
            "login_taken", N_("there is an account {login} already"), login=login
        )
    return _account(row)


async def account(conn: PoolConnection, login: str) -> Account:
    """Return one account.

    Raises:
        AccessRefusedError: there is none with this login.
    """
    return _found(await conn.fetchrow(ONE, login), login)


async def list_accounts(conn: PoolConnection) -> list[Account]:
    """Return every account, disabled ones included, by login."""
    return [_account(row) for row in await conn.fetch(ALL)]


async def change_account(
    conn: PoolConnection, login: str, *, name: str | None = None, lang: str | None = None
) -> Account:
    """Change a name or a language; None leaves what is there.

    Raises:
        AccessRefusedError: there is no such account, or the name is too long.
    """
    shown = None if name is None else _checked_name(name)
    return _found(await conn.fetchrow(CHANGE, login, shown, lang, None), login)


async def set_role(conn: PoolConnection, login: str, role: Role) -> Account:
    """Give an account another role; its tokens can't do more than that from now on.

    Raises:
        AccessRefusedError: there is no such account, or it is the last admin.
    """
    async with conn.transaction():
        if role != "admin":
            await _keep_an_admin(conn, login)
        return _found(await conn.fetchrow(CHANGE, login, None, None, role), login)


async def set_disabled(
    conn: PoolConnection, login: str, *, disabled: bool, now: datetime
) -> Account:
    """Shut an account out at once, with its sessions and tokens, or let it in again.

    Raises:
        AccessRefusedError: there is no such account, or it is the last admin.
    """
    async with conn.transaction():
        if disabled:
            await _keep_an_admin(conn, login)
            await conn.execute("DELETE FROM sessions WHERE login = $1", login)
            await conn.execute("DELETE FROM sign_in_links WHERE login = $1", login)
        return _found(await conn.fetchrow(DISABLE, login, now if disabled else None), login)


async def _keep_an_admin(conn: PoolConnection, login: str) -> None:
    """Hold all admins, so that two of them can't shut each other out at once."""
    admins = [row["login"] for row in await conn.fetch(OTHER_ADMINS)]
    if admins == [login]:
        text = N_("{login} is the last admin; make another one first")
        raise AccessRefusedError("last_admin", text, login=login)


def _checked_name(name: str) -> str:
    kept = " ".join(name.split())
    if not kept or len(kept) > _NAME or not kept.isprintable():
        text = N_("a name needs 1 to {count} printable characters")
        raise AccessRefusedError("bad_name", text, count=_NAME)
    return kept


def _found(row: asyncpg.Record | None, login: str) -> Account:
    if row is None:
        text = N_("there is no account {login}")
        raise AccessRefusedError("no_account", text, login=login[:80])
    return _account(row)


def _account(row: asyncpg.Record) -> Account:
    return Account(*row)


# ── one-time links ───────────────────────────────────────────────────────────────────────

LINK = """
INSERT INTO sign_in_links (key, login, made_by, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)
"""


async def invite(
    conn: PoolConnection,
    login: str,
    *,
    made_by: str,
    now: datetime,
    lasts: timedelta = LINK_LASTS,
) -> str:
    """Return the token of a new one-time sign-in link: ``{base_url}/sign-in/{token}``.

    Raises:
        AccessRefusedError: there is no such account, or it is disabled.
    """
    found = await account(conn, login)
    if found.disabled_at is not None:
        raise AccessRefusedError("disabled", N_("the account {login} is disabled"), login=login)
    token = secrets.token_urlsafe(32)
    await conn.execute(LINK, fingerprint(token), login, made_by, now, now + lasts)
    return token


NEVER_USED = "SELECT NOT EXISTS (SELECT FROM accounts WHERE signed_in_at IS NOT NULL)"
ANY_ADMIN = """
SELECT login FROM accounts WHERE role = 'admin' AND disabled_at IS NULL ORDER BY made_at LIMIT 1
"""


async def first_link(conn: PoolConnection, *, now: datetime) -> str | None:
    """Return a sign-in link's token for an admin, as long as nobody has ever signed in.

    Where there is no account at all, an admin's is made.
    """
    async with conn.transaction():
        await conn.execute("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE")
        if not await conn.fetchval(NEVER_USED):
            return None
        if not await conn.fetchval("SELECT EXISTS (SELECT FROM accounts)"):
            await create_account(conn, FIRST_ADMIN, role="admin", now=now)
        login = await conn.fetchval(ANY_ADMIN)
        return await invite(conn, login, made_by="bongsu", now=now) if login else None


# ── API tokens ───────────────────────────────────────────────────────────────────────────

_TOKEN = "id, login, name, role, made_by, made_at, expires_at, used_at, revoked_at"  # noqa: S105  columns
ISSUE = f"""
INSERT INTO api_tokens (key, login, name, role, made_by, made_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_TOKEN}
"""  # noqa: S608  a constant
TOKENS = f"""
SELECT {_TOKEN} FROM api_tokens WHERE $1::text IS NULL OR login = $1 ORDER BY id
"""  # noqa: S608  a constant
REVOKE = f"""
UPDATE api_tokens SET revoked_at = $3
 WHERE id = $1 AND ($2::text IS NULL OR login = $2) AND revoked_at IS NULL RETURNING {_TOKEN}
"""  # noqa: S608  a constant


async def issue_token(
    conn: PoolConnection,
    login: str,
    *,
    name: str,
    role: Role | None = None,
    made_by: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[str, Token]:
    """Return a new token's secret (``bgs_…``, shown this once) and what is kept of it.

    It acts as its account; ``role`` is the account's where it is not given.

    Raises:
        AccessRefusedError: there is no such account, it is disabled, it may less than ``role``, or
            the token would have expired already.
    """
    owner = await account(conn, login)
    _may_issue(owner, role or owner.role, expires_at, now)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = await conn.fetchrow(
        ISSUE, fingerprint(secret), login, _checked_name(name), role or owner.role, made_by, now,
        expires_at,
    )  # fmt: skip
    return secret, _token(row)


def _may_issue(owner: Account, role: Role, expires_at: datetime | None, now: datetime) -> None:
    if owner.disabled_at is not None:
        text = N_("the account {login} is disabled")
        raise AccessRefusedError("disabled", text, login=owner.login)
    if weaker(role, owner.role) != role:
        text = N_("the account {login} is only {role}; its tokens can't do more")
        raise AccessRefusedError("role_too_high", text, login=owner.login, role=owner.role)
    if expires_at is not None and expires_at <= now:
        raise AccessRefusedError("expired", N_("the token would have expired already"))


async def list_tokens(conn: PoolConnection, login: str | None = None) -> list[Token]:
    """Return the tokens of an account, or of all, revoked ones included."""
    return [_token(row) for row in await conn.fetch(TOKENS, login)]


async def revoke_token(
    conn: PoolConnection, token_id: int, *, now: datetime, login: str | None = None
) -> Token:
    """Revoke a token for ever; with ``login`` only one of that account.

    Raises:
        AccessRefusedError: there is no such token, or it is revoked already.
    """
    row = await conn.fetchrow(REVOKE, token_id, login, now)
    if row is None:
        text = N_("there is no token {id} in force")
        raise AccessRefusedError("no_token", text, id=token_id)
    return _token(row)


def _token(row: asyncpg.Record | None) -> Token:
    assert row is not None, "RETURNING gives a row"
    return Token(*row)
