"""The values that a message template may use, taken from the incident and its manual."""

from __future__ import annotations

from datetime import datetime

from bongsu.incident import events as e
from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.response import Announce
from bongsu.manual.templates import TemplateError, render_template
from bongsu.oncall import Shifts


def announcement(
    manual: Manual, incident: Incident, rule: Announce, shifts: Shifts, now: datetime
) -> tuple[str, e.Reason]:
    """Return the text of a first message; a template that fails gives a plain one and says so."""
    values = template_values(manual, incident, shifts, now)
    try:
        text = render_template(manual, rule.template, values)
    except TemplateError as error:
        plain = "[{severity}] {description} ({incident_number})".format_map(values)
        return plain, e.Reason("template_failed", {"error": str(error)})
    return text, e.Reason("announced_when_" + rule.when)


def template_values(
    manual: Manual, incident: Incident, shifts: Shifts, now: datetime
) -> dict[str, str]:
    """Return every variable of an alert template (`bongsu.manual.templates` documents them)."""
    lang, links = manual.overview.locale, manual.team.links
    severity = manual.overview.severities[incident.severity].name.in_(lang)
    kind = manual.incident_type(incident.type) if incident.type else None
    return {
        "incident_number": incident.number,
        "severity": f"{incident.severity} {severity}",
        "title": incident.title,
        "description": incident.description or incident.title,
        "services": _service_name(manual, incident, lang),
        "type": kind[1].name.in_(lang) if kind else "",
        "phase": str(incident.phase),
        "oncall_engineer": _oncall_engineer(manual, incident, shifts, now),
        "war_room_link": incident.war_room or links.war_room or "",
        "status_page_link": links.status_page or "",
    }


def _service_name(manual: Manual, incident: Incident, lang: str) -> str:
    service = manual.services.services.get(incident.service or "")
    return service.name.in_(lang) if service else incident.service or "-"


def _oncall_engineer(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> str:
    """Whoever answered; until then, whoever the first rung calls."""
    names = [incident.acknowledged_by] if incident.acknowledged_by else []
    if not names:
        first = manual.respond(incident.severity).escalation[:1]
        targets = [target for step in first for target in step.page]
        names = [c.person for target in targets for c in shifts.targets(target, now) if c.person]
    people = [manual.person(name) for name in names]
    return ", ".join(person.name for person in people if person) or "-"
