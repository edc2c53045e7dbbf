"""What a person may do to a run, as events, or as a refusal that says why not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.commands import Bodies, RefusedError
from bongsu.incident.phases import Phase, allowed
from bongsu.incident.runs.approving import may_approve
from bongsu.incident.runs.planning import plan
from bongsu.incident.runs.state import Run
from bongsu.incident.runs.steps import can_be_undone, step_of
from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import HumanStep, NotifyStep

BEFORE_RECOVERY = (Phase.DETECTED, Phase.VERIFIED, Phase.RESPONDING)


def asked(
    manual: Manual, incident: Incident, playbook: str, given: Mapping[str, object], *, run: str,
    automatic: bool = False, dry: bool = False, why: e.Reason | None = None,
) -> r.RunAsked:  # fmt: skip
    """Freeze a playbook into a run.

    Raises:
        RefusedError: there is no such playbook, or a parameter is not as the manual wants it.
    """
    planned = plan(manual, playbook, given, incident=incident.number or incident.id)
    known = manual.playbooks[playbook]
    steps = [_with_audiences_yes(manual, step) for step in planned.steps]
    return r.RunAsked(
        run, playbook, steps, dict(planned.parameters), planned.lock,
        approve=known.approve, approve_within=known.approve_within.total_seconds(),
        undoes=known.on_failure == "undo", runner=known.runner, automatic=automatic, dry=dry,
        why=why,
    )  # fmt: skip


def _with_audiences_yes(manual: Manual, planned: r.PlannedStep) -> r.PlannedStep:
    """A notice needs the yes that every notice to its audience needs."""
    step = step_of(planned)
    if not isinstance(step, NotifyStep) or step.approve is not None:
        return planned
    audience = manual.communication.audiences.get(step.audience)
    if audience is None or audience.approve is None:
        return planned
    spec = step.model_copy(update={"approve": audience.approve}).model_dump_json()
    return msgspec.structs.replace(planned, spec=spec)


def ask(
    manual: Manual, incident: Incident, playbook: str, given: Mapping[str, object], *,
    dry: bool = False,
) -> Bodies:  # fmt: skip
    """A person wants a playbook run; the recovery has then begun. In a drill it is only shown."""
    if not incident.open:
        raise RefusedError("not_open", phase=incident.phase.value)
    dry = dry or incident.drill
    body = asked(manual, incident, playbook, given, run=f"r{incident.seq + 1}", dry=dry)
    begins = not dry and incident.phase in BEFORE_RECOVERY and allowed(
        incident.phase, e.RecoveryStarted
    )  # fmt: skip
    name = manual.playbooks[playbook].name.in_(manual.overview.locale)
    return [e.RecoveryStarted(name), body] if begins else [body]


def approve(
    manual: Manual, incident: Incident, run: str, step: int | None, person: str, *,
    yes: bool, now: datetime, note: str = "", via: str = "",
) -> Bodies:  # fmt: skip
    """Answer for a role; without a step, whatever of the run waits for an answer.

    One that has lapsed is not answered any more, though nobody may have noted it yet.
    """
    found = _run(incident, run)
    waiting = {
        n: one for n, one in found.approvals.items() if one.yes is None and step in (n, None)
    }
    if not waiting or found.over:
        raise RefusedError("no_approval_wanted", run=run)
    number, approval = next(iter(waiting.items()))
    if not may_approve(manual, incident, approval.role, person):
        raise RefusedError("not_theirs_to_approve", person=person, role=approval.role)
    if now >= approval.until:
        raise RefusedError("approval_lapsed", role=approval.role)
    return [r.ApprovalGiven(run, number, person, yes, note, via)]


def answer(
    incident: Incident, run: str, step: int, person: str, *, said: r.Answer, note: str = ""
) -> Bodies:
    """Say that a person's step is done, or what became of one whose outcome nobody knows."""
    found = _run(incident, run)
    in_hand = found.begun.step if found.begun is not None else found.stuck
    if found.over or in_hand != step or not _persons(found, step):
        raise RefusedError("no_answer_wanted", run=run, step=str(step + 1))
    return [r.StepAnswered(run, step, said, person, note)]


def _persons(run: Run, step: int) -> bool:
    return run.stuck == step or isinstance(step_of(run.asked.steps[step]), HumanStep)


def stop(
    incident: Incident, run: str, *, undo: bool, note: str = "", at_once: bool = False
) -> Bodies:
    """End a run after the step under way, or ``at_once``; take back what was done if ``undo``.

    Who asks again to have it end sooner does not call off its being taken back. One that still
    waits for its lock to be taken back is left as it ended.
    """
    found = _run(incident, run)
    if found.over:
        raise RefusedError("run_is_over", run=run)
    if found.phase != "undo_asked":
        undo = undo or (found.stopping is not None and found.stopping.undo)
    return [r.RunStopping(run, undo, note, at_once)]


def take_back(incident: Incident, run: str, note: str = "") -> Bodies:
    """Take back a run that is over, the last step first."""
    found = _run(incident, run)
    if not found.over:
        return stop(incident, run, undo=True, note=note)
    done = [n for n, came in found.done.items() if came.outcome == "done" and n not in found.undone]
    if found.asked.dry or not any(can_be_undone(step_of(found.asked.steps[n])) for n in done):
        raise RefusedError("nothing_to_undo", run=run)
    return [r.RunStopping(run, undo=True, note=note)]


def _run(incident: Incident, run: str) -> Run:
    found = incident.runs.get(run)
    if found is None:
        raise RefusedError("unknown_run", run=run, known=", ".join(incident.runs) or "-")
    return found
