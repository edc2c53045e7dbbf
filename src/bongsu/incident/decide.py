"""What is due for an incident now, and when to look again: the one decision of Bongsu.

``decide`` is pure: the same manual, incident, shifts and time give the same answer. The engine,
the simulator, the drill and the replay all call it. `RULES` is the order in which the manual's
sentences (`bongsu.incident.rules`) are asked; each rule yields event bodies that are due and the
times at which it wants to be asked again. A rule sees what the rules before it have written, so
that nobody is called for an incident that ends at the same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from bongsu.incident import events as e
from bongsu.incident.case import Case
from bongsu.incident.contacts import Finding
from bongsu.incident.rules import paging, recovery, responding
from bongsu.incident.runs.rules import begin_by_themselves, go_on
from bongsu.incident.state import Incident, apply
from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts

MAX_ROUNDS = 50


class Decision(NamedTuple):
    """What must be written to the log now, and the next time that something can become due."""

    due: tuple[e.AnyBody, ...]
    look_at: datetime | None
    troubles: tuple[Trouble, ...] = ()


class Trouble(NamedTuple):
    """A rule that could not be asked; the other rules were, and what they said stands."""

    rule: str
    error: str


class Settled(NamedTuple):
    """An incident after everything that was due has been written."""

    incident: Incident
    events: tuple[e.Event, ...]
    look_at: datetime | None
    troubles: tuple[Trouble, ...] = ()


Rule = Callable[[Case], Iterator[Finding]]


class UnsettledError(Exception):
    """Deciding did not come to an end; the incident is put aside and reported."""


def decide(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> Decision:
    """Return all that is due at ``now`` (UTC), and when to look again after it; None is never.

    Raises:
        UnsettledError: there is no end to what is due.
    """
    settled = settle(manual, incident, shifts, now)
    due = tuple(event.body for event in settled.events)
    return Decision(due, settled.look_at, settled.troubles)


def settle(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> Settled:
    """Ask every rule and write what is due, until nothing more is due at ``now``.

    A rule that fails is not asked again this time, and stops none of the others: whatever is wrong
    with a notice, people are paged.

    Raises:
        UnsettledError: after `MAX_ROUNDS` rounds something is still due.
    """
    written: list[e.Event] = []
    troubles: dict[Rule, Trouble] = {}
    if incident.opened_at is None:
        return Settled(incident, (), None)
    for _ in range(MAX_ROUNDS):
        former, later = incident.seq, list[datetime]()
        for rule in RULES:
            if rule in troubles:
                continue
            try:
                incident, events, again = _asked(rule, Case(manual, incident, shifts, now))
            except Exception as error:  # noqa: BLE001  one rule's failure is no other's; recorded
                troubles[rule] = Trouble(rule.__name__, repr(error))
            else:
                written += events
                later += again
        if incident.seq == former:
            look_at = min(later, default=None)
            return Settled(incident, tuple(written), look_at, tuple(troubles.values()))
    msg = f"{incident.number}: still {e.kind_of(written[-1].body)} after {MAX_ROUNDS} rounds"
    raise UnsettledError(msg)


def _asked(rule: Rule, case: Case) -> tuple[Incident, list[e.Event], list[datetime]]:
    """Let a rule write what it finds due; also when it wants to be asked again."""
    incident, events, later = case.incident, list[e.Event](), list[datetime]()
    for finding in list(rule(case)):
        if isinstance(finding, datetime):
            later.append(finding)
        else:
            events.append(e.Event(incident.seq + 1, case.now, e.SYSTEM, finding))
            incident = apply(incident, events[-1])
    return incident, events, later


RULES: tuple[Rule, ...] = (
    responding.watch_clocks,
    paging.wake_from_snooze,
    recovery.resolve_when_clear,
    responding.presume_real,
    recovery.follow_alerts,
    responding.assemble_team,
    responding.start_response,
    paging.call_people,
    paging.reach_people,
    paging.pass_over_unreachable,
    responding.announce,
    begin_by_themselves,
    go_on,
    recovery.verify_recovery,
    responding.diagnose,
)
