"""The checks of a recovery: running them, and what each of their runs printed."""

from __future__ import annotations

from starlette.responses import HTMLResponse, RedirectResponse, Response

from bongsu.i18n import N_
from bongsu.incident import commands as c
from bongsu.incident.commands import RefusedError
from bongsu.incident.reasons import explain
from bongsu.incident.verification.reasons import OUTCOMES
from bongsu.incident.verification.words import check_name
from bongsu.store import verifications
from bongsu.web.console.gate import PageError, Visit, signed
from bongsu.web.console.incident import (
    changed_sections,
    found,
    section_values,
    verification_values,
)

MOST_RUNS = 20
LONGEST = 64
"""characters of a check's id"""


@signed("responder")
async def run(visit: Visit) -> Response:
    """Run one check, or all that the manual wants."""
    incident, form = await found(visit), await visit.form()
    checks = [form["check"][:LONGEST]] if form["check"] else []
    said, error, status = visit.t(N_("The checks are running.")), "", 200
    try:
        await visit.at.engine.act(
            int(incident.id), visit.actor.signature,
            lambda p, i, _now: c.verify(p.manual, i, checks),
        )  # fmt: skip
    except RefusedError as refused:
        said, error, status = "", explain(refused.reason, visit.manual, visit.t), 409
    if not visit.enhanced and not error:
        return RedirectResponse(f"/incidents/{incident.id}", 303)
    now = await found(visit)
    checks_now = await verification_values(visit, now)
    return HTMLResponse(
        changed_sections(visit, now, said=said, error=error, report=checks_now), status
    )


@signed()
async def show(visit: Visit) -> Response:
    """Show the latest runs of a check, with what each printed."""
    incident, check = await found(visit), str(visit.request.path_params["check"])[:LONGEST]
    async with visit.at.reading() as conn:
        rows = await verifications.of_check(conn, int(incident.id), check, MOST_RUNS)
    if not rows:
        raise PageError(404, N_("This check has not been run."))
    runs = [(row, explain(row.why, visit.manual, visit.t)) for row in rows]
    values = {
        **section_values(visit, incident), "runs": runs,
        "name": check_name(check, visit.manual, visit.t),
        "outcomes": {word: visit.t(name) for word, name in OUTCOMES.items()},
    }  # fmt: skip
    return visit.page("incident/verification_runs.html", values)
