"""Runs of playbooks: their locks, how often one ran by itself, and what their steps printed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import msgspec

from bongsu.incident.events import decode_body
from bongsu.incident.runs.state import Run, RunEvent, applied

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

LARGEST_OUTPUT = 256 * 1024
"""characters of one step's output that are kept"""

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('playbook ' || $1))"
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('lock ' || $1))"
_OFTEN = """
SELECT count(*) FROM runs WHERE playbook = $1 AND automatic AND NOT dry AND began_at > $2
"""
_ASK = """
INSERT INTO runs (incident, run, playbook, lock, automatic, dry, asked_by, asked_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::boolean[],
                     $6::boolean[], $7::text[], $8::timestamptz[])
ON CONFLICT DO NOTHING
"""
# A run that was asked for before its row was written then has none yet.
_BEGIN = """
INSERT INTO runs (incident, run, playbook, lock, automatic, dry, asked_by, asked_at, began_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (incident, run) DO UPDATE
   SET began_at = COALESCE(runs.began_at, excluded.began_at), ended_at = NULL, outcome = NULL
"""
_HOLDER = """
SELECT incident, run FROM runs WHERE lock = $1 AND began_at IS NOT NULL AND ended_at IS NULL
"""
_END = """
UPDATE runs SET ended_at = ended.at, outcome = ended.outcome
  FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[])
       AS ended(incident, run, at, outcome)
 WHERE runs.incident = ended.incident AND runs.run = ended.run
"""
_WRITE_OUTPUT = "UPDATE step_outputs SET body = $2 WHERE id = $1"
_COLUMNS = "id, incident, run, step, direction, attempt, began_at"
_OUTPUTS = f"""
SELECT {_COLUMNS}, body FROM step_outputs
 WHERE incident = $1 AND run = $2 AND ($3::int IS NULL OR step = $3) ORDER BY id
"""  # noqa: S608  a constant
_HISTORY = """
SELECT incident, run, playbook, lock, automatic, dry, asked_by, asked_at, began_at, ended_at,
       outcome
  FROM runs
 WHERE ($1::text IS NULL OR playbook = $1)
   AND ($2::bigint IS NULL OR incident = $2)
   AND ($3::text IS NULL OR outcome = $3)
   AND ($4::timestamptz IS NULL OR (asked_at, incident, run) < ($4, $5::bigint, $6::text))
 ORDER BY asked_at DESC, incident DESC, run DESC LIMIT $7
"""
_EVENTS = """
SELECT at, actor, body FROM events WHERE incident = $1 AND body ->> 'run' = $2 ORDER BY seq
"""


class RunRow(msgspec.Struct, frozen=True):
    """A run as a list shows it."""

    incident: int
    run: str
    playbook: str
    lock: str | None
    """what it holds from its beginning to its end"""
    automatic: bool
    dry: bool
    asked_by: str
    asked_at: datetime
    began_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None


class RunsWanted(NamedTuple):
    """What is asked of the history; None asks for nothing in particular."""

    playbook: str | None = None
    incident: int | None = None
    outcome: str | None = None


class RunPlace(NamedTuple):
    """Where the history goes on."""

    asked_at: datetime
    incident: int
    run: str


class Ended(NamedTuple):
    """A run that is over."""

    incident: int
    run: str
    at: datetime
    outcome: str


class StepOutput(msgspec.Struct, frozen=True):
    """What one attempt at a step printed: bounded and masked."""

    id: int
    incident: int
    run: str
    step: int
    direction: str
    attempt: int
    began_at: datetime
    body: str


async def former(conn: PoolConnection, incident: int, run: str) -> Run | None:
    """Return a run that the incident's state keeps no more; None: there never was one."""
    runs: dict[str, Run] = {}
    for at, actor, text in await conn.fetch(_EVENTS, incident, run):
        body = decode_body(text)
        if isinstance(body, RunEvent):
            runs = applied(runs, body, actor, at)
    return runs.get(run)


async def ran_by_itself(conn: PoolConnection, playbook: str, since: datetime) -> int:
    """Count the automatic runs of a playbook; until the transaction ends nobody else counts."""
    await conn.execute(_ONE_AT_A_TIME, playbook)
    found: int = await conn.fetchval(_OFTEN, playbook, since)
    return found


async def ask(conn: PoolConnection, rows: Sequence[RunRow]) -> None:
    """Write that runs were asked for."""
    told = [msgspec.structs.astuple(row)[:8] for row in rows]
    await conn.execute(_ASK, *zip(*told, strict=True))


async def alone(conn: PoolConnection, lock: str) -> None:
    """Let nobody else take a lock, free it or wait for it until the transaction ends."""
    await conn.execute(_ALONE, lock)


async def begin(conn: PoolConnection, row: RunRow) -> tuple[int, str] | None:
    """Write that a run has begun and holds its lock.

    Returns None, or the incident and run that hold the lock; then nothing is written.
    """
    if row.lock is not None:
        await alone(conn, row.lock)
    try:
        async with conn.transaction():
            await conn.execute(
                _BEGIN, row.incident, row.run, row.playbook, row.lock, row.automatic, row.dry,
                row.asked_by, row.asked_at, row.began_at,
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        holder = await conn.fetchrow(_HOLDER, row.lock)
        return (holder["incident"], holder["run"]) if holder else (0, "")
    return None


async def end(conn: PoolConnection, ended: Sequence[Ended]) -> None:
    """Write that runs are over: their locks are free with the commit."""
    await conn.execute(_END, *zip(*ended, strict=True))


async def write_output(conn: PoolConnection, output: int, body: str) -> None:
    """Keep what a step has printed so far; the caller has masked and bounded it."""
    await conn.execute(_WRITE_OUTPUT, output, body[:LARGEST_OUTPUT].replace("\0", "\ufffd"))


async def outputs(
    conn: PoolConnection, incident: int, run: str, step: int | None = None
) -> list[StepOutput]:
    """Return what a run's steps, or one of them, printed, oldest first."""
    return [StepOutput(*row) for row in await conn.fetch(_OUTPUTS, incident, run, step)]


async def history(
    conn: PoolConnection, wanted: RunsWanted, after: RunPlace | None, limit: int
) -> list[RunRow]:
    """Return runs of all incidents, the newest first."""
    place = after or (None,) * 3
    return [RunRow(*row) for row in await conn.fetch(_HISTORY, *wanted, *place, limit)]
