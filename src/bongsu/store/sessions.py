"""Who is signed in, and what a cookie or a token stands for."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from bongsu.store.access import Role, fingerprint, weaker

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

SESSION_LASTS = timedelta(days=30)
"""since it was last used"""
SEEN_EVERY = timedelta(hours=1)
"""how exactly it is known when a session was last used"""
USED_EVERY = timedelta(minutes=1)
"""how exactly it is known when a token was last used"""
_AGENT = 300


class Bearer(msgspec.Struct, frozen=True):
    """Whoever holds a valid cookie or token."""

    login: str
    name: str
    role: Role
    lang: str | None
    key: bytes
    """what is kept of the secret"""
    token: str = ""
    """the API token's name; empty for a session"""


class Session(msgspec.Struct, frozen=True):
    """One browser that is signed in."""

    key: bytes
    made_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


OPEN = """
INSERT INTO sessions (key, login, made_at, seen_at, expires_at, address, agent)
VALUES ($1, $2, $3, $3, $4, $5, $6)
"""
BY_SESSION = """
SELECT login, name, role, lang, seen_at FROM sessions JOIN accounts USING (login)
 WHERE key = $1 AND expires_at > $2 AND disabled_at IS NULL
"""
SEEN = "UPDATE sessions SET seen_at = $2, expires_at = $3 WHERE key = $1"
BY_TOKEN = """
SELECT t.login, a.name, t.role, a.role AS account_role, a.lang, t.name AS token, t.used_at
  FROM api_tokens t JOIN accounts a USING (login)
 WHERE key = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
   AND disabled_at IS NULL
"""  # noqa: S105  a query
USED = "UPDATE api_tokens SET used_at = $2 WHERE key = $1"


async def open_session(
    conn: PoolConnection, login: str, *, address: str, agent: str, now: datetime
) -> str:
    """Sign somebody in; returns the cookie's value. Sessions that ran out are swept on the way."""
    secret = secrets.token_urlsafe(32)
    await conn.execute("DELETE FROM sessions WHERE expires_at <= $1", now)
    await conn.execute(
        OPEN, fingerprint(secret), login, now, now + SESSION_LASTS, address[:_AGENT], agent[:_AGENT]
    )
    await conn.execute("UPDATE accounts SET signed_in_at = $2 WHERE login = $1", login, now)
    return secret


async def by_session(conn: PoolConnection, secret: str, now: datetime) -> Bearer | None:
    """Return whose cookie this is, and keep the session alive; None where it is not valid."""
    key = fingerprint(secret)
    row = await conn.fetchrow(BY_SESSION, key, now)
    if row is None:
        return None
    if now - row["seen_at"] > SEEN_EVERY:
        await conn.execute(SEEN, key, now, now + SESSION_LASTS)
    return Bearer(row["login"], row["name"], row["role"], row["lang"], key)


async def by_token(conn: PoolConnection, secret: str, now: datetime) -> Bearer | None:
    """Return whose token this is, with the role that both the token and its account have."""
    key = fingerprint(secret)
    row = await conn.fetchrow(BY_TOKEN, key, now)
    if row is None:
        return None
    if row["used_at"] is None or now - row["used_at"] > USED_EVERY:
        await conn.execute(USED, key, now)
    role = weaker(row["role"], row["account_role"])
    return Bearer(row["login"], row["name"], role, row["lang"], key, row["token"])


async def of_account(conn: PoolConnection, login: str, now: datetime) -> list[Session]:
    """Return where somebody is signed in, the latest first."""
    rows = await conn.fetch(
        """SELECT key, made_at, seen_at, expires_at, address, agent FROM sessions
            WHERE login = $1 AND expires_at > $2 ORDER BY seen_at DESC""",
        login, now,
    )  # fmt: skip
    return [Session(*row) for row in rows]


async def close(conn: PoolConnection, key: bytes) -> None:
    """Sign one browser out."""
    await conn.execute("DELETE FROM sessions WHERE key = $1", key)


async def close_all(conn: PoolConnection, login: str, *, but: bytes | None = None) -> int:
    """Sign somebody out everywhere, or everywhere ``but`` here; returns how many sessions ended."""
    ended = await conn.fetch(
        "DELETE FROM sessions WHERE login = $1 AND key IS DISTINCT FROM $2 RETURNING key",
        login,
        but,
    )
    return len(ended)


# ── signing in ───────────────────────────────────────────────────────────────────────────

COUNT = """
INSERT INTO sign_in_attempts AS known (key, count, since) VALUES ($1, 1, $2)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN known.since <= $3 THEN 1 ELSE known.count + 1 END,
    since = CASE WHEN known.since <= $3 THEN $2 ELSE known.since END
RETURNING count, since
"""
USE_LINK = """
UPDATE sign_in_links SET used_at = $2
  FROM accounts
 WHERE key = $1 AND used_at IS NULL AND expires_at > $2
   AND accounts.login = sign_in_links.login AND disabled_at IS NULL
RETURNING sign_in_links.login
"""
LINK = """
SELECT login, name FROM sign_in_links JOIN accounts USING (login)
 WHERE key = $1 AND used_at IS NULL AND expires_at > $2 AND disabled_at IS NULL
"""


async def count_attempt(
    conn: PoolConnection, key: str, now: datetime, window: timedelta
) -> tuple[int, datetime]:
    """Count one more attempt; returns how many there were since when, this one included.

    It is counted before the password is looked at, so that many at once can't slip through.
    """
    row = await conn.fetchrow(COUNT, key, now, now - window)
    assert row is not None, "RETURNING gives a row"
    return row["count"], row["since"]


async def forget_attempts(conn: PoolConnection, keys: list[str], before: datetime) -> None:
    """Forget these counts, and those that are of no effect any more."""
    await conn.execute(
        "DELETE FROM sign_in_attempts WHERE key = ANY($1::text[]) OR since <= $2", keys, before
    )


async def password_of(conn: PoolConnection, login: str) -> str | None:
    """Return the hash to verify against; None where there is none or the account is disabled."""
    found: str | None = await conn.fetchval(
        "SELECT password FROM accounts WHERE login = $1 AND disabled_at IS NULL", login
    )
    return found


async def set_password(conn: PoolConnection, login: str, password: str) -> None:
    """Keep a new hash."""
    await conn.execute("UPDATE accounts SET password = $2 WHERE login = $1", login, password)


async def link_owner(conn: PoolConnection, token: str, now: datetime) -> tuple[str, str] | None:
    """Return the login and the name that a one-time link stands for, without using it up."""
    row = await conn.fetchrow(LINK, fingerprint(token), now)
    return (row["login"], row["name"]) if row else None


async def use_link(conn: PoolConnection, token: str, now: datetime) -> str | None:
    """Use a one-time link up; returns its login, None where it is used, expired or unknown."""
    await conn.execute("DELETE FROM sign_in_links WHERE expires_at <= $1", now - timedelta(days=30))
    login: str | None = await conn.fetchval(USE_LINK, fingerprint(token), now)
    return login
