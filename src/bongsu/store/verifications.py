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

# A run that is under way has a row without an outcome; one that a dead process left begins anew.
BEGIN = """
INSERT INTO verifications (incident, due, checked, why, numbers, output, took, taken_at)
SELECT $1, $2, wanted.checked, '', '{}', '', 0, $4 FROM unnest($3::text[]) AS wanted(checked)
ON CONFLICT (incident, due, checked) DO UPDATE SET output = ''
 WHERE verifications.outcome IS NULL RETURNING checked, id
"""
WRITE_OUTPUT = "UPDATE verifications SET output = $2 WHERE id = $1 AND outcome IS NULL"
LEAVE = "DELETE FROM verifications WHERE incident = $1 AND due = $2 AND outcome IS NULL"
PRINTING = """
SELECT DISTINCT ON (checked) checked, output FROM verifications
 WHERE incident = $1 AND outcome IS NULL ORDER BY checked, id DESC
"""
ADD = """
INSERT INTO verifications
    (incident, due, checked, outcome, why, numbers, output, took, taken_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (incident, due, checked) DO UPDATE
   SET outcome = excluded.outcome, why = excluded.why, numbers = excluded.numbers,
       output = excluded.output, took = excluded.took, taken_at = excluded.taken_at
 WHERE verifications.outcome IS NULL RETURNING true
"""
THIN_OUT = """
DELETE FROM verifications WHERE incident = $1 AND checked = $2 AND id IN (
    SELECT id FROM verifications WHERE incident = $1 AND checked = $2 ORDER BY id DESC OFFSET $3)
"""
_COLUMNS = "id, due, checked, outcome, why, numbers, output, took, taken_at"
ANSWERED = """
SELECT checked FROM verifications WHERE incident = $1 AND due = $2 AND outcome IS NOT NULL
"""
LATEST = f"""
SELECT DISTINCT ON (checked) {_COLUMNS} FROM verifications
 WHERE incident = $1 AND outcome IS NOT NULL ORDER BY checked, id DESC
"""  # noqa: S608  a constant
OF_CHECK = f"""
SELECT {_COLUMNS} FROM verifications
 WHERE incident = $1 AND checked = $2 AND outcome IS NOT NULL ORDER BY id DESC LIMIT $3
"""  # noqa: S608  a constant
LIST = f"""
SELECT {_COLUMNS} FROM verifications
 WHERE incident = $1 AND outcome IS NOT NULL AND ($2::bigint IS NULL OR id < $2)
 ORDER BY id DESC LIMIT $3
"""  # noqa: S608  a constant

# Alerts are as severe as their incident: as they were routed, and as people changed it since.
# The times are those of its log, by which it is decided, too. One that was dismissed, or goes on in
# another, is not told any more when its alerts stop; that they began counts all the same.
QUIET = """
SELECT max(CASE WHEN fires.now > 0 THEN $3 ELSE told.last END) AS last,
       coalesce(sum(greatest(fires.now, told.added)), 0)::bigint AS count
  FROM incidents
 CROSS JOIN LATERAL (
    SELECT CASE WHEN incidents.phase = 'dismissed' THEN 0 ELSE incidents.firing END AS now) AS fires
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
    """One run of one check, from its beginning to its end."""

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


async def begin(
    conn: PoolConnection, incident: int, due: int, checks: Sequence[str], at: datetime
) -> dict[str, int]:
    """Make a row for each check that is about to be run; returns their ids, by check."""
    found = await conn.fetch(BEGIN, incident, due, list(checks), at)
    return {row["checked"]: row["id"] for row in found}


async def write_output(conn: PoolConnection, run: int, text: str) -> None:
    """Keep what a run has printed so far; the caller has masked and bounded it."""
    await conn.execute(WRITE_OUTPUT, run, _storable(text))


async def leave(conn: PoolConnection, incident: int, due: int) -> None:
    """Forget what was begun for this event and came to nothing."""
    await conn.execute(LEAVE, incident, due)


async def printing(conn: PoolConnection, incident: int) -> dict[str, str]:
    """Return what runs that are under way have printed so far, by check."""
    return {row["checked"]: row["output"] for row in await conn.fetch(PRINTING, incident)}


async def add(conn: PoolConnection, incident: int, row: VerificationRow) -> bool:
    """Keep what came of a run (its ``id`` is given here); False where that is kept already."""
    kept = await conn.fetchval(
        ADD, incident, row.due, row.check, row.outcome, _encode(row.why).decode(),
        _encode(row.numbers).decode(), _storable(row.output), row.took, row.taken_at,
    )  # fmt: skip
    await conn.execute(THIN_OUT, incident, row.check, MOST_RUNS)
    return bool(kept)


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")


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
