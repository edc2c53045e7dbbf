"""Has the steps of runs done, and knows of each whether it was.

A claim is durable before its step begins. So a worker that finds one claimed before, and not
done, knows that somebody died at it: it is run again only where the manual calls it idempotent,
else its own checks say whether it was done, or a person does.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import structlog

from bongsu.engine import effects, step_effects
from bongsu.engine.advance import Step as Written
from bongsu.engine.advance import advance
from bongsu.engine.claims import END_WITHIN, LEASE, Claim, StoppedError
from bongsu.engine.effects import Effect, Start, StepWork
from bongsu.engine.engine import Engine
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.engine.policy import Policy
from bongsu.engine.starter import started
from bongsu.engine.step_effects import StepClaim
from bongsu.engine.step_output import StepOutput
from bongsu.i18n import N_
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.case import Case
from bongsu.incident.runs.notifying import told
from bongsu.incident.runs.state import Run
from bongsu.incident.runs.steps import step_of
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import CheckStep, NotifyStep, Step
from bongsu.store import incidents, runs
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

T = TypeVar("T")

PLACES = 16
"""steps that this process does at once"""
AWAY_PAUSE = 0.2
"""seconds between two attempts while the database is away; shorter than what others wait once it is
back (`jobs.PAUSE`), so that what is known is written before anybody asks"""
REFUSED_PAUSE = 2.0
"""seconds until what the database refused is tried again"""
CLAIM_WITHIN = 30.0
"""seconds that a step which has not begun waits for the database; then its row brings it again"""
STOP_WITHIN = 3.0
"""seconds that steps have to come to their end by themselves when the process stops"""
DIED = N_("whoever ran it died before it could say what came of it")
CHECKED = N_("whoever ran it died; its checks say that it was done")
STOPPED = N_("a person had it ended; part of it may be done")
BROKEN = N_("it could not be run: {error}")

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


class Hands(Protocol):
    """Does one step on the systems; `bongsu.engine.hands` has the real ones."""

    async def perform(
        self, manual: Manual, step: Step, *, undo: bool, dry: bool,
        output: Callable[[str, bytes], None],
    ) -> Came:  # fmt: skip
        """Do it, or take it back, or show what would be done."""
        ...

    async def settled(self, manual: Manual, step: Step) -> bool | None:
        """Say by the step's own checks whether it was done; None is that they can't tell."""
        ...


class Stepper:
    """Does the steps of one process, those of one runner where ``runner`` names it."""

    def __init__(
        self, engine: Engine, hands: Hands, worker: str, runner: str | None = None,
        lease: timedelta = LEASE,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._lease = lease
        self._hands = hands
        self._worker = worker
        self.runner = runner
        self._under_way: dict[Effect, asyncio.Task[None]] = {}
        self._leaving = False

    def has_room(self, asked: Sequence[Start | StepWork]) -> bool:
        """Whether this process would begin all of these at once."""
        mine = all(one.run.asked.runner == self.runner for one in asked)
        room = len(self._under_way) + len(asked) <= PLACES and not self._leaving
        return not asked or (mine and room)

    def begin(self, effect: Effect, wanted: Start | StepWork) -> None:
        """Begin now; the job stays behind as the promise."""
        if effect not in self._under_way and not self._leaving:
            task = asyncio.create_task(self._by_hand(effect, wanted), name=f"step {effect}")
            self._under_way[effect] = task
            task.add_done_callback(lambda _: self._under_way.pop(effect, None))

    async def do(self, effect: Effect, wanted: Start | StepWork) -> None:
        """Do what a job names; what this process has in hand already is waited for.

        What is in another's hands holds no job: if he dies, its row brings it again.

        Raises:
            BusyElsewhereError: this process is about to end.
        """
        self.begin(effect, wanted)
        if effect not in self._under_way:
            raise BusyElsewhereError(f"{effect} is left to others")
        await asyncio.wait({self._under_way[effect]})

    async def close(self) -> None:
        """Let what is under way end, and end the rest; whoever takes it over finds it claimed."""
        self._leaving = True
        if tasks := set(self._under_way.values()):
            _, left = await asyncio.wait(tasks, timeout=STOP_WITHIN)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=END_WITHIN + 1)

    async def _by_hand(self, effect: Effect, wanted: Start | StepWork) -> None:
        try:
            match wanted:
                case Start():
                    start = partial(started, effect=effect, name=wanted.run.id)
                    await self._there(lambda: self._engine.transact(start))
                case StepWork():
                    await self._step(effect, wanted)
        except BusyElsewhereError as error:
            log.info("step.busy_elsewhere", effect=str(effect), why=str(error))
        except Exception as error:  # noqa: BLE001  the edge of an effect: its row brings it again
            log.warning("step.left", effect=str(effect), error=repr(error))

    async def _step(self, effect: Effect, wanted: StepWork) -> None:
        run, due = wanted.run, wanted.due
        if run.over or run.due != due:
            await self._record(effect, due.run, _nothing)
            return
        step = step_of(run.asked.steps[due.step])
        claim = Claim(self._engine.pool, effect, self._worker, self._lease)
        had = await self._claimed(claim, due, repeats=_repeats(run, step))
        async with claim.renewed():
            if run.needs is not None:
                await self._write(effect, due.run, partial(_taken, due))
            came, printed = await self._came(claim, run, step, due, had)
            await self._ended(claim, due, came, printed, step)

    async def _came(
        self, claim: Claim, run: Run, step: Step, due: r.StepDue, had: StepClaim
    ) -> tuple[Came, Printed | None]:
        """Do it, or find out what became of it, for as long as the claim holds."""
        if had.output is None:
            return await claim.during(self._unknown(step, due)), None
        kept = StepOutput(self._engine.pool, had.output, claim.effect.incident)
        try:
            came = await claim.during(self._perform(run, step, due, kept.take))
        except StoppedError:
            came = Came("failed", STOPPED)
        except asyncio.CancelledError:  # this process stops, and what was begun has been ended
            await claim.release()
            raise
        finally:
            kept.stop()
        return came, Printed(had.output, kept.text)

    async def _claimed(self, claim: Claim, due: r.StepDue, *, repeats: bool) -> StepClaim:
        """Claim it, on disk; a database that is away is waited for, since nothing has begun."""
        until = asyncio.get_running_loop().time() + CLAIM_WITHIN
        had = await self._there(
            lambda: claim.have(due, self._engine.clock.now(), repeats=repeats), until
        )
        if had is None:
            raise BusyElsewhereError("it is claimed, or done")
        return had

    async def _there(self, ask: Callable[[], Awaitable[T]], until: float = math.inf) -> T:
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

    async def _perform(
        self, run: Run, step: Step, due: r.StepDue, output: Callable[[str, bytes], None]
    ) -> Came:
        if isinstance(step, NotifyStep):
            return Came("done")
        try:
            return await self._hands.perform(
                self._engine.policy.manual, step, undo=due.direction == "undo",
                dry=run.asked.dry, output=output,
            )  # fmt: skip
        except Exception as error:
            log.exception("step.broken", run=run.id, step=due.step)
            return Came("failed", BROKEN, {"error": repr(error)[:300]})

    async def _unknown(self, step: Step, due: r.StepDue) -> Came:
        """Say what became of a step whose worker died at it, as far as its own checks can."""
        settled = None
        if due.direction == "do":
            try:
                settled = await self._hands.settled(self._engine.policy.manual, step)
            except Exception:
                log.exception("step.not_settled", run=due.run, step=due.step)
        return Came("done", CHECKED) if settled else Came("unknown", DIED)

    async def _ended(
        self, claim: Claim, due: r.StepDue, came: Came, printed: Printed | None, step: Step
    ) -> None:
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

        await self._record(claim.effect, due.run, bodies, claim)

    async def _record(
        self, effect: Effect, name: str, bodies: _Bodies, claim: Claim | None = None
    ) -> None:
        """Write what came of it with the effect's end, once, and only under its own claim.

        A database that is away is waited for: what is known of a step must not be lost. So is one
        that refuses for another reason, such as a standby that takes over and may only be read.
        """
        while True:
            try:
                await self._write(effect, name, bodies, partial(_spent, effect=effect, claim=claim))
            except AWAY:
                raise  # this process stops
            except Exception as error:
                if claim is None or self._leaving:
                    raise
                log.exception("step.not_recorded_yet", effect=str(effect), error=repr(error))
                await asyncio.sleep(REFUSED_PAUSE)
            else:
                return

    async def _write(
        self, effect: Effect, name: str, bodies: _Bodies,
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

        await self._there(lambda: self._engine.transact(work))


_Bodies = Callable[["PoolConnection", Policy, Run, datetime], Awaitable[list[e.AnyBody]]]


def _repeats(run: Run, step: Step) -> bool:
    """Whether a step may be done again, whatever came of it: a notice goes out with the record."""
    return step.idempotent or run.asked.dry or isinstance(step, CheckStep | NotifyStep)


async def _spent(conn: PoolConnection, *, effect: Effect, claim: Claim | None) -> bool:
    if claim is None:
        return await effects.done(conn, effect)
    return await step_effects.done(conn, effect, claim.name)


async def _nothing(*_: object) -> list[e.AnyBody]:
    return []


async def _taken(due: r.StepDue, *_: object) -> list[e.AnyBody]:
    return [r.StepTaken(due.run, due.step)]
