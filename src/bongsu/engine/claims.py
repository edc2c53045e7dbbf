"""The claim on a step: had before it begins, renewed while it goes on, and over before it lapses.

Whoever is stopped, or can't reach the database, does not know what the others do. So everything
that a step has begun is at its end before anybody else may take it over:

    0 s                      lease - END_WITHIN          lease
    renewed ─▶ may go on ─▶ nothing begins, ─▶ ended ─▶ others may take it
                            programs are ended

The lease is long, because it is how long a database may be away without ending anybody's step. A
process that is seen to be gone, or that has said that it stops, is not waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from bongsu.actions.guard import CLAIM_HOLDS
from bongsu.actions.guarding import passed
from bongsu.actions.identity import has_left, is_gone
from bongsu.engine import step_effects
from bongsu.engine.effects import Effect
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.engine.step_effects import StepClaim
from bongsu.incident import run_events as r
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

T = TypeVar("T")

LEASE = timedelta(seconds=90)
SHORTEST_LEASE = timedelta(seconds=12)
END_WITHIN = 6.0
"""seconds at the end of a lease in which programs come to their end"""
RENEW_EVERY = 2.0
"""seconds"""
ANSWER_WITHIN = 5.0
"""seconds that one renewal waits for the database; then another connection is asked"""
RELEASE_WITHIN = 1.0
"""seconds that a process which stops waits for the database to take a claim back"""


class StoppedError(Exception):
    """A person has said that the step is to end now."""


def lease_of(text: str) -> timedelta:
    """Read how long a claim holds from a number of seconds; nothing is the default.

    Every process of a database needs the same.

    Raises:
        ValueError: it is no number, or too short to renew and to end programs in it.
    """
    lease = timedelta(seconds=float(text)) if text else LEASE
    if lease < SHORTEST_LEASE:
        raise ValueError(text)
    return lease


class Claim:
    """One worker's claim on one step."""

    def __init__(self, pool: Pool, effect: Effect, worker: str, lease: timedelta = LEASE) -> None:
        self._pool, self.effect, self._lease = pool, effect, lease
        self._renewing: asyncio.Task[None] | None = None
        self._run = ""
        self._is_to_end = asyncio.Event()
        self.name = f"{worker}/{secrets.token_hex(4)}"
        self._renewed = passed()

    def holds(self) -> bool:
        """Whether what it is for may begin, and go on."""
        return self._left() > 0

    def _left(self) -> float:
        """Seconds for which it still holds."""
        return self._lease.total_seconds() - END_WITHIN - (passed() - self._renewed)

    async def have(self, due: r.StepDue, at: datetime, *, repeats: bool) -> StepClaim | None:
        """Have it, on disk; None where it is another's or the step is done.

        May be asked again where the answer was lost. A process of this machine that is gone has
        no claim any more once nothing is left of its programs.
        """
        async with self._pool.acquire() as conn:
            if found := await self._asked(conn, due, at, repeats=repeats):
                return found
            gone = await step_effects.holder(conn, self.effect)
        if not gone or not await asyncio.to_thread(_nothing_left, gone):
            return None
        async with self._pool.acquire() as conn:
            return await self._asked(conn, due, at, repeats=repeats, gone=gone)

    async def _asked(
        self, conn: PoolConnection, due: r.StepDue, at: datetime, *, repeats: bool, gone: str = ""
    ) -> StepClaim | None:
        asked, self._run = passed(), due.run
        found = await step_effects.claim(
            conn, self.effect, self.name, self._lease, due, at, repeats=repeats, gone=gone
        )
        self._renewed = asked
        return found

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Renew it until the block ends, or until it is lost."""
        self._renewing = asyncio.create_task(self._renew(), name=f"renew {self.effect}")
        try:
            yield
        finally:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})

    async def during(self, work: Awaitable[T]) -> T:
        """Do something for as long as it is `renewed`.

        Raises:
            BusyElsewhereError: it was lost; what was begun has been ended.
            StoppedError: a person has said that it is to end; what was begun has been ended.
        """
        assert self._renewing is not None
        CLAIM_HOLDS.set(self.holds)
        doing, told = asyncio.ensure_future(work), asyncio.create_task(self._is_to_end.wait())
        waited: set[asyncio.Future[Any]] = {doing, told, self._renewing}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return await doing
            if told.done():
                raise StoppedError
            raise BusyElsewhereError(f"the claim on {self.effect} was lost")
        finally:
            told.cancel()
            doing.cancel()
            await asyncio.wait({doing}, timeout=END_WITHIN)

    async def release(self) -> None:
        """Let others take it over at once; a database that is away learns of it by the lease."""
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(RELEASE_WITHIN), self._pool.acquire() as conn:
                await step_effects.release(conn, self.effect, self.name)

    async def _renew(self) -> None:
        """Renew it until it is lost; a database that is away may come back in time."""
        while self.holds():
            await asyncio.sleep(min(RENEW_EVERY, max(self._left(), 0.0)))
            with contextlib.suppress(*AWAY):
                async with asyncio.timeout(min(ANSWER_WITHIN, max(self._left(), 0.0))):
                    if not await self._renewed_once():
                        return

    async def _renewed_once(self) -> bool:
        asked = passed()
        async with self._pool.acquire() as conn:
            is_to_end = await step_effects.renew(conn, self.effect, self.name, self._run)
            if is_to_end is None:
                return False
        self._renewed = asked
        if is_to_end:
            self._is_to_end.set()
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
