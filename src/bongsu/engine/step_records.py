"""Writes down what came of steps: once, under the claim, and as soon as the database takes it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import structlog

from bongsu.engine import effects, step_effects
from bongsu.engine.advance import Step as Written
from bongsu.engine.advance import advance
from bongsu.engine.claims import Claim
from bongsu.engine.effects import Effect
from bongsu.engine.engine import Engine
from bongsu.engine.policy import Policy
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.case import Case
from bongsu.incident.runs.notifying import told
from bongsu.incident.runs.state import Run
from bongsu.manual.schema.playbooks import NotifyStep, Step
from bongsu.store import incidents, runs
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

T = TypeVar("T")

AWAY_PAUSE = 0.2
"""seconds between two attempts while the database is away; shorter than what others wait once it is
back (`jobs.PAUSE`), so that what is known is written before anybody asks"""
REFUSED_PAUSE = 2.0
"""seconds until what the database refused is tried again"""

log = structlog.get_logger(__name__)


class Came(NamedTuple):
    """What came of one attempt."""

    outcome: r.Outcome
    says: str = ""
    values: Mapping[str, str] = MappingProxyType({})
    exit_code: int | None = None
    took_s: float = 0.0
    verdicts: Mapping[str, str] = MappingProxyType({})
    """of the checks that it looked at, by id"""


class Printed(NamedTuple):
    """What a step printed, and where that is kept."""

    id: int
    text: str


Bodies = Callable[["PoolConnection", Policy, Run, datetime], Awaitable[list[e.AnyBody]]]


class StepRecords:
    """What the steps of one process came to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._leaving = False

    def leave(self) -> None:
        """Wait for no database any more: this process stops."""
        self._leaving = True

    async def there(self, ask: Callable[[], Awaitable[T]], until: float = math.inf) -> T:
        """Ask a database that may be away, again and again."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await ask()
            except AWAY as error:
                if self._leaving or loop.time() > until:
                    raise
                log.info("step.waits_for_database", error=repr(error))
                await asyncio.sleep(AWAY_PAUSE)

    async def ended(
        self, claim: Claim, due: r.StepDue, came: Came, printed: Printed | None, step: Step
    ) -> None:
        """Record one attempt at a step, with what it printed."""
        ended = r.StepEnded(
            due.run, due.step, due.direction, due.attempt, came.outcome, came.says,
            dict(came.values), came.exit_code, round(came.took_s, 3),
            None if printed is None else printed.id,
            [f"{check}={verdict}" for check, verdict in came.verdicts.items()],
        )  # fmt: skip

        async def bodies(
            conn: PoolConnection, policy: Policy, run: Run, now: datetime
        ) -> list[e.AnyBody]:
            if printed is not None:
                await runs.write_output(conn, *printed)
            if isinstance(step, NotifyStep) and not run.asked.dry:
                number = claim.effect.incident
                incident = (await incidents.lock(conn, [number]))[number]
                case = Case(policy.manual, incident, policy.shifts, now)
                return told(case, step, ended)
            return [ended]

        await self.record(claim.effect, due.run, bodies, claim)

    async def record(
        self, effect: Effect, name: str, bodies: Bodies, claim: Claim | None = None
    ) -> None:
        """Write what came of it with the effect's end, once, and only under its own claim.

        A database that is away is waited for: what is known of a step must not be lost. So is one
        that refuses for another reason, such as a standby that takes over and may only be read.
        """
        while True:
            try:
                await self.write(effect, name, bodies, partial(_spent, effect=effect, claim=claim))
            except AWAY:
                raise  # this process stops
            except Exception as error:
                if claim is None or self._leaving:
                    raise
                log.exception("step.not_recorded_yet", effect=str(effect), error=repr(error))
                await asyncio.sleep(REFUSED_PAUSE)
            else:
                return

    async def write(
        self, effect: Effect, name: str, bodies: Bodies,
        first: Callable[[PoolConnection], Awaitable[bool]] | None = None,
    ) -> None:  # fmt: skip
        """Write events of a run that is not over; nothing where ``first`` says no."""

        async def work(conn: PoolConnection, policy: Policy, now: datetime) -> Sequence[Written]:
            found = await incidents.lock(conn, [effect.incident])
            incident = found[effect.incident]
            run = incident.runs.get(name)
            if (first is not None and not await first(conn)) or run is None or run.over:
                return []
            return [advance(policy, incident, e.SYSTEM, await bodies(conn, policy, run, now), now)]

        await self.there(lambda: self._engine.transact(work))


async def _spent(conn: PoolConnection, *, effect: Effect, claim: Claim | None) -> bool:
    if claim is None:
        return await effects.done(conn, effect)
    return await step_effects.done(conn, effect, claim.name)


async def nothing(*_: object) -> list[e.AnyBody]:
    """Nothing came of it: it was over already."""
    return []


async def taken(due: r.StepDue, *_: object) -> list[e.AnyBody]:
    """A worker has come for it."""
    return [r.StepTaken(due.run, due.step)]
