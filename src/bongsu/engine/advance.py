"""One step of an incident: what was asked, and everything that follows from it at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bongsu.engine.policy import Policy
from bongsu.incident import events as e
from bongsu.incident.decide import settle
from bongsu.incident.state import Incident, apply

POISON_PAUSE = timedelta(minutes=1)
"""after which an incident is looked at again that could not be decided"""


class Step(NamedTuple):
    """What one transaction writes for one incident."""

    incident: Incident
    events: tuple[e.Event, ...]
    look_at: datetime | None
    trouble: str | None = None
    """why it could not be decided, or not in full; what was asked, and what could be decided, is
    written all the same"""


def advance(
    policy: Policy, incident: Incident, actor: str, bodies: Sequence[e.AnyBody], now: datetime
) -> Step:
    """Write what was asked, adopt a changed manual, and decide until nothing more is due.

    ``now`` was read before the incident's lock was had, so another process may have written a
    moment later already; a log's times never go back.
    """
    now = max(now, incident.updated_at or now)
    adopted: list[tuple[str, e.AnyBody]] = []
    if incident.seq and incident.open and incident.manual != policy.manual.sha:
        adopted.append((e.SYSTEM, e.ManualAdopted(policy.manual.sha, incident.manual)))
    events: list[e.Event] = []
    for who, body in [*adopted, *((actor, body) for body in bodies)]:
        event = e.Event(incident.seq + 1, now, who, body)
        incident = apply(incident, event)
        events.append(event)
    try:
        settled = settle(policy.manual, incident, policy.shifts, now)
    except Exception as error:  # noqa: BLE001  the edge of deciding: recorded, and tried again
        return Step(incident, tuple(events), now + POISON_PAUSE, repr(error))
    look_at, trouble = settled.look_at, None
    if settled.troubles:
        trouble = "; ".join(f"{one.rule}: {one.error}" for one in settled.troubles)
        look_at = min(look_at or now + POISON_PAUSE, now + POISON_PAUSE)
    return Step(settled.incident, (*events, *settled.events), look_at, trouble)
