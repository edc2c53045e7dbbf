"""Who does what an event asks for: one line for each kind of effect.

What is handed over by the process that decided begins at once. What its job brings has been
left behind: by a process that died, or by one that had no room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bongsu.engine import effects
from bongsu.engine.courier import Courier
from bongsu.engine.effects import (
    Asked,
    Delivery,
    Diagnosis,
    Effect,
    Start,
    StepWork,
    Verification,
    Wanted,
)
from bongsu.engine.reporter import Reporter
from bongsu.engine.stepper import Stepper
from bongsu.engine.verifier import Verifier

if TYPE_CHECKING:
    from bongsu.store.database import Pool


class Doers:
    """Everybody in this process who does something outside."""

    def __init__(
        self,
        pool: Pool,
        courier: Courier,
        reporter: Reporter,
        verifier: Verifier | None = None,
        stepper: Stepper | None = None,
    ) -> None:
        self._pool = pool
        self.courier = courier
        self.reporter = reporter
        self.verifier = verifier
        self.stepper = stepper

    def takes(self, asked: Sequence[Asked]) -> list[Asked]:
        """Return those that this process begins at once: of each kind all of them, or none.

        A runner takes nothing but its steps; and a report that has to wait holds up no page.
        """
        pages = [one for one in asked if isinstance(one.wanted, Delivery)]
        deliveries = [one.wanted for one in asked if isinstance(one.wanted, Delivery)]
        slow = [one for one in asked if isinstance(one.wanted, Diagnosis | Verification)]
        steps = [one.wanted for one in asked if isinstance(one.wanted, Start | StepWork)]
        taken: list[Asked] = []
        if self.stepper is None or self.stepper.runner is None:
            taken += pages if self.courier.takes(deliveries) else ()
            taken += slow if self.reporter.has_room(len(slow)) else ()
        if self.stepper is not None and self.stepper.has_room(steps):
            taken += [one for one in asked if isinstance(one.wanted, Start | StepWork)]
        return taken

    def hand_over(self, asked: Sequence[Asked]) -> None:
        """Begin now, pages first; the jobs stay behind as the promise."""
        for effect, wanted in sorted(asked, key=lambda one: one.queue):
            match wanted:
                case Delivery():
                    self.courier.begin(effect, wanted)
                case Diagnosis():
                    self.reporter.begin(effect, wanted)
                case Verification():
                    self._verify(effect, wanted)
                case Start() | StepWork():
                    if self.stepper is not None:
                        self.stepper.begin(effect, wanted)

    async def do(self, effect: Effect) -> None:
        """Do what a job names, unless it was done.

        Raises:
            BusyElsewhereError: another worker has claimed it and may still be at it.
        """
        wanted = await self._load(effect)
        match wanted:
            case Delivery():
                await self.courier.deliver(effect, wanted)
            case Diagnosis():
                await self.reporter.report(effect, wanted)
            case Verification():
                self._verify(effect, wanted)
            case Start() | StepWork():
                assert self.stepper is not None
                await self.stepper.do(effect, wanted)
            case None:
                return

    def _verify(self, effect: Effect, wanted: Verification) -> None:
        """It may take half an hour, so no job is held for it: its row is looked after instead."""
        if self.verifier is not None:
            self.verifier.begin(effect, wanted)

    async def _load(self, effect: Effect) -> Wanted | None:
        async with self._pool.acquire() as conn:
            return await effects.load(conn, effect)

    async def drain(self) -> None:
        """Wait for deliveries under way; what is slow is begun anew elsewhere."""
        slow = [one.close() for one in (self.verifier, self.stepper, self.reporter) if one]
        await asyncio.gather(*slow, self.courier.drain())
