"""The notices that a playbook's step sends."""

from __future__ import annotations

import msgspec

from bongsu.i18n import N_
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.case import Case
from bongsu.incident.notices import template_values
from bongsu.manual.schema.playbooks import NotifyStep
from bongsu.manual.templates import RenderError, render_template

NOBODY_TOLD = N_(
    "no message can be sent to this audience yet; a person has to send them this text: {text}"
)


def told(case: Case, step: NotifyStep, ended: r.StepEnded) -> list[e.AnyBody]:
    """Return the notices of a step, and its end.

    Where none can be sent by itself, the text stands ready at the step for a person to send. A
    template that fails gives a plain text and says so.
    """
    text, why = _text(case, step)
    audience = case.manual.communication.audiences.get(step.audience)
    sent: list[e.AnyBody] = [
        e.NoticeDue(
            f"{ended.run}.{ended.step}.{index}", step.template, place.channel, place.to, text, why
        )
        for index, place in enumerate(audience.destinations if audience else ())
        if place.to is not None
    ]
    if sent:
        return [*sent, ended]
    left = {"outcome": "skipped", "says": NOBODY_TOLD, "values": {"text": text}}
    return [msgspec.structs.replace(ended, **left)]


def _text(case: Case, step: NotifyStep) -> tuple[str, e.Reason]:
    manual, incident = case.manual, case.incident
    values = template_values(manual, incident, case.shifts, case.now)
    try:
        return render_template(manual, step.template, values), e.Reason("playbook_notice")
    except RenderError as error:
        plain = f"[{incident.severity}] {values['description']} ({incident.number})"
        return plain, e.Reason("template_failed", {"error": str(error)})
