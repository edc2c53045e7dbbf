"""Which checks a diagnosis runs."""

from __future__ import annotations

from collections.abc import Mapping

from bongsu.incident.diagnosis.facts import Facts
from bongsu.manual.schema.diagnosis import Check, HttpProbe
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.services import Service

HEALTH = "health."
"""how the ids of checks begin that come from ``health`` in services.yaml"""


def wanted(manual: Manual, facts: Facts) -> dict[str, Check]:
    """Return all checks, by id; for one service its own, its dependencies', and nobody's.

    An incident gets them all: what leans on its service says how grave it is.
    """
    checks = {**manual.diagnosis.checks, **_health_checks(manual)}
    if facts.incident or facts.service is None:
        return checks
    below = leaned_on(facts.service, manual.services.services)
    return {
        name: check for name, check in checks.items() if check.service is None
        or check.service in below
    }  # fmt: skip


def _health_checks(manual: Manual) -> dict[str, Check]:
    """Make checks of the services' health addresses that no check of the manual asks for."""
    probes = [check.probe for check in manual.diagnosis.checks.values()]
    asked = {probe.url for probe in probes if isinstance(probe, HttpProbe)}
    return {
        f"{HEALTH}{name}": Check(
            name=service.name, service=name, timeout=service.health.timeout,
            probe=HttpProbe(kind="http", url=service.health.url),
        )
        for name, service in manual.services.services.items()
        if service.health and service.health.url not in asked
    }  # fmt: skip


def leaned_on(service: str, services: Mapping[str, Service]) -> set[str]:
    """Return a service and everything that it leans on, however far below."""
    found, edge = {service}, [service]
    while edge:
        known = services.get(edge.pop())
        new = [name for name in (known.depends_on if known else []) if name not in found]
        found.update(new)
        edge.extend(new)
    return found


def group_of(check: str, manual: Manual) -> str:
    """Return the manual's group of a check; that of a service's health is ``services``."""
    groups = manual.diagnosis.groups.items()
    other = "services" if check.startswith(HEALTH) else ""
    return next((name for name, checks in groups if check in checks), other)
