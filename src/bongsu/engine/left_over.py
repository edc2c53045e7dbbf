"""What nobody has done: queued again if its job was lost, and told of if its runner isn't there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bongsu.engine import effects, jobs, step_effects
from bongsu.engine.advance import Step, advance
from bongsu.engine.claims import LEASE
from bongsu.engine.effects import Asked, Start, StepWork
from bongsu.engine.engine import Engine
from bongsu.engine.policy import Policy
from bongsu.i18n import N_
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.case import Case
from bongsu.incident.runs import calling
from bongsu.incident.runs.state import WHOLE, Run
from bongsu.incident.runs.steps import step_of
from bongsu.manual.schema.base import format_duration
from bongsu.store import incidents

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

BATCH = 200
TOLD_AFTER = timedelta(seconds=30)
"""after which people are called, because no worker of the runner's name takes a step"""
REFUSED_AFTER = timedelta(minutes=5)
"""after which such a step is refused, unless its own time is longer"""
NOT_TAKEN = N_("no worker --runner {runner} took it within {wait}")
NOT_BACK = N_("whoever ran it is gone, and no worker --runner {runner} came within {wait}")
QUEUED = "SELECT payload FROM jobs.pgqueuer WHERE payload = ANY($1::bytea[])"
FORGET = "DELETE FROM jobs.pgqueuer WHERE entrypoint = $1 AND payload = $2 AND status = 'queued'"

log = structlog.get_logger(__name__)


async def look_after(engine: Engine) -> None:
    """Queue effects whose job was lost, each at most once in 15 s; call people for the others."""
    async with engine.pool.acquire() as conn, conn.transaction():
        if not (left := await effects.overdue(conn, BATCH)):
            return
        queued = {row[0] for row in await conn.fetch(QUEUED, [one.effect.encode() for one in left])}
        if lost := [one for one in left if one.effect.encode() not in queued]:
            log.warning("effects.queued_again", count=len(lost))
            await jobs.defer(conn, lost)
    for one in left:
        if isinstance(one.wanted, Start | StepWork) and one.wanted.run.asked.runner:
            await engine.transact(partial(_for_a_runner, asked=one))


async def _for_a_runner(
    conn: PoolConnection, policy: Policy, now: datetime, *, asked: Asked
) -> Sequence[Step]:
    """Call people for a step that its runner has not taken; in the end let it be refused."""
    effect = asked.effect
    incident = (await incidents.lock(conn, [effect.incident]))[effect.incident]
    found = await effects.load(conn, effect)
    if not isinstance(found, Start | StepWork) or found.run.waits_until is not None:
        return []  # done, or it was there, and waits for its lock
    run, since = found.run, await step_effects.since(conn, effect)
    bodies: Sequence[e.AnyBody] = []
    if now >= since + _patience(found) or run.stopping is not None:
        was_begun = await step_effects.never(conn, effect, REFUSED_AFTER)
        if was_begun is not None:
            await conn.execute(FORGET, asked.queue, effect.encode())
            bodies = [_given_up(found, now - since, was_begun=was_begun)]
    elif (
        now >= since + TOLD_AFTER
        and run.needs is None
        and await step_effects.is_left(conn, effect, LEASE)
    ):
        bodies = list(_call(Case(policy.manual, incident, policy.shifts, now), found))
    if not bodies:
        return []
    return [advance(policy, incident, e.SYSTEM, bodies, now)]


def _call(case: Case, found: Start | StepWork) -> Iterator[e.AnyBody]:
    run, step = found.run, found.due.step if isinstance(found, StepWork) else WHOLE
    people = [] if run.asked.dry else calling.in_charge(case, run)
    yield from calling.for_help(case, run, step, e.Reason("runner_missing", _values(found)), people)


def _patience(found: Start | StepWork) -> timedelta:
    if isinstance(found, Start):
        return REFUSED_AFTER
    return max(REFUSED_AFTER, step_of(found.run.asked.steps[found.due.step]).timeout)


def _values(found: Start | StepWork) -> dict[str, str]:
    run: Run = found.run
    step = found.due.step if isinstance(found, StepWork) else 0
    return {
        "runner": run.asked.runner or "", "playbook": run.asked.playbook, "step": str(step + 1)
    }  # fmt: skip


def _given_up(found: Start | StepWork, waited: timedelta, *, was_begun: bool) -> e.AnyBody:
    """Say that it was not begun, or that nobody knows what came of it."""
    values = {
        "runner": found.run.asked.runner or "",
        "wait": format_duration(timedelta(seconds=round(waited.total_seconds()))),
    }
    if isinstance(found, Start):
        return r.StartRefused(found.run.id, e.Reason("runner_not_there", values))
    due, says = found.due, NOT_BACK if was_begun else NOT_TAKEN
    outcome: r.Outcome = "unknown" if was_begun else "refused"
    return r.StepEnded(
        due.run, due.step, due.direction, due.attempt, outcome, says, values
    )  # fmt: skip
