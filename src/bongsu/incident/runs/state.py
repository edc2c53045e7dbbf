"""A run as the fold of its events. Total, as the incident's own fold is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from bongsu.incident import run_events as r
from bongsu.incident.body import Reason

WHOLE = -1
"""the approval of the run as a whole"""
KEPT = 20
"""runs that an incident's state keeps; older ones live on in the log alone"""

RunPhase = Literal["asked", "running", "undoing", "undo_asked", "ended"]
RunEvent = (
    r.RunAsked | r.StartDue | r.RunStarted | r.RunWaits | r.StartRefused | r.ApprovalAsked
    | r.ApprovalGiven | r.ApprovalLapsed | r.StepDue | r.StepBegun | r.StepEnded
    | r.StepAnswered | r.PersonNeeded | r.StepTaken | r.RunStopping | r.RunEnded
)  # fmt: skip


class Approval(msgspec.Struct, frozen=True):
    """A role's answer to a step or to the whole run."""

    role: str
    until: datetime
    yes: bool | None = None
    """None while nobody has answered"""
    person: str | None = None


class Run(msgspec.Struct, frozen=True):
    """Everything that follows from the events of one run."""

    id: str
    asked: r.RunAsked
    by: str
    """``system`` or ``person:ID``"""
    asked_at: datetime
    phase: RunPhase = "asked"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: r.RunOutcome | None = None
    why: Reason | None = None
    wanted_at: datetime | None = None
    """since when its lock is wanted, for the last time"""
    starting: bool = False
    """a worker is taking the lock"""
    refused: Reason | None = None
    """why it may not begin"""
    waits_until: datetime | None = None
    """when the lock is asked for again"""
    step: int = 0
    """the step in hand"""
    due: r.StepDue | None = None
    """what a worker is doing"""
    begun: r.StepBegun | None = None
    """what a time or a person is waited for"""
    needs: r.PersonNeeded | None = None
    """for what a person was called who has not seen to it"""
    needs_since: datetime | None = None
    approvals: dict[int, Approval] = {}
    done: dict[int, r.StepEnded] = {}
    """what came of each step, the last attempt"""
    done_at: dict[int, datetime] = {}
    undone: dict[int, r.StepEnded] = {}
    """what came of taking each step back"""
    undone_at: dict[int, datetime] = {}
    stopping: r.RunStopping | None = None

    @property
    def over(self) -> bool:
        """Whether nothing follows any more."""
        return self.phase == "ended"

    @property
    def at_work(self) -> bool:
        """Whether it has begun to change something, and has not come to its end."""
        return self.phase in ("running", "undoing") and not self.asked.dry

    @property
    def called_off(self) -> bool:
        """Whether it was to be taken back, and is not after all: it stays as it ended."""
        wanted = self.stopping is not None and self.stopping.undo
        return self.phase == "undo_asked" and not wanted

    @property
    def stuck(self) -> int | None:
        """The step of which nobody knows whether it was done; a person has to say."""
        came = self.undone if self.phase == "undoing" else self.done
        unknown = [n for n, ended in came.items() if ended.outcome == "unknown"]
        return unknown[-1] if unknown and not self.over else None


Runs = Mapping[str, Run]


def applied(runs: Runs, body: RunEvent, actor: str, at: datetime) -> dict[str, Run]:
    """Return an incident's runs after one more event; one of an unknown run changes nothing."""
    if isinstance(body, r.RunAsked):
        kept = dict(runs) if len(runs) < KEPT else _without_oldest(runs)
        return {**kept, body.run: Run(body.run, body, actor, at)}
    run = runs.get(body.run)
    return dict(runs) if run is None else {**runs, run.id: _after(run, body, at)}


def _without_oldest(runs: Runs) -> dict[str, Run]:
    """Forget a rehearsal sooner than what was done: that may have to be taken back."""
    ended = (run for run in runs.values() if run.over)
    least = min(ended, key=lambda run: not run.asked.dry, default=None)
    return {name: run for name, run in runs.items() if run is not least}


def _after(run: Run, body: RunEvent, at: datetime) -> Run:  # noqa: PLR0911, PLR0912, C901  one exhaustive match
    changed = msgspec.structs.replace
    match body:
        case r.RunAsked():
            return run
        case r.StartDue():
            return changed(run, starting=True, waits_until=None, wanted_at=run.wanted_at or at)
        case r.RunStarted() if run.called_off:
            return changed(run, starting=False, waits_until=None, needs=None)
        case r.RunStarted() if run.phase == "undo_asked":
            return changed(
                run, phase="undoing", starting=False, waits_until=None, needs=None, ended_at=None,
                outcome=None,
            )  # fmt: skip
        case r.RunStarted():
            return changed(
                run, phase="running", starting=False, waits_until=None, needs=None, started_at=at
            )
        case r.RunWaits():
            return changed(run, starting=False, needs=None, waits_until=body.until)
        case r.StartRefused():
            return changed(run, starting=False, needs=None, refused=body.why)
        case r.ApprovalAsked():
            asked = Approval(body.role, body.until)
            return changed(run, approvals={**run.approvals, body.step: asked})
        case r.ApprovalGiven():
            return _approved(run, body.step, yes=body.yes, person=body.person)
        case r.ApprovalLapsed():
            return _approved(run, body.step, yes=False, person=None)
        case r.StepDue():
            phase: RunPhase = "undoing" if body.direction == "undo" else run.phase
            return changed(run, due=body, phase=phase)
        case r.StepBegun():
            return changed(run, begun=body)
        case r.StepEnded():
            return _ended(run, body, at)
        case r.StepAnswered():
            return _answered(run, body, at)
        case r.PersonNeeded():
            return changed(run, needs=body, needs_since=at)
        case r.StepTaken():
            return changed(run, needs=None)
        case r.RunStopping() if run.over:
            return changed(
                run, phase="undo_asked", stopping=body, wanted_at=at, refused=None, waits_until=None
            )
        case r.RunStopping():
            return changed(run, stopping=body)
        case r.RunEnded() if run.called_off:
            return changed(
                run, phase="ended", stopping=None, needs=None, starting=False, waits_until=None,
            )  # fmt: skip
        case r.RunEnded():
            return changed(
                run, phase="ended", ended_at=at, outcome=body.outcome, why=body.why, due=None,
                begun=None, needs=None, starting=False, waits_until=None,
            )  # fmt: skip


def _approved(run: Run, step: int, *, yes: bool, person: str | None) -> Run:
    asked = run.approvals.get(step)
    if asked is None or asked.yes is not None:
        return run
    answered = msgspec.structs.replace(asked, yes=yes, person=person)
    return msgspec.structs.replace(run, approvals={**run.approvals, step: answered})


def _ended(run: Run, body: r.StepEnded, at: datetime) -> Run:
    if body.direction == "undo":
        return msgspec.structs.replace(
            run, due=None, needs=None, undone={**run.undone, body.step: body},
            undone_at={**run.undone_at, body.step: at},
        )  # fmt: skip
    passed = body.outcome in ("done", "skipped")
    return msgspec.structs.replace(
        run, due=None, begun=None, needs=None, done={**run.done, body.step: body},
        done_at={**run.done_at, body.step: at},
        step=max(run.step, body.step + 1) if passed else run.step,
    )  # fmt: skip


def _answered(run: Run, body: r.StepAnswered, at: datetime) -> Run:
    """A person's word stands for what a worker could not say."""
    match body.answer:
        case "stop" if run.phase == "undoing":
            return _ended(run, r.StepEnded(run.id, body.step, "undo", 0, "failed"), at)
        case "stop":
            stopping = r.RunStopping(run.id, undo=run.asked.undoes, note=body.note)
            return msgspec.structs.replace(run, needs=None, stopping=stopping)
        case "again":
            return msgspec.structs.replace(
                run,
                needs=None,
                done=_less(run.done, body.step) if run.phase == "running" else run.done,
                undone=_less(run.undone, body.step),
            )
        case _:
            outcome: r.Outcome = "done" if body.answer == "done" else "skipped"
            direction: r.Direction = "undo" if run.phase == "undoing" else "do"
            return _ended(run, r.StepEnded(run.id, body.step, direction, 0, outcome), at)


def _less(came: Mapping[int, r.StepEnded], step: int) -> dict[int, r.StepEnded]:
    return {number: ended for number, ended in came.items() if number != step}
