"""What an alert means by the manual: service, type, severity, and the incident it belongs to. Pure.

Everything is compiled once per manual. What a label set means is remembered, because the same
alerts come again and again; only silences and the sender's severity word are asked each time.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from bongsu.incident.alert import Alert, ChangedAlert
from bongsu.manual.matchers import all_of
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.signals import DefaultRoute, Route
from bongsu.manual.templates import render_text

REMEMBERED = 20_000
"""label sets whose route is remembered"""
EACH_ALERT = "..."
"""in ``group_by``: every alert is an incident of its own, as Alertmanager writes it"""
LONGEST_TITLE = 300
LONGEST_KEY = 200
"""characters of grouped values that stand in a group key as they are"""

Matches = Callable[[Mapping[str, str]], bool]


class Routed(NamedTuple):
    """What the manual makes of an alert."""

    service: str | None
    type: str | None
    severity: SeverityLevel
    group_key: str
    title: str
    silenced: str | None
    """why it opens no incident, where a silence of the manual says so"""
    route_index: int | None
    """which route matched, from 0; None is the default"""


class _Compiled(NamedTuple):
    matches: Matches
    route: Route
    name: str
    """identifies the route in group keys; the same while its matchers are"""


class _Place(NamedTuple):
    """What follows from the labels alone."""

    route: Route | DefaultRoute
    number: int | None
    service: str | None
    group_key: str


class Router:
    """The manual's routes, ready to be asked."""

    def __init__(self, manual: Manual) -> None:
        signals = manual.signals
        self._routes = [
            _Compiled(all_of(route.match), route, _fingerprint(route.match))
            for route in signals.routes
        ]
        self._default = signals.default
        self._words = {word.lower(): level for word, level in signals.severity_words.items()}
        self._silences = [(all_of(one.match), one) for one in signals.silences]
        self._services = frozenset(manual.services.services)
        self._types = {
            name: known.default_severity
            for group in manual.overview.incident_types.values()
            for name, known in group.items()
        }
        self._lang = manual.overview.locale
        self._known: OrderedDict[tuple[str, str], _Place] = OrderedDict()

    def route(
        self, alert: ChangedAlert | Alert, integration: str = "", now: datetime | None = None
    ) -> Routed:
        """Say what an alert means; ``now`` decides which silences hold, none does without it."""
        sender = alert.integration if isinstance(alert, ChangedAlert) else integration
        place = self._place(sender, alert.key, alert.labels)
        route = place.route
        return Routed(
            place.service, route.type, self._severity(route, alert.severity_word), place.group_key,
            self._title(route, alert, place), self._silence(alert.labels, now), place.number,
        )  # fmt: skip

    def urgency(self, alert: ChangedAlert) -> SeverityLevel:
        """Return only the severity, for sorting what waits."""
        place = self._place(alert.integration, alert.key, alert.labels)
        return self._severity(place.route, alert.severity_word)

    def _place(self, sender: str, key: str, labels: Mapping[str, str]) -> _Place:
        found = self._known.get((sender, key))
        if found is None:
            found = self._find(sender, key, labels)
            self._known[(sender, key)] = found
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _find(self, sender: str, key: str, labels: Mapping[str, str]) -> _Place:
        route: Route | DefaultRoute = self._default
        found, name = None, "default"
        for number, compiled in enumerate(self._routes):
            if compiled.matches(labels):
                route, found, name = compiled.route, number, compiled.name
                break
        own = labels.get("service")
        service = route.service or (own if own in self._services else None)
        group_key = _group_key(name, self._group_by(route), sender, key, labels)
        return _Place(route, found, service, group_key)

    def _group_by(self, route: Route | DefaultRoute) -> Sequence[str]:
        return self._default.group_by if route.group_by is None else route.group_by

    def _severity(self, route: Route | DefaultRoute, word: str) -> SeverityLevel:
        if isinstance(route, Route) and route.severity:
            return route.severity
        usual = self._types.get(route.type or "")
        return self._words.get(word.lower()) or usual or self._default.severity

    def _title(
        self, route: Route | DefaultRoute, alert: ChangedAlert | Alert, place: _Place
    ) -> str:
        source = route.title or self._default.title
        values = {
            **alert.annotations, **alert.labels, "labels": alert.labels,
            "annotations": alert.annotations, "summary": alert.summary or alert.key,
            "description": alert.description, "service": place.service or "",
        }  # fmt: skip
        try:
            title = " ".join(render_text(source, values, self._lang, "title").split())
        except Exception:  # noqa: BLE001  the edge of a user's template: an alert is never lost for its title
            title = ""
        return (title or alert.summary or alert.key)[:LONGEST_TITLE]

    def _silence(self, labels: Mapping[str, str], now: datetime | None) -> str | None:
        if now is None:
            return None
        for matches, silence in self._silences:
            if silence.start <= now < silence.until and matches(labels):
                return silence.reason.in_(self._lang)
        return None


def _fingerprint(matchers: Sequence[str]) -> str:
    return hashlib.blake2b("\n".join(matchers).encode(), digest_size=4).hexdigest()


def _group_key(
    route: str, group_by: Sequence[str], sender: str, key: str, labels: Mapping[str, str]
) -> str:
    """Name the group; long values are hashed, since it stands in an index."""
    if EACH_ALERT in group_by:
        values = {"": f"{sender}/{key}"}
    else:
        values = {name: labels.get(name, "") for name in group_by}
    text = msgspec.json.encode(values, order="sorted").decode()
    if len(text) > LONGEST_KEY:
        text = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{route}:{text}"
