"""The beginning of a run: how often it has run by itself, and its lock.

A run that finds its lock taken waits in the database. Whoever ends the run that holds it finds
those that wait in the same transaction, and has them try again with its commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from bongsu.engine import effects, step_effects
from bongsu.engine.advance import Step, advance
from bongsu.engine.effects import Asked, Effect
from bongsu.engine.policy import Policy
from bongsu.engine.writing import row_of
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.runs.state import Run
from bongsu.manual.schema.base import format_duration
from bongsu.store import incidents, runs

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

LOCK_AT_MOST = timedelta(minutes=30)
"""how long a run waits for its lock"""


async def started(
    conn: PoolConnection, policy: Policy, now: datetime, *, effect: Effect, name: str
) -> Sequence[Step]:
    """Let the run ``name`` begin, wait for its lock, or say why it may not.

    Returns what to write.
    """
    incident = (await incidents.lock(conn, [effect.incident]))[effect.incident]
    run = incident.runs.get(name)
    if not await step_effects.is_open(conn, effect):
        return []
    if run is None or run.phase not in ("asked", "undo_asked"):
        await effects.done(conn, effect)
        return []
    body = await _begun(conn, policy, run, effect, now)
    return [advance(policy, incident, e.SYSTEM, [body], now)] if body is not None else []


async def _begun(
    conn: PoolConnection, policy: Policy, run: Run, effect: Effect, now: datetime
) -> e.AnyBody | None:
    refused = await _too_often(conn, policy, run, now)
    holder = None if refused else await runs.begin(conn, _row(effect.incident, run, now))
    lock, until = run.asked.lock or "", (run.wanted_at or run.asked_at) + LOCK_AT_MOST
    if holder is not None and now < until:
        await step_effects.wait_for(conn, effect, lock)
        values = {"lock": lock, "run": holder[1], "incident": str(holder[0])}
        waits = r.RunWaits(run.id, until, e.Reason("lock_taken", values))
        return waits if run.waits_until is None else None
    await effects.done(conn, effect)
    if holder is not None:
        refused = e.Reason("lock_lost", {"lock": lock})
    return r.RunStarted(run.id) if refused is None else r.StartRefused(run.id, refused)


async def _too_often(
    conn: PoolConnection, policy: Policy, run: Run, now: datetime
) -> e.Reason | None:
    """Why a playbook may not run by itself once more, across all incidents."""
    known = policy.manual.playbooks.get(run.asked.playbook)
    automatic = known.automatic if known else None
    if not run.asked.automatic or automatic is None or run.phase == "undo_asked":
        return None
    times = await runs.ran_by_itself(conn, run.asked.playbook, now - automatic.per)
    if times < automatic.at_most:
        return None
    values = {"times": str(times), "per": format_duration(automatic.per)}
    return e.Reason("automation_bound", values)


def _row(incident: int, run: Run, now: datetime) -> runs.RunRow:
    return msgspec.structs.replace(row_of(incident, run.asked, run.by, run.asked_at), began_at=now)


async def freed(conn: PoolConnection, steps: Sequence[Step]) -> list[Asked]:
    """Return the runs that wait for a lock which is free with this transaction.

    Until its end nobody else may begin to wait for one of these locks, and be overlooked.
    """
    ended = [
        step.incident.runs[event.body.run]
        for step in steps
        for event in step.events
        if isinstance(event.body, r.RunEnded) and event.body.run in step.incident.runs
    ]
    locks = sorted({run.asked.lock for run in ended if run.asked.lock and not run.asked.dry})
    if not locks:
        return []
    for lock in locks:
        await runs.alone(conn, lock)
    return await step_effects.woken(conn, locks)
