"""The values that a message template may use, taken from the incident and its manual."""

from __future__ import annotations

from datetime import datetime

from bongsu.i18n import translator
from bongsu.incident import events as e
from bongsu.incident.literal import literal
from bongsu.incident.reasons import phase_name
from bongsu.incident.state import Incident
from bongsu.incident.times import moment, span
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.response import Announce
from bongsu.manual.templates import RenderError, render_template
from bongsu.oncall import Shifts

Values = dict[str, object]


def announcement(
    manual: Manual, incident: Incident, rule: Announce, shifts: Shifts, now: datetime
) -> tuple[str, e.Reason]:
    """Return the text of a first message; a template that fails gives a plain one and says so."""
    values = template_values(manual, incident, shifts, now)
    try:
        text = render_template(manual, rule.template, values)
    except RenderError as error:
        plain = f"[{incident.severity}] {values['description']} ({incident.number})"
        return plain, e.Reason("template_failed", {"error": str(error)})
    return text, e.Reason("announced_when_" + rule.when)


def template_values(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> Values:
    """Return the variables of a message that follow from the incident, in the manual's language.

    They are Markdown: what a signal may have said is `literal`, the manual's own words are as they
    are. `bongsu.manual.templates.VARIABLES` documents them; those that only a person can know are
    not given, and None is not known yet.
    """
    links = manual.team.links
    commander = manual.respond(incident.severity).commander
    wears = incident.roles.get(commander.role) if commander else None
    return {
        **_facts(manual, incident),
        **_times(manual, incident, now),
        "oncall_engineer": _oncall_engineer(manual, incident, shifts, now),
        "commander": _person(manual, wears),
        "war_room_link": incident.war_room or links.war_room,
        "status_page_link": links.status_page,
        "organisation": manual.overview.name,
        "drill": incident.drill,
    }


def _facts(manual: Manual, incident: Incident) -> Values:
    lang = manual.overview.locale
    kind = manual.incident_type(incident.type) if incident.type else None
    service = manual.services.services.get(incident.service or "")
    return {
        "incident_number": incident.number,
        "title": literal(incident.title),
        "description": literal(incident.description or incident.title),
        "severity": incident.severity,
        "severity_name": manual.overview.severities[incident.severity].name.in_(lang),
        "type": kind[1].name.in_(lang) if kind else None,
        "category": kind[0] if kind else None,
        "services": service.name.in_(lang) if service else _literal(incident.service),
        "phase": phase_name(incident.phase, translator(lang)),
    }


def _literal(text: str | None) -> str | None:
    return None if text is None else literal(text)


def _times(manual: Manual, incident: Incident, now: datetime) -> Values:
    zone, began = manual.overview.timezone, incident.started_at or incident.opened_at or now
    ended = incident.recovered_at or incident.ended_at
    return {
        "timestamp": moment(now, zone),
        "started_at": moment(began, zone),
        "duration": span((ended or now) - began, translator(manual.overview.locale)),
        "resolved_at": moment(ended, zone) if ended else None,
    }


def _oncall_engineer(
    manual: Manual, incident: Incident, shifts: Shifts, now: datetime
) -> str | None:
    """Whoever answered; until then, whoever the first rung calls."""
    names = [incident.acknowledged_by] if incident.acknowledged_by else []
    if not names:
        first = manual.respond(incident.severity).escalation[:1]
        targets = [target for step in first for target in step.page]
        names = [c.person for target in targets for c in shifts.targets(target, now)]
    people = [name for one in names if (name := _person(manual, one))]
    return ", ".join(people) or None


def _person(manual: Manual, person: str | None) -> str | None:
    known = manual.person(person) if person else None
    return known.name if known else None
