"""What requests with an Idempotency-Key were answered, kept for a day, for all replicas."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

KEPT = timedelta(hours=24)

BEGIN = """
INSERT INTO idempotent_requests (actor, key, request, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (actor, key) DO NOTHING RETURNING true
"""
KNOWN = """
SELECT request, at, status, headers, body FROM idempotent_requests WHERE actor = $1 AND key = $2
"""
ANSWER = """
UPDATE idempotent_requests SET status = $3, headers = $4, body = $5 WHERE actor = $1 AND key = $2
"""


class Answer(NamedTuple):
    """What was answered the first time."""

    status: int
    headers: dict[str, str]
    body: bytes


class Unanswered(NamedTuple):
    """The same request is under way since then, or its process died."""

    since: datetime


Known = Answer | Unanswered | Literal["new", "another"]
"""``new``: go on and answer it; ``another``: the key was used for another request"""


async def begin(conn: PoolConnection, actor: str, key: str, request: bytes, now: datetime) -> Known:
    """Take a key, or say what is known of it; ``request`` is a hash of what is asked."""
    await conn.execute("DELETE FROM idempotent_requests WHERE at < $1", now - KEPT)
    if await conn.fetchval(BEGIN, actor, key, request, now):
        return "new"
    row = await conn.fetchrow(KNOWN, actor, key)
    if row is None or row["request"] != request:
        return "another"
    if row["status"] is None:
        return Unanswered(row["at"])
    pairs = row["headers"] or []
    return Answer(row["status"], dict(zip(pairs[::2], pairs[1::2], strict=True)), row["body"])


async def answer(conn: PoolConnection, actor: str, key: str, given: Answer) -> None:
    """Keep what was answered."""
    pairs = [text for pair in given.headers.items() for text in pair]
    await conn.execute(ANSWER, actor, key, given.status, pairs, given.body)


async def forget(conn: PoolConnection, actor: str, key: str) -> None:
    """Free a key whose request came to nothing."""
    await conn.execute("DELETE FROM idempotent_requests WHERE actor = $1 AND key = $2", actor, key)
