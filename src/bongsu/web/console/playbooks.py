"""Playbooks on pages of their own, and what people do to runs on an incident's page."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from bongsu.engine.engine import Command
from bongsu.i18n import N_
from bongsu.incident import run_events as r
from bongsu.incident.commands import RefusedError
from bongsu.incident.reasons import explain
from bongsu.incident.runs import asking
from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Playbook
from bongsu.store import reading
from bongsu.store import runs as store
from bongsu.store.reading import Wanted
from bongsu.store.runs import RunsWanted
from bongsu.web.access.actor import Actor
from bongsu.web.api.playbook_views import playbook_view
from bongsu.web.api.run_views import ShownRuns, output_view
from bongsu.web.console.gate import Fields, PageError, Visit, signed
from bongsu.web.console.incident import (
    changed_sections,
    found,
    found_values,
    page_values,
    section_values,
)
from bongsu.web.console.views.plan import AskingAsShown, NotShownError, plan_shown
from bongsu.web.console.views.runs import runs_values, words

HISTORY = 30
"""of the latest runs; the page of all runs has the rest"""
OPEN = 50
"""open incidents that the form of a playbook's page offers"""
PARAMETER = "parameter."
"""what the fields of parameters begin with"""
ANSWERS: tuple[r.Answer, ...] = ("done", "again", "skip", "stop")


# ── pages ────────────────────────────────────────────────────────────────────────────────


@signed()
async def show_all(visit: Visit) -> Response:
    """List the manual's playbooks, and the latest runs."""
    manual = visit.manual
    async with visit.at.reading() as conn:
        rows = await store.history(conn, RunsWanted(), None, HISTORY + 1)
    shown = ShownRuns(manual, visit.actor.person, visit.t)
    views = [playbook_view(name, one, manual, visit.t) for name, one in manual.playbooks.items()]
    values = {
        "playbooks": views, "history": shown.page(rows, HISTORY),
        "incident": visit.request.query_params.get("incident", ""),
    }  # fmt: skip
    return visit.page("playbooks/list.html", values)


@signed()
async def show(visit: Visit) -> Response:
    """Show one: what each step does exactly, whose yes it needs, and its runs."""
    return visit.page("playbooks/page.html", await _page(visit))


async def _page(visit: Visit, error: str = "", form: Fields | None = None) -> dict[str, Any]:
    """Read what the page shows; a refused form keeps what was written into it."""
    manual, (name, playbook) = visit.manual, _playbook(visit)
    async with visit.at.reading() as conn:
        rows = await store.history(conn, RunsWanted(name), None, HISTORY + 1)
        open_ = await reading.incidents(conn, Wanted(open=True), None, OPEN)
    shown = ShownRuns(manual, visit.actor.person, visit.t)
    return {
        "one": playbook_view(name, playbook, manual, visit.t), "error": error,
        "history": shown.page(rows, HISTORY), "open": open_,
        "chosen": form["incident"] if form else visit.request.query_params.get("incident", ""),
        "given": _given(manual, form, name) if form else {}, **words(visit.t),
    }  # fmt: skip


def _playbook(visit: Visit) -> tuple[str, Playbook]:
    name = visit.request.path_params["playbook"]
    if name not in visit.manual.playbooks:
        raise PageError(404, N_("There is no playbook {playbook}."), playbook=name[:64])
    return name, visit.manual.playbooks[name]


@signed()
async def output(visit: Visit) -> Response:
    """Show all that a step printed."""
    incident, name = await found(visit), visit.request.path_params["run"]
    step = visit.request.path_params["step"]
    async with visit.at.reading() as conn:
        run = incident.runs.get(name) or await store.former(conn, int(incident.id), name)
        if run is None or step >= len(run.asked.steps):
            raise PageError(404, N_("There is no such run."))
        kept = await store.outputs(conn, int(incident.id), name, step)
    view = ShownRuns(visit.manual, visit.actor.person, visit.t).one(incident, run)
    values = {
        **section_values(visit, incident), "run": view, "step": view.steps[step],
        "outputs": [output_view(one, store.LARGEST_OUTPUT) for one in kept],
    }  # fmt: skip
    return visit.page("playbooks/output.html", values)


# ── running ──────────────────────────────────────────────────────────────────────────────


@signed("responder")
async def run(visit: Visit) -> Response:
    """Run a playbook for the incident of the address; what it would do is shown first."""
    incident, form = await found(visit), await visit.form()
    ask = _asking(visit, form, form["playbook"])
    said = N_("It shows what would be done.") if form["dry_run"] == "yes" else N_("It runs.")
    try:
        return await _act(visit, incident, ask, said)
    except NotShownError as unseen:
        return _plan(visit, form, unseen)


@signed("responder")
async def run_for(visit: Visit) -> Response:
    """Run a playbook from its own page, for the incident that was chosen there."""
    form, (name, _) = await visit.form(), _playbook(visit)
    async with visit.at.reading() as conn:
        incident = await reading.incident_id(conn, form["incident"]) if form["incident"] else None
    if incident is None:
        error = visit.t("Choose the incident.")
        return visit.page("playbooks/page.html", await _page(visit, error, form), 422)
    try:
        await visit.at.engine.act(incident, visit.actor.signature, _asking(visit, form, name))
    except NotShownError as unseen:
        return _plan(visit, form, unseen)
    except RefusedError as refused:
        error = explain(refused.reason, visit.manual, visit.t)
        return visit.page("playbooks/page.html", await _page(visit, error, form), 409)
    return RedirectResponse(f"/incidents/{incident}#s-runs", 303)


def _asking(visit: Visit, form: Fields, name: str) -> AskingAsShown:
    given = dict[str, object](_given(visit.manual, form, name))
    return AskingAsShown(name, given, dry=form["dry_run"] == "yes", shown=form["shown"])


def _given(manual: Manual, form: Fields, name: str) -> dict[str, str]:
    """Return the parameters that were filled in; what was left empty has its default."""
    known = manual.playbooks.get(name)
    given = {key: form[PARAMETER + key] for key in (known.parameters if known else ())}
    return {key: value for key, value in given.items() if value}


def _plan(visit: Visit, form: Fields, unseen: NotShownError) -> Response:
    """Show what would be done; only a second press does it."""
    shown = plan_shown(unseen.asked, visit.manual, visit.t)
    values = {
        "plan": shown, "one": unseen.incident, "changed": bool(form["shown"]),
        "given": _given(visit.manual, form, shown.playbook.id), **words(visit.t),
    }  # fmt: skip
    name = "playbooks/plan_part.html" if visit.enhanced else "playbooks/plan.html"
    return visit.page(name, values)


# ── what is said to a run ────────────────────────────────────────────────────────────────


def _approve(run: str, form: Fields, who: Actor) -> Command:
    # What is no number is the whole run, as `Fields.number` and `asking.approve` count.
    yes, step = form["yes"] == "yes", form.number("step") if form["step"] else None
    return lambda p, i, now: asking.approve(
        p.manual, i, run, step, who.person, yes=yes, now=now, note=form["note"], via=who.via
    )


def _answer(run: str, form: Fields, who: Actor) -> Command:
    said = next((word for word in ANSWERS if word == form["answer"]), None)
    if said is None:
        raise PageError(422, N_("Say what became of the step."))
    step = form.number("step")
    return lambda _p, i, _now: asking.answer(i, run, step, who.person, said=said, note=form["note"])


def _stop(run: str, form: Fields, _who: Actor) -> Command:
    undo, at_once = form["undo"] == "yes", form["at_once"] == "yes"
    return lambda _p, i, _now: asking.stop(i, run, undo=undo, note=form["note"], at_once=at_once)


def _undo(run: str, form: Fields, _who: Actor) -> Command:
    return lambda _p, i, _now: asking.take_back(i, run, form["note"])


SAYINGS = {
    "approve": (_approve, N_("Noted.")),
    "answer": (_answer, N_("Noted.")),
    "stop": (_stop, N_("It stops after the step under way.")),
    "keep": (_stop, N_("Noted.")),
    "undo": (_undo, N_("It is being taken back.")),
}


@signed("responder")
async def say(visit: Visit) -> Response:
    """Approve, answer, stop or take back; a refusal says why."""
    known = SAYINGS.get(visit.request.path_params["what"])
    if known is None:
        raise PageError(404, N_("There is no such page."))
    incident, form = await found(visit), await visit.form()
    command, said = known
    asked = command(visit.request.path_params["run"], form, visit.actor)
    return await _act(visit, incident, asked, said)


async def _act(visit: Visit, incident: Incident, command: Command, said: str) -> Response:
    try:
        after = await visit.at.engine.act(int(incident.id), visit.actor.signature, command)
    except RefusedError as refused:
        return await _refused(visit, explain(refused.reason, visit.manual, visit.t))
    if not visit.enhanced:
        return RedirectResponse(f"/incidents/{after.id}#s-runs", 303)
    return HTMLResponse(await _sections(visit, after, said=visit.t(said)))


async def _refused(visit: Visit, error: str) -> Response:
    now = await found(visit)
    if visit.enhanced:
        return HTMLResponse(await _sections(visit, now, error=error), 409)
    return visit.page("incident/page.html", await page_values(visit, now, error), 409)


async def _sections(visit: Visit, incident: Incident, said: str = "", error: str = "") -> str:
    report = await found_values(visit, incident)
    more = {**report, **await runs_values(visit, incident, report["found"])}
    return changed_sections(visit, incident, said, error, {**more, "answered": True})
