"""Change events: what was deployed, configured, scaled or switched, whoever told it.

They are evidence for diagnosis. They never page and never open an incident.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bongsu.incident.alert import Link
from bongsu.incident.changes import ChangeEvent, ChangeKind

if TYPE_CHECKING:
    import asyncpg

    from bongsu.store.database import PoolConnection

MOST = 500
"""changes that are read at once"""

ADD = """
INSERT INTO changes (received_at, integration, at, kind, subject, service, summary, source, details,
                     key)
SELECT $1, $2, * FROM unnest($3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
                             $8::text[], $9::text[], $10::bytea[])
ON CONFLICT (key) DO NOTHING RETURNING id
"""
_COLUMNS = "id, received_at, integration, at, kind, subject, service, summary, source, details"
LIST = f"""
SELECT {_COLUMNS} FROM changes
 WHERE ($1::timestamptz IS NULL OR at >= $1) AND ($2::timestamptz IS NULL OR at <= $2)
   AND ($3::text IS NULL OR service = $3) AND ($4::text IS NULL OR kind = $4)
   AND ($5::timestamptz IS NULL OR (at, id) < ($5, $6::bigint))
 ORDER BY at DESC, id DESC LIMIT $7
"""  # noqa: S608  a constant
PRUNE = "DELETE FROM changes WHERE at < $1"


class KeptChange(msgspec.Struct, frozen=True):
    """A change event as it is kept."""

    id: int
    received_at: datetime
    told_by: str
    """an integration's name, or ``person:ID``"""
    event: ChangeEvent


class ChangePlace(NamedTuple):
    """Where a list of changes goes on."""

    at: datetime
    id: int


class Wanted(NamedTuple):
    """Which changes a list shows; None asks for no particular ones."""

    since: datetime | None = None
    until: datetime | None = None
    service: str | None = None
    kind: ChangeKind | None = None


class _Details(msgspec.Struct):
    custom_details: dict[str, str] = {}
    links: list[Link] = []


_decode = msgspec.json.Decoder(_Details).decode


async def add(
    conn: PoolConnection, received_at: datetime, told_by: str, events: Sequence[ChangeEvent]
) -> int:
    """Keep change events; return how many of them were not known yet."""
    if not events:
        return 0
    columns = zip(*(_row(told_by, event) for event in events), strict=True)
    return len(await conn.fetch(ADD, received_at, told_by, *columns))


def _row(told_by: str, event: ChangeEvent) -> tuple[object, ...]:
    details = msgspec.json.encode(_Details(event.details, list(event.links))).decode()
    return (
        event.at, event.kind, event.subject, event.service, event.summary, event.source, details,
        _hashed(told_by, event.key),
    )  # fmt: skip


def _hashed(told_by: str, key: str) -> bytes | None:
    """What makes it the same again is known within one sender only."""
    if not key:
        return None
    return hashlib.blake2b(f"{told_by}\0{key}".encode(errors="replace"), digest_size=16).digest()


async def changes(
    conn: PoolConnection, wanted: Wanted, after: ChangePlace | None = None, limit: int = MOST
) -> list[KeptChange]:
    """Return changes, the newest first."""
    rows = await conn.fetch(LIST, *wanted, *(after or (None, None)), limit)
    return [_kept(row) for row in rows]


def _kept(row: asyncpg.Record) -> KeptChange:
    try:
        details = _decode(row["details"])
    except msgspec.MsgspecError:  # another release's: its words are worth more than its form
        details = _Details({"details": row["details"]})
    event = ChangeEvent(
        at=row["at"], summary=row["summary"], kind=row["kind"], subject=row["subject"],
        service=row["service"], source=row["source"], links=tuple(details.links),
        details=details.custom_details,
    )  # fmt: skip
    return KeptChange(row["id"], row["received_at"], row["integration"], event)


async def prune(conn: PoolConnection, before: datetime) -> None:
    """Forget what was changed before a time."""
    await conn.execute(PRUNE, before)
