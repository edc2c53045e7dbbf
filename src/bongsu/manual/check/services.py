"""services.yaml: dependencies, owners, tiers and health checks."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.check.addresses import web
from bongsu.manual.check.references import arrows, circles, refer, refer_all
from bongsu.manual.problems import Problem, error
from bongsu.manual.schema.document import Manual


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at every service, then at what leans on what."""
    services = manual.services.services
    for name, service in services.items():
        path = ("services", "services", name)
        yield from refer((*path, "owner"), "role", service.owner, manual.team.roles)
        yield from refer_all((*path, "depends_on"), "service", service.depends_on, services)
        yield from web((*path, "health", "url"), service.health.url if service.health else None)
        if service.tier not in manual.services.recovery_order:
            yield error(
                (*path, "tier"), N_("recovery_order has no line {tier}"),
                N_("add it, or change the tier"), tier=service.tier,
            )  # fmt: skip
    graph = {n: [d for d in s.depends_on if d in services] for n, s in services.items()}
    for circle in circles(graph):
        yield error(
            ("services", "services", circle[0], "depends_on"),
            N_("the services lean on each other in a circle: {circle}"),
            N_("take one of these dependencies out"), circle=arrows(circle),
        )  # fmt: skip
