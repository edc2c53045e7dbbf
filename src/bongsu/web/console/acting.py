"""What a person does on an incident's page: one form, one command of the core."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from starlette.responses import HTMLResponse, RedirectResponse, Response

from bongsu.engine.engine import Command
from bongsu.i18n import N_
from bongsu.incident import commands as c
from bongsu.incident.commands import RefusedError
from bongsu.incident.reasons import explain
from bongsu.incident.state import Incident
from bongsu.manual.schema.base import SEVERITY_LEVELS
from bongsu.store import reading
from bongsu.web.access.actor import Actor
from bongsu.web.console.gate import Fields, PageError, Visit, signed
from bongsu.web.console.incident import changed_sections, found, page_values

MOST_MINUTES = 8 * 24 * 60
"""a snooze that is longer than the core allows is refused by the core"""

Ask = Callable[[Fields, Actor], Command]


def _ack(_: Fields, who: Actor) -> Command:
    return lambda _p, i, _now: c.acknowledge(i, who.person, who.via)


def _unack(_: Fields, _who: Actor) -> Command:
    return lambda _p, i, _now: c.unacknowledge(i)


def _confirm(form: Fields, who: Actor) -> Command:
    return lambda _p, i, _now: c.confirm(i, who.person, form["note"], who.via)


def _dismiss(form: Fields, who: Actor) -> Command:
    return lambda _p, i, _now: c.dismiss(i, who.person, form["note"], who.via)


def _escalate(form: Fields, _who: Actor) -> Command:
    target = form["target"] or None
    return lambda p, i, now: c.escalate(p.manual, i, p.shifts, now, target)


def _recovery(form: Fields, who: Actor) -> Command:
    return lambda _p, i, _now: c.start_recovery(i, who.person, form["note"])


def _recovered(form: Fields, who: Actor) -> Command:
    return lambda _p, i, _now: c.recovered(i, who.person, form["note"])


def _resolve(form: Fields, who: Actor) -> Command:
    override = form["override"]
    if override.strip() and not who.may("commander"):
        raise PageError(403, N_("Only a commander overrides the verification."))
    return lambda p, i, _now: c.resolve(
        p.manual, i, who.person, form["note"], who.via, override=override
    )


def _reopen(form: Fields, _who: Actor) -> Command:
    return lambda _p, i, _now: c.reopen(i, form["note"])


def _review(form: Fields, who: Actor) -> Command:
    if not who.may("commander"):
        raise PageError(403, N_("Only a commander closes the review."))
    return lambda _p, i, _now: c.review(i, form["note"])


def _assign(form: Fields, who: Actor) -> Command:
    person = form["person"] or who.person
    return lambda p, i, _now: c.assign(i, form["role"], person, p.manual)


def _release(form: Fields, _who: Actor) -> Command:
    return lambda _p, i, _now: c.release(i, form["role"])


def _severity(form: Fields, _who: Actor) -> Command:
    severity = next((level for level in SEVERITY_LEVELS if level == form["severity"]), None)
    if severity is None:
        raise PageError(422, N_("Say how severe it is."))
    return lambda _p, i, _now: c.change_severity(i, severity, form["note"])


def _type(form: Fields, _who: Actor) -> Command:
    return lambda p, i, _now: c.change_type(i, form["type"], p.manual)


def _title(form: Fields, _who: Actor) -> Command:
    return lambda _p, i, _now: c.retitle(i, " ".join(form["title"].split())[:300])


def _note(form: Fields, _who: Actor) -> Command:
    return lambda _p, _i, _now: c.note(form["text"])


def _tick(form: Fields, _who: Actor) -> Command:
    item, done = form.number("item"), form["done"] != "no"
    return lambda p, i, _now: c.tick(i, p.manual, form["checklist"], item, done=done)


def _snooze(form: Fields, _who: Actor) -> Command:
    length = timedelta(minutes=min(max(form.number("minutes"), 0), MOST_MINUTES))
    return lambda _p, i, now: c.snooze(i, now + length, now, form["note"])


def _unsnooze(_: Fields, _who: Actor) -> Command:
    return lambda _p, i, _now: c.unsnooze(i)


ACTIONS: dict[str, tuple[Ask, str]] = {
    "ack": (_ack, N_("You have it. The calls have stopped.")),
    "unack": (_unack, N_("Taken back. The calls begin anew.")),
    "confirm": (_confirm, N_("Confirmed: it is real.")),
    "dismiss": (_dismiss, N_("Ended as a false alarm.")),
    "escalate": (_escalate, N_("The next ones are being called.")),
    "recovery": (_recovery, N_("Noted: recovery has begun.")),
    "recovered": (_recovered, N_("Noted: it works again and is being watched.")),
    "resolve": (_resolve, N_("Resolved.")),
    "reopen": (_reopen, N_("Open again.")),
    "review": (_review, N_("The review is closed.")),
    "assign": (_assign, N_("The role is taken.")),
    "release": (_release, N_("The role is open again.")),
    "severity": (_severity, N_("The severity is changed.")),
    "type": (_type, N_("The type is changed.")),
    "title": (_title, N_("The title is changed.")),
    "note": (_note, N_("Noted.")),
    "tick": (_tick, N_("Noted.")),
    "snooze": (_snooze, N_("Nobody is called until then.")),
    "unsnooze": (_unsnooze, N_("The snooze has ended.")),
}


@signed("responder")
async def act(visit: Visit) -> Response:
    """Do it, and show how things stand then; a refusal says why."""
    known = ACTIONS.get(visit.request.path_params["action"])
    if known is None:
        raise PageError(404, N_("There is no such page."))
    incident, form = await found(visit), await visit.form()
    ask, done = known
    try:
        after = await visit.at.engine.act(
            int(incident.id), visit.actor.signature, ask(form, visit.actor)
        )
    except RefusedError as refused:
        return await _refused(visit, refused)
    return _done(visit, after, visit.t(done))


@signed("commander")
async def merge(visit: Visit) -> Response:
    """Let an incident go on in another one."""
    incident, form = await found(visit), await visit.form()
    async with visit.at.reading() as conn:
        into = await reading.incident_id(conn, form["into"]) if form["into"] else None
    if into is None:
        raise PageError(422, N_("There is no incident {incident}."), incident=form["into"][:64])
    try:
        await visit.at.engine.merge(int(incident.id), into, visit.actor.signature)
    except RefusedError as refused:
        return await _refused(visit, refused)
    if visit.enhanced:
        return Response(headers={"HX-Redirect": f"/incidents/{into}"})
    return RedirectResponse(f"/incidents/{into}", 303)


def _done(visit: Visit, incident: Incident, said: str) -> Response:
    if visit.enhanced:
        return HTMLResponse(changed_sections(visit, incident, said=said))
    return RedirectResponse(f"/incidents/{incident.id}", 303)


async def _refused(visit: Visit, refused: RefusedError) -> Response:
    """Say why not, beside the incident as it stands by now: somebody else was often faster."""
    error = explain(refused.reason, visit.manual, visit.t)
    if visit.enhanced:
        now = await found(visit)
        return HTMLResponse(changed_sections(visit, now, error=error), 409)
    values = await page_values(visit, await found(visit), error)
    return visit.page("incident/page.html", values, 409)
