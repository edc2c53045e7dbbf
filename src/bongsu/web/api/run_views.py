"""Runs of playbooks as programs read them: each step with what came of it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from pydantic import ValidationError

from bongsu.i18n import N_, Translator
from bongsu.incident import run_events as r
from bongsu.incident.alert import Remark
from bongsu.incident.reasons import RUN_OUTCOMES, explain
from bongsu.incident.runs.approving import may_approve
from bongsu.incident.runs.state import WHOLE, Approval, Run
from bongsu.incident.runs.steps import can_be_undone, step_of
from bongsu.incident.runs.telling import does, undoes
from bongsu.incident.runs.waits import waits
from bongsu.incident.state import Incident
from bongsu.incident.timeline import actor_name
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import HumanStep, Step
from bongsu.store.runs import RunPlace, RunRow, StepOutput
from bongsu.web.api.lists import cursor
from bongsu.web.api.playbook_views import Seconds, named_role
from bongsu.web.api.views import Named, named

LONGEST_SHOWN = 4_000
"""characters of a step's output that a run shows; the step's own address has the rest"""
STATES = {
    "planned": N_("to come"),
    "approval": N_("waits for a yes"),
    "denied": N_("not approved"),
    "running": N_("under way"),
    "waiting": N_("waiting"),
    "worker": N_("waits for its worker"),
    "person": N_("waits for a person"),
    "done": N_("done"),
    "failed": N_("failed"),
    "refused": N_("not begun"),
    "skipped": N_("left out"),
    "unknown": N_("unknown"),
    "undoing": N_("being taken back"),
    "undone": N_("taken back"),
    "undo_failed": N_("not taken back"),
    "undo_unknown": N_("unknown whether taken back"),
    "not_reached": N_("not reached"),
}
"""how a step stands → in words"""
ASKING = ("approval", "person", "worker", "unknown", "undo_unknown")
"""states of a step in which somebody is waited for"""
PHASES = {
    "asked": N_("waits to begin"),
    "running": N_("runs"),
    "undo_asked": N_("waits to be taken back"),
    "undoing": N_("is being taken back"),
    "ended": N_("has ended"),
}
_UNDONE = {"done": "undone", "skipped": "undone", "unknown": "undo_unknown"}


class OutputView(msgspec.Struct, frozen=True):
    """What one attempt at a step printed, masked; `cut` says that `text` is only its end.

    `direction` is `do` or `undo`; `size` counts characters.
    """

    direction: str
    attempt: int
    began_at: datetime
    text: str
    size: int
    cut: bool


class ApprovalView(msgspec.Struct, frozen=True):
    """A role's answer; `yes` is null while nobody has answered, `person` where it lapsed.

    `yours` says whether whoever asks may answer now.
    """

    role: Named
    until: datetime
    yes: bool | None
    person: Named | None
    yours: bool


class RunStepView(msgspec.Struct, frozen=True):
    """A step as it was frozen, and how it stands; `step` is its number, from 0.

    `answers` says what a person may answer now, if anything. `until` is when a wait ends or a
    person's time is over.
    """

    step: int
    name: str
    kind: str
    does: str
    undo: str
    origin: Named
    role: Named | None
    state: str
    state_name: str
    says: str
    exit_code: int | None
    attempt: int
    took_seconds: Seconds | None
    ended_at: datetime | None
    until: datetime | None
    approval: ApprovalView | None
    answers: list[str]
    outputs: list[OutputView]


class PlaybookRunView(msgspec.Struct, frozen=True):
    """A run (실행) of a playbook; `outcome` is null while it is not over.

    `approval` is the answer to the run as a whole. `waits` says what people are waited for.
    """

    run: str
    incident: Annotated[int, Meta(description="the incident's id")]
    playbook: Named
    parameters: dict[str, str | int | float | bool]
    lock: str | None
    automatic: bool
    dry: bool
    asked_by: str
    asked_by_name: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    phase: str
    outcome: str | None
    state_name: str
    why: str
    waits: list[str]
    waits_until: datetime | None
    stopping: bool
    can_be_undone: bool
    approval: ApprovalView | None
    steps: list[RunStepView]


class PlaybookRunList(msgspec.Struct, frozen=True):
    """An incident's runs, the newest first, without what their steps printed."""

    runs: list[PlaybookRunView]


class StepOutputs(msgspec.Struct, frozen=True):
    """What each attempt at a step printed, the oldest first."""

    run: str
    step: int
    outputs: list[OutputView]


class PlaybookRunHead(msgspec.Struct, frozen=True):
    """A run in a list; `began_at` is null while it waits, `outcome` while it is not over."""

    incident: int
    run: str
    playbook: Named
    automatic: bool
    dry: bool
    asked_by: str
    asked_by_name: str
    asked_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    state_name: str


class PlaybookHistory(msgspec.Struct, frozen=True):
    """One page of runs, the newest first; `next` is the `cursor` of the following page."""

    runs: list[PlaybookRunHead]
    next: str | None


class ShownRuns:
    """Shows runs to one person, in a language."""

    def __init__(self, manual: Manual, person: str, t: Translator) -> None:
        self._manual, self._person, self._t = manual, person, t

    def all(self, incident: Incident, outputs: Sequence[StepOutput] = ()) -> list[PlaybookRunView]:
        """Show an incident's runs, the newest first."""
        return [self.one(incident, run, outputs) for run in reversed(incident.runs.values())]

    def one(
        self, incident: Incident, run: Run, outputs: Sequence[StepOutput] = ()
    ) -> PlaybookRunView:
        """Show a run with what its steps printed."""
        manual, t, asked = self._manual, self._t, run.asked
        why = run.why or asked.why
        return PlaybookRunView(
            run=run.id, incident=int(incident.id), playbook=self._playbook(asked.playbook),
            parameters=asked.parameters, lock=asked.lock, automatic=asked.automatic,
            dry=asked.dry, asked_by=run.by, asked_by_name=actor_name(run.by, manual, t.lang),
            asked_at=run.asked_at, started_at=run.started_at, ended_at=run.ended_at,
            phase=run.phase, outcome=run.outcome, state_name=t(_stands(run)),
            why=explain(why, manual, t) if why else "",
            waits=[explain(one.text, manual, t) for one in waits(incident) if one.run is run],
            waits_until=run.waits_until, stopping=run.stopping is not None and not run.over,
            can_be_undone=run.id in incident.runs and next(_to_undo(run), None) is not None,
            approval=self._approval(incident, run, run.approvals.get(WHOLE)),
            steps=[self._step(incident, run, n, outputs) for n in range(len(asked.steps))],
        )  # fmt: skip

    def head(self, row: RunRow) -> PlaybookRunHead:
        """Show a run in a list."""
        by = actor_name(row.asked_by, self._manual, self._t.lang)
        phase = PHASES["asked" if row.began_at is None else "running"]
        word = RUN_OUTCOMES.get(row.outcome, row.outcome) if row.outcome else phase
        return PlaybookRunHead(
            row.incident, row.run, self._playbook(row.playbook), row.automatic, row.dry,
            row.asked_by, by, row.asked_at, row.began_at, row.ended_at, row.outcome, self._t(word),
        )  # fmt: skip

    def page(self, rows: Sequence[RunRow], limit: int) -> PlaybookHistory:
        """Show a page of runs of which one more than ``limit`` was asked for."""
        last = rows[limit - 1] if len(rows) > limit else None
        place = RunPlace(last.asked_at, last.incident, last.run) if last else None
        return PlaybookHistory([self.head(row) for row in rows[:limit]], place and cursor(place))

    def _playbook(self, name: str) -> Named:
        known = self._manual.playbooks.get(name)
        return Named(name, known.name.in_(self._t.lang) if known else name)

    def _step(
        self, incident: Incident, run: Run, number: int, outputs: Sequence[StepOutput]
    ) -> RunStepView:
        manual, t, planned = self._manual, self._t, run.asked.steps[number]
        step, state = _spec(planned), state_of(run, number)
        came = run.undone.get(number) or run.done.get(number)
        ended = run.undone_at.get(number) or run.done_at.get(number)
        begun = run.begun if run.begun and run.begun.step == number else None
        own = step.role if isinstance(step, HumanStep) else None
        return RunStepView(
            step=number, name=planned.name.get(t.lang) or next(iter(planned.name.values()), ""),
            kind=step.kind if step else "unknown", does=does(step, manual, t) if step else "",
            undo=undoes(step, manual) if step else "", origin=self._playbook(planned.origin),
            role=named_role(own, manual, t), state=state, state_name=t(STATES[state]),
            says=Remark(came.says, came.values).says(t.lang) if came else "",
            exit_code=came.exit_code if came else None, attempt=came.attempt if came else 0,
            took_seconds=came.took if came else None, ended_at=ended,
            until=begun.until if begun else None,
            approval=self._approval(incident, run, run.approvals.get(number)),
            answers=answers_to(run, number),
            outputs=[
                output_view(one) for one in outputs if (one.run, one.step) == (run.id, number)
            ],
        )  # fmt: skip

    def _approval(
        self, incident: Incident, run: Run, found: Approval | None
    ) -> ApprovalView | None:
        if found is None:
            return None
        waits_ = found.yes is None and not run.over
        yours = waits_ and may_approve(self._manual, incident, found.role, self._person)
        role = named_role(found.role, self._manual, self._t)
        assert role is not None
        person = named(found.person, self._manual)
        return ApprovalView(role, found.until, found.yes, person, yours)


def _stands(run: Run) -> str:
    """Say how a run stands; one that waits for somebody says so before anything else."""
    if run.over and run.outcome:
        return RUN_OUTCOMES[run.outcome]
    whole = run.approvals.get(WHOLE)
    if whole is not None and whole.yes is None:
        return STATES["approval"]
    states = {state_of(run, number) for number in range(len(run.asked.steps))}
    return next((STATES[one] for one in ASKING if one in states), PHASES[run.phase])


def output_view(one: StepOutput, most: int = LONGEST_SHOWN) -> OutputView:
    """Show what an attempt printed, at most its last ``most`` characters."""
    cut = len(one.body) > most
    text = one.body[-most:] if cut else one.body
    return OutputView(one.direction, one.attempt, one.began_at, text, len(one.body), cut)


def state_of(run: Run, number: int) -> str:
    """Return how a step stands."""
    if run.due is not None and run.due.step == number:
        doing = "undoing" if run.due.direction == "undo" else "running"
        return doing if run.needs is None else "worker"
    if number in run.undone:
        return _UNDONE.get(run.undone[number].outcome, "undo_failed")
    if run.begun is not None and run.begun.step == number:
        step = _spec(run.asked.steps[number])
        return "person" if isinstance(step, HumanStep) else "waiting"
    if number in run.done:
        return run.done[number].outcome
    approval = run.approvals.get(number)
    if approval is not None and approval.yes is not True:
        waits_ = approval.yes is None and not run.over
        return "approval" if waits_ else "denied"
    return "not_reached" if run.over else "planned"


def answers_to(run: Run, number: int) -> list[str]:
    """Return what a person may answer to a step now; nothing where nobody is waited for."""
    if run.over or state_of(run, number) not in ("person", "unknown", "undo_unknown"):
        return []
    asked: Sequence[r.Answer] = ("done", "again", "skip", "stop")
    return [one for one in asked if one != "again" or run.stuck == number]


def _to_undo(run: Run) -> Iterator[int]:
    """Yield the steps that were done and can still be taken back."""
    if run.asked.dry:
        return
    for number, came in run.done.items():
        step = _spec(run.asked.steps[number])
        left = came.outcome == "done" and number not in run.undone
        if left and step is not None and can_be_undone(step):
            yield number


def _spec(planned: r.PlannedStep) -> Step | None:
    """Return a step; None where another release wrote it."""
    try:
        return step_of(planned)
    except ValidationError:
        return None
