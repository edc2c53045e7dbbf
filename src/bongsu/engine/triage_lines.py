"""Who waits to be triaged: what is urgent in a line of its own, in front of all else."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import NamedTuple

from bongsu.incident.alert import ChangedAlert

BATCH = 500
INCIDENTS = 25
"""alerts and incidents of one transaction; few enough that what comes behind it does not wait"""
URGENT = frozenset({"P0", "P1"})
MOST_WAITING = 20_000
"""alerts that wait in memory; what is urgent always finds a place"""
GIVE_WAY_AT_MOST = 5.0
GIVE_WAY_STEP = 0.02
"""seconds for which what is not urgent waits in all while a flood comes in, and between two looks
whether it still does; a quiet moment begins the count anew"""


class Waiting(NamedTuple):
    """An alert that waits; the most urgent and then the oldest comes first."""

    urgency: str
    order: int
    group_key: str
    alert: ChangedAlert


class Line:
    """Alerts in the order of their urgency."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._order = 0
        self._more, self._quiet = asyncio.Event(), asyncio.Event()
        self._quiet.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, urgency: str, group_key: str, alert: ChangedAlert) -> None:
        """Let an alert wait."""
        self._order += 1
        heapq.heappush(self._waiting, Waiting(urgency, self._order, group_key, alert))
        self._more.set()
        self._quiet.clear()

    def next_batch(self) -> list[ChangedAlert]:
        """Take what is most urgent: many alerts, but only as many incidents as are opened soon."""
        batch: list[ChangedAlert] = []
        groups: set[str] = set()
        while self._waiting and len(batch) < BATCH and len(groups) < INCIDENTS:
            first = heapq.heappop(self._waiting)
            batch.append(first.alert)
            groups.add(first.group_key)
        return batch

    async def filled(self) -> None:
        """Wait until there is something in it, or `wake` is called."""
        self._more.clear()
        if not self._waiting:
            await self._more.wait()

    def triaged(self) -> None:
        """Say that what was taken from it is done."""
        if not self._waiting:
            self._quiet.set()

    async def quiet(self) -> None:
        """Wait until nothing of it waits or is being triaged."""
        await self._quiet.wait()

    def wake(self) -> None:
        """Let who waits for the line go on, whatever still waits in it."""
        self._more.set()
        self._quiet.set()


class Courtesy:
    """How long what is not urgent stands back, behind what is and behind a flood of signals."""

    def __init__(self) -> None:
        self._patience = GIVE_WAY_AT_MOST

    async def give_way(self, before: Line, flood: Callable[[], bool]) -> None:
        """Let the others go first; a flood that does not end is not waited for again."""
        while flood() and self._patience > 0:
            self._patience -= GIVE_WAY_STEP
            await asyncio.sleep(GIVE_WAY_STEP)
        if not flood():
            self._patience = GIVE_WAY_AT_MOST
        await before.quiet()
