"""Integration keys: who may send signals. A key is shown once; only its hash is kept."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

KEY_LENGTH = 32
"""hexadecimal digits, as PagerDuty's routing keys have"""
STALE_AFTER = 5.0
"""seconds after which the keys are read again, so how long a revoked one may still be good"""
MISS_AFTER = 1.0
"""seconds between two readings that an unknown key may cause"""

ISSUE = "INSERT INTO integration_keys (integration, hash, hint) VALUES ($1, $2, $3)"
REVOKE = """
UPDATE integration_keys SET revoked_at = now()
WHERE revoked_at IS NULL AND integration = $1 AND ($2::bigint IS NULL OR id = $2)"""
LIST = """
SELECT id, integration, hint, issued_at, revoked_at FROM integration_keys
WHERE $1::text IS NULL OR integration = $1 ORDER BY id"""
GOOD = "SELECT hash, integration FROM integration_keys WHERE revoked_at IS NULL"


class IntegrationKey(msgspec.Struct, frozen=True):
    """A key without the key."""

    id: int
    integration: str
    hint: str
    """its last four characters"""
    issued_at: datetime
    revoked_at: datetime | None


class KeysUnknownError(Exception):
    """The keys could not be read, so nobody can be told that theirs is wrong."""


async def issue_key(conn: PoolConnection, integration: str) -> str:
    """Make a key for an integration and return it; nobody can read it again."""
    key = secrets.token_hex(KEY_LENGTH // 2)
    await conn.execute(ISSUE, integration, _hashed(key), key[-4:])
    return key


async def revoke(conn: PoolConnection, integration: str, key_id: int | None = None) -> int:
    """Revoke one key of an integration, or all; return how many were still good."""
    done: str = await conn.execute(REVOKE, integration, key_id)
    return int(done.rsplit(" ", 1)[-1])


async def list_keys(conn: PoolConnection, integration: str | None = None) -> list[IntegrationKey]:
    """Return all keys, revoked ones as well, oldest first."""
    return [IntegrationKey(*row) for row in await conn.fetch(LIST, integration)]


@lru_cache(maxsize=1024)
def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()


class IntegrationKeys:
    """The good keys in memory. Looking one up compares hashes, so its time tells nothing of it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._good: dict[bytes, str] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def known(self, key: str) -> str | None:
        """Return the integration of a key that is in memory; None says nothing yet."""
        if len(key) != KEY_LENGTH:  # what is not remembered takes no memory, however long it is
            return None
        found = self._good.get(_hashed(key))
        if found is not None and self._age() > STALE_AFTER:
            self._start_reading()
        return found

    async def resolve(self, key: str) -> str | None:
        """Return the integration that a key belongs to, None where it is unknown or revoked.

        Raises:
            KeysUnknownError: it is not among the known keys, and they can't be read.
        """
        found = self.known(key)
        if found is None and len(key) == KEY_LENGTH and self._age() > MISS_AFTER:
            await self._refreshed()
            return self._good.get(_hashed(key))
        return found

    def _age(self) -> float:
        return asyncio.get_running_loop().time() - self._read_at

    def _start_reading(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="read integration keys")
            self._reading.add_done_callback(_retrieve)

    async def _refreshed(self) -> None:
        self._start_reading()
        assert self._reading is not None
        try:
            await asyncio.shield(self._reading)
        except (asyncpg.PostgresError, *AWAY) as error:
            raise KeysUnknownError(repr(error)) from error

    async def _read(self) -> None:
        rows = await self._pool.fetch(GOOD, timeout=2)
        self._good = {row["hash"]: row["integration"] for row in rows}
        self._read_at = asyncio.get_running_loop().time()


def _retrieve(task: asyncio.Task[None]) -> None:
    """Look at the outcome: with the database away the known keys stay good."""
    if not task.cancelled():
        task.exception()
