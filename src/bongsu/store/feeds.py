"""Secret addresses of calendars: whose shifts they show, and whether they were taken back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection


class Feed(msgspec.Struct, frozen=True):
    """One calendar's address; neither ``person`` nor ``rotation`` shows everything."""

    id: int
    person: str | None
    rotation: str | None
    made_by: str
    made_at: datetime


_COLUMNS = ", ".join(Feed.__struct_fields__)
ADD = f"""
INSERT INTO calendar_feeds (person, rotation, made_by, made_at) VALUES ($1, $2, $3, $4)
RETURNING {_COLUMNS}
"""  # noqa: S608  made of the struct's fields
FIND = f"SELECT {_COLUMNS} FROM calendar_feeds WHERE id = $1 AND revoked_at IS NULL"  # noqa: S608  as above
OF = f"""
SELECT {_COLUMNS} FROM calendar_feeds WHERE made_by = $1 AND revoked_at IS NULL ORDER BY id
"""  # noqa: S608  as above
REVOKE = """
UPDATE calendar_feeds SET revoked_at = $3
 WHERE id = $1 AND made_by = $2 AND revoked_at IS NULL RETURNING true
"""


async def add(
    conn: PoolConnection, person: str | None, rotation: str | None, made_by: str, now: datetime
) -> Feed:
    """Make an address."""
    row = await conn.fetchrow(ADD, person, rotation, made_by, now)
    assert row is not None, "RETURNING gives a row"
    return Feed(*row)


async def find(conn: PoolConnection, feed_id: int) -> Feed | None:
    """Return an address that is in force."""
    row = await conn.fetchrow(FIND, feed_id)
    return Feed(*row) if row else None


async def made_by(conn: PoolConnection, login: str) -> list[Feed]:
    """Return somebody's addresses that are in force."""
    return [Feed(*row) for row in await conn.fetch(OF, login)]


async def revoke(conn: PoolConnection, feed_id: int, login: str, now: datetime) -> bool:
    """Take one's own address back; False where there is none in force."""
    return bool(await conn.fetchval(REVOKE, feed_id, login, now))
