"""The manuals that were ever in force, by their hash, and the one that decides now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

CHANNEL = "bongsu_manual"


async def adopt(conn: PoolConnection, sha: str, name: str, document: bytes) -> bool:
    """Make a manual the one that decides; returns whether it was another one before."""
    await conn.execute(
        "INSERT INTO manuals (sha, name, document) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        sha, name, document,
    )  # fmt: skip
    changed = await conn.fetchval(
        """INSERT INTO current_manual (sha) VALUES ($1)
           ON CONFLICT (one_row) DO UPDATE SET sha = EXCLUDED.sha, since = now()
           WHERE current_manual.sha <> EXCLUDED.sha RETURNING true""",
        sha,
    )
    if changed:
        await conn.execute("SELECT pg_notify($1, $2)", CHANNEL, sha)
    return bool(changed)


async def current(conn: PoolConnection) -> tuple[str, bytes] | None:
    """Return the hash and the document of the manual that decides now."""
    row = await conn.fetchrow("SELECT sha, document FROM current_manual JOIN manuals USING (sha)")
    return None if row is None else (row["sha"], row["document"])


async def current_sha(conn: PoolConnection) -> str | None:
    """Return the hash of the manual that decides now."""
    found: str | None = await conn.fetchval("SELECT sha FROM current_manual")
    return found


async def document(conn: PoolConnection, sha: str) -> bytes | None:
    """Return the document of a manual that was in force once."""
    found: bytes | None = await conn.fetchval("SELECT document FROM manuals WHERE sha = $1", sha)
    return found
