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
from bongsu.incident.phases import Phase
from bongsu.incident.runs import calling
from bongsu.incident.runs.approving import approvers
from bongsu.incident.runs.asking import asked
from bongsu.incident.runs.flow import Holds, following
from bongsu.incident.runs.state import Run
from bongsu.incident.runs.waits import own_steps
from bongsu.incident.state import Incident
from bongsu.manual.conditions import Condition, ConditionError
from bongsu.manual.schema.playbooks import Playbook

BEFORE_RECOVERY = (Phase.DETECTED, Phase.VERIFIED, Phase.RESPONDING, Phase.RECOVERING)


def go_on(case: Case) -> Iterator[Finding]:
    """Every run that is not over takes its next step; people are told where they are needed."""
    for run in case.incident.runs.values():

        def holds(condition: str, run: Run = run) -> bool:
            return Condition(condition).holds(values(case, run.asked.parameters, seen_by(run)))

        found = _due(run, case, holds)
        for finding in found:
            yield finding
            match finding:
                case r.ApprovalAsked():
                    yield from calling.for_approval(case, run, finding)
                case r.RunEnded():
                    yield from calling.for_the_end(case, run, finding)
                case _:
                    pass
        if not found and not run.over:
            yield from _help(case, run)


def _due(run: Run, case: Case, holds: Holds) -> list[Finding]:
    """What is due in one run; one that can't be decided ends, and stops none of the others."""
    try:
        return list(following(run, case.now, holds))
    except Exception as error:  # noqa: BLE001  a plan of another release, say; it is recorded here
        return [r.RunEnded(run.id, "failed", e.Reason("run_undecidable", {"error": repr(error)}))]


def _help(case: Case, run: Run) -> Iterator[Finding]:
    """A run that waits for a person calls one, and once more if that was overdue."""
    wait = next(own_steps(case.incident, run), None)
    if wait is None:
        return
    if run.needs is None or run.needs_since is None:
        people = approvers(case.manual, case.incident, wait.role) if wait.role else ()
        own = {calling.asker(run)} if wait.by else set()  # who asked for it is looking on
        called = [one for one in people or calling.in_charge(case, run) if one not in own]
        yield from calling.for_help(case, run, wait.step, wait.text, called)
        return
    if wait.by is None or run.needs_since >= wait.by:
        return
    late = max(wait.by, run.needs_since + case.manual.overview.targets.first_response)
    if late > case.now:
        yield late
    else:
        people = calling.in_charge(case, run)
        yield from calling.for_help(case, run, wait.step, wait.text, people)


# ── by themselves ────────────────────────────────────────────────────────────────────────


def begin_by_themselves(case: Case) -> Iterator[Finding]:
    """A playbook that the manual lets run by itself starts once, when the report says so.

    Once each time that it is broken: a relapse is seen by a report of its own, and may be mended by
    itself like the first time. How often in all, ``automatic.at_most`` bounds.
    """
    manual, incident = case.manual, case.incident
    if not _reported(incident) or incident.phase not in BEFORE_RECOVERY or incident.drill:
        return
    begun = {run.asked.playbook for run in incident.runs.values() if _by_itself(run, incident)}
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


def _reported(incident: Incident) -> bool:
    """Whether there is a report since it was last broken anew; an older one is of another time."""
    reported, back = incident.diagnosed_at, incident.came_back_at
    return reported is not None and (back is None or reported > back)


def _by_itself(run: Run, incident: Incident) -> bool:
    """Whether a run has begun by itself since it was last broken anew, or is still at it."""
    back = incident.came_back_at
    return run.asked.automatic and (back is None or run.asked_at > back or not run.over)


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
