"""signals.yaml: does every alert find its way, and does anything stand in another's?"""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.check.references import refer
from bongsu.manual.problems import KeyPath, Problem, error, warning
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.signals import DefaultRoute, Route


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at senders, routes, silences and heartbeats."""
    signals = manual.signals
    for name, integration in signals.integrations.items():
        if not integration.formats:
            yield error(
                ("signals", "integrations", name, "formats"), N_("{key} is empty"),
                N_("write for example [alertmanager]"), key="formats",
            )  # fmt: skip
    for index, route in enumerate(signals.routes):
        yield from _route(manual, ("signals", "routes", index), route)
    yield from _route(manual, ("signals", "default"), signals.default)
    yield from _in_the_way(signals.routes)
    yield from _silences(manual)
    for name, heartbeat in signals.heartbeats.items():
        path = ("signals", "heartbeats", name, "service")
        yield from refer(path, "service", heartbeat.service, manual.services.services)


def _route(manual: Manual, path: KeyPath, route: Route | DefaultRoute) -> Iterator[Problem]:
    types = [name for names in manual.overview.incident_types.values() for name in names]
    yield from refer((*path, "service"), "service", route.service, manual.services.services)
    yield from refer((*path, "type"), "type", route.type, types)


def _in_the_way(routes: list[Route]) -> Iterator[Problem]:
    """A route is never reached behind one that asks for no more than it does."""
    for index, route in enumerate(routes):
        asked = set(route.match)
        for earlier, other in enumerate(routes[:index]):
            if set(other.match) <= asked:
                yield warning(
                    ("signals", "routes", index),
                    N_("no alert reaches route {number}: route {earlier} takes them all"),
                    N_("put the special route above the general one"),
                    number=index + 1, earlier=earlier + 1,
                )  # fmt: skip
                break


def _silences(manual: Manual) -> Iterator[Problem]:
    for index, silence in enumerate(manual.signals.silences):
        path = ("signals", "silences", index)
        if not silence.match:
            yield error(
                (*path, "match"), N_("this silences every alert"), N_("say which alerts it means")
            )
        if silence.until <= silence.start:
            yield error(
                (*path, "until"), N_("it ends before it begins"), N_("let until be later than from")
            )
