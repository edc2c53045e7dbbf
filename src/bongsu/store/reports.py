"""Reports of diagnosis, kept as they were made: any two of an incident can be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from bongsu.incident.report import Evidence, Finding, Report

if TYPE_CHECKING:
    import asyncpg

    from bongsu.store.database import PoolConnection

T = TypeVar("T")

LARGEST = 1_000_000
"""bytes of one report as JSON; what is more is cut from the least telling end"""
LONGEST_OUTPUT = 4_000
"""characters of an answer that one piece of evidence keeps where a report is too large"""
MOST_REPORTS = 50
"""reports of one incident that are kept, the newest ones and the first"""

ADD = """
INSERT INTO reports (id, incident, taken_at, asked_by, why, report)
OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6)
"""
NEW_ID = "SELECT nextval(pg_get_serial_sequence('reports', 'id'))"
_COLUMNS = "id, incident, taken_at, asked_by, why"
LIST = f"""
SELECT {_COLUMNS} FROM reports
 WHERE incident = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
"""  # noqa: S608  a constant
GET = f"SELECT {_COLUMNS}, report FROM reports WHERE incident = $1 AND id = $2"  # noqa: S608  a constant
BEFORE = f"""
SELECT {_COLUMNS}, report FROM reports
 WHERE incident = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT 1
"""  # noqa: S608  a constant
THIN_OUT = """
DELETE FROM reports WHERE incident = $1 AND id IN (
    SELECT id FROM reports WHERE incident = $1 AND id <> (
        SELECT min(id) FROM reports WHERE incident = $1)
     ORDER BY id DESC OFFSET $2)
"""


class ReportRow(msgspec.Struct, frozen=True):
    """A report without the report."""

    id: int
    incident: int
    taken_at: datetime
    asked_by: str
    """``system``, ``person:ID``"""
    why: str
    """``opened``: by itself; ``asked``: somebody asked for it"""


class KeptReport(msgspec.Struct, frozen=True):
    """A report as it is kept."""

    row: ReportRow
    report: Report


_decode = msgspec.json.Decoder(Report).decode
_encode = msgspec.json.Encoder().encode


async def new_id(conn: PoolConnection) -> int:
    """Reserve the id of a report that is about to be made."""
    found: int = await conn.fetchval(NEW_ID)
    return found


async def add(conn: PoolConnection, row: ReportRow, report: Report) -> KeptReport:
    """Keep a report cut to a bounded size, and return it so; of too many the oldest ones go."""
    written = bounded(report)
    await conn.execute(ADD, row.id, row.incident, row.taken_at, row.asked_by, row.why, written)
    await conn.execute(THIN_OUT, row.incident, MOST_REPORTS - 1)
    return KeptReport(row, _decode(written))


async def rows(
    conn: PoolConnection, incident: int, before: int | None = None, limit: int = 50
) -> list[ReportRow]:
    """Return an incident's reports without their content, the newest first."""
    return [ReportRow(*row) for row in await conn.fetch(LIST, incident, before, limit)]


async def get(conn: PoolConnection, incident: int, report_id: int) -> KeptReport | None:
    """Return one report of an incident."""
    return _kept(await conn.fetchrow(GET, incident, report_id))


async def latest(conn: PoolConnection, incident: int) -> KeptReport | None:
    """Return an incident's newest report."""
    return _kept(await conn.fetchrow(BEFORE, incident, None))


async def previous(conn: PoolConnection, incident: int, report_id: int) -> KeptReport | None:
    """Return the report that was made before another one."""
    return _kept(await conn.fetchrow(BEFORE, incident, report_id))


def _kept(row: asyncpg.Record | None) -> KeptReport | None:
    if row is None:
        return None
    return KeptReport(ReportRow(*list(row)[:-1]), _decode(row["report"]))


# ── size ─────────────────────────────────────────────────────────────────────────────────


def bounded(report: Report, largest: int = LARGEST) -> str:
    """Write a report as JSON of at most ``largest`` bytes.

    What is cut first is long output, then the evidence of what is healthy, then the least telling
    of each list, as it is ranked; a report always keeps its head and its first findings.
    """
    raw = _encode(report)
    for cut in _CUTS:
        if len(raw) <= largest:
            break
        report = cut(report)
        raw = _encode(report)
    most = max(len(report.findings), len(report.checks), len(report.changes), 1)
    while len(raw) > largest and most > 1:
        most //= 2
        report = _shortened(report, most)
        raw = _encode(report)
    return raw.decode().replace("\\u0000", "\\ufffd")


def _shortened(report: Report, most: int) -> Report:
    return msgspec.structs.replace(
        report, findings=report.findings[:most], checks=report.checks[:most],
        changes=report.changes[:most], not_checked=report.not_checked[:most],
        affected=report.affected[:most], next_actions=report.next_actions[:most],
        logs=dict(list(report.logs.items())[:most]),
    )  # fmt: skip


def _less_output(report: Report) -> Report:
    return msgspec.structs.replace(
        report, findings=tuple(map(_finding, report.findings)),
        checks=tuple(
            msgspec.structs.replace(
                one, evidence=_evidence(one.evidence), findings=tuple(map(_finding, one.findings))
            )
            for one in report.checks
        ),
        changes=_each(report.changes, lambda one: msgspec.structs.replace(
            one, evidence=_evidence(one.evidence)
        )),
    )  # fmt: skip


def _finding(found: Finding) -> Finding:
    return msgspec.structs.replace(found, evidence=_evidence(found.evidence))


def _evidence(whole: Evidence) -> Evidence:
    if len(whole.output) <= LONGEST_OUTPUT:
        return whole
    return msgspec.structs.replace(whole, output=whole.output[: LONGEST_OUTPUT - 1] + "…")


def _once(report: Report) -> Report:
    """Findings stand in the ranked list and in their check: what is ranked is enough."""
    bare = _each(report.checks, lambda one: msgspec.structs.replace(
        one, findings=(), evidence=Evidence(command=one.evidence.command)
    ))  # fmt: skip
    return msgspec.structs.replace(report, checks=bare)


def _each(items: Sequence[T], made: Callable[[T], T]) -> tuple[T, ...]:
    return tuple(made(one) for one in items)


_CUTS: tuple[Callable[[Report], Report], ...] = (_less_output, _once)
