"""One incident: its page, its older timeline, its alerts, and what changes while one looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from bongsu.i18n import N_
from bongsu.incident.digest import KINDS, VERDICTS
from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident
from bongsu.incident.verification import plan
from bongsu.incident.verification.reasons import OUTCOMES
from bongsu.store import incidents, reading, reports, verifications
from bongsu.store.reports import KeptReport, ReportRow
from bongsu.web import live
from bongsu.web.api import lists
from bongsu.web.api.recovery import in_order
from bongsu.web.api.verifications import Outputs, listed
from bongsu.web.console.gate import PageError, Visit, signed
from bongsu.web.console.views.incident import alert_groups, incident_page, lines
from bongsu.web.console.views.report import report_shown
from bongsu.web.console.views.runs import runs_values
from bongsu.web.live import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.store.reading import LogRow

SECTIONS = ("head", "next", "bar", "clocks", "lanes", "roles", "notices", "facts")
"""parts of the page that are sent again whenever something has happened"""
VERIFIED_IN = (Phase.RECOVERING, Phase.MONITORING)
"""phases in which the checks of the recovery are shown, whether or not they were run"""
LATEST = 200
"""lines of the timeline that the page begins with, and that “older” adds"""
ALERTS = 50
EARLIER = 2
"""reports that the page must know of: the newest, and the one before it"""
PAUSE = 0.25
"""seconds between two tellings, so that a storm is told in few"""
_ALERT_KINDS = ('"alerts_', '"absorbed"', '"merged_into"')


class Fragment(Message):
    """A server-sent event without a name: htmx swaps its parts in."""

    def encode(self) -> str:
        """Write it as the browser reads it."""
        head = f"id: {self.id}\n" if self.id else ""
        lines_ = "".join(f"data: {line}\n" for line in self.data.split("\n") if line.strip())
        return f"{head}{lines_}\n"


@signed()
async def show(visit: Visit) -> Response:
    """Show it."""
    return visit.page("incident/page.html", await page_values(visit, await found(visit)))


async def found(visit: Visit) -> Incident:
    """Return the incident that the address names.

    Raises:
        PageError: there is none.
    """
    name = visit.request.path_params["incident"]
    async with visit.at.reading() as conn:
        known = await reading.incident_id(conn, name) if len(name) <= 64 else None  # noqa: PLR2004  longer than any number
        incident = await incidents.load(conn, known) if known is not None else None
    if incident is None:
        raise PageError(404, N_("There is no incident {incident}."), incident=name[:64])
    return incident


async def page_values(visit: Visit, incident: Incident, error: str = "") -> dict[str, Any]:
    """Read all that the page shows."""
    after = max(incident.seq - LATEST, 0)
    async with visit.at.reading() as conn:
        rows = await reading.log(conn, int(incident.id), after, LATEST + 50)
        alerts = await reading.alerts(conn, int(incident.id), None, ALERTS + 1)
    told = lines(rows, after, visit.manual, visit.t)
    report = {**await found_values(visit, incident), **await order_values(visit)}
    report |= await runs_values(visit, incident, report["found"])
    report |= await verification_values(visit, incident)
    return {
        **section_values(visit, incident), **_alert_values(alerts), **report, "lines": told,
        "older": after or 0, "error": error, "sections": SECTIONS,
        "last": told[0].seq if told else 0,
        "live": f"/incidents/{incident.id}/live?after={told[0].seq if told else 0}",
    }  # fmt: skip


def section_values(visit: Visit, incident: Incident) -> dict[str, Any]:
    """Work out what the sections show."""
    page = incident_page(
        visit.at.policy, incident, visit.actor, base_url=visit.at.base_url, t=visit.t, now=visit.now
    )
    return {"page": page, "one": page.view, "sections": SECTIONS}


async def verification_values(visit: Visit, incident: Incident) -> dict[str, Any]:
    """Read how the checks of the recovery stand, and what those under way have printed."""
    async with visit.at.reading() as conn:
        printing = await verifications.printing(conn, int(incident.id))
    verified = listed(visit.manual, incident, Outputs({}, printing), visit.t)
    shown = bool(verified.checks) and (
        incident.phase in VERIFIED_IN or bool(incident.verification.asked)
    )
    return {
        "verified": verified if shown else None, "overridden": incident.verification.overridden,
        "outcomes": {word: visit.t(name) for word, name in OUTCOMES.items()},
    }  # fmt: skip


async def order_values(visit: Visit) -> dict[str, Any]:
    """Read in which order what is broken is brought back; one service alone needs none."""
    async with visit.at.reading() as conn:
        places = in_order(visit.manual, await reading.broken(conn), visit.t)
    return {"order": places if len(places) > 1 else []}


def _alert_values(found: Sequence[Any]) -> dict[str, Any]:
    shown = lists.alert_list(found, ALERTS)
    return {"groups": alert_groups(shown.alerts), "more_alerts": shown.next or ""}


async def found_values(visit: Visit, incident: Incident) -> dict[str, Any]:
    """Read what diagnosis found last."""
    async with visit.at.reading() as conn:
        latest = await reports.latest(conn, int(incident.id))
        rows = await reports.rows(conn, int(incident.id), limit=EARLIER)
    return report_values(visit, incident, latest, rows)


def report_values(
    visit: Visit, incident: Incident, latest: KeptReport | None, rows: Sequence[ReportRow]
) -> dict[str, Any]:
    """Work out what the page shows of a report, and of those before it."""
    t = visit.t
    shown = (
        report_shown(latest, incident, visit.actor, visit.manual, t, others=rows)
        if latest
        else None
    )
    return {
        "found": shown, "can_diagnose": visit.at.diagnostician is not None,
        "verdicts": {word: t(name) for word, name in VERDICTS.items()},
        "kinds": {word: t(name) for word, name in KINDS.items()},
    }  # fmt: skip


def changed_sections(
    visit: Visit,
    incident: Incident,
    said: str = "",
    error: str = "",
    report: Mapping[str, Any] | None = None,
) -> str:
    """Return every section as a part for htmx, and what is said about what was done."""
    values = {**section_values(visit, incident), "said": said, "error": error, **(report or {})}
    return visit.frame.text("incident/parts.html", values)


@signed()
async def older(visit: Visit) -> Response:
    """Show the timeline before what the page has: as a part of it, or as a page of its own."""
    incident = await found(visit)
    text = visit.request.query_params.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else incident.seq + 1  # noqa: PLR2004  fits an integer
    after = max(before - 1 - LATEST, 0)
    async with visit.at.reading() as conn:
        rows = await reading.log(conn, int(incident.id), after, min(before - 1 - after, LATEST))
    told = [line for line in lines(rows, after, visit.manual, visit.t) if line.seq < before]
    values = {**section_values(visit, incident), "lines": told, "older": after}
    name = "incident/lines.html" if visit.enhanced else "incident/older.html"
    return visit.page(name, values)


@signed()
async def alerts(visit: Visit) -> Response:
    """Show the alerts after a place."""
    incident = await found(visit)
    place = lists.place_of(visit.request.query_params.get("cursor") or None, reading.AlertPlace)
    async with visit.at.reading() as conn:
        rows = await reading.alerts(conn, int(incident.id), place, ALERTS + 1)
    values = {**section_values(visit, incident), **_alert_values(rows)}
    name = "incident/alert_groups.html" if visit.enhanced else "incident/alerts_page.html"
    return visit.page(name, values)


@signed()
async def watch(visit: Visit) -> Response:
    """Send what happens, as it happens; a broken stream goes on where it was."""
    incident = await found(visit)
    text = visit.request.query_params.get("after", "")
    after = max(live.last_seen(text), live.last_seen(visit.request.headers.get("last-event-id")))
    return live.event_stream(_told(visit, int(incident.id), after))


class _LatestReport:
    """An incident's newest report, read again only where there is a newer one."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._latest: KeptReport | None = None

    async def values(self, incident: Incident) -> dict[str, Any]:
        """Return what the page shows of it, by the incident as it stands."""
        async with self._visit.at.reading() as conn:
            rows = await reports.rows(conn, int(incident.id), limit=EARLIER)
            if rows and (self._latest is None or self._latest.row.id != rows[0].id):
                self._latest = await reports.get(conn, int(incident.id), rows[0].id)
        return report_values(self._visit, incident, self._latest, rows)


async def _told(visit: Visit, incident: int, after: int) -> AsyncGenerator[Message, None]:
    report = _LatestReport(visit)
    async for change in visit.at.live.stirrings(incident, after):
        if change is None:
            if text := await _printed(visit, incident, report):
                yield Fragment("", text)
                await asyncio.sleep(PAUSE)
            continue
        told = lines(change.log, change.after, visit.manual, visit.t)
        values = {**section_values(visit, change.incident), "lines": told, "said": "", "error": ""}
        values |= await report.values(change.incident)
        values |= await order_values(visit)
        values |= await runs_values(visit, change.incident, values["found"])
        values |= await verification_values(visit, change.incident)
        if _about_alerts(change.log, change.after):
            async with visit.at.reading() as conn:
                rows = await reading.alerts(conn, incident, None, ALERTS + 1)
            values |= _alert_values(rows)
        text = visit.frame.text("incident/parts.html", values)
        yield Fragment("", text, str(change.log[-1].seq))
        await asyncio.sleep(PAUSE)


async def _printed(visit: Visit, incident: int, report: _LatestReport) -> str:
    """Return the sections of what is under way: runs, checks; nothing else prints."""
    async with visit.at.reading() as conn:
        known = await incidents.load(conn, incident)
    if known is None:
        return ""
    values, parts = section_values(visit, known), list[str]()
    if not all(run.over for run in known.runs.values()):
        values |= await runs_values(visit, known, (await report.values(known))["found"])
        parts.append(visit.frame.text("incident/runs_part.html", values))
    if plan.running(known):
        values |= await verification_values(visit, known)
        parts.append(visit.frame.text("incident/verification_part.html", values))
    return "".join(parts)


def _about_alerts(rows: Sequence[LogRow], after: int) -> bool:
    return any(kind in row.body for row in rows if row.seq > after for kind in _ALERT_KINDS)
