"""The list of incidents, and declaring one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from bongsu.engine.policy import Policy
from bongsu.engine.triage import number
from bongsu.i18n import N_
from bongsu.incident import events as e
from bongsu.manual.schema.base import SEVERITY_LEVELS, SeverityLevel
from bongsu.store import reading
from bongsu.store.reading import IncidentRow, Place
from bongsu.web import live
from bongsu.web.api import lists
from bongsu.web.console.gate import Fields, PageError, Visit, signed
from bongsu.web.console.incident import order_values
from bongsu.web.console.views.listing import Filter, asked
from bongsu.web.live import Message
from bongsu.web.problems import ProblemError

OPEN_EACH = 50
"""open incidents of each severity that the first page has"""
PER_PAGE = 50
PAUSE = 1.0
"""seconds between two calls to read the list again"""
LONGEST_TITLE = 300


@signed()
async def show(visit: Visit) -> Response:
    """Show the list, or only its part that changes."""
    name = "incidents/rows.html" if visit.enhanced else "incidents/list.html"
    return visit.page(name, await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    manual, query = visit.manual, visit.request.query_params
    wanted = asked(query, manual.services.services)
    try:
        place = lists.place_of(query.get("cursor") or None, Place)
    except ProblemError:
        place = None
    async with visit.at.reading() as conn:
        opened = [] if place else await _open_ones(conn, wanted)
        rest = await _rest(conn, wanted, place)
        counts = await reading.open_by_severity(conn)
    shown, last = rest[:PER_PAGE], rest[PER_PAGE - 1] if len(rest) > PER_PAGE else None
    following = lists.cursor(Place(last.open, last.opened_at, last.id)) if last else ""
    return {
        "filter": wanted, "open": _lines(visit, opened), "ended": _lines(visit, shown),
        "next": wanted.address(cursor=following) if following else "", "first": place is None,
        "counts": counts, "severities": _severities(visit), "phases": _phases(visit),
        "services": {n: s.name.in_(visit.t.lang) for n, s in manual.services.services.items()},
        "types": manual.overview.incident_types, "values": defaultdict(str), "error": "",
        "full": sum(counts.values()), "live": "/incidents/live", **await order_values(visit),
        "worst": next((level for level in SEVERITY_LEVELS if counts.get(level)), ""),
    }  # fmt: skip


async def _open_ones(conn: Any, wanted: Filter) -> list[IncidentRow]:
    """The most severe first, each severity's newest first."""
    found: list[IncidentRow] = []
    if wanted.state == "ended":
        return found
    for level in [wanted.severity] if wanted.severity else SEVERITY_LEVELS:
        found += await reading.incidents(
            conn, wanted.wanted(open_=True, severity=level), None, OPEN_EACH
        )
    return found


async def _rest(conn: Any, wanted: Filter, place: Place | None) -> list[IncidentRow]:
    """On the first page what has ended; on later ones whatever the list goes on with."""
    if place is not None:
        return await reading.incidents(conn, wanted.wanted(), place, PER_PAGE + 1)
    if wanted.state == "open":
        return []
    return await reading.incidents(conn, wanted.wanted(open_=False), None, PER_PAGE + 1)


def _lines(visit: Visit, rows: list[IncidentRow]) -> list[lists.IncidentSummary]:
    return [lists.summary(row, visit.manual, visit.t) for row in rows]


def _severities(visit: Visit) -> dict[str, str]:
    known = visit.manual.overview.severities
    return {level: known[level].name.in_(visit.t.lang) for level in SEVERITY_LEVELS}


def _phases(visit: Visit) -> dict[str, str]:
    from bongsu.incident.reasons import PHASES  # noqa: PLC0415

    return {phase: visit.t(name) for phase, name in PHASES.items()}


@signed()
async def watch(visit: Visit) -> Response:
    """Say that the list has changed, at most once a second however much happens."""
    return live.event_stream(_changes(visit))


async def _changes(visit: Visit) -> AsyncGenerator[Message, None]:
    async for _ in visit.at.live.rows():
        yield Message("changed", "{}")
        await asyncio.sleep(PAUSE)


@signed("responder")
async def declare(visit: Visit) -> Response:
    """Open an incident that a person saw; the manual's escalation starts at once."""
    fields = await visit.form()
    try:
        body = _declaration(visit, fields)
    except PageError as error:
        values = {**await _values(visit), "error": visit.t(error.text), "values": fields}
        return visit.page("incidents/list.html", values, error.status)

    def opened(policy: Policy, incident_id: int, now: datetime) -> e.Opened:
        return e.Opened(
            number=number(policy, str(incident_id), now), started_at=now,
            manual=policy.manual.sha, why=e.Reason("declared", {"person": visit.actor.person}),
            **body,
        )  # fmt: skip

    incident = await visit.at.engine.declare(visit.actor.signature, opened)
    return RedirectResponse(f"/incidents/{incident.id}", 303)


def _declaration(visit: Visit, fields: Fields) -> dict[str, Any]:
    title = " ".join(fields["title"].split())
    if not title:
        raise PageError(422, N_("Say in a few words what is broken."))
    if len(title) > LONGEST_TITLE:
        raise PageError(422, N_("The title is too long; put the details into the description."))
    kind = visit.manual.incident_type(fields["type"]) if fields["type"] else None
    usual = kind[1].default_severity if kind else None
    severity: SeverityLevel | None = next(
        (s for s in SEVERITY_LEVELS if s == fields["severity"]), usual
    )
    if severity is None:
        raise PageError(422, N_("Say how severe it is."))
    service = fields["service"] if fields["service"] in visit.manual.services.services else None
    return {
        "title": title, "severity": severity, "description": fields["description"],
        "type": fields["type"] if kind else None, "service": service,
        "drill": fields["drill"] == "on",
    }  # fmt: skip
