"""Diagnosis: an incident's reports, a new one on demand, two compared, a look without incident."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from bongsu.engine.diagnosis import Diagnostician
from bongsu.i18n import N_
from bongsu.incident.diagnosis import compare
from bongsu.store import reports as store
from bongsu.store.reports import KeptReport
from bongsu.web.api import requests
from bongsu.web.api.depends import Found, Responder, S, T, Viewer
from bongsu.web.api.incidents import wrong
from bongsu.web.api.json import answer, documents
from bongsu.web.api.report_views import ComparisonView, ReportHead, ReportView, Shown
from bongsu.web.problems import ProblemError
from bongsu.web.services import Services

LONGEST_WAIT = 60.0
router = APIRouter(tags=["diagnosis"])
ReportId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Wait = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the report itself.")
]


class ReportList(msgspec.Struct, frozen=True):
    """An incident's reports, the newest first; `next` is the `before` of the following page."""

    reports: list[ReportHead]
    next: int | None


class Diagnosing(msgspec.Struct, frozen=True):
    """A diagnosis under way; its report will have this `id`."""

    id: int
    deadline_seconds: float


class Look(requests.Body):
    """What to look at: a service of the manual, or everything."""

    service: requests.Name | None = None


def diagnostician(at: Services) -> Diagnostician:
    """Return who diagnoses in this process.

    Raises:
        ProblemError: nobody does.
    """
    if at.diagnostician is None:
        raise ProblemError("conflict", N_("this process does not diagnose"))
    return at.diagnostician


@router.post(
    "/incidents/{incident}/reports", summary="Diagnose an incident again",
    responses={
        **documents(ReportView, "The report, where it came within `wait`."),
        **documents(Diagnosing, "It is under way.", 202),
    },
)  # fmt: skip
async def diagnose(at: S, who: Responder, incident: Found, t: T, *, wait: Wait = 0.0) -> Response:
    """Run the manual's checks now.

    Whoever asks while one is under way is given the same report. With `wait` the answer is the
    report, if it comes within so many seconds; without it, or when it takes longer, 202 with the
    id under which it will be found.
    """
    doctor = diagnostician(at)
    run = await doctor.begin(incident, asked_by=who.signature)
    place = {"location": f"{at.base_url}/api/v1/incidents/{incident}/reports/{run.report}"}
    await asyncio.wait({run.done}, timeout=wait)
    if run.done.done():
        kept = run.done.result()
        return answer(Shown(at.policy.manual, t).kept(kept), 200, place)
    return answer(Diagnosing(run.report, doctor.deadline), 202, place)


@router.get(
    "/incidents/{incident}/reports", summary="An incident's reports",
    responses=documents(ReportList),
)  # fmt: skip
async def list_reports(
    at: S, who: Viewer, incident: Found, t: T, *,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: requests.Limit = 50,
) -> Response:  # fmt: skip
    """Without their content; the newest first."""
    async with at.reading() as conn:
        found = await store.rows(conn, incident, before, limit + 1)
    shown = Shown(at.policy.manual, t)
    following = found[limit - 1].id if len(found) > limit else None
    return answer(ReportList([shown.head(row) for row in found[:limit]], following))


@router.get(
    "/incidents/{incident}/reports/{report}", summary="One report",
    responses=documents(ReportView),
)  # fmt: skip
async def get_report(at: S, who: Viewer, incident: Found, t: T, report: ReportId) -> Response:
    """A report that is under way is not there yet."""
    return answer(Shown(at.policy.manual, t).kept(await _one(at, incident, report)))


async def _one(at: Services, incident: int, report: int) -> KeptReport:
    async with at.reading() as conn:
        found = await store.get(conn, incident, report)
    if found is None:
        raise ProblemError("not_found", N_("there is no report {report} (yet)"), report=report)
    return found


@router.get(
    "/incidents/{incident}/reports/{report}/compare", summary="Two reports, before and after",
    responses=documents(ComparisonView),
)  # fmt: skip
async def compare_reports(
    at: S, who: Viewer, incident: Found, t: T, report: ReportId, *,
    other: Annotated[int, Query(alias="with", ge=1, le=2**63 - 1)],
) -> Response:  # fmt: skip
    """What is better, worse, new or gone; the older of the two is the first."""
    before = await _one(at, incident, min(report, other))
    after = await _one(at, incident, max(report, other))
    return answer(Shown(at.policy.manual, t).compared(compare(before.report, after.report)))


@router.post("/diagnose", summary="Look without an incident", responses=documents(ReportView))
async def look(at: S, who: Responder, t: T, body: Look) -> Response:
    """Run the manual's checks of one service, or all; nothing is kept."""
    services = at.policy.manual.services.services
    if body.service is not None and body.service not in services:
        known, text = ", ".join(services), N_("there is no service {service}; write one of {known}")
        raise wrong("service", text, service=body.service, known=known)
    report = await diagnostician(at).look(body.service)
    return answer(Shown(at.policy.manual, t).report(report))
