"""What the runs of playbooks wait for people to do, for whoever says what is next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from bongsu.incident.body import Reason
from bongsu.incident.both import in_both
from bongsu.incident.runs.approving import ladder_of
from bongsu.incident.runs.flow import waiting_for
from bongsu.incident.runs.state import WHOLE, Run
from bongsu.incident.runs.steps import step_of
from bongsu.incident.state import Incident
from bongsu.manual.schema.playbooks import HumanStep


class Wait(NamedTuple):
    """One thing that a person is waited for."""

    run: Run
    text: Reason
    who: tuple[str, ...] = ()
    """targets; nobody is whoever looks after what is broken"""
    by: datetime | None = None
    step: int = WHOLE
    role: str | None = None
    """whose step it is"""


def waits(incident: Incident) -> Iterator[Wait]:
    """Yield what an incident's runs wait for, the oldest run first."""
    for run in incident.runs.values():
        if run.over:
            continue
        for step, role in waiting_for(run).items():
            yield Wait(run, _approval(run, step, role), _asked(incident, run, step, role),
                       run.approvals[step].until)  # fmt: skip
        own = list(own_steps(incident, run))
        yield from own
        if run.needs is not None and not own:
            yield Wait(run, run.needs.why, step=run.needs.step)


def own_steps(incident: Incident, run: Run) -> Iterator[Wait]:
    """Yield the step that only a person can do, or say what became of."""
    if run.stuck is not None:
        text = _reason("say_of_step", run, run.stuck, step_name=_name(run, run.stuck))
        yield Wait(run, text, step=run.stuck)
    elif run.begun is not None:
        yield from _own_step(incident, run, run.begun.step, run.begun.until)


def latest(incident: Incident, playbook: str) -> Run | None:
    """Return a playbook's last run that was meant, which no dry run is."""
    own = (run for run in incident.runs.values() if run.asked.playbook == playbook)
    return next((run for run in reversed(list(own)) if not run.asked.dry), None)


def _approval(run: Run, step: int, role: str) -> Reason:
    if step == WHOLE:
        return Reason("approve_run", {"playbook": run.asked.playbook, "role": role})
    return _reason("approve_step", run, step, role=role, step_name=_name(run, step))


def _own_step(incident: Incident, run: Run, number: int, until: datetime) -> Iterator[Wait]:
    """A step that a person does; one that only waits for a time asks nobody."""
    step = step_of(run.asked.steps[number])
    if isinstance(step, HumanStep):
        words = {"ko": step.instruction.ko, "en": step.instruction.en}
        who = _wearer(incident, step.role) if step.role else ()
        text = _reason("do_step", run, number, instruction=in_both(words))
        yield Wait(run, text, who, until, number, step.role)


def _reason(code: str, run: Run, step: int, **values: str) -> Reason:
    return Reason(code, {"playbook": run.asked.playbook, "step": str(step + 1), **values})


def _name(run: Run, step: int) -> str:
    return in_both(run.asked.steps[step].name)


def _asked(incident: Incident, run: Run, step: int, role: str) -> tuple[str, ...]:
    """Whoever is called for the approval, else whoever has the role."""
    ladder = ladder_of(run.id, step)
    called = [f"person:{page.person}" for page in incident.pages.values() if page.ladder == ladder]
    return tuple(dict.fromkeys(called)) or _wearer(incident, role)


def _wearer(incident: Incident, role: str) -> tuple[str, ...]:
    person = incident.roles.get(role)
    return (f"person:{person}",) if person else (f"role:{role}",)
