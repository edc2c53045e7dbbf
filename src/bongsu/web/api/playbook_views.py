"""Playbooks of the manual as programs read them, in words of the asked language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from bongsu.i18n import N_, Translator
from bongsu.incident.runs.telling import does, undoes
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import (
    NotifyStep,
    Parameter,
    Playbook,
    Step,
    SubPlaybookStep,
)
from bongsu.web.api.views import Named, named_type

Seconds = Annotated[float, Meta(description="seconds")]
KINDS = {
    "command": N_("program"),
    "kubectl": "kubectl",
    "http": "HTTP",
    "wait": N_("wait"),
    "check": N_("check"),
    "human": N_("by a person"),
    "notify": N_("notice"),
    "playbook": N_("playbook"),
}


class ParameterView(msgspec.Struct, frozen=True):
    """A typed value that a run is given; one without `default` must be given."""

    parameter: str
    type: str
    default: str | int | float | bool | None
    required: bool
    choices: list[str | int] | None
    pattern: str | None
    minimum: float | None
    maximum: float | None
    means: str


class PlaybookStepView(msgspec.Struct, frozen=True):
    """One step as the manual has it; `{{ names }}` in `does` are parameters.

    `step` is its number, from 0. `undo` takes it back; empty where nothing does.
    """

    step: int
    name: str
    kind: str
    does: str
    undo: str
    approve: Named | None
    when: str | None
    timeout_seconds: Seconds
    stage: str
    idempotent: bool
    required: bool


class AutomaticView(msgspec.Struct, frozen=True):
    """Where it may start by itself, and how often."""

    when: str
    at_most: int
    per_seconds: Seconds


class PlaybookView(msgspec.Struct, frozen=True):
    """A playbook (조치서): for which incident types, with which parameters and whose yes.

    `approve` is the role whose yes the whole run needs; `approvals` are all roles that are asked.
    """

    playbook: str
    name: str
    purpose: str
    types: list[Named]
    severities: list[str]
    stage: str
    parameters: list[ParameterView]
    approve: Named | None
    approvals: list[Named]
    automatic: AutomaticView | None
    lock: str | None
    runner: str | None
    on_failure: str
    steps: list[PlaybookStepView]


class PlaybookList(msgspec.Struct, frozen=True):
    """The playbooks of the manual in force."""

    playbooks: list[PlaybookView]


def playbook_view(name: str, playbook: Playbook, manual: Manual, t: Translator) -> PlaybookView:
    """Show one playbook."""
    found = playbook.automatic
    roles = dict.fromkeys(approvals(playbook, manual))
    types = (named_type(one, manual, t) for one in playbook.types)
    return PlaybookView(
        playbook=name, name=playbook.name.in_(t.lang),
        purpose=playbook.purpose.in_(t.lang) if playbook.purpose else "",
        types=[one for one in types if one], severities=list(playbook.severities),
        stage=playbook.stage,
        parameters=[_parameter(key, one, t) for key, one in playbook.parameters.items()],
        approve=named_role(playbook.approve, manual, t),
        approvals=[one for role in roles if (one := named_role(role, manual, t))],
        automatic=AutomaticView(found.when, found.at_most, found.per.total_seconds())
        if found
        else None,
        lock=playbook.lock, runner=playbook.runner, on_failure=playbook.on_failure,
        steps=[step_view(n, one, playbook, manual, t) for n, one in enumerate(playbook.steps)],
    )  # fmt: skip


def approvals(
    playbook: Playbook, manual: Manual, within: frozenset[str] = frozenset()
) -> Iterable[str]:
    """Yield the roles whose yes a run may need, those of the playbooks that it calls as well."""
    yield from filter(None, [playbook.approve])
    for step in playbook.steps:
        yield from filter(None, [step.approve])
        match step:
            case SubPlaybookStep() if step.playbook in manual.playbooks:
                if step.playbook not in within:
                    called = manual.playbooks[step.playbook]
                    yield from approvals(called, manual, within | {step.playbook})
            case NotifyStep() if step.approve is None:
                audience = manual.communication.audiences.get(step.audience)
                yield from filter(None, [audience.approve if audience else None])
            case _:
                pass


def _parameter(name: str, one: Parameter, t: Translator) -> ParameterView:
    return ParameterView(
        name, one.type, one.default, one.default is None, one.choices, one.pattern, one.minimum,
        one.maximum, one.means.in_(t.lang) if one.means else "",
    )  # fmt: skip


def step_view(
    number: int, step: Step, playbook: Playbook, manual: Manual, t: Translator
) -> PlaybookStepView:
    """Show a step as the manual has it, or filled in as a run would have it."""
    return PlaybookStepView(
        number, step.name.in_(t.lang), step.kind, does(step, manual, t), undoes(step, manual),
        named_role(step.approve, manual, t), step.when, step.timeout.total_seconds(),
        step.stage or playbook.stage, step.idempotent, step.required,
    )  # fmt: skip


def named_role(role: str | None, manual: Manual, t: Translator) -> Named | None:
    """Return a role with its name."""
    return Named(role, manual.role_name(role).in_(t.lang)) if role else None
