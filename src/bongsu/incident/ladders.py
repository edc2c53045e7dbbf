"""Who is called next, and when: escalation as ladders of rungs that repeat in rounds.

A ladder counts from its origin. Rung *s* of round *r* is due at ``origin + r·every + after[s]``.
When the engine comes back after hours, the rungs that became due meanwhile are many; each *step*
is then taken once, at its latest round, so that everybody whom the manual would have called is
called, and nobody twelve times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident, Rung
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.response import Assemble, Commander, Repeat, SeverityResponse

AT_WORK = (Phase.VERIFIED, Phase.RESPONDING, Phase.RECOVERING)
ASKED = "asked"
"""the ladder of pages that a person asked for: one rung, no rounds"""
REMINDERS = 3


class Step(NamedTuple):
    """One rung of a ladder: how long after the round's start whom to call."""

    after: timedelta
    targets: tuple[str, ...]


class Ladder(NamedTuple):
    """The calls that go on until somebody answers."""

    name: str
    origin: datetime
    steps: tuple[Step, ...]
    repeat: Repeat | None
    patience: timedelta
    """how long the last call waits for an answer where no further one follows"""
    role: str | None = None

    def at(self, rung: Rung) -> datetime:
        """When a rung is due."""
        every = self.repeat.every if self.repeat else timedelta()
        return self.origin + rung.round * every + self.steps[rung.step].after

    def after(self, rung: Rung | None) -> Rung | None:
        """The rung that follows; None where the ladder ends."""
        if not self.steps:
            return None
        if rung is None:
            return Rung(0, 0)
        if rung.step + 1 < len(self.steps):
            return Rung(rung.round, rung.step + 1)
        following = Rung(rung.round + 1, 0)
        return following if self._has_round(following.round) else None

    def due(self, taken: Rung | None, now: datetime) -> list[Rung]:
        """The rungs to take now, each step at most once, oldest first."""
        found = []
        rung = self._catch_up(self.after(taken), now)
        while rung is not None and self.at(rung) <= now:
            found.append(rung)
            rung = self.after(rung)
        return found[-len(self.steps) :] if self.steps else []

    def answer_by(self, rung: Rung, now: datetime) -> datetime:
        """When a call is given up in favour of the next."""
        following = self.after(rung)
        return max(self.at(following), now) if following else now + self.patience

    def _has_round(self, number: int) -> bool:
        if self.repeat is None:
            return number == 0
        return self.repeat.times == "forever" or number <= self.repeat.times

    def _catch_up(self, rung: Rung | None, now: datetime) -> Rung | None:
        """Skip the rounds that lie wholly in the past, all but the last two."""
        if rung is None or self.repeat is None:
            return rung
        current = (now - self.origin) // self.repeat.every
        last = current if self.repeat.times == "forever" else min(current, self.repeat.times)
        return Rung(last - 2, 0) if last - 2 > rung.round else rung


def ladders(manual: Manual, incident: Incident) -> Iterator[Ladder]:
    """Yield the ladders that run now; one that does not run is not there."""
    if not incident.open or incident.opened_at is None or incident.snoozed_until is not None:
        return
    policy = manual.respond(incident.severity)
    patience = manual.overview.targets.first_response
    if incident.acknowledged_at is None:
        yield _oncall(incident, policy, patience)
        return
    if incident.phase is Phase.DETECTED and policy.verify.unanswered == "remind":
        yield _verify(incident, policy, incident.acknowledged_at)
    if incident.phase in AT_WORK:
        yield from _roles(manual, incident, policy)


def _oncall(incident: Incident, policy: SeverityResponse, patience: timedelta) -> Ladder:
    steps = tuple(Step(step.after, tuple(step.page)) for step in policy.escalation)
    origin = incident.origins["oncall"]
    return Ladder("oncall", origin, steps, policy.repeat, patience)


def _verify(incident: Incident, policy: SeverityResponse, since: datetime) -> Ladder:
    """Remind the person who answered but did not say whether it is real."""
    step = Step(policy.verify.within, (f"person:{incident.acknowledged_by}",))
    repeat = Repeat(every=policy.verify.within, times=REMINDERS)
    return Ladder("verify", since, (step,), repeat, policy.verify.within)


def _roles(manual: Manual, incident: Incident, policy: SeverityResponse) -> Iterator[Ladder]:
    commander, assemble = policy.commander, policy.assemble
    if commander and commander.role not in incident.roles and incident.verified_at:
        yield _commander(manual, incident, commander, incident.verified_at)
    if assemble and incident.assembled_at:
        for role in incident.assembled:
            if role not in incident.roles and not (commander and commander.role == role):
                yield _role(manual, incident, role, assemble, incident.assembled_at)


def _commander(manual: Manual, incident: Incident, how: Commander, since: datetime) -> Ladder:
    targets = [*_holders(manual, how.role), *how.deputies]
    steps = tuple(Step(how.answer_within * i, (target,)) for i, target in enumerate(targets))
    name = f"role:{how.role}"
    origin = incident.origins.get(name, since)
    return Ladder(name, origin, steps, how.repeat, how.answer_within, how.role)


def _role(
    manual: Manual, incident: Incident, role: str, how: Assemble, since: datetime
) -> Ladder:
    holders = _holders(manual, role)
    steps = tuple(Step(how.answer_within * i, (target,)) for i, target in enumerate(holders))
    name = f"role:{role}"
    return Ladder(name, incident.origins.get(name, since), steps, None, how.answer_within, role)


def _holders(manual: Manual, role: str) -> list[str]:
    known = manual.team.roles.get(role)
    return [f"person:{person}" for person in known.held_by] if known else []
