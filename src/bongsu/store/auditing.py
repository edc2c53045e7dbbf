"""Proves that logs are as they were written: every entry's hash covers it and all before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bongsu.store.incidents import GENESIS, entry_hash

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

ENTRIES = """
SELECT incident, seq, at, actor, body, hash FROM events
 WHERE $1::bigint IS NULL OR incident = $1 ORDER BY incident, seq
"""
LENGTHS = """
SELECT id, seq FROM incidents WHERE $1::bigint IS NULL OR id = $1
"""


class Break(NamedTuple):
    """The first entry of an incident that does not fit; ``seq`` may be one that is missing."""

    incident: int
    seq: int


async def verify(conn: PoolConnection, incident: int | None = None) -> tuple[int, list[Break]]:
    """Return how many entries were read, and where each altered log first differs."""
    count, heads, broken = 0, dict[int, tuple[int, bytes]](), dict[int, Break]()
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        async for row in conn.cursor(ENTRIES, incident, prefetch=1000):
            count += 1
            number, seq = row["incident"], row["seq"]
            last, former = heads.get(number, (0, GENESIS))
            body = row["body"].encode()
            expected = entry_hash(former, number, seq, row["at"], row["actor"], body)
            if number not in broken and (seq != last + 1 or expected != row["hash"]):
                broken[number] = Break(number, min(seq, last + 1))
            heads[number] = (seq, row["hash"])
        for row in await conn.fetch(LENGTHS, incident):
            last, _ = heads.get(row["id"], (0, GENESIS))
            if last != row["seq"] and row["id"] not in broken:
                broken[row["id"]] = Break(row["id"], last + 1)
    return count, list(broken.values())
