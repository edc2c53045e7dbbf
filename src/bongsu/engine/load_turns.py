"""Load tests take turns: two at once would measure each other, whichever process runs them.

The turn is a lock of the database's session, so it is free as soon as whoever has it dies. Nobody
can tell from a program's arguments what it puts under load, so there is one turn for all targets.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import asyncpg
import structlog

from bongsu.incident.verification.measured import Unreadable
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

TRY = "SELECT pg_try_advisory_lock(hashtext('load tests'))"
LEAVE = "SELECT pg_advisory_unlock(hashtext('load tests'))"
LOOK_EVERY = 0.5
"""seconds between two looks whether the turn is free"""
LONGEST = 30 * 60.0
"""seconds that a turn is waited for; then the check is inconclusive, and may be asked for again"""

log = structlog.get_logger(__name__)


class LoadTurn:
    """One process's part in it, for one event's checks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: PoolConnection | None = None

    async def take(self) -> bool:
        """Take the turn if it is free; the connection that has it is kept until `leave`."""
        conn = await self._pool.acquire()
        taken: bool | None = None
        try:
            taken = bool(await conn.fetchval(TRY))
        finally:
            if taken:
                self._held = conn
            else:
                await self._give_back(conn, unsure=taken is None)
        return taken

    async def leave(self) -> None:
        """Leave the turn to others; again if one likes."""
        conn, self._held = self._held, None
        if conn is None:
            return
        left = False
        try:
            await conn.execute(LEAVE)
            left = True
        except AWAY as error:
            log.warning("load_turn.left_with_its_connection", error=repr(error))
        finally:
            await self._give_back(conn, unsure=not left)

    async def _give_back(self, conn: PoolConnection, *, unsure: bool) -> None:
        """Give a connection back; one that may still have the turn is closed, which frees it."""
        if unsure:
            with contextlib.suppress(asyncpg.InterfaceError):  # it is closed already
                conn.terminate()
        await self._pool.release(conn)


@contextlib.asynccontextmanager
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
