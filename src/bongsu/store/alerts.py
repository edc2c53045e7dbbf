"""Queries about alerts: what triage takes and settles, what ends by time, what people look at.

Writing them is `bongsu.store.alert_writer`'s. Whoever locks several alerts locks them in the
order of their ids, as the writer does, so that nobody waits in a circle.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from bongsu.incident.alert import ChangedAlert
from bongsu.store.alert_rows import alert_id, from_record

if TYPE_CHECKING:
    import asyncpg

    from bongsu.store.database import PoolConnection

__all__ = [
    "alert_id",
    "alerts_of_incident",
    "count_firing",
    "expire",
    "find",
    "incidents_of_groups",
    "left",
    "list_active",
    "lock_pending",
    "pending",
    "prune",
    "put_off",
    "settle",
    "take_over",
]

# Only this constant is ever put into a statement as text.
_COLUMNS = """id, integration, key, status, generation, labels, details, summary, starts_at,
 ends_at, first_seen, last_seen, count, incident_id, triaged_generation, counted"""

PENDING = f"""
SELECT {_COLUMNS} FROM alerts WHERE look_at <= $1 AND pending ORDER BY look_at LIMIT $2"""  # noqa: S608  see _COLUMNS

LEFT = "SELECT id FROM alerts WHERE look_at <= $1 AND pending ORDER BY look_at LIMIT $2"

TAKE_OVER = f"""
UPDATE alerts SET look_at = $2 WHERE id IN (
    SELECT id FROM alerts WHERE id = ANY($3) AND look_at <= $1 AND pending
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}"""  # noqa: S608  see _COLUMNS

PUT_OFF = "UPDATE alerts SET look_at = $2 WHERE id = $1 AND pending"

LOCK_PENDING = """
SELECT id, status, generation, incident_id, triaged_generation, counted
FROM alerts WHERE id = ANY($1) AND pending
ORDER BY id FOR NO KEY UPDATE"""

# The rows are locked, so nothing about them has changed since they were read.
SETTLE = """
UPDATE alerts SET pending = false, triaged_generation = generation,
    look_at = CASE WHEN status <> 'resolved' THEN coalesce(ends_at, 'infinity') END,
    incident_id = coalesce(owner, incident_id),
    counted = status <> 'resolved' AND (counted OR owner IS NOT NULL)
FROM unnest($1::uuid[], $2::bigint[]) AS settled(alert, owner) WHERE id = settled.alert"""

# An ended incident that may be reopened counts as its group's; an open one comes first.
INCIDENTS_OF_GROUPS = """
SELECT DISTINCT ON (group_key) group_key, id FROM incidents
WHERE group_key = ANY($1) AND (open OR ended_at >= $2)
ORDER BY group_key, open DESC, ended_at DESC"""

# look_at lags behind ends_at, which every repeat moves, so that no repeat has to touch its index.
EXPIRE = f"""
WITH due AS MATERIALIZED (
    SELECT id FROM alerts WHERE look_at <= $1 AND NOT pending ORDER BY look_at LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
), later AS (
    UPDATE alerts SET look_at = coalesce(ends_at, 'infinity')
    WHERE id IN (SELECT id FROM due) AND (ends_at IS NULL OR ends_at > $1)
)
UPDATE alerts SET status = 'resolved', changed_in = $3, pending = true
WHERE id IN (SELECT id FROM due) AND ends_at <= $1
RETURNING {_COLUMNS}"""  # noqa: S608  see _COLUMNS

FIND = f"SELECT {_COLUMNS} FROM alerts WHERE id = ANY($1)"  # noqa: S608  see _COLUMNS

OF_INCIDENT = f"""
SELECT {_COLUMNS} FROM alerts WHERE incident_id = $1
ORDER BY status = 'resolved', first_seen LIMIT $2"""  # noqa: S608  see _COLUMNS

COUNT_FIRING = "SELECT count(*) FROM alerts WHERE incident_id = $1 AND status <> 'resolved'"

ACTIVE = f"""
SELECT {_COLUMNS} FROM alerts
WHERE look_at IS NOT NULL AND status <> 'resolved' AND ($1::text IS NULL OR integration = $1)
ORDER BY first_seen DESC LIMIT $2"""  # noqa: S608  see _COLUMNS

PRUNE = """
DELETE FROM alerts WHERE status = 'resolved' AND NOT pending AND last_seen < $1"""


async def pending(conn: PoolConnection, before: datetime, limit: int) -> list[ChangedAlert]:
    """Return alerts whose change has waited for triage since ``before`` or longer, oldest first."""
    return [from_record(r) for r in await conn.fetch(PENDING, before, limit)]


async def left(conn: PoolConnection, before: datetime, limit: int) -> list[str]:
    """Return the ids of alerts that have waited for triage since ``before``, oldest first."""
    return [r["id"].hex for r in await conn.fetch(LEFT, before, limit)]


async def take_over(
    conn: PoolConnection, ids: Sequence[str], before: datetime, lease: timedelta
) -> list[ChangedAlert]:
    """Return those alerts that have still waited for triage since ``before`` or longer.

    Nobody else is given them for ``lease`` from then on.
    """
    rows = await conn.fetch(TAKE_OVER, before, before + lease, ids)
    return [from_record(r) for r in rows]


async def put_off(conn: PoolConnection, alert: str, until: datetime) -> None:
    """Leave an alert that can't be triaged alone until then."""
    await conn.execute(PUT_OFF, alert, until)


async def lock_pending(conn: PoolConnection, changed: Sequence[ChangedAlert]) -> list[ChangedAlert]:
    """Lock those alerts that still wait for triage, and return them with their present state."""
    known = {alert.id: alert for alert in changed}
    return [_as_now(known[r["id"].hex], r) for r in await conn.fetch(LOCK_PENDING, sorted(known))]


def _as_now(alert: ChangedAlert, record: asyncpg.Record) -> ChangedAlert:
    """Bring up to date what triage goes by; its texts are as new as what this process was sent."""
    return msgspec.structs.replace(
        alert, status=record["status"], generation=record["generation"],
        incident_id=record["incident_id"], triaged_generation=record["triaged_generation"],
        counted=record["counted"],
    )  # fmt: skip


async def settle(
    conn: PoolConnection,
    triaged: Sequence[ChangedAlert],
    owners: Mapping[tuple[str, str], int],
) -> None:
    """Note that locked alerts are triaged.

    ``owners`` names by (integration, key) the incident that each was brought into. One without an
    owner keeps the incident that it had.
    """
    ids = [alert.id for alert in triaged]
    incidents = [owners.get((alert.integration, alert.key)) for alert in triaged]
    await conn.execute(SETTLE, ids, incidents)


async def incidents_of_groups(
    conn: PoolConnection, groups: Sequence[str], ended_after: datetime
) -> dict[str, int]:
    """Return the open incident of each group, or else the last one if it ended that lately."""
    rows = await conn.fetch(INCIDENTS_OF_GROUPS, groups, ended_after)
    return {row["group_key"]: row["id"] for row in rows}


async def expire(conn: PoolConnection, now: datetime, limit: int = 1000) -> list[ChangedAlert]:
    """Resolve alerts whose end has passed without their being sent again; triage takes them on.

    At most ``limit`` are looked at; call it again at once when as many came back.
    """
    return [from_record(r) for r in await conn.fetch(EXPIRE, now, limit, statement_number())]


async def find(conn: PoolConnection, ids: Sequence[str]) -> list[ChangedAlert]:
    """Return alerts by their ids."""
    return [from_record(r) for r in await conn.fetch(FIND, ids)]


async def alerts_of_incident(
    conn: PoolConnection, incident_id: int, limit: int = 100
) -> list[ChangedAlert]:
    """Return an incident's alerts, active ones first."""
    return [from_record(r) for r in await conn.fetch(OF_INCIDENT, incident_id, limit)]


async def count_firing(conn: PoolConnection, incident_id: int) -> int:
    """Count an incident's alerts that are not resolved."""
    return int(await conn.fetchval(COUNT_FIRING, incident_id))


async def list_active(
    conn: PoolConnection, integration: str | None = None, limit: int = 1000
) -> list[ChangedAlert]:
    """Return the alerts that are not resolved, newest first."""
    return [from_record(r) for r in await conn.fetch(ACTIVE, integration, limit)]


async def prune(conn: PoolConnection, before: datetime) -> int:
    """Forget alerts that were resolved and last heard of before a time; return how many."""
    done: str = await conn.execute(PRUNE, before)
    return int(done.rsplit(" ", 1)[-1])


def statement_number() -> int:
    """Make the number by which a statement tells the rows that it changed from the others."""
    return secrets.randbits(63)
