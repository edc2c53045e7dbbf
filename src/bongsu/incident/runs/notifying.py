"""The notices that a playbook's step sends."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.incident import events as e
from bongsu.incident.case import Case
from bongsu.incident.notices import template_values
from bongsu.manual.schema.playbooks import NotifyStep
from bongsu.manual.templates import RenderError, render_template


def notices(case: Case, step: NotifyStep, run: str, number: int) -> Iterator[e.NoticeDue]:
    """Yield a notice for each place of the audience that a message can go to by itself.

    A template that fails gives a plain text and says so.
    """
    manual, incident = case.manual, case.incident
    audience = manual.communication.audiences.get(step.audience)
    values = template_values(manual, incident, case.shifts, case.now)
    why = e.Reason("playbook_notice")
    try:
        text = render_template(manual, step.template, values)
    except RenderError as error:
        text = f"[{incident.severity}] {values['description']} ({incident.number})"
        why = e.Reason("template_failed", {"error": str(error)})
    for index, place in enumerate(audience.destinations if audience else ()):
        if place.to is not None:
            name = f"{run}.{number}.{index}"
            yield e.NoticeDue(name, step.template, place.channel, place.to, text, why)
