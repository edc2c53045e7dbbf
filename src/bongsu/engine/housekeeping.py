"""What must happen now and then: alerts that nobody re-sends end, and old signals are forgotten."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import structlog

from bongsu.engine import jobs, left_over
from bongsu.engine.engine import Engine
from bongsu.engine.triage import Triage
from bongsu.store import alerts, changes, signals

EXPIRE_EVERY = 1.0
EXPIRE_BATCH = 1000
PRUNE_EVERY = 3600.0
KEEP_SIGNALS = timedelta(days=14)
KEEP_JOBS = timedelta(days=1)
KEEP_RESOLVED_ALERTS = timedelta(days=90)
KEEP_CHANGES = timedelta(days=90)

log = structlog.get_logger(__name__)


class Housekeeping:
    """Runs beside the timer of incidents, because alerts have ends of their own."""

    def __init__(self, engine: Engine, triage: Triage) -> None:
        self._engine = engine
        self._triage = triage
        self._pruned_at = float("-inf")

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep house until ``stopping``; a lost database is waited for."""
        while not stopping.is_set():
            try:
                await self.expire()
                await left_over.look_after(self._engine)
                await self._prune()
            except Exception as error:  # noqa: BLE001  the edge: it is tried again a second later
                log.warning("housekeeping.failed", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EXPIRE_EVERY)

    async def expire(self) -> None:
        """Resolve alerts whose end has passed."""
        more = True
        while more:
            async with self._engine.pool.acquire() as conn, conn.transaction():
                ended = await alerts.expire(conn, self._engine.clock.now(), EXPIRE_BATCH)
            self._triage.take(ended)
            more = len(ended) == EXPIRE_BATCH

    async def _prune(self) -> None:
        time = asyncio.get_running_loop().time()
        if time - self._pruned_at < PRUNE_EVERY:
            return
        self._pruned_at = time
        now = self._engine.clock.now()
        async with self._engine.pool.acquire() as conn:
            await signals.prune_signals(conn, now - KEEP_SIGNALS)
            await alerts.prune(conn, now - KEEP_RESOLVED_ALERTS)
            await changes.prune(conn, now - KEEP_CHANGES)
            await jobs.forget_done(conn, now - KEEP_JOBS)
