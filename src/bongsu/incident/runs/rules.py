"""The rules by which an incident's runs go on, start by themselves, and call people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.case import Case
from bongsu.incident.commands import RefusedError
from bongsu.incident.contacts import Finding
from bongsu.incident.diagnosis.facts import NOTHING_KNOWN, Facts
from bongsu.incident.ladders import ASKED
from bongsu.incident.phases import Phase
from bongsu.incident.runs.approving import approvers, ladder_of
from bongsu.incident.runs.asking import asked
from bongsu.incident.runs.flow import Holds, following
from bongsu.incident.runs.state import Run
from bongsu.manual.conditions import Condition, ConditionError
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Playbook

BEFORE_RECOVERY = (Phase.DETECTED, Phase.VERIFIED, Phase.RESPONDING, Phase.RECOVERING)
BAD = frozenset(("failed", "undone", "undo_failed"))


def go_on(case: Case) -> Iterator[Finding]:
    """Every run that is not over takes its next step; people are told where they are needed."""
    for run in case.incident.runs.values():

        def holds(condition: str, run: Run = run) -> bool:
            return Condition(condition).holds(values(case, run.asked.parameters, seen_by(run)))

        for finding in _due(run, case, holds):
            yield finding
            match finding:
                case r.ApprovalAsked():
                    yield from _ask_approvers(case, run, finding)
                case r.RunEnded() if finding.outcome in BAD or _bounded(run, finding):
                    yield from _tell_of_the_end(case, run, finding)
                case _:
                    pass


def _due(run: Run, case: Case, holds: Holds) -> list[Finding]:
    """What is due in one run; one that can't be decided ends, and stops none of the others."""
    try:
        return list(following(run, case.now, holds))
    except Exception as error:  # noqa: BLE001  a plan of another release, say; it is recorded here
        return [r.RunEnded(run.id, "failed", e.Reason("run_undecidable", {"error": repr(error)}))]


def _bounded(run: Run, ended: r.RunEnded) -> bool:
    """What may not run by itself any more is a person's turn."""
    return run.asked.automatic and ended.outcome == "refused"


def _ask_approvers(case: Case, run: Run, body: r.ApprovalAsked) -> Iterator[e.Paged]:
    why = e.Reason("approval_wanted", {"playbook": run.asked.playbook, "role": body.role})
    for person in approvers(case.manual, case.incident, body.role):
        yield e.Paged(
            f"{run.id}/{body.step}/{person}", person, ladder_of(run.id, body.step), body.until, why
        )


def _tell_of_the_end(case: Case, run: Run, body: r.RunEnded) -> Iterator[e.Paged]:
    """A run that did not do what it was for calls a person."""
    code = "run_bounded" if _bounded(run, body) else "run_failed"
    why = e.Reason(code, {"playbook": run.asked.playbook, "outcome": body.outcome})
    answer_by = case.now + case.manual.overview.targets.first_response
    for person in _in_charge(case, run):
        yield e.Paged(f"{run.id}/end/{person}", person, ASKED, answer_by, why)


def _in_charge(case: Case, run: Run) -> list[str]:
    """Whoever asked for the run and whoever answers for the incident; else who is on call."""
    manual, incident, shifts, now = case
    kind, _, name = run.by.partition(":")
    commander = manual.respond(incident.severity).commander
    wearing = incident.roles.get(commander.role) if commander else None
    found = [name if kind == "person" else None, wearing, incident.acknowledged_by]
    people = [one for one in dict.fromkeys(found) if one and _reachable(manual, one)]
    if people:
        return people
    steps = manual.respond(incident.severity).escalation
    called = [
        c.person for step in steps for target in step.page for c in shifts.targets(target, now)
    ]
    return [one for one in dict.fromkeys(called) if one and _reachable(manual, one)][:1]


def _reachable(manual: Manual, name: str) -> bool:
    person = manual.person(name)
    return person is not None and bool(person.contacts)


# ── by themselves ────────────────────────────────────────────────────────────────────────


def begin_by_themselves(case: Case) -> Iterator[Finding]:
    """A playbook that the manual lets run by itself starts once, when the report says so."""
    manual, incident = case.manual, case.incident
    if incident.diagnosed is None or incident.phase not in BEFORE_RECOVERY or incident.drill:
        return
    begun = {run.asked.playbook for run in incident.runs.values() if run.asked.automatic}
    for number, (name, playbook) in enumerate(manual.playbooks.items()):
        if name in begun or not _calls_for(case, playbook):
            continue
        condition = playbook.automatic.when if playbook.automatic else ""
        why = e.Reason("playbook_automatic", {"playbook": name, "condition": condition})
        try:
            yield asked(
                manual, incident, name, {}, run=f"r{incident.seq}.{number}", automatic=True, why=why
            )
        except RefusedError:
            continue  # the manual's check says what its defaults lack


def _calls_for(case: Case, playbook: Playbook) -> bool:
    incident, automatic = case.incident, playbook.automatic
    if automatic is None or incident.severity not in playbook.severities:
        return False
    if playbook.types and incident.type is not None and incident.type not in playbook.types:
        return False
    try:
        return Condition(automatic.when).holds(values(case, {}, {}))
    except ConditionError:
        return False  # it asks for what nobody has looked at; the manual's check names it


def seen_by(run: Run) -> dict[str, str]:
    """What the run's own steps have looked at, the last look of each check."""
    pairs = (pair for ended in run.done.values() for pair in ended.checks)
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def values(
    case: Case, parameters: Mapping[str, r.Value], seen: Mapping[str, str]
) -> dict[str, Any]:
    """Return the variables of a playbook's conditions (`bongsu.manual.conditions`).

    What the run itself has ``seen`` comes before what the report says.
    """
    manual, said = case.manual, case.incident.diagnosed
    looked = dict(pair.split("=", 1) for pair in said.checks if "=" in pair) if said else {}
    checks = {**dict.fromkeys(manual.diagnosis.checks, "unknown"), **looked, **seen}
    return {
        **NOTHING_KNOWN,
        **Facts.of(case.incident, manual, case.now).values,
        "checks": checks,
        "unhealthy": [name for name, verdict in checks.items() if verdict == "unhealthy"],
        "degraded": [name for name, verdict in checks.items() if verdict == "degraded"],
        "new_log_patterns": said.new_log_patterns if said else 0,
        "parameters": dict(parameters),
    }
