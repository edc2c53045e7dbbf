"""What came of each check of a recovery, with what the test printed; and how quiet alerts are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from bongsu.incident.body import Reason
from bongsu.incident.verification_events import Outcome

if TYPE_CHECKING:
    import asyncpg

    from bongsu.store.database import PoolConnection

MOST_RUNS = 50
"""runs of one check that are kept of an incident"""

ADD = """
INSERT INTO verifications
    (incident, due, checked, outcome, why, numbers, output, took, taken_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (incident, due, checked) DO NOTHING RETURNING true
"""
THIN_OUT = """
DELETE FROM verifications WHERE incident = $1 AND checked = $2 AND id IN (
    SELECT id FROM verifications WHERE incident = $1 AND checked = $2 ORDER BY id DESC OFFSET $3)
"""
_COLUMNS = "id, due, checked, outcome, why, numbers, output, took, taken_at"
ANSWERED = "SELECT checked FROM verifications WHERE incident = $1 AND due = $2"
LATEST = f"""
SELECT DISTINCT ON (checked) {_COLUMNS} FROM verifications WHERE incident = $1
 ORDER BY checked, id DESC
"""  # noqa: S608  a constant
OF_CHECK = f"""
SELECT {_COLUMNS} FROM verifications WHERE incident = $1 AND checked = $2 ORDER BY id DESC LIMIT $3
"""  # noqa: S608  a constant
LIST = f"""
SELECT {_COLUMNS} FROM verifications
 WHERE incident = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
"""  # noqa: S608  a constant

# Alerts are as severe as their incident: as they were routed, and as people changed it since.
# The times are those of its log, by which it is decided, too.
QUIET = """
SELECT max(CASE WHEN incidents.firing > 0 THEN $3 ELSE told.last END) AS last,
       coalesce(sum(greatest(incidents.firing, told.added)), 0)::bigint AS count
  FROM incidents
 CROSS JOIN LATERAL (
    SELECT max(events.at) AS last,
           sum((events.body::json ->> 'added')::bigint) FILTER (WHERE events.at > $4) AS added
      FROM events WHERE events.incident = incidents.id
       AND events.kind IN ('alerts_added', 'alerts_resolved')) AS told
 WHERE incidents.severity = ANY ($1::text[]) AND NOT incidents.drill
   AND (incidents.ended_at IS NULL OR incidents.ended_at > $2)
"""
LOOK_BACK = timedelta(hours=1)


class VerificationRow(msgspec.Struct, frozen=True):
    """One run of one check."""

    id: int
    due: int
    check: str
    outcome: Outcome
    why: Reason
    numbers: dict[str, float]
    output: str
    took: float
    """seconds"""
    taken_at: datetime


_encode = msgspec.json.encode
_reason = msgspec.json.Decoder(Reason).decode
_numbers = msgspec.json.Decoder(dict[str, float]).decode


async def add(conn: PoolConnection, incident: int, row: VerificationRow) -> bool:
    """Keep a run of a check (its ``id`` is given here); False where that is kept already."""
    kept = await conn.fetchval(
        ADD, incident, row.due, row.check, row.outcome, _encode(row.why).decode(),
        _encode(row.numbers).decode(), row.output.replace("\0", "\ufffd"), row.took, row.taken_at,
    )  # fmt: skip
    await conn.execute(THIN_OUT, incident, row.check, MOST_RUNS)
    return bool(kept)


async def answered(conn: PoolConnection, incident: int, due: int) -> set[str]:
    """Return the checks that have a result for this event already."""
    return {row["checked"] for row in await conn.fetch(ANSWERED, incident, due)}


async def latest(conn: PoolConnection, incident: int) -> dict[str, VerificationRow]:
    """Return the latest run of each check of an incident."""
    return {row.check: row for row in map(_row, await conn.fetch(LATEST, incident))}


async def rows(
    conn: PoolConnection, incident: int, before: int | None = None, limit: int = 50
) -> list[VerificationRow]:
    """Return an incident's runs of checks, the newest first."""
    return [_row(row) for row in await conn.fetch(LIST, incident, before, limit)]


async def of_check(
    conn: PoolConnection, incident: int, check: str, limit: int
) -> list[VerificationRow]:
    """Return the latest runs of one check, the newest first."""
    return [_row(row) for row in await conn.fetch(OF_CHECK, incident, check, limit)]


def _row(row: asyncpg.Record) -> VerificationRow:
    return VerificationRow(
        row["id"], row["due"], row["checked"], row["outcome"], _reason(row["why"]),
        _numbers(row["numbers"]), row["output"], row["took"], row["taken_at"],
    )  # fmt: skip


async def quiet(
    conn: PoolConnection, severities: Sequence[str], asked: timedelta,
    now: datetime,
) -> tuple[timedelta, int]:  # fmt: skip
    """Return how long no alert of these severities has fired, and how many fired in the time.

    It is looked back for twice as long as is ``asked`` for, at least an hour: more is never said.
    """
    most = max(2 * asked, LOOK_BACK)
    row = await conn.fetchrow(QUIET, list(severities), now - most, now, now - asked)
    last = row["last"] if row is not None else None
    silence = most if last is None else min(max(now - last, timedelta()), most)
    return silence, row["count"] if row is not None else 0
