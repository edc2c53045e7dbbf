"""Load tests take turns: two at once would measure each other, whichever process runs them.

The turn is a lock of the database's session, so it is free as soon as whoever has it dies. Nobody
can tell from a program's arguments what it puts under load, so there is one turn for all targets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bongsu.incident.verification.measured import Unreadable

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

TRY = "SELECT pg_try_advisory_lock(hashtext('load tests'))"
LEAVE = "SELECT pg_advisory_unlock(hashtext('load tests'))"
LOOK_EVERY = 0.5
"""seconds between two looks whether the turn is free"""
LONGEST = 30 * 60.0
"""seconds that a turn is waited for; then the check is inconclusive, and may be asked for again"""


class LoadTurn:
    """One process's part in it, for one event's checks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: PoolConnection | None = None

    async def take(self) -> bool:
        """Take the turn if it is free; the connection that has it is kept until `leave`."""
        self._held = await self._pool.acquire()
        taken = False
        try:
            taken = bool(await self._held.fetchval(TRY))
        finally:
            if not taken:
                await self._give_back()
        return taken

    async def leave(self) -> None:
        """Leave the turn to others; again if one likes."""
        if self._held is not None and not self._held.is_closed():
            await self._held.execute(LEAVE)
        await self._give_back()

    async def _give_back(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await self._pool.release(held)


@asynccontextmanager
async def in_turn(
    take: Callable[[], Awaitable[bool]],
    leave: Callable[[], Awaitable[None]],
    waits: Callable[[], None],
) -> AsyncIterator[None]:
    """Have the turn; ``waits`` is told once if others have it at first.

    Raises:
        Unreadable: they had it for longer than one waits.
    """
    loop = asyncio.get_running_loop()
    ends, told = loop.time() + LONGEST, False
    while not await take():
        if loop.time() >= ends:
            raise Unreadable("load_busy", wait=f"{LONGEST / 60:g} min")
        if not told:
            waits()
        told = True
        await asyncio.sleep(LOOK_EVERY)
    try:
        yield
    finally:
        await leave()
