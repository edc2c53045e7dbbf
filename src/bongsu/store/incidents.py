"""Incidents and their logs: what the engine reads and writes under an incident's lock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from bongsu.incident import events as e
from bongsu.incident.state import Incident, fold

if TYPE_CHECKING:
    import asyncpg

    from bongsu.store.database import PoolConnection

STATE_FORM = 8
"""raise it with every change to `Incident`'s fields or to what the fold makes of an event"""
GENESIS = bytes(32)
"""what the first entry of a log follows"""
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Incident)

_COLUMNS = (
    "id, number, group_key, open, phase, severity, type, service, title, drill, opened_at,"
    " ended_at, acknowledged_by, alerts, firing, seq, look_at, state, state_form"
)
_TYPES = (
    "bigint[], text[], text[], bool[], text[], text[], text[], text[], text[], bool[],"
    " timestamptz[], timestamptz[], text[], int[], int[], int[], timestamptz[], bytea[], int[]"
)
_UNNEST = ", ".join(f"${n}::{kind}" for n, kind in enumerate(_TYPES.split(", "), start=1))
_CHANGED = ", ".join(
    f"{name} = EXCLUDED.{name}" for name in _COLUMNS.split(", ") if name not in ("id", "number")
)
SAVE = f"""
INSERT INTO incidents ({_COLUMNS}) SELECT * FROM unnest({_UNNEST})
ON CONFLICT (id) DO UPDATE SET {_CHANGED}, trouble = NULL, updated_at = now()
"""  # noqa: S608  made of the constants above
APPEND = """
INSERT INTO events (incident, seq, at, actor, kind, body, hash)
SELECT * FROM unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::text[], $5::text[],
                     $6::json[], $7::bytea[])
"""
LAST_HASHES = """
SELECT i.id AS incident, last.hash FROM unnest($1::bigint[]) AS i(id)
 CROSS JOIN LATERAL
 (SELECT hash FROM events WHERE incident = i.id ORDER BY seq DESC LIMIT 1) AS last
"""
LOAD = "SELECT id, state, state_form FROM incidents WHERE id = ANY($1::bigint[]) ORDER BY id"
LOG = "SELECT seq, at, actor, body FROM events WHERE incident = $1 AND seq > $2 ORDER BY seq"


async def new_ids(conn: PoolConnection, count: int) -> list[int]:
    """Reserve ids for incidents that are about to be opened."""
    rows = await conn.fetch("SELECT nextval('incident_ids') FROM generate_series(1, $1)", count)
    return [row[0] for row in rows]


async def lock(conn: PoolConnection, ids: Sequence[int]) -> dict[int, Incident]:
    """Lock incidents, lowest id first so that no two callers wait for each other, and load them."""
    rows = await conn.fetch(LOAD + " FOR UPDATE", sorted(ids)) if ids else ()
    return {row["id"]: await state_of(conn, row["id"], row) for row in rows}


async def load(conn: PoolConnection, incident_id: int) -> Incident | None:
    """Load one incident without locking it."""
    row = await conn.fetchrow(LOAD, [incident_id])
    return None if row is None else await state_of(conn, incident_id, row)


async def state_of(conn: PoolConnection, incident_id: int, row: asyncpg.Record) -> Incident:
    """Read the kept state from a row that has ``state`` and ``state_form``.

    An older release's form is folded anew from the log.
    """
    if row["state_form"] == STATE_FORM:
        return _DECODER.decode(row["state"])
    return fold(str(incident_id), await log(conn, incident_id))


async def log(conn: PoolConnection, incident_id: int, after: int = 0) -> list[e.Event]:
    """Return an incident's events with a number above ``after``, oldest first."""
    rows = await conn.fetch(LOG, incident_id, after)
    return [e.Event(r["seq"], r["at"], r["actor"], e.decode_body(r["body"])) for r in rows]


Written = tuple[Incident, Sequence[e.Event], datetime | None]
"""an incident, its new events and its next look"""


async def columns(conn: PoolConnection, written: Sequence[Written]) -> list[Sequence[object]]:
    """Return the arguments of `SAVE` and then of `APPEND`: a column each, of at least one row."""
    rows = [_row(incident, look_at) for incident, _, look_at in written]
    known = [int(incident.id) for incident, events, _ in written if events and events[0].seq > 1]
    hashes = (
        {r["incident"]: r["hash"] for r in await conn.fetch(LAST_HASHES, known)} if known else {}
    )
    entries = [
        entry
        for incident, events, _ in written
        for entry in chained(int(incident.id), events, hashes.get(int(incident.id), GENESIS))
    ]
    return [*zip(*rows, strict=True), *(zip(*entries, strict=True) if entries else [()] * 7)]


def chained(
    incident_id: int, events: Iterable[e.Event], former: bytes
) -> Iterable[tuple[int, int, datetime, str, str, str, bytes]]:
    """Yield the rows of new events, each with the hash that ties it to everything before it."""
    for event in events:
        body = e.encode_body(event.body)
        former = entry_hash(former, incident_id, event.seq, event.at, event.actor, body)
        kind = e.kind_of(event.body)
        yield incident_id, event.seq, event.at, event.actor, kind, body.decode(), former


def entry_hash(  # noqa: PLR0917  exactly the columns that the hash covers
    former: bytes, incident_id: int, seq: int, at: datetime, actor: str, body: bytes
) -> bytes:
    """Return SHA-256 over the former hash and every column of this entry."""
    head = f"\n{incident_id}\n{seq}\n{at.timestamp():.6f}\n{actor}\n".encode()
    return hashlib.sha256(former + head + body).digest()


def _row(s: Incident, look_at: datetime | None) -> tuple[object, ...]:
    return (
        int(s.id), s.number, s.group_key, s.open, s.phase.value, s.severity, s.type, s.service,
        s.title, s.drill, s.opened_at, s.ended_at, s.acknowledged_by, s.alerts, s.firing, s.seq,
        look_at, _ENCODER.encode(s), STATE_FORM,
    )  # fmt: skip


DUE = """
SELECT id FROM incidents WHERE look_at <= $1
 ORDER BY look_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
NEXT = "SELECT min(look_at) FROM incidents WHERE look_at IS NOT NULL"
PUT_OFF = "UPDATE incidents SET look_at = $2, trouble = $3 WHERE id = $1"


async def due(conn: PoolConnection, now: datetime, limit: int) -> list[int]:
    """Lock and return incidents that must be looked at, the longest overdue first."""
    return [row["id"] for row in await conn.fetch(DUE, now, limit)]


async def next_look(conn: PoolConnection) -> datetime | None:
    """Return the earliest time at which any incident wants to be looked at."""
    found: datetime | None = await conn.fetchval(NEXT)
    return found


async def put_off(conn: PoolConnection, incident_id: int, until: datetime, trouble: str) -> None:
    """Set an incident aside that could not be decided, with the reason."""
    await conn.execute(PUT_OFF, incident_id, until, trouble)
