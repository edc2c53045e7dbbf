"""What is due in a run now: the rules of a playbook at work.

`following` is asked again after every event, so each function names only the next thing. Nothing
is due while a worker, a time or a person is waited for; then it yields when to look again, or
nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from bongsu.i18n import N_
from bongsu.incident import run_events as r
from bongsu.incident.body import Reason
from bongsu.incident.both import in_both
from bongsu.incident.runs.state import WHOLE, Run, RunEvent
from bongsu.incident.runs.steps import can_be_undone, step_of
from bongsu.manual.schema.playbooks import HumanStep, NotifyStep, Step, WaitStep

Finding = RunEvent | datetime
Holds = Callable[[str], bool]
"""whether a condition of the manual holds; raises ValueError where it can't be evaluated"""

LONGEST_WAIT = timedelta(hours=1)
"""between two attempts at a step"""
LONGEST_APPROVAL = 30 * 86_400.0
"""seconds"""
NO_NEED = N_("its condition does not hold")
NOT_REQUIRED = N_("it failed, and the run goes on without it")
NO_CONDITION = N_("its condition can't be evaluated: {error}")
ONLY_SHOWN = N_("only shown in a dry run")


def following(run: Run, now: datetime, holds: Holds) -> Iterator[Finding]:
    """Yield what is due in a run at ``now``, or when it will be."""
    match run.phase:
        case "asked":
            yield from _start(run, now)
        case "undo_asked" if run.called_off and run.outcome is not None:
            if not run.starting:
                yield r.RunEnded(run.id, run.outcome, Reason("undo_called_off"))
        case "undo_asked":
            yield from _take_lock(run, now)
        case "running":
            yield from _go_on(run, now, holds)
        case "undoing":
            yield from _take_back(run, now)
        case "ended":
            return


def _start(run: Run, now: datetime) -> Iterator[Finding]:
    """Everything that must be so before the first step: a yes, and the lock."""
    asked = run.asked
    if run.stopping is not None and not run.starting:
        yield r.RunEnded(run.id, "stopped", Reason("stopped_by_person"))
    elif asked.approve is not None and not asked.dry and not _has(run, WHOLE):
        yield from _approval(run, WHOLE, asked.approve, now)
    else:
        yield from _take_lock(run, now)


def _take_lock(run: Run, now: datetime) -> Iterator[Finding]:
    if run.refused is not None:
        outcome: r.RunOutcome = "undo_failed" if run.phase == "undo_asked" else "refused"
        yield r.RunEnded(run.id, outcome, run.refused)
    elif run.starting:
        return
    elif run.waits_until is not None and run.waits_until > now:
        yield run.waits_until
    else:
        yield r.StartDue(run.id)


def _has(run: Run, step: int) -> bool:
    """Whether the role said yes."""
    found = run.approvals.get(step)
    return found is not None and found.yes is True


def _approval(run: Run, step: int, role: str, now: datetime) -> Iterator[Finding]:
    """Ask the role, and wait; a no, or nobody's answer, ends the run where it stands."""
    found = run.approvals.get(step)
    if found is None:
        within = min(max(run.asked.approve_within, 0.0), LONGEST_APPROVAL)
        until = now + timedelta(seconds=within)
        yield r.ApprovalAsked(run.id, step, role, until)
    elif found.yes is None and found.until > now:
        yield found.until
    elif found.yes is None:
        yield r.ApprovalLapsed(run.id, step)
    elif found.person is None:
        yield r.RunEnded(run.id, _halted(run), Reason("approval_lapsed", {"role": role}))
    else:
        values = {"role": role, "person": found.person}
        yield r.RunEnded(run.id, _halted(run), Reason("approval_refused", values))


def _halted(run: Run) -> r.RunOutcome:
    """A run that changed something before it was refused is not as if it had never been."""
    return "stopped" if run.done else "refused"


# ── forwards ─────────────────────────────────────────────────────────────────────────────


def _go_on(run: Run, now: datetime, holds: Holds) -> Iterator[Finding]:
    if run.due is not None or (run.stuck is not None and run.stopping is None):
        return
    if run.stopping is not None:
        yield from _stop(run, now)
    elif run.step >= len(run.asked.steps):
        yield _over(run)
    else:
        step = step_of(run.asked.steps[run.step])
        came = run.done.get(run.step)
        if came is None or came.outcome == "unknown":
            yield from _first(run, step, now, holds)
        else:
            yield from _after_failure(run, step, came, now)


def _over(run: Run) -> r.RunEnded:
    """The end after the last step; a dry run has failed where a required step would."""
    would_fail = [
        (number, came)
        for number, came in run.done.items()
        if came.says not in (ONLY_SHOWN, NO_NEED)
        and came.outcome == "skipped"
        and step_of(run.asked.steps[number]).required
    ]
    if run.asked.dry and would_fail:
        return r.RunEnded(run.id, "failed", _failed(run, *would_fail[0]))
    return r.RunEnded(run.id, "succeeded")


def _stop(run: Run, now: datetime) -> Iterator[Finding]:
    assert run.stopping is not None
    if run.stopping.undo and not run.asked.dry and _to_undo(run):
        yield from _take_back(run, now)
    else:
        yield r.RunEnded(run.id, "stopped", Reason("stopped_by_person"))


def _first(run: Run, step: Step, now: datetime, holds: Holds) -> Iterator[Finding]:
    """The first attempt at a step, once its condition holds and its role has said yes."""
    try:
        needed = step.when is None or holds(step.when)
    except ValueError as error:
        yield _ended(run, "refused", NO_CONDITION, {"error": str(error)})
        return
    if not needed:
        yield _ended(run, "skipped", NO_NEED)
    elif step.approve is not None and not run.asked.dry and not _has(run, run.step):
        yield from _approval(run, run.step, step.approve, now)
    else:
        yield from _begin(run, step, now)


def _begin(run: Run, step: Step, now: datetime) -> Iterator[Finding]:
    match step:
        case WaitStep():
            yield from _waited(run, now, step.duration)
        case HumanStep() | NotifyStep() if run.asked.dry:
            yield _ended(run, "skipped", ONLY_SHOWN)
        case HumanStep():
            if run.begun is None:
                yield r.StepBegun(run.id, run.step, now + step.timeout)
        case _:
            yield r.StepDue(run.id, run.step, "do", 1)


def _waited(run: Run, now: datetime, duration: timedelta) -> Iterator[Finding]:
    if run.asked.dry:
        yield _ended(run, "skipped", ONLY_SHOWN)
    elif run.begun is None:
        yield r.StepBegun(run.id, run.step, now + duration)
    elif run.begun.until > now:
        yield run.begun.until
    else:
        yield _ended(run, "done")


def _after_failure(run: Run, step: Step, came: r.StepEnded, now: datetime) -> Iterator[Finding]:
    """Try again as often as the manual says; then go on without it, or go back."""
    at = _again_at(step, came, run.done_at[run.step])
    if at is not None and not run.asked.dry:
        yield at if at > now else r.StepDue(run.id, run.step, "do", came.attempt + 1)
    elif run.asked.dry:
        yield _left_out(run, came, came.says, came.values)
    elif not step.required:
        yield _left_out(run, came, NOT_REQUIRED)
    elif run.asked.undoes and _to_undo(run):
        yield from _take_back(run, now)
    else:
        yield r.RunEnded(run.id, "failed", _failed(run, run.step, came))


def _left_out(
    run: Run, came: r.StepEnded, says: str, values: dict[str, str] | None = None
) -> r.StepEnded:
    return msgspec.structs.replace(_ended(run, "skipped", says, values), checks=came.checks)


def _again_at(step: Step, came: r.StepEnded, at: datetime) -> datetime | None:
    if not 0 < came.attempt <= step.retry.times:
        return None
    wait: timedelta = step.retry.wait
    return at + min(wait * (1 << min(came.attempt - 1, 20)), LONGEST_WAIT)


def _ended(
    run: Run, outcome: r.Outcome, says: str = "", values: dict[str, str] | None = None
) -> r.StepEnded:
    return r.StepEnded(run.id, run.step, "do", 0, outcome, says, values or {})


def _failed(run: Run, number: int, came: r.StepEnded) -> Reason:
    values = {"step": str(number + 1), "name": in_both(run.asked.steps[number].name)}
    return Reason("step_refused" if came.outcome == "refused" else "step_failed", values)


# ── backwards ────────────────────────────────────────────────────────────────────────────


def _to_undo(run: Run) -> list[int]:
    """Steps that changed something and have a way back, the last one first.

    One that failed may have got half-way, and one that was answered for may be done.
    """
    changed = [n for n, came in run.done.items() if came.outcome in ("done", "failed", "unknown")]
    steps = run.asked.steps
    return [n for n in sorted(changed, reverse=True) if can_be_undone(step_of(steps[n]))]


def _take_back(run: Run, now: datetime) -> Iterator[Finding]:
    """Undo what was done, one step at a time; one that can't be undone stops none of the others."""
    if run.due is not None or (run.phase == "undoing" and run.stuck is not None):
        return
    for number in _to_undo(run):
        came = run.undone.get(number)
        if came is None:
            yield r.StepDue(run.id, number, "undo", 1)
            return
        if came.outcome in ("done", "skipped"):
            continue
        at = _again_at(step_of(run.asked.steps[number]), came, run.undone_at[number])
        if at is not None:
            yield at if at > now else r.StepDue(run.id, number, "undo", came.attempt + 1)
            return
    yield _taken_back(run)


def _taken_back(run: Run) -> r.RunEnded:
    left = [n for n in _to_undo(run) if run.undone[n].outcome not in ("done", "skipped")]
    if left:
        return r.RunEnded(run.id, "undo_failed", _failed(run, left[0], run.undone[left[0]]))
    if run.stopping is not None:
        return r.RunEnded(run.id, "undone", Reason("undone_by_person"))
    return r.RunEnded(run.id, "undone", _first_failure(run))


def _first_failure(run: Run) -> Reason | None:
    came = run.done.get(run.step)
    return None if came is None else _failed(run, run.step, came)


def waiting_for(run: Run) -> Mapping[int, str]:
    """Return the approvals that are asked for and not answered: step → role."""
    if run.over:
        return {}
    return {step: one.role for step, one in run.approvals.items() if one.yes is None}
