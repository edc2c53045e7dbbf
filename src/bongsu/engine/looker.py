"""Sleeps until the earliest look that any incident asked for, and then has it decided."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

import structlog

from bongsu.engine.engine import Engine
from bongsu.store import incidents

BATCH = 100
LONGEST_SLEEP = timedelta(seconds=1)
"""another process may have written an earlier look, and then died before it could act on it"""
ERROR_PAUSE = 0.5

log = structlog.get_logger(__name__)


class Looker:
    """The one timer of a process, however many incidents wait."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sooner = asyncio.Event()
        self._wakes_at: datetime | None = None
        engine.look_sooner = self.look_sooner

    def look_sooner(self, at: datetime) -> None:
        """Wake up at ``at`` at the latest."""
        if self._wakes_at is None or at < self._wakes_at:
            self._sooner.set()

    def stop(self) -> None:
        """Wake up, so that `run` sees that it is to stop."""
        self._sooner.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Look and sleep until ``stopping``; a lost database is waited for."""
        while not stopping.is_set():
            try:
                if await self._engine.look(BATCH) < BATCH:
                    await self._sleep()
            except Exception as error:  # noqa: BLE001  the edge: the timer itself must never end
                log.warning("look.failed", error=repr(error))
                await asyncio.sleep(ERROR_PAUSE)

    async def _sleep(self) -> None:
        self._sooner.clear()
        self._wakes_at = None
        async with self._engine.pool.acquire() as conn:
            earliest = await incidents.next_look(conn)
        now = self._engine.clock.now()
        longest = now + LONGEST_SLEEP
        self._wakes_at = min(earliest, longest) if earliest else longest
        seconds = (self._wakes_at - now).total_seconds()
        if seconds > 0 and not self._sooner.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._sooner.wait(), seconds)
