"""What a step does, exactly, and what somebody is asked to approve: for whoever has to decide."""

from __future__ import annotations

import shlex

from bongsu.i18n import Translator
from bongsu.incident.reasons import person_name
from bongsu.incident.runs.approving import asked_on
from bongsu.incident.runs.state import WHOLE, Run
from bongsu.incident.runs.steps import kubectl_line, step_of
from bongsu.incident.state import Incident
from bongsu.incident.times import span
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import (
    CheckStep,
    CommandStep,
    HttpStep,
    HumanStep,
    KubectlStep,
    NotifyStep,
    Step,
    SubPlaybookStep,
    WaitStep,
)

LONGEST_BODY = 500
"""characters of a request's body that are shown"""
SHOWN = 12
"""steps of a run that is approved as a whole"""


def does(step: Step, manual: Manual, t: Translator) -> str:  # noqa: PLR0911  one exhaustive match
    """Say exactly what a step does: its arguments, its address, its instruction."""
    match step:
        case CommandStep():
            return shlex.join(step.argv)
        case KubectlStep():
            return shlex.join(kubectl_line(step, step.args, manual))
        case HttpStep():
            return _request(step.method, step.url, step.body)
        case WaitStep():
            return span(step.duration, t)
        case CheckStep():
            known = manual.diagnosis.checks
            return ", ".join(
                known[one].name.in_(t.lang) if one in known else one for one in step.checks
            )
        case HumanStep():
            return step.instruction.in_(t.lang)
        case NotifyStep():
            return f"{step.template} → {step.audience}"
        case SubPlaybookStep():
            called = manual.playbooks.get(step.playbook)
            return called.name.in_(t.lang) if called else step.playbook


def undoes(step: Step, manual: Manual) -> str:
    """Say exactly what takes a step back; empty where nothing does."""
    match step:
        case CommandStep() if step.undo is not None:
            return shlex.join(step.undo)
        case KubectlStep() if step.undo is not None:
            return shlex.join(kubectl_line(step, step.undo, manual))
        case HttpStep() if (step.undo_url, step.undo_method, step.undo_body) != (None,) * 3:
            method, url = step.undo_method or step.method, step.undo_url or step.url
            return _request(method, url, step.undo_body)
        case _:
            return ""


def _request(method: str, url: str, body: str | None) -> str:
    """Whoever approves a request must see what it carries; headers, where secrets are, stay out."""
    text = " ".join((body or "").split())
    shown = text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}…"
    return f"{method} {url} {shown}".strip()


def wanted(manual: Manual, incident: Incident, ladder: str, t: Translator) -> str:
    """Say what an approval is for: the playbook, the step and exactly what it does."""
    place = asked_on(ladder)
    run = incident.runs.get(place[0]) if place else None
    if place is None or run is None:
        return ""
    known = manual.playbooks.get(run.asked.playbook)
    playbook = known.name.in_(t.lang) if known else run.asked.playbook
    if place[1] == WHOLE or place[1] >= len(run.asked.steps):
        head = t("Playbook “{playbook}”, all {count} steps", playbook=playbook,
                 count=len(run.asked.steps))  # fmt: skip
        return "\n".join((head, *(_line(run, n, manual, t) for n in range(SHOWN)))).strip()
    head = t("Playbook “{playbook}”, step {step} of {count}", playbook=playbook,
             step=place[1] + 1, count=len(run.asked.steps))  # fmt: skip
    return f"{head}\n{_line(run, place[1], manual, t)}"


def _line(run: Run, number: int, manual: Manual, t: Translator) -> str:
    if number >= len(run.asked.steps):
        return ""
    planned = run.asked.steps[number]
    name = planned.name.get(t.lang) or next(iter(planned.name.values()), "")
    return f"{number + 1}. {name}: {does(step_of(planned), manual, t)}"


def answered(manual: Manual, incident: Incident, ladder: str, t: Translator) -> str:
    """Say how an approval was answered; empty while it is not."""
    place = asked_on(ladder)
    run = incident.runs.get(place[0]) if place else None
    found = run.approvals.get(place[1]) if run and place else None
    if found is None or found.yes is None:
        return ""
    if found.person is None:
        return t("Nobody answered in time, so it was not done.")
    person = person_name(found.person, manual)
    return t("{person} approved it.", person=person) if found.yes else t(
        "{person} refused it.", person=person
    )  # fmt: skip
