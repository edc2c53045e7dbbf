"""Brings a database's tables to this release's form, in order, once, under a lock.

A migration is a file ``NNNN_name.sql`` that is never changed after a release; its hash is kept,
so that a changed one is noticed. The job engine's own tables are installed by its library.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

_LOCK = 0x426F6E67  # "Bong": one migrating process at a time
_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    version integer PRIMARY KEY, name text NOT NULL, sha text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now())
"""


class MigrationError(Exception):
    """The database and this release don't fit; the message says which is newer."""


class Migration(NamedTuple):
    """One step from one form of the tables to the next."""

    version: int
    name: str
    sql: str

    @property
    def sha(self) -> str:
        """The content's hash, by which a change after the fact is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return this release's migrations in order."""
    files = resources.files("bongsu.store").joinpath("migrations").iterdir()
    found = [_read(f.name, f.read_text("utf-8")) for f in files if f.name.endswith(".sql")]
    return sorted(found)


def _read(name: str, sql: str) -> Migration:
    version, _, rest = name.removesuffix(".sql").partition("_")
    return Migration(int(version), rest, sql)


async def migrate(conn: PoolConnection) -> list[Migration]:
    """Apply what is missing and return it.

    Raises:
        MigrationError: the database was written by a newer release, or a step was changed.
    """
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await conn.execute(_TABLE)
        rows = await conn.fetch("SELECT version, sha FROM migrations")
        done = {row["version"]: row["sha"] for row in rows}
        missing = _missing(done)
        for step in missing:
            await conn.execute(step.sql)
            await conn.execute(
                "INSERT INTO migrations (version, name, sha) VALUES ($1, $2, $3)",
                step.version, step.name, step.sha,
            )  # fmt: skip
        return missing


def _missing(done: dict[int, str]) -> list[Migration]:
    known = {step.version: step for step in migrations()}
    if newer := sorted(done.keys() - known.keys()):
        msg = f"the database has steps {newer} of a newer Bongsu; run that release or a newer one"
        raise MigrationError(msg)
    for version, sha in done.items():
        if known[version].sha != sha:
            msg = f"step {version} ({known[version].name}) was changed after it was applied"
            raise MigrationError(msg)
    return [step for version, step in sorted(known.items()) if version not in done]
