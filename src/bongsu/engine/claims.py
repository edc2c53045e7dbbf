"""The claim on a step: had before it begins, renewed while it goes on, and over before it lapses.

Whoever is stopped, or can't reach the database, does not know what the others do. So everything
that a step has begun is at its end before anybody else may take it over:

    0 s                         HOLDS                    LEASE
    renewed ─▶ may go on ─▶ nothing begins, ─▶ ended ─▶ others may take it
                            programs are ended
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from bongsu.actions.guard import CLAIM_HOLDS
from bongsu.actions.guarding import passed
from bongsu.actions.identity import has_left, is_gone
from bongsu.engine import effects
from bongsu.engine.effects import Effect, StepClaim
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.incident import run_events as r
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

T = TypeVar("T")

LEASE = timedelta(seconds=15)
HOLDS = 9.0
"""seconds after a renewal; the rest of the lease is for programs to come to their end"""
RENEW_EVERY = 2.0
"""seconds"""
END_WITHIN = LEASE.total_seconds() - HOLDS


class Claim:
    """One worker's claim on one step."""

    def __init__(self, pool: Pool, effect: Effect, worker: str) -> None:
        self._pool, self._effect = pool, effect
        self.name = f"{worker}/{secrets.token_hex(4)}"
        self._renewed = passed()

    def holds(self) -> bool:
        """Whether what it is for may begin, and go on."""
        return passed() - self._renewed < HOLDS

    async def have(self, due: r.StepDue, at: datetime, *, repeats: bool) -> StepClaim | None:
        """Have it, on disk; None where it is another's or the step is done.

        May be asked again where the answer was lost. A process of this machine that is gone has
        no claim any more once nothing is left of its programs.
        """
        async with self._pool.acquire() as conn:
            if found := await self._asked(conn, due, at, repeats=repeats):
                return found
            gone = await effects.holder(conn, self._effect)
        if not gone or not await asyncio.to_thread(_nothing_left, gone):
            return None
        async with self._pool.acquire() as conn:
            return await self._asked(conn, due, at, repeats=repeats, gone=gone)

    async def _asked(
        self, conn: PoolConnection, due: r.StepDue, at: datetime, *, repeats: bool, gone: str = ""
    ) -> StepClaim | None:
        asked = passed()
        found = await effects.claim_step(
            conn, self._effect, self.name, LEASE, due, at, repeats=repeats, gone=gone
        )
        self._renewed = asked
        return found

    async def during(self, work: Awaitable[T]) -> T:
        """Do something while it is renewed.

        Raises:
            BusyElsewhereError: it was lost; what was begun has been ended.
        """
        CLAIM_HOLDS.set(self.holds)
        doing = asyncio.ensure_future(work)
        renewing = asyncio.create_task(self._renew(), name=f"renew {self._effect}")
        try:
            await asyncio.wait({doing, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise BusyElsewhereError(f"the claim on {self._effect} was lost")
            return await doing
        finally:
            for task in (doing, renewing):
                task.cancel()
            await asyncio.wait({doing, renewing}, timeout=END_WITHIN)

    async def _renew(self) -> None:
        """Renew it until it is lost; a database that is away may come back in time."""
        while self.holds():
            await asyncio.sleep(RENEW_EVERY)
            with contextlib.suppress(*AWAY):
                async with asyncio.timeout(HOLDS - (passed() - self._renewed)):
                    if not await self._renewed_once():
                        return

    async def _renewed_once(self) -> bool:
        asked = passed()
        async with self._pool.acquire() as conn:
            if not await effects.renew(conn, self._effect, self.name, LEASE):
                return False
        self._renewed = asked
        return True


def _nothing_left(claim: str) -> bool:
    """Whether a process is gone, and its programs too; its guard takes a moment for them."""
    worker = claim.rpartition("/")[0]
    if not is_gone(worker):
        return False
    until = passed() + END_WITHIN
    while (left := has_left(worker)) and passed() < until:
        time.sleep(0.1)
    return not left
