"""A playbook frozen into a plan: values read by type, parts laid out in one line, steps filled in.

What was approved is what is run, so nothing of the manual is read again once a plan is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from bongsu.incident.commands import RefusedError
from bongsu.incident.run_events import PlannedStep, Value
from bongsu.incident.runs.filling import argument, bound, filled, plain
from bongsu.incident.runs.parameters import read
from bongsu.incident.runs.steps import namespace_of, step_of
from bongsu.manual.check.parameters import INCIDENT, PLACEHOLDER
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import (
    CheckStep,
    KubectlStep,
    Playbook,
    Step,
    SubPlaybookStep,
    WaitStep,
)

__all__ = ["MOST_STEPS", "Plan", "plan", "step_of"]

MOST_STEPS = 500
"""of one plan; playbooks that call each other again and again would grow without end"""


NO_INCIDENT = "no-incident"
"""what ``{{ incident }}`` stands for where there is none: a dry run without a server"""


class Plan(NamedTuple):
    """What a run will do."""

    playbook: str
    parameters: dict[str, Value]
    lock: str | None
    """the target of which only one run at a time may change anything, filled in"""
    steps: tuple[PlannedStep, ...]


class _Part(NamedTuple):
    """A playbook that is run, or a part of it that another one calls."""

    origin: str
    playbook: Playbook
    values: Mapping[str, Value]
    within: tuple[str, ...] = ()
    """the playbooks that led here"""
    when: str | None = None
    """the conditions of the steps that led here"""


def plan(
    manual: Manual, playbook_id: str, given: Mapping[str, object], *, incident: str = NO_INCIDENT
) -> Plan:
    """Fill in and freeze a playbook; ``incident`` is the number that ``{{ incident }}`` stands for.

    Raises:
        RefusedError: there is no such playbook, a value is not as the manual wants it, or the
            playbooks that it calls don't go together.
    """
    playbook = _known(manual, playbook_id)
    values = read(playbook_id, playbook, given)
    layer = _Layout(manual, incident)
    steps = tuple(layer.steps(_Part(playbook_id, playbook, values)))
    if len(layer.locks) > 1:
        raise RefusedError("locks_differ", playbook=playbook_id, locks=", ".join(layer.locks))
    return Plan(playbook_id, values, next(iter(layer.locks), None), steps)


def _known(manual: Manual, playbook_id: str) -> Playbook:
    playbook = manual.playbooks.get(playbook_id)
    if playbook is None:
        known = ", ".join(sorted(manual.playbooks)) or "-"
        raise RefusedError("unknown_playbook", playbook=playbook_id, known=known)
    return playbook


class _Layout:
    """Lays a playbook and all that it calls out in one line of steps."""

    def __init__(self, manual: Manual, incident: str) -> None:
        self._manual = manual
        self._always: Mapping[str, Value] = {INCIDENT: incident}
        self._laid = 0
        self.locks: dict[str, None] = {}

    def steps(self, part: _Part) -> Iterator[PlannedStep]:
        if part.origin in part.within:
            circle = " → ".join([*part.within, part.origin])
            raise RefusedError("playbooks_in_circle", circle=circle)
        part = part._replace(values={**self._always, **part.values})
        if part.playbook.lock is not None:
            self.locks[plain(part.playbook.lock, part.values)] = None
        for step in part.playbook.steps:
            if isinstance(step, SubPlaybookStep):
                yield from self._called(part, step)
            else:
                yield self._planned(part, step)

    def _planned(self, part: _Part, step: Step) -> PlannedStep:
        self._laid += 1
        if self._laid > MOST_STEPS:
            origin = part.within[0] if part.within else part.origin
            raise RefusedError("plan_too_long", playbook=origin, most=str(MOST_STEPS))
        ready = self._frozen(filled(_in_place(part, step), part.values))
        name = {"ko": ready.name.ko, "en": ready.name.en}
        return PlannedStep(ready.model_dump_json(), name, part.origin)

    def _frozen(self, step: Step) -> Step:
        """Where a change is made is a part of what is approved."""
        if not isinstance(step, KubectlStep):
            return step
        return step.model_copy(update={"namespace": namespace_of(step, self._manual)})

    def _called(self, part: _Part, step: SubPlaybookStep) -> Iterator[PlannedStep]:
        """Lay a called playbook out between what is asked before it and what is checked after."""
        called = _known(self._manual, step.playbook)
        given = {name: _handed(value, part.values) for name, value in step.parameters.items()}
        when = _both(part.when, _bound(part, step.when))
        within = (*part.within, part.origin)
        values = read(step.playbook, called, given)
        roles = dict.fromkeys(role for role in (step.approve, called.approve) if role)
        for role in roles:
            yield self._planned(part, _gate(step, role))
        if step.before:
            yield self._planned(part, _checked(step, step.before))
        yield from self.steps(_Part(step.playbook, called, values, within, when))
        if step.after:
            yield self._planned(part, _checked(step, step.after))


def _in_place(part: _Part, step: Step) -> Step:
    """Let a step of a called playbook stand by itself: its stage and its conditions go with it."""
    if not part.within:
        return step
    when = _both(part.when, _bound(part, step.when))
    return step.model_copy(update={"when": when, "stage": step.stage or part.playbook.stage})


def _bound(part: _Part, when: str | None) -> str | None:
    """Who evaluates a condition knows the parameters of the run, not those of its parts."""
    return when if when is None or not part.within else bound(when, part.values)


def _both(outer: str | None, inner: str | None) -> str | None:
    if outer is None or inner is None:
        return outer or inner
    return f"({outer}) && ({inner})"


def _gate(step: SubPlaybookStep, role: str) -> WaitStep:
    """Make a step that changes nothing and needs a yes; what comes after it stands behind it."""
    return WaitStep(
        kind="wait", name=step.name, duration=timedelta(), approve=role, when=step.when,
        stage=step.stage,
    )  # fmt: skip


def _checked(step: SubPlaybookStep, checks: list[str]) -> CheckStep:
    return CheckStep(
        kind="check", name=step.name, checks=checks, when=step.when, stage=step.stage,
        timeout=step.timeout,
    )  # fmt: skip


def _handed(value: Value, values: Mapping[str, Value]) -> Value:
    """Hand a value down; a parameter that is the whole of it keeps its type."""
    if not isinstance(value, str):
        return value
    whole = PLACEHOLDER.fullmatch(value)
    if whole is not None and whole[1] in values:
        return values[whole[1]]
    return argument(value, values) if PLACEHOLDER.search(value) else value
