"""The signals themselves as they came, accepted or refused, for whoever wonders what was sent."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

Outcome = Literal["accepted", "partial", "refused"]
KEPT_BYTES = 8_192
"""of each signal; everything that Bongsu reads of an accepted one is in its alerts anyway"""
KEPT_REFUSED = 1_000
"""signals that were refused and are kept, the newest ones"""

RECENT = """
SELECT id, received_at, integration, format, outcome, size, refusals, raw FROM signals
WHERE ($1::text IS NULL OR outcome = $1) AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3"""

PRUNE = "DELETE FROM signals WHERE received_at < $1"

PRUNE_REFUSED = """
DELETE FROM signals WHERE outcome = 'refused' AND id <= (
    SELECT id FROM signals WHERE outcome = 'refused' ORDER BY id DESC OFFSET $1 LIMIT 1)"""


class Signal(msgspec.Struct, frozen=True, gc=False):
    """One inbound message and what became of it."""

    received_at: datetime
    integration: str | None
    """None: its key was unknown"""
    format: str
    raw: bytes
    outcome: Outcome = "accepted"
    refusals: str | None = None
    """JSON: a list of what was refused and why"""


class KeptSignal(msgspec.Struct, frozen=True):
    """A signal as it was kept: the first bytes, and the size of all."""

    id: int
    received_at: datetime
    integration: str | None
    format: str
    outcome: Outcome
    size: int
    refusals: str | None
    raw: bytes


async def recent(
    conn: PoolConnection,
    *,
    outcome: Outcome | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[KeptSignal]:
    """Return signals, newest first; ``before`` is the id below which a next page begins."""
    return [KeptSignal(*row) for row in await conn.fetch(RECENT, outcome, before, limit)]


async def prune_signals(conn: PoolConnection, before: datetime) -> None:
    """Forget signals received before a time, and all but the newest that were refused."""
    await conn.execute(PRUNE, before)
    await conn.execute(PRUNE_REFUSED, KEPT_REFUSED)
