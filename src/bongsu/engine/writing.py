"""What one transaction writes, in one statement: every further round trip would delay the page."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import structlog

from bongsu.engine import effects, jobs
from bongsu.incident.run_events import RunAsked, RunEnded
from bongsu.store import incidents, runs

if TYPE_CHECKING:
    from datetime import datetime

    from bongsu.engine.advance import Step
    from bongsu.store.database import PoolConnection

CHANNEL = "bongsu_incident"
"""NOTIFY channel that tells every reader which incident has changed"""
URGENT = frozenset({"P0", "P1"})
NOTIFY_AT_MOST = 50
"""incidents of one transaction that are named one by one"""

log = structlog.get_logger(__name__)


def _moved(statement: str, by: int) -> str:
    """Number a statement's arguments from ``by + 1``."""
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", statement)


def _one_statement(*parts: str) -> str:
    """Make one statement of several that change tables; their arguments follow one another."""
    made: list[str] = []
    taken = 0
    for number, part in enumerate(parts):
        made.append(f"part{number} AS ({_moved(part, taken)})")
        taken += max(int(place) for place in re.findall(r"\$(\d+)", part))
    told = f"SELECT pg_notify('{CHANNEL}', name) FROM unnest(${taken + 1}::text[]) AS name"  # noqa: S608
    return f"WITH {', '.join(made)} {told}"


WRITE = _one_statement(incidents.SAVE, incidents.APPEND, effects.INSERT)


async def write(
    conn: PoolConnection,
    steps: Sequence[Step],
    asked: Sequence[effects.Asked],
    woken: Sequence[effects.Asked] = (),
    *,
    own: Collection[effects.Effect],
) -> None:
    """Save incidents with their events, effects and jobs, and tell who watches.

    ``woken`` are effects of others that can be done from now on; ``own`` are those that this
    process begins itself.
    """
    if not steps:
        return
    written = [(step.incident, step.events, step.look_at) for step in steps]
    await conn.execute(
        WRITE,
        *await incidents.columns(conn, written),
        [one.effect.incident for one in asked],
        [one.effect.seq for one in asked],
        _changed(steps),
    )
    if to_do := [*asked, *woken]:
        urgent = {int(s.incident.id) for s in steps if s.incident.severity in URGENT}
        await jobs.defer(conn, to_do, own=own, urgent=urgent)
    if new := _asked(steps):
        await runs.ask(conn, new)
    if ended := _ended(steps):
        await runs.end(conn, ended)
    for step in steps:
        if step.trouble is not None and step.look_at is not None:
            name = int(step.incident.id)
            log.error("incident.undecided", incident=name, error=step.trouble)
            await incidents.put_off(conn, name, step.look_at, step.trouble)


async def rehearse(conn: PoolConnection) -> None:
    """Let a connection learn the statements of `write`; nothing is written."""
    arguments = len(set(re.findall(r"\$\d+", WRITE)))
    await conn.execute(WRITE, *[[] for _ in range(arguments)])
    await conn.fetch(incidents.LAST_HASHES, [])
    await jobs.defer(conn, [])


def _asked(steps: Sequence[Step]) -> list[runs.RunRow]:
    return [
        row_of(int(step.incident.id), event.body, event.actor, event.at)
        for step in steps
        for event in step.events
        if isinstance(event.body, RunAsked)
    ]


def row_of(incident: int, asked: RunAsked, by: str, at: datetime) -> runs.RunRow:
    """Return what a list shows of a run that is asked for; a dry run holds no lock."""
    lock = None if asked.dry else asked.lock
    return runs.RunRow(
        incident, asked.run, asked.playbook, lock, asked.automatic, asked.dry, by, at
    )


def _ended(steps: Sequence[Step]) -> list[runs.Ended]:
    """The runs whose locks are free with this transaction."""
    return [
        runs.Ended(
            int(step.incident.id), event.body.run, _ended_at(step, event.body.run) or event.at,
            event.body.outcome,
        )
        for step in steps
        for event in step.events
        if isinstance(event.body, RunEnded)
    ]  # fmt: skip


def _ended_at(step: Step, name: str) -> datetime | None:
    """One whose being taken back was called off has ended before this transaction."""
    run = step.incident.runs.get(name)
    return run.ended_at if run else None


def _changed(steps: Sequence[Step]) -> list[str]:
    """The names that readers are told; of a storm only that there is one."""
    changed = [step.incident.id for step in steps if step.events]
    return changed if len(changed) <= NOTIFY_AT_MOST else ["*"]
