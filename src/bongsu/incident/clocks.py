"""The clocks (시계) that run for an incident, each against its target in the manual."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from bongsu.incident.state import Incident
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.document import Manual

ClockName = Literal[
    "detection", "first_response", "verification", "response", "communication", "recovery"
]


class Clock(NamedTuple):
    """One target, from when it counts, and when it was met."""

    name: ClockName
    started_at: datetime
    target: timedelta
    stopped_at: datetime | None
    met: bool = True
    """whether what it waits for happened; False also where the incident ended without it"""

    @property
    def due_at(self) -> datetime:
        """When the target is missed."""
        return self.started_at + self.target

    def elapsed(self, now: datetime) -> timedelta:
        """How long it ran, or has run so far."""
        return (self.stopped_at or now) - self.started_at

    def breached(self, now: datetime) -> bool:
        """Whether the target is missed at ``now``; what stopped exactly in time has met it."""
        if self.stopped_at is not None:
            return self.stopped_at > self.due_at
        return now >= self.due_at


def clocks(manual: Manual, incident: Incident) -> list[Clock]:
    """Return the clocks of an incident in the order of its response; none before it is opened."""
    opened = incident.opened_at
    if opened is None:
        return []
    targets = _targets(manual, incident.severity)
    began, ended = incident.reopened_at or opened, incident.ended_at
    reached: tuple[tuple[ClockName, datetime | None], ...] = (
        ("first_response", incident.first_acknowledged_at),
        ("response", incident.responding_at),
        ("communication", incident.communicated_at),
        ("recovery", incident.recovered_at),
    )
    found = [Clock("detection", incident.started_at or opened, targets["detection"], opened)]
    found += [
        Clock(name, began, targets[name], at or ended, at is not None) for name, at in reached
    ]
    if incident.acknowledged_at is not None:
        stopped = incident.verified_at or incident.recovered_at or ended
        answered = incident.acknowledged_at
        met = (incident.verified_at or incident.recovered_at) is not None
        found.insert(2, Clock("verification", answered, targets["verification"], stopped, met))
    return found


def _targets(manual: Manual, severity: SeverityLevel) -> dict[ClockName, timedelta]:
    general, policy = manual.overview.targets, manual.respond(severity)
    own = policy.targets
    return {
        "detection": general.detection,
        "first_response": own.first_response or general.first_response,
        "verification": policy.verify.within,
        "response": own.response or general.response,
        "communication": own.communication or general.communication,
        "recovery": manual.overview.severities[severity].recover_within,
    }
