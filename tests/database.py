"""One embedded PostgreSQL for the whole test session, and a fresh database for each test.

Migrating takes longer than most tests, so it is done once: into a template, of which each test
gets a copy. The server's fsync is off: a test of what survives a crash starts its own server.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from tests.waiting import until

from bongsu.store.database import Embedded, connect_pool, start_embedded

T = TypeVar("T")
TEMPLATE = "bongsu_template"
FASTER = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "SELECT pg_reload_conf()",
)


def apart(work: Coroutine[object, object, T]) -> T:
    """Run a coroutine in a thread of its own, for fixtures that tests of either kind may use."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def at_database(url: str, name: str) -> str:
    """Return the same server's address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


class TestServer:
    """A running server with a migrated template."""

    __test__ = False

    def __init__(self, embedded: Embedded) -> None:
        self.embedded = embedded
        self.url = embedded.url
        self._numbers = itertools.count(1)
        apart(self._make_template())

    async def _make_template(self) -> None:
        from bongsu.engine import jobs

        for statement in (*FASTER, f"CREATE DATABASE {TEMPLATE}"):
            await self._execute(statement)
        pool = await connect_pool(at_database(self.url, TEMPLATE), size=1)
        async with pool.acquire() as conn:
            await jobs.install(conn)
        await pool.close()

    async def _execute(self, statement: str) -> None:
        conn = await asyncpg.connect(self.url)
        try:
            await conn.execute(statement)
        finally:
            await conn.close()

    async def _alone(self, statement: str) -> None:
        """Do what needs a database to itself; a busy server may not see within 5 s who has left."""

        async def done() -> bool:
            try:
                await self._execute(statement)
            except asyncpg.ObjectInUseError:
                return False
            return True

        await until(done)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Make a copy of the template, yield its address, and drop it with all its connections."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        apart(self._alone(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY"))
        try:
            yield at_database(self.url, name)
        finally:
            apart(self._alone(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def running_server() -> Iterator[TestServer]:
    """Start a server in a folder that its own user may enter, and end it with its folder."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-test-"))
    folder.chmod(0o711)
    try:
        embedded = start_embedded(folder / "pg")
        try:
            yield TestServer(embedded)
        finally:
            embedded.stop()
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)
