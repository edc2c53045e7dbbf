"""What lists and pages read about incidents; nothing here locks or writes.

A list goes on after a cursor, the place of its last row, so that the hundredth page costs as much
as the first one, and rows that arrive meanwhile shift nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bongsu.incident.alert import ChangedAlert
from bongsu.incident.recovery_order import MENDED, Broken
from bongsu.store.alert_rows import from_record

if TYPE_CHECKING:
    import asyncpg

    from bongsu.store.database import PoolConnection

_WILD = re.compile(r"[%_\\]")
LONGEST_ID = 18
"""digits that fit into PostgreSQL's bigint"""


class IncidentRow(msgspec.Struct, frozen=True):
    """One line of the list of incidents."""

    id: int
    number: str
    title: str
    severity: str
    phase: str
    open: bool
    drill: bool
    type: str | None
    service: str | None
    acknowledged_by: str | None
    alerts: int
    firing: int
    opened_at: datetime
    ended_at: datetime | None
    seq: int
    trouble: str | None
    """why deciding it failed last, if it did"""


class Place(NamedTuple):
    """Where a list goes on: the sort key of its last row."""

    open: bool
    opened_at: datetime
    id: int


class Wanted(NamedTuple):
    """Which incidents a list shows; None or nothing asks for no particular ones."""

    open: bool | None = None
    phases: Sequence[str] = ()
    severities: Sequence[str] = ()
    service: str | None = None
    type: str | None = None
    drill: bool | None = None
    text: str | None = None
    """a part of the title or of the number, in any case"""


_COLUMNS = ", ".join(IncidentRow.__struct_fields__)
LIST = f"""
SELECT {_COLUMNS} FROM incidents
 WHERE ($1::bool IS NULL OR open = $1)
   AND ($2::text[] IS NULL OR phase = ANY($2))
   AND ($3::text[] IS NULL OR severity = ANY($3))
   AND ($4::text IS NULL OR service = $4)
   AND ($5::text IS NULL OR type = $5)
   AND ($6::bool IS NULL OR drill = $6)
   AND ($7::text IS NULL OR title ILIKE $7 OR number ILIKE $7)
   AND ($8::bool IS NULL OR (open, opened_at, id) < ($8, $9::timestamptz, $10::bigint))
 ORDER BY open DESC, opened_at DESC, id DESC LIMIT $11
"""  # noqa: S608  made of the struct's fields
ROWS = f"SELECT {_COLUMNS} FROM incidents WHERE id = ANY($1::bigint[]) ORDER BY id"  # noqa: S608  as above
BY_NUMBER = "SELECT id FROM incidents WHERE number = $1"
EXISTS = "SELECT id FROM incidents WHERE id = $1"
OPEN_COUNTS = "SELECT severity, count(*) FROM incidents WHERE open AND NOT drill GROUP BY severity"


async def incidents(
    conn: PoolConnection, wanted: Wanted, after: Place | None, limit: int
) -> list[IncidentRow]:
    """Return incidents, open ones first and then the newest ones first."""
    rows = await conn.fetch(
        LIST, wanted.open, list(wanted.phases) or None, list(wanted.severities) or None,
        wanted.service, wanted.type, wanted.drill, _like(wanted.text),
        *(after or (None,) * 3), limit,
    )  # fmt: skip
    return [IncidentRow(*row) for row in rows]


def _like(text: str | None) -> str | None:
    if text is None:
        return None
    literal = _WILD.sub(r"\\\g<0>", text)
    return f"%{literal}%"


async def rows(conn: PoolConnection, ids: Sequence[int]) -> list[IncidentRow]:
    """Return the list's lines of these incidents."""
    return [IncidentRow(*row) for row in await conn.fetch(ROWS, ids)]


async def incident_id(conn: PoolConnection, name: str) -> int | None:
    """Return the id that a person means by ``42`` or ``INC-20250814-143000-42``; None if none."""
    if name.isascii() and name.isdigit():
        found = await conn.fetchval(EXISTS, int(name)) if len(name) <= LONGEST_ID else None
    else:
        found = await conn.fetchval(BY_NUMBER, name.upper())
    return None if found is None else int(found)


async def open_by_severity(conn: PoolConnection) -> dict[str, int]:
    """Count the open incidents that are no drills."""
    return {row["severity"]: row["count"] for row in await conn.fetch(OPEN_COUNTS)}


# ── the log ──────────────────────────────────────────────────────────────────────────────

# What names people and addresses is read from the beginning, or the later lines would lack words.
LOG = """
(SELECT seq, at, actor, body FROM events
  WHERE incident = $1 AND seq <= $2 AND kind IN ('paged', 'delivery_due'))
UNION ALL
(SELECT seq, at, actor, body FROM events
  WHERE incident = $1 AND seq > $2 ORDER BY seq LIMIT $3)
ORDER BY seq
"""


class LogRow(msgspec.Struct, frozen=True):
    """One event as it was written; ``body`` is its JSON."""

    seq: int
    at: datetime
    actor: str
    body: str


async def log(conn: PoolConnection, incident: int, after: int, limit: int) -> list[LogRow]:
    """Return up to ``limit`` events above ``after``, and before them what their words refer to."""
    return [_log_row(row) for row in await conn.fetch(LOG, incident, after, limit)]


def _log_row(row: asyncpg.Record) -> LogRow:
    return LogRow(*row)


# ── alerts ───────────────────────────────────────────────────────────────────────────────

_ALERT = """id, integration, key, status, generation, labels, details, summary, starts_at, ends_at,
 first_seen, last_seen, count, incident_id, triaged_generation, counted"""
ALERTS = f"""
SELECT {_ALERT} FROM alerts
 WHERE incident_id = $1
   AND ($2::bool IS NULL OR (status = 'resolved', first_seen, id) > ($2, $3::timestamptz, $4::uuid))
 ORDER BY status = 'resolved', first_seen, id LIMIT $5
"""  # noqa: S608  a constant
UNROUTED = f"""
SELECT {_ALERT} FROM alerts
 WHERE incident_id IS NULL AND NOT pending AND look_at IS NOT NULL
 ORDER BY first_seen DESC LIMIT $1
"""  # noqa: S608  a constant


class AlertPlace(NamedTuple):
    """Where a list of alerts goes on."""

    resolved: bool
    first_seen: datetime
    id: str


async def alerts(
    conn: PoolConnection, incident: int, after: AlertPlace | None, limit: int
) -> list[ChangedAlert]:
    """Return an incident's alerts, firing ones first and then the oldest first."""
    found = await conn.fetch(ALERTS, incident, *(after or (None,) * 3), limit)
    return [from_record(row) for row in found]


async def without_incident(conn: PoolConnection, limit: int) -> list[ChangedAlert]:
    """Return active alerts that no incident is about: silenced ones, for the most part."""
    return [from_record(row) for row in await conn.fetch(UNROUTED, limit)]


BROKEN = """
SELECT coalesce(service, '') AS service, number, type, report.body ->> 'checks' AS checks
  FROM incidents LEFT JOIN LATERAL (
    SELECT body FROM events WHERE incident = incidents.id AND kind = 'diagnosed'
     ORDER BY seq DESC LIMIT 1) report ON true
 WHERE ended_at IS NULL AND NOT drill AND phase <> ALL ($1::text[])
 ORDER BY id LIMIT $2
"""
MOST_BROKEN = 500


async def broken(conn: PoolConnection) -> list[Broken]:
    """Return what open incidents and their last reports say is broken, as far as not mended."""
    rows = await conn.fetch(BROKEN, [phase.value for phase in MENDED], MOST_BROKEN)
    return [
        Broken(row["service"], row["number"], row["type"], _checks(row["checks"])) for row in rows
    ]


def _checks(written: str | None) -> tuple[str, ...]:
    return () if written is None else msgspec.json.decode(written, type=tuple[str, ...])
