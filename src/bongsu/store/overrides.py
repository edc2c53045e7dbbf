"""Overrides (대체 근무) that people made while the manual runs; every replica decides by them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from bongsu.manual.schema.oncall import Override
from bongsu.store import manuals

if TYPE_CHECKING:
    import asyncpg

    from bongsu.store.database import PoolConnection

PAYLOAD = "overrides"
"""what is told on `manuals.CHANNEL` when they have changed"""

_COLUMNS = "id, rotation, slot, person, starts_at, ends_at, reason, made_by, made_at, removed_at"
IN_FORCE = f"SELECT {_COLUMNS} FROM overrides WHERE removed_at IS NULL ORDER BY id"  # noqa: S608  a constant
BETWEEN = f"""
SELECT {_COLUMNS} FROM overrides
 WHERE removed_at IS NULL AND starts_at < $2 AND ends_at > $1
 ORDER BY starts_at, id LIMIT $3
"""  # noqa: S608  a constant
INSERT = f"""
INSERT INTO overrides (rotation, slot, person, starts_at, ends_at, reason, made_by, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}
"""  # noqa: S608  a constant
REMOVE = f"""
UPDATE overrides SET removed_by = $2, removed_at = $3
 WHERE id = $1 AND removed_at IS NULL RETURNING {_COLUMNS}
"""  # noqa: S608  a constant


class KeptOverride(msgspec.Struct, frozen=True):
    """An override with who made it; ``starts_at`` and ``ends_at`` (exclusive) are UTC."""

    id: int
    rotation: str
    slot: str
    person: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    made_by: str
    made_at: datetime
    removed_at: datetime | None = None


async def current(conn: PoolConnection) -> list[Override]:
    """Return the overrides that deciding takes into account, oldest first, past ones included."""
    return [_as_override(_kept(row)) for row in await conn.fetch(IN_FORCE)]


async def between(
    conn: PoolConnection, start: datetime, until: datetime, limit: int = 500
) -> list[KeptOverride]:
    """Return the overrides that touch a span, the earliest first."""
    return [_kept(row) for row in await conn.fetch(BETWEEN, start, until, limit)]


async def add(
    conn: PoolConnection, wanted: Override, *, made_by: str, now: datetime
) -> KeptOverride:
    """Write an override and tell every replica, in the caller's transaction."""
    row = await conn.fetchrow(
        INSERT, wanted.rotation, wanted.slot, wanted.person, wanted.start, wanted.until,
        wanted.reason, made_by, now,
    )  # fmt: skip
    assert row is not None, "RETURNING gives a row"
    await _tell(conn)
    return _kept(row)


async def remove(
    conn: PoolConnection, override_id: int, *, removed_by: str, now: datetime
) -> KeptOverride | None:
    """Take an override back and tell every replica; None where there is none in force."""
    row = await conn.fetchrow(REMOVE, override_id, removed_by, now)
    if row is None:
        return None
    await _tell(conn)
    return _kept(row)


async def _tell(conn: PoolConnection) -> None:
    await conn.execute("SELECT pg_notify($1, $2)", manuals.CHANNEL, PAYLOAD)


def _kept(row: asyncpg.Record) -> KeptOverride:
    return KeptOverride(*row)


def _as_override(kept: KeptOverride) -> Override:
    """Built without validation: a person whom a later manual dropped must not break the rest."""
    return Override.model_construct(
        rotation=kept.rotation, slot=kept.slot, person=kept.person,
        start=kept.starts_at, until=kept.ends_at, reason=kept.reason,
    )  # fmt: skip
