"""Has the steps of runs done, and knows of each whether it was.

A claim is durable before its step begins. So a worker that finds one claimed before, and not
done, knows that somebody died at it: it is run again only where the manual calls it idempotent,
else its own checks say whether it was done, or a person does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from bongsu.engine import effects
from bongsu.engine.advance import Step as Written
from bongsu.engine.advance import advance
from bongsu.engine.effects import Effect, Start, StepWork
from bongsu.engine.engine import Engine
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.engine.policy import Policy
from bongsu.engine.step_output import StepOutput
from bongsu.i18n import N_
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.case import Case
from bongsu.incident.runs.notifying import notices
from bongsu.incident.runs.state import Run
from bongsu.incident.runs.steps import step_of
from bongsu.manual.schema.base import format_duration
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import CheckStep, NotifyStep, Step
from bongsu.store import incidents, runs
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

PLACES = 16
"""steps that this process does at once"""
LEASE = timedelta(seconds=8)
RENEW_EVERY = 2.0
"""seconds"""
LOCK_AGAIN = timedelta(seconds=5)
LOCK_AT_MOST = timedelta(minutes=30)
"""how long a run waits for its lock"""
DIED = N_("whoever ran it died before it could say what came of it")
CHECKED = N_("whoever ran it died; its checks say that it was done")
BROKEN = N_("it could not be run: {error}")

log = structlog.get_logger(__name__)


class Came(NamedTuple):
    """What came of one attempt."""

    outcome: r.Outcome
    says: str = ""
    values: Mapping[str, str] = MappingProxyType({})
    exit_code: int | None = None
    took_s: float = 0.0


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
        self, engine: Engine, hands: Hands, worker: str, runner: str | None = None
    ) -> None:
        self._engine = engine
        self._hands = hands
        self._worker = worker
        self.runner = runner
        self._under_way: dict[Effect, asyncio.Task[None]] = {}

    def has_room(self, asked: Sequence[Start | StepWork]) -> bool:
        """Whether this process would begin all of these at once."""
        mine = all(one.run.asked.runner == self.runner for one in asked)
        return not asked or (mine and len(self._under_way) + len(asked) <= PLACES)

    def begin(self, effect: Effect, wanted: Start | StepWork) -> None:
        """Begin now; the job stays behind as the promise."""
        if effect not in self._under_way:
            task = asyncio.create_task(self._by_hand(effect, wanted), name=f"step {effect}")
            self._under_way[effect] = task
            task.add_done_callback(lambda _: self._under_way.pop(effect, None))

    async def do(self, effect: Effect, wanted: Start | StepWork) -> None:
        """Do what a job names; what this process has in hand already is waited for.

        Raises:
            BusyElsewhereError: another worker is at it, or it did not come to an end here.
        """
        self.begin(effect, wanted)
        await asyncio.wait({self._under_way[effect]})
        async with self._engine.pool.acquire() as conn:
            if not await effects.is_done(conn, effect):
                raise BusyElsewhereError(f"{effect} is not done")

    async def close(self) -> None:
        """End what is under way; whoever takes it over finds it claimed."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _by_hand(self, effect: Effect, wanted: Start | StepWork) -> None:
        try:
            match wanted:
                case Start():
                    await self._start(effect, wanted.run.id)
                case StepWork():
                    await self._step(effect, wanted)
        except BusyElsewhereError:
            log.info("step.busy_elsewhere", effect=str(effect))
        except Exception as error:  # noqa: BLE001  the edge of an effect: its job will try again
            log.warning("step.left_to_job", effect=str(effect), error=repr(error))

    # ── the beginning of a run ───────────────────────────────────────────────────────────

    async def _start(self, effect: Effect, name: str) -> None:
        async def begun(
            conn: PoolConnection, policy: Policy, run: Run, now: datetime
        ) -> list[e.AnyBody]:
            if refused := await _too_often(conn, policy, run, now):
                return [r.StartRefused(run.id, refused)]
            row = _row(effect.incident, run, now)
            holder = await runs.begin(conn, row)
            return [r.RunStarted(run.id) if holder is None else _waits(run, holder, now)]

        await self._record(effect, name, begun)

    # ── one step ─────────────────────────────────────────────────────────────────────────

    async def _step(self, effect: Effect, wanted: StepWork) -> None:
        run, due = wanted.run, wanted.due
        step = step_of(run.asked.steps[due.step])
        former = await self._claim(effect)
        if former and not (step.idempotent or isinstance(step, CheckStep) or run.asked.dry):
            await self._ended(effect, due, await self._unknown(step, due), None)
            return
        async with self._engine.pool.acquire() as conn:
            output = await runs.open_output(
                conn, effect.incident, run.id, due.step, due.direction,
                attempt=due.attempt, at=self._engine.clock.now(),
            )  # fmt: skip
        kept = StepOutput(self._engine.pool, output, effect.incident)
        came = await self._held(effect, self._perform(run, step, due, kept.take))
        await kept.close()
        await self._ended(effect, due, came, output, step)

    async def _claim(self, effect: Effect) -> str:
        """Claim it, on disk; returns who had claimed it before and did not end it."""
        async with self._engine.pool.acquire() as conn:
            former = await effects.claim_step(conn, effect, self._worker, LEASE)
        if former is None:
            raise BusyElsewhereError(f"{effect} is claimed")
        return former

    async def _held(self, effect: Effect, work: Awaitable[Came]) -> Came:
        """Do something while its claim is renewed; a claim that is lost ends it."""
        doing = asyncio.ensure_future(work)
        renewing = asyncio.create_task(self._renew(effect))
        try:
            await asyncio.wait({doing, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise BusyElsewhereError(f"{effect} was taken over")
            return await doing
        finally:
            for task in (doing, renewing):
                task.cancel()
            await asyncio.wait({doing, renewing}, timeout=5)

    async def _renew(self, effect: Effect) -> None:
        """Renew a claim until it is lost; a database that is away may come back in time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LEASE.total_seconds()
        while loop.time() < until:
            await asyncio.sleep(RENEW_EVERY)
            with contextlib.suppress(*AWAY):
                async with self._engine.pool.acquire() as conn:
                    if not await effects.renew(conn, effect, self._worker, LEASE):
                        return
                until = loop.time() + LEASE.total_seconds()

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
        settled = None
        if due.direction == "do":
            settled = await self._hands.settled(self._engine.policy.manual, step)
        return Came("done", CHECKED) if settled else Came("unknown", DIED)

    async def _ended(
        self, effect: Effect, due: r.StepDue, came: Came, output: int | None,
        step: Step | None = None,
    ) -> None:  # fmt: skip
        ended = r.StepEnded(
            due.run, due.step, due.direction, due.attempt, came.outcome, came.says,
            dict(came.values), came.exit_code, round(came.took_s, 3), output,
        )  # fmt: skip

        async def bodies(
            _conn: PoolConnection, policy: Policy, run: Run, now: datetime
        ) -> list[e.AnyBody]:
            if isinstance(step, NotifyStep) and not run.asked.dry:
                incident = (await incidents.lock(_conn, [effect.incident]))[effect.incident]
                case = Case(policy.manual, incident, policy.shifts, now)
                return [*notices(case, step, run.id, due.step), ended]
            return [ended]

        await self._record(effect, due.run, bodies)

    async def _record(self, effect: Effect, name: str, bodies: _Bodies) -> None:
        """Write what came of it with the effect's end, once."""

        async def work(conn: PoolConnection, policy: Policy, now: datetime) -> Sequence[Written]:
            found = await incidents.lock(conn, [effect.incident])
            incident = found[effect.incident]
            run = incident.runs.get(name)
            if not await effects.done(conn, effect) or run is None or run.over:
                return []
            return [advance(policy, incident, e.SYSTEM, await bodies(conn, policy, run, now), now)]

        await self._engine.transact(work)


_Bodies = Callable[["PoolConnection", Policy, Run, datetime], Awaitable[list[e.AnyBody]]]


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
    asked = run.asked
    lock = None if asked.dry else asked.lock
    return runs.RunRow(
        incident, run.id, asked.playbook, lock, asked.automatic, asked.dry, run.by, now, None, None
    )


def _waits(run: Run, holder: tuple[int, str], now: datetime) -> e.AnyBody:
    lock = run.asked.lock or ""
    if now - run.asked_at > LOCK_AT_MOST:
        return r.StartRefused(run.id, e.Reason("lock_lost", {"lock": lock}))
    values = {"lock": lock, "run": holder[1], "incident": str(holder[0])}
    return r.RunWaits(run.id, now + LOCK_AGAIN, e.Reason("lock_taken", values))
