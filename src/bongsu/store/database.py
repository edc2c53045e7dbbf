"""PostgreSQL: the one that comes with Bongsu, or any that ``BONGSU_DATABASE_URL`` names."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import asyncpg
import structlog

from bongsu.store.embedded import DatabaseError, Embedded, start_embedded
from bongsu.store.migrate import MigrationError, migrate

__all__ = [
    "AWAY",
    "Connection",
    "DatabaseError",
    "Embedded",
    "Pool",
    "PoolConnection",
    "connect_pool",
    "listening",
    "start_embedded",
]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
PoolConnection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

OLDEST_SERVER = 150000
AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
"""The database is away, or could not do it just now: the same may work in a moment. Whatever else
it raises, it would raise again."""
UNUSABLE = "the database can't be used: "
"""what a `DatabaseError` begins with where the server's own words follow"""
RETRY = 0.5
"""seconds between two attempts to reach a database that does not answer"""

log = structlog.get_logger(__name__)


async def connect_pool(
    url: str,
    *,
    size: int = 10,
    name: str = "bongsu",
    flushed: bool = True,
    patience: float = 0.0,
) -> Pool:
    """Open a pool on a database whose tables are up to date.

    ``flushed=False`` answers a commit before it is on disk: for what may be lost with a crash of
    the database, and only then. A database that does not answer is waited for, for as many seconds
    as ``patience`` says.

    Raises:
        DatabaseError: it can't be reached, is too old, or belongs to a newer Bongsu.
    """
    deadline, told = asyncio.get_running_loop().time() + patience, False
    while True:
        try:
            return await _pool(url, size, name, flushed=flushed)
        except (asyncpg.PostgresError, ValueError, MigrationError, *AWAY) as error:
            late = asyncio.get_running_loop().time() >= deadline
            if late or isinstance(error, ValueError) or not isinstance(error, AWAY):
                msg = f"{UNUSABLE}{str(error) or repr(error)}"
                raise DatabaseError(msg) from error
            if not told:
                log.warning("database.waited_for", seconds=patience, error=repr(error))
            told = True
            await asyncio.sleep(RETRY)


async def _pool(url: str, size: int, name: str, *, flushed: bool) -> Pool:
    pool = await asyncpg.create_pool(
        url, min_size=1, max_size=size, init=_prepare, reset=_as_it_was,
        timeout=10, command_timeout=30,
        # What a page needs is used once a minute (engine.warming), and so is never closed.
        max_inactive_connection_lifetime=90, max_cached_statement_lifetime=0,
        server_settings={
            "application_name": name, "timezone": "UTC",
            "synchronous_commit": "on" if flushed else "off",
        },
    )  # fmt: skip
    try:
        async with pool.acquire() as conn:
            await _check_version(conn)
            await migrate(conn)
    except BaseException:
        pool.terminate()
        raise
    return pool


async def _check_version(conn: PoolConnection) -> None:
    number = int(await conn.fetchval("SHOW server_version_num"))
    if number < OLDEST_SERVER:
        msg = f"PostgreSQL 15 or newer is needed; this is {number // 10000}"
        raise DatabaseError(msg)


async def _prepare(conn: Connection) -> None:
    await conn.set_type_codec("json", encoder=str, decoder=str, schema="pg_catalog", format="text")


async def _as_it_was(conn: Connection) -> None:
    """Nothing in Bongsu leaves a session changed behind it.

    Settings and locks are a transaction's own, and whoever listens stops listening. The driver
    ends an open transaction before it asks; its own clean-up would be a round trip every time.
    """


@contextlib.asynccontextmanager
async def listening(pool: Pool, channel: str, heard: Callable[[str], None]) -> AsyncIterator[None]:
    """Call ``heard`` with each NOTIFY payload on ``channel`` for as long as the block runs.

    A lost connection is made again; ``heard("")`` is called then, since something may have been
    missed.
    """
    task = asyncio.create_task(_listen(pool, channel, heard), name=f"listen {channel}")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _listen(pool: Pool, channel: str, heard: Callable[[str], None]) -> None:
    while True:
        try:
            async with pool.acquire() as conn:
                await _hear(conn, channel, heard)
        except Exception as error:  # noqa: BLE001  the edge: whatever broke, it listens again
            log.warning("listen.interrupted", channel=channel, error=repr(error))
            await asyncio.sleep(RETRY)


async def _hear(conn: PoolConnection, channel: str, heard: Callable[[str], None]) -> None:
    lost = asyncio.Event()
    conn.add_termination_listener(lambda _: lost.set())

    def told(*args: object) -> None:
        heard(str(args[-1]))

    await conn.add_listener(channel, told)
    try:
        heard("")
        await lost.wait()
    finally:
        if not lost.is_set():
            await conn.remove_listener(channel, told)
