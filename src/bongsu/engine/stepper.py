"""Has the steps of runs done, and knows of each whether it was.

A claim is durable before its step begins. So a worker that finds one claimed before, and not
done, knows that somebody died at it: it is run again only where the manual calls it idempotent,
else its own checks say whether it was done, or a person does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog

from bongsu.engine.claims import END_WITHIN, LEASE, Claim, StoppedError
from bongsu.engine.effects import Effect, Start, StepWork
from bongsu.engine.engine import Engine
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.engine.starter import started
from bongsu.engine.step_effects import StepClaim
from bongsu.engine.step_output import StepOutput
from bongsu.engine.step_records import Came, Printed, StepRecords, nothing, taken
from bongsu.i18n import N_
from bongsu.incident import run_events as r
from bongsu.incident.runs.state import Run
from bongsu.incident.runs.steps import step_of
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import CheckStep, NotifyStep, Step

PLACES = 16
"""steps that this process does at once"""
CLAIM_WITHIN = 30.0
"""seconds that a step which has not begun waits for the database; then its row brings it again"""
STOP_WITHIN = 3.0
"""seconds that steps have to come to their end by themselves when the process stops"""
DIED = N_("whoever ran it died before it could say what came of it")
CHECKED = N_("whoever ran it died; its checks say that it was done")
STOPPED = N_("a person had it ended; part of it may be done")
BROKEN = N_("it could not be run: {error}")

log = structlog.get_logger(__name__)


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
        self._records = StepRecords(engine)
        self._worker = worker
        self.runner = runner
        self._under_way: dict[Effect, asyncio.Task[None]] = {}
        self._anew: dict[Effect, Start | StepWork] = {}
        """a run whose lock came free while it was just being written that it waits for it"""
        self._leaving = False

    def has_room(self, asked: Sequence[Start | StepWork]) -> bool:
        """Whether this process would begin all of these at once."""
        mine = all(one.run.asked.runner == self.runner for one in asked)
        room = len(self._under_way) + len(asked) <= PLACES and not self._leaving
        return not asked or (mine and room)

    def begin(self, effect: Effect, wanted: Start | StepWork) -> None:
        """Begin now; the job stays behind as the promise."""
        if self._leaving:
            return
        if effect in self._under_way:
            self._anew[effect] = wanted
            return
        task = asyncio.create_task(self._by_hand(effect, wanted), name=f"step {effect}")
        self._under_way[effect] = task
        task.add_done_callback(lambda _: self._ended(effect))

    def _ended(self, effect: Effect) -> None:
        del self._under_way[effect]
        if wanted := self._anew.pop(effect, None):
            self.begin(effect, wanted)

    async def do(self, effect: Effect, wanted: Start | StepWork) -> None:
        """Do what a job names; what this process has in hand already is waited for.

        What is in another's hands holds no job: if he dies, its row brings it again.

        Raises:
            BusyElsewhereError: this process is about to end.
        """
        if effect not in self._under_way:
            self.begin(effect, wanted)
        if effect not in self._under_way:
            raise BusyElsewhereError(f"{effect} is left to others")
        await asyncio.wait({self._under_way[effect]})

    async def close(self) -> None:
        """Let what is under way end, and end the rest; whoever takes it over finds it claimed."""
        self._leaving = True
        self._records.leave()
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
                    await self._records.there(lambda: self._engine.transact(start))
                case StepWork():
                    await self._step(effect, wanted)
        except BusyElsewhereError as error:
            log.info("step.busy_elsewhere", effect=str(effect), why=str(error))
        except Exception as error:  # noqa: BLE001  the edge of an effect: its row brings it again
            log.warning("step.left", effect=str(effect), error=repr(error))

    async def _step(self, effect: Effect, wanted: StepWork) -> None:
        run, due = wanted.run, wanted.due
        if run.over or run.due != due:
            await self._records.record(effect, due.run, nothing)
            return
        step = step_of(run.asked.steps[due.step])
        claim = Claim(self._engine.pool, effect, self._worker, self._lease)
        had = await self._claimed(claim, due, repeats=_repeats(run, step))
        async with claim.renewed():
            if run.needs is not None:
                await self._records.write(effect, due.run, partial(taken, due))
            came, printed = await self._came(claim, run, step, due, had)
            await self._records.ended(claim, due, came, printed, step)

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
        had = await self._records.there(
            lambda: claim.have(due, self._engine.clock.now(), repeats=repeats), until
        )
        if had is None:
            raise BusyElsewhereError("it is claimed, or done")
        return had

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


def _repeats(run: Run, step: Step) -> bool:
    """Whether a step may be done again, whatever came of it: a notice goes out with the record."""
    return step.idempotent or run.asked.dry or isinstance(step, CheckStep | NotifyStep)
