"""Incidents: the list, one of them, its timeline, its alerts, and what changes while one looks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Header, Query
from pydantic import StrictBool
from starlette.responses import Response

from bongsu.engine.policy import Policy
from bongsu.engine.triage import number
from bongsu.i18n import N_, Translator
from bongsu.incident import events as e
from bongsu.incident.state import Incident
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.document import Manual
from bongsu.store import incidents, reading
from bongsu.store.reading import AlertPlace, Place, Wanted
from bongsu.web import live
from bongsu.web.api import lists, requests
from bongsu.web.api.depends import Found, Responder, S, T, Viewer
from bongsu.web.api.json import answer, documents
from bongsu.web.api.views import IncidentView, view
from bongsu.web.live import Message
from bongsu.web.problems import ProblemError
from bongsu.web.services import Services

AHEAD = timedelta(minutes=5)
"""how far a caller's clock may be ahead of ours"""
LONG_AGO = timedelta(days=366)

PhaseName = Literal[
    "detected", "verified", "responding", "recovering", "monitoring", "resolved", "reviewed",
    "dismissed",
]  # fmt: skip
After = Annotated[int, Query(ge=0, le=2**31 - 1, description="Only events above this number.")]
Cursor = Annotated[str | None, Query(max_length=300, description="`next` of the page before.")]

router = APIRouter(prefix="/incidents", tags=["incidents"])
encode = msgspec.json.Encoder().encode


@router.get("", summary="List incidents", responses=documents(lists.IncidentList))
async def list_incidents(
    at: S,
    who: Viewer,
    t: T,
    *,
    open_: Annotated[
        bool | None, Query(alias="open", description="Open ones, or ended ones.")
    ] = None,
    phase: Annotated[list[PhaseName], Query(max_length=8)] = [],  # noqa: B006  FastAPI copies it
    severity: Annotated[list[SeverityLevel], Query(max_length=4)] = [],  # noqa: B006  as above
    service: requests.Query | None = None,
    type_: Annotated[requests.Query | None, Query(alias="type")] = None,
    drill: bool | None = None,
    q: Annotated[requests.Query | None, Query(description="Part of the title or number.")] = None,
    cursor: Cursor = None,
    limit: requests.Limit = 50,
) -> Response:
    """Open incidents first, then the newest first.

    Repeat `phase` and `severity` to ask for several.
    """
    wanted = Wanted(open_, phase, severity, service, type_, drill, q)
    async with at.reading() as conn:
        rows = await reading.incidents(conn, wanted, lists.place_of(cursor, Place), limit + 1)
    shown, manual = rows[:limit], at.policy.manual
    last = Place(shown[-1].open, shown[-1].opened_at, shown[-1].id) if len(rows) > limit else None
    found = [lists.summary(row, manual, t) for row in shown]
    return answer(lists.IncidentList(found, lists.cursor(last) if last else None))


class Declaration(requests.Body):
    """An incident that a person saw before any monitor did."""

    title: requests.Line
    severity: SeverityLevel | None = None
    """may be left out where the type has a usual severity"""
    description: requests.Words = ""
    type: requests.Name | None = None
    service: requests.Name | None = None
    started_at: requests.Instant | None = None
    """since when it has been broken; now, where it is not given"""
    drill: StrictBool = False
    """an exercise: marked as such wherever it is shown"""


@router.post(
    "", status_code=201, summary="Declare an incident",
    responses=documents(IncidentView, "It is open, and pages go out.", 201),
)  # fmt: skip
async def declare(at: S, who: Responder, t: T, body: Declaration) -> Response:
    """Open an incident; the manual's escalation starts at once."""

    def opened(policy: Policy, incident_id: int, now: datetime) -> e.Opened:
        return e.Opened(
            number=number(policy, str(incident_id), now), title=body.title,
            severity=_severity(body, policy.manual), started_at=_onset(body.started_at, now),
            description=body.description, type=_type(body.type, policy.manual),
            service=_service(body.service, policy.manual), manual=policy.manual.sha,
            drill=body.drill, why=e.Reason("declared", {"person": who.person}),
        )  # fmt: skip

    incident = await at.engine.declare(who.signature, opened)
    place = {"location": f"{at.base_url}/api/v1/incidents/{incident.id}"}
    return shown(at, incident, t, 201, place)


def _severity(body: Declaration, manual: Manual) -> SeverityLevel:
    known = manual.incident_type(body.type) if body.type else None
    usual = known[1].default_severity if known else None
    if (found := body.severity or usual) is None:
        raise wrong("severity", N_("say how severe it is: P0, P1, P2 or P3"))
    return found


def _type(name: str | None, manual: Manual) -> str | None:
    if name is not None and manual.incident_type(name) is None:
        known = ", ".join(one for group in manual.overview.incident_types.values() for one in group)
        raise wrong(
            "type",
            N_("there is no incident type {type}; write one of {known}"),
            type=name,
            known=known,
        )
    return name


def _service(name: str | None, manual: Manual) -> str | None:
    if name is not None and name not in manual.services.services:
        known = ", ".join(manual.services.services)
        text = N_("there is no service {service}; write one of {known}")
        raise wrong("service", text, service=name, known=known)
    return name


def _onset(started_at: datetime | None, now: datetime) -> datetime:
    if started_at is None:
        return now
    if not now - LONG_AGO <= started_at <= now + AHEAD:
        raise wrong("started_at", N_("it must lie in the past, at most a year ago"))
    return min(started_at, now)


def wrong(field: str, text: str, **values: object) -> ProblemError:
    """Refuse a value of the body that only the manual could judge."""
    return ProblemError("invalid", text, **values).at("body", field)


def shown(
    at: Services, incident: Incident, t: Translator, status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    """Answer with an incident as it stands."""
    found = view(at.policy, incident, at.base_url, t, at.engine.clock.now())
    return answer(found, status, headers)


@router.get("/{incident}", summary="One incident as it stands", responses=documents(IncidentView))
async def get_incident(at: S, who: Viewer, incident: Found, t: T) -> Response:
    """What is broken, who is on it, the clocks against their targets, and what to do next."""
    return shown(at, await loaded(at, incident), t)


async def loaded(at: Services, incident: int) -> Incident:
    """Load an incident without locking it.

    Raises:
        ProblemError: there is none.
    """
    async with at.reading() as conn:
        found = await incidents.load(conn, incident)
    if found is None:
        raise ProblemError("not_found", N_("there is no incident {incident}"), incident=incident)
    return found


@router.get("/{incident}/timeline", summary="What happened", responses=documents(lists.Timeline))
async def get_timeline(
    at: S, who: Viewer, incident: Found, t: T, *, after: After = 0,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
) -> Response:  # fmt: skip
    """The log in words, each event with the body as it was written."""
    async with at.reading() as conn:
        rows = await reading.log(conn, incident, after, limit + 1)
    told = lists.entries(rows, after, at.policy.manual, t)
    last = told[:limit][-1].seq if told else after
    return answer(lists.Timeline(told[:limit], last, len(told) > limit))


@router.get("/{incident}/alerts", summary="Its alerts", responses=documents(lists.AlertList))
async def get_alerts(
    at: S, who: Viewer, incident: Found, cursor: Cursor = None, limit: requests.Limit = 50
) -> Response:
    """The alerts that it groups: firing ones first, then the oldest first."""
    place = lists.place_of(cursor, AlertPlace)
    async with at.reading() as conn:
        found = await reading.alerts(conn, incident, place, limit + 1)
    return answer(lists.alert_list(found, limit))


STREAM: dict[int | str, dict[str, object]] = {
    200: {"description": "Server-sent events.", "content": {"text/event-stream": {}}}
}


@router.get("/{incident}/live", summary="What happens, as it happens", responses=STREAM)
async def watch_incident(
    at: S, who: Viewer, incident: Found, t: T, *, after: After = 0,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:  # fmt: skip
    """Server-sent events.

    `event: timeline` has one entry of the timeline as `data` and its number
    as `id`, from which a broken stream goes on (`Last-Event-ID`); `event: incident` follows with
    the incident as it stands.
    """
    return live.event_stream(_told(at, incident, max(after, live.last_seen(last_event_id)), t))


async def _told(
    at: Services, incident: int, after: int, t: Translator
) -> AsyncGenerator[Message, None]:
    async for change in at.live.changes(incident, after):
        policy = at.policy
        for entry in lists.entries(change.log, change.after, policy.manual, t):
            yield Message("timeline", encode(entry).decode(), str(entry.seq))
        now = at.engine.clock.now()
        state = view(policy, change.incident, at.base_url, t, now)
        yield Message("incident", encode(state).decode())


everything = APIRouter(tags=["incidents"])


@everything.get("/live", summary="Which incidents change, as they change", responses=STREAM)
async def watch_all(at: S, who: Viewer, t: T) -> Response:
    """Server-sent events.

    `event: incident` has an incident as the list shows it; `event: reset`,
    which also begins the stream, asks to read the list again.
    """
    return live.event_stream(_changed(at, t))


async def _changed(at: Services, t: Translator) -> AsyncGenerator[Message, None]:
    async for rows in at.live.rows():
        if rows is None:
            yield Message("reset", "{}")
            continue
        for row in rows:
            line = lists.summary(row, at.policy.manual, t)
            yield Message("incident", encode(line).decode())
