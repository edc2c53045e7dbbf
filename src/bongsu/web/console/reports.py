"""An incident's reports on pages of their own, a new one on demand, and two of them compared."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from bongsu.i18n import N_
from bongsu.incident.diagnosis import compare
from bongsu.incident.digest import KINDS, VERDICTS
from bongsu.incident.state import Incident
from bongsu.store import reports as store
from bongsu.store.reports import KeptReport
from bongsu.web.api.report_views import Shown
from bongsu.web.console.gate import PageError, Visit, signed
from bongsu.web.console.incident import changed_sections, found, found_values, section_values
from bongsu.web.console.views.report import WHOLE, report_shown

PATIENCE = 15.0
"""seconds that the button waits for the report; one that takes longer comes by itself"""
OTHERS = 50


@signed("responder")
async def diagnose(visit: Visit) -> Response:
    """Run the manual's checks now, and show what they found."""
    incident = await found(visit)
    await visit.form()
    doctor = visit.at.diagnostician
    if doctor is None:
        raise PageError(503, N_("Diagnosis does not run in this process."))
    run = await doctor.begin(int(incident.id), asked_by=visit.actor.signature)
    await asyncio.wait({run.done}, timeout=PATIENCE)
    if not visit.enhanced:
        return RedirectResponse(f"/incidents/{incident.id}", 303)
    there = run.done.done() and run.done.exception() is None
    said = N_("Looked again.") if there else N_("It takes longer; the report comes by itself.")
    now = await found(visit)
    report = await found_values(visit, now)
    return HTMLResponse(changed_sections(visit, now, said=visit.t(said), report=report))


@signed()
async def show(visit: Visit) -> Response:
    """Show a whole report."""
    incident = await found(visit)
    kept = await _report(visit, incident, visit.request.path_params["report"])
    async with visit.at.reading() as conn:
        others = await store.rows(conn, int(incident.id), limit=OTHERS)
    shown = report_shown(
        kept, incident, visit.actor, visit.manual, visit.t, most=WHOLE, others=others
    )
    values = {**section_values(visit, incident), "found": shown, **words(visit)}
    return visit.page("report/page.html", values)


def words(visit: Visit) -> dict[str, Any]:
    """Return what verdicts and kinds of changes are called."""
    return {
        "verdicts": {word: visit.t(name) for word, name in VERDICTS.items()},
        "kinds": {word: visit.t(name) for word, name in KINDS.items()},
    }


async def _report(visit: Visit, incident: Incident, name: object) -> KeptReport:
    text = str(name)
    known = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0  # noqa: PLR2004  fits into a bigint
    async with visit.at.reading() as conn:
        kept = await store.get(conn, int(incident.id), known)
    if kept is None:
        raise PageError(404, N_("There is no such report."))
    return kept


# ── before and after ─────────────────────────────────────────────────────────────────────


@signed()
async def compared(visit: Visit) -> Response:
    """Show what a report says otherwise than an earlier one; the older one is the first."""
    incident = await found(visit)
    one = await _report(visit, incident, visit.request.path_params["report"])
    other = await _report(visit, incident, visit.request.query_params.get("with", ""))
    before, after = sorted((one, other), key=lambda kept: kept.row.id)
    values = {
        **section_values(visit, incident), **words(visit), "report": one.row.id,
        "compared": Shown(visit.manual, visit.t).compared(compare(before.report, after.report)),
    }  # fmt: skip
    return visit.page("report/compare.html", values)
