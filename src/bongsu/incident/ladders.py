"""Who is called next, and when: escalation as ladders of rungs that repeat in rounds.

A ladder counts from its origin. Rung *s* of round *r* is due at ``origin + r·every + after[s]``.
A rung that is brought forward moves the origin with it, so that nobody waits longer for what
follows; but a round does not begin before the longest pause of the ladder has passed since, so
that a night in which nobody can be reached is no storm of calls.

When the engine comes back after hours, the rungs that became due meanwhile are many; each *step*
is then taken once, at its latest round, so that everybody whom the manual would have called is
called, and nobody twelve times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from bongsu.incident.phases import Phase
from bongsu.incident.state import Advance, Incident, Rung
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.response import Assemble, Commander, Repeat, SeverityResponse

AT_WORK = (Phase.VERIFIED, Phase.RESPONDING, Phase.RECOVERING)
ASKED = "asked"
"""the ladder of pages that a person asked for: one rung, no rounds"""
REMINDERS = 3
_END = datetime.max.replace(tzinfo=UTC)


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
    advanced: Advance | None = None

    def at(self, rung: Rung) -> datetime:
        """When a rung is due; one that no calendar reaches is due at its end."""
        every = self.repeat.every if self.repeat else timedelta()
        try:
            at = self.origin + rung.round * every + self.steps[rung.step].after
        except OverflowError:
            return _END
        if self.advanced and self.repeat and rung == Rung(self.advanced.round + 1, 0):
            return max(at, self.advanced.at + self._longest_pause(every))
        return at

    def after(self, rung: Rung | None) -> Rung | None:
        """The rung that follows; None where the ladder ends."""
        if not self.steps:
            return None
        if rung is None:
            return Rung(0, 0)
        if rung.step + 1 < len(self.steps):
            return Rung(rung.round, max(rung.step + 1, 0))
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

    def _longest_pause(self, every: timedelta) -> timedelta:
        times = [*(step.after for step in self.steps), self.steps[0].after + every]
        return max(later - sooner for sooner, later in pairwise(times))

    def _has_round(self, number: int) -> bool:
        if self.repeat is None:
            return number == 0
        if self.repeat.every <= timedelta():  # a manual's check refuses it
            return number == 0
        return self.repeat.times == "forever" or number <= self.repeat.times

    def _catch_up(self, rung: Rung | None, now: datetime) -> Rung | None:
        """Skip the rounds that lie wholly in the past, all but the last two."""
        if rung is None or self.repeat is None or self.repeat.every <= timedelta():
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
    origin, advanced = incident.origins["oncall"], incident.advanced.get("oncall")
    return Ladder("oncall", origin, steps, policy.repeat, patience, advanced=advanced)


def _verify(incident: Incident, policy: SeverityResponse, since: datetime) -> Ladder:
    """Remind whoever answered but did not say whether it is real.

    A sender's own system may have answered; then it is for those who are called first.
    """
    within, who = policy.verify.within, incident.acknowledged_by or ""
    first = tuple(policy.escalation[0].page) if policy.escalation else ()
    step = Step(within, first if who.startswith("integration:") else (f"person:{who}",))
    return Ladder("verify", since, (step,), Repeat(every=within, times=REMINDERS), within)


def _roles(manual: Manual, incident: Incident, policy: SeverityResponse) -> Iterator[Ladder]:
    commander, assemble = policy.commander, policy.assemble
    if commander and commander.role not in incident.roles and incident.escalated_at:
        yield _commander(manual, incident, commander, incident.escalated_at)
    if assemble and incident.assembled_at and incident.escalated_at:
        since = max(incident.assembled_at, incident.escalated_at)
        for role in incident.assembled:
            if role not in incident.roles and not (commander and commander.role == role):
                yield _role(manual, incident, role, assemble, since)


def _commander(manual: Manual, incident: Incident, how: Commander, since: datetime) -> Ladder:
    targets = [*_holders(manual, how.role), *how.deputies]
    return _in_turn(
        incident, how.role, targets, wait=how.answer_within, repeat=how.repeat, since=since
    )


def _role(manual: Manual, incident: Incident, role: str, how: Assemble, since: datetime) -> Ladder:
    targets = _holders(manual, role)
    return _in_turn(incident, role, targets, wait=how.answer_within, repeat=None, since=since)


def _in_turn(
    incident: Incident, role: str, targets: list[str], *, wait: timedelta,
    repeat: Repeat | None, since: datetime,
) -> Ladder:  # fmt: skip
    """Call one after another for a role."""
    name = f"role:{role}"
    steps = tuple(Step(wait * i, (target,)) for i, target in enumerate(targets))
    origin, advanced = incident.origins.get(name, since), incident.advanced.get(name)
    return Ladder(name, origin, steps, repeat, wait, role, advanced)


def _holders(manual: Manual, role: str) -> list[str]:
    """Whom to call for a role; the role itself where nobody holds it, so that this is seen."""
    known = manual.team.roles.get(role)
    holders = [f"person:{person}" for person in known.held_by] if known else []
    return holders or [f"role:{role}"]
