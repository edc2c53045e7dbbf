"""Random secrets that every process on the database shares, made by whichever asks first."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

BYTES = 32


async def shared(conn: PoolConnection, name: str) -> bytes:
    """Return the secret of this name, 32 bytes; it stays the same for ever."""
    await conn.execute(
        "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        name, secrets.token_bytes(BYTES),
    )  # fmt: skip
    return bytes(await conn.fetchval("SELECT value FROM secrets WHERE name = $1", name))
