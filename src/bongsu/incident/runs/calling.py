"""Whom a run calls: for a yes, where it needs a person, and when it did not do what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.case import Case
from bongsu.incident.runs.approving import approvers, ladder_of
from bongsu.incident.runs.state import Run
from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual

CALLS = "run:"
"""how the names of the ladders begin on which a run calls people; they call once, in no rounds"""
_END = "end"
TOLD = frozenset(("failed", "undone", "undo_failed", "refused"))
"""ends of a run that somebody has to know of"""
NO_YES = frozenset(("approval_refused", "approval_lapsed"))
"""why a run was stopped half-way by nobody who meant to stop it"""
MEANT = frozenset(("undone_by_person", "undo_called_off"))
"""why a run ended for somebody who knows of it"""


def for_approval(case: Case, run: Run, body: r.ApprovalAsked) -> Iterator[e.Paged]:
    """Call whoever may say yes; where nobody of them can be reached, whoever is in charge."""
    why = e.Reason("approval_wanted", {"playbook": run.asked.playbook, "role": body.role})
    people = approvers(case.manual, case.incident, body.role) or in_charge(case, run)
    for person in people:
        name = f"{run.id}/{body.step}/{person}"
        yield e.Paged(name, person, ladder_of(run.id, body.step), body.until, why)


def for_the_end(case: Case, run: Run, body: r.RunEnded) -> Iterator[e.Paged]:
    """Call people where a run did not do what it is for; a dry run only shows."""
    cause = body.why.code if body.why else None
    if run.asked.dry or cause in MEANT or (body.outcome not in TOLD and cause not in NO_YES):
        return
    code = "run_bounded" if cause == "automation_bound" else "run_failed"
    why = e.Reason(code, {"playbook": run.asked.playbook, "outcome": body.outcome})
    refused_by = body.why.values.get("person") if body.why else None
    people = [one for one in in_charge(case, run) if one != refused_by]
    yield from _calls(case, run, _END, people, why)


def for_help(
    case: Case, run: Run, step: int, why: e.Reason, people: Iterable[str] = ()
) -> Iterator[r.PersonNeeded | e.Paged]:
    """Note that a run needs a person, and call ``people``."""
    yield r.PersonNeeded(run.id, step, why)
    yield from _calls(case, run, f"{step}.{case.incident.seq}", people, why)


def still_called(incident: Incident, ladder: str) -> bool:
    """Whether what a run calls people for is not seen to yet; of its end they are told anyway."""
    name, _, what = ladder.removeprefix(CALLS).partition(":")
    run = incident.runs.get(name)
    if what == _END:
        return True
    return run is not None and run.needs is not None and what.partition(".")[0] == str(
        run.needs.step
    )  # fmt: skip


def _calls(
    case: Case, run: Run, what: str, people: Iterable[str], why: e.Reason
) -> Iterator[e.Paged]:
    answer_by = case.now + case.manual.overview.targets.first_response
    for person in people:
        name = f"{run.id}/{what}/{person}"
        yield e.Paged(name, person, f"{CALLS}{run.id}:{what}", answer_by, why)


def in_charge(case: Case, run: Run) -> list[str]:
    """Whoever asked for the run and whoever answers for the incident; else who is on call."""
    manual, incident, shifts, now = case
    commander = manual.respond(incident.severity).commander
    wearing = incident.roles.get(commander.role) if commander else None
    people = _reachable(manual, (asker(run), wearing, incident.acknowledged_by))
    if people:
        return people
    steps = manual.respond(incident.severity).escalation
    called = (c.person for step in steps for to in step.page for c in shifts.targets(to, now))
    return _reachable(manual, called)[:1]


def asker(run: Run) -> str | None:
    """Return the person who asked for a run; None where the manual let it begin by itself."""
    kind, _, name = run.by.partition(":")
    return name if kind == "person" else None


def _reachable(manual: Manual, people: Iterable[str | None]) -> list[str]:
    named = dict.fromkeys(one for one in people if one)
    return [one for one in named if (who := manual.person(one)) and who.contacts]
