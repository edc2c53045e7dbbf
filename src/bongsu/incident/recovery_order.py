"""In which order several broken services are brought back (복구 우선순위).

Safety first: an incident of the security category, whatever it is about, and then the manual's
tiers. Within a tier comes first what others lean on.

Broken is what an incident is about, and what its last report found unhealthy: an incident is often
opened about the website when it is the database that has to be brought back. What is only degraded
still works, and stands in nobody's way; but of the first tier, which is people's safety and their
data, degraded is early enough to be seen to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from bongsu.incident.phases import Phase
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.services import Service

SAFETY = 1
"""the tier of what concerns users' safety, and the data's"""
SECURITY = "security"
"""the category of incident types that are about safety"""
MENDED = (Phase.MONITORING, Phase.RESOLVED, Phase.REVIEWED, Phase.DISMISSED)


class Broken(NamedTuple):
    """A service that has to be brought back."""

    service: str
    """empty where the incident is about none that is known"""
    incident: str = ""
    """the number of the incident that says so"""
    type: str | None = None
    checks: tuple[str, ...] = ()
    """what its last report said, as ``mongodb=unhealthy``"""


class Place(NamedTuple):
    """What is brought back in its turn."""

    tier: int
    service: str
    incidents: tuple[str, ...]
    safety: bool
    """whether a threat to safety is why it comes so early"""


def recovery_order(manual: Manual, broken: Iterable[Broken]) -> list[Place]:
    """Return what is broken in the order of the manual; each service once.

    A service that the manual does not know comes last, unless it is about safety.
    """
    found: dict[str, list[Broken]] = {}
    for one in broken:
        for cause in (one, *_reported(manual, one)):
            if cause.service:
                found.setdefault(cause.service, []).append(cause)
    places = [_place(manual, service, causes) for service, causes in found.items()]
    services, names = manual.services.services, frozenset(found)
    return sorted(places, key=lambda one: (
        not one.safety, one.tier, _leans_on(one.service, names, services), one.service
    ))  # fmt: skip


def _reported(manual: Manual, one: Broken) -> Iterator[Broken]:
    """Yield the services that an incident's report says are broken."""
    for check, _, verdict in (pair.partition("=") for pair in one.checks):
        known = manual.diagnosis.checks.get(check)
        service = known.service if known else None
        place = manual.services.services.get(service or "")
        early = verdict == "degraded" and place is not None and place.tier == SAFETY
        if service and (verdict == "unhealthy" or early):
            yield Broken(service, one.incident)


def _place(manual: Manual, service: str, causes: list[Broken]) -> Place:
    known = manual.services.services.get(service)
    safety = any(_is_security(manual, one.type) for one in causes)
    last = max(manual.services.recovery_order, default=SAFETY) + 1
    tier = SAFETY if safety else known.tier if known else last
    numbers = tuple(dict.fromkeys(one.incident for one in causes if one.incident))
    return Place(tier, service, numbers, safety)


def _is_security(manual: Manual, type_: str | None) -> bool:
    found = manual.incident_type(type_) if type_ else None
    return found is not None and found[0] == SECURITY


def _leans_on(service: str, broken: frozenset[str], services: Mapping[str, Service]) -> int:
    """Count the broken services that must work before this one can; circles end."""
    seen: set[str] = set()
    waiting = [service]
    while waiting:
        known = services.get(waiting.pop())
        for below in known.depends_on if known else ():
            if below not in seen and below != service:
                seen.add(below)
                waiting.append(below)
    return len(seen & broken)
