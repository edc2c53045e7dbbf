"""What an alert means by the manual: service, type, severity, and the incident it belongs to. Pure.

Everything is compiled once per manual. What alerts mean that look alike to its routes is
remembered, because in a storm there are many of them; only silences are asked each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from bongsu.incident.alert import Alert, ChangedAlert
from bongsu.manual.matchers import Matcher, all_of
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.signals import Silence
from bongsu.manual.templates import RenderError, render_text

REMEMBERED = 20_000
"""looks of alerts whose meaning is remembered"""
EACH_ALERT = "..."
"""in ``group_by``: every alert is an incident of its own, as Alertmanager writes it"""
INTEGRATION = "integration"
"""the label by which routes and silences may ask who sent an alert that has none of that name"""
LONGEST_TITLE = 300
LONGEST_KEY = 200
"""characters of grouped values that stand in a group key as they are"""

Labels = Mapping[str, str]
Holds = Callable[[Labels], bool]
Look = tuple[str | None, ...]


class Routed(NamedTuple):
    """What the manual makes of an alert."""

    service: str | None
    type: str | None
    severity: SeverityLevel
    group_key: str
    silenced: str | None
    """why it opens no incident, where a silence of the manual says so"""
    route_index: int | None
    """which route matched, from 0; None is the default"""


class _Route(NamedTuple):
    """A route of the manual, or its default, compiled; what it leaves open is None."""

    number: int | None
    name: str
    """identifies the route in group keys; the same while its matchers are"""
    holds: Holds
    service: str | None
    type: str | None
    severity: SeverityLevel | None
    group_by: Sequence[str]
    title: str


class _Meaning(NamedTuple):
    """What follows from how an alert looks."""

    route: _Route
    service: str | None
    severity: SeverityLevel
    group_key: str | None
    """None is an incident of its own for each alert"""
    silences: Sequence[Silence]
    """those that match, whether or not they are in force"""


class Router:
    """The manual's routes, ready to be asked."""

    def __init__(self, manual: Manual) -> None:
        signals = manual.signals
        self._routes = _compiled(manual)
        self._usual = signals.default.severity
        self._words = {word.lower(): level for word, level in signals.severity_words.items()}
        self._silences = [(all_of(one.match), one) for one in signals.silences]
        self._services = frozenset(manual.services.services)
        self._types = {
            name: known.default_severity
            for group in manual.overview.incident_types.values()
            for name, known in group.items()
        }
        self._lang = manual.overview.locale
        self._names = _names_that_matter(manual)
        self._known: dict[Look, _Meaning] = {}

    def route(
        self, alert: ChangedAlert | Alert, integration: str = "", now: datetime | None = None
    ) -> Routed:
        """Say what an alert means; ``now`` decides which silences hold, none does without it."""
        sender = alert.integration if isinstance(alert, ChangedAlert) else integration
        meaning = self._meaning(alert, sender)
        route = meaning.route
        silenced = None
        if now is not None and meaning.silences:
            silenced = self._silenced(meaning.silences, now)
        group_key = meaning.group_key
        if group_key is None:
            group_key = _group_key(route.name, {"": f"{sender}/{alert.key}"})
        return Routed(
            meaning.service, route.type, meaning.severity, group_key, silenced, route.number
        )

    def urgency(self, alert: ChangedAlert) -> tuple[SeverityLevel, str]:
        """Return only severity and group key, for sorting what waits."""
        routed = self.route(alert)
        return routed.severity, routed.group_key

    def title(self, alert: ChangedAlert | Alert, integration: str = "") -> str:
        """Write the title of an incident that this alert opens."""
        sender = alert.integration if isinstance(alert, ChangedAlert) else integration
        meaning = self._meaning(alert, sender)
        values = {
            "summary": alert.summary or alert.key,
            "alertname": alert.labels.get("alertname", ""),
            "severity": meaning.severity,
            "service": meaning.service or "",
            "source": sender,
            "labels": alert.labels,
            "annotations": alert.annotations,
        }
        title = _rendered(meaning.route.title, values, self._lang)
        return (title or alert.summary or alert.key)[:LONGEST_TITLE]

    def _meaning(self, alert: ChangedAlert | Alert, sender: str) -> _Meaning:
        get = alert.labels.get
        look = (sender, alert.severity_word, *[get(name) for name in self._names])
        found = self._known.get(look)
        if found is None:
            found = self._find({INTEGRATION: sender, **alert.labels}, alert.severity_word)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[look] = found
        return found

    def _find(self, labels: Labels, word: str) -> _Meaning:
        route = next(route for route in self._routes if route.holds(labels))
        own = labels.get("service")
        return _Meaning(
            route,
            route.service or (own if own in self._services else None),
            self._severity(route, word or labels.get("severity", "")),
            _group_of(route, labels),
            [silence for holds, silence in self._silences if holds(labels)],
        )

    def _severity(self, route: _Route, word: str) -> SeverityLevel:
        if route.severity is not None:
            return route.severity
        usual = self._types.get(route.type or "")
        return self._words.get(word.lower()) or usual or self._usual

    def _silenced(self, silences: Sequence[Silence], now: datetime) -> str | None:
        for silence in silences:
            if silence.start <= now < silence.until:
                return silence.reason.in_(self._lang)
        return None


def _compiled(manual: Manual) -> list[_Route]:
    """Compile the routes, and the default behind them, which holds for everything."""
    default = manual.signals.default
    routes = [
        _Route(
            number, _fingerprint(route.match), all_of(route.match), route.service, route.type,
            route.severity, default.group_by if route.group_by is None else route.group_by,
            route.title or default.title,
        )
        for number, route in enumerate(manual.signals.routes)
    ]  # fmt: skip
    last = _Route(
        None, "default", all_of(()), default.service, default.type, None, default.group_by,
        default.title,
    )  # fmt: skip
    return [*routes, last]


def _names_that_matter(manual: Manual) -> tuple[str, ...]:
    """Return the labels that a meaning can depend on."""
    signals = manual.signals
    names = {"service", "severity", INTEGRATION, *signals.default.group_by}
    for route in signals.routes:
        names.update(Matcher.parse(text).label for text in route.match)
        names.update(route.group_by or ())
    for silence in signals.silences:
        names.update(Matcher.parse(text).label for text in silence.match)
    return tuple(sorted(names - {EACH_ALERT}))


def _rendered(source: str, values: Mapping[str, object], lang: str) -> str:
    try:
        return " ".join(render_text(source, values, lang, "title").split())
    except RenderError:  # an alert is never lost for its title
        return ""


def _fingerprint(matchers: Sequence[str]) -> str:
    return hashlib.blake2b("\n".join(matchers).encode(), digest_size=4).hexdigest()


def _group_of(route: _Route, labels: Labels) -> str | None:
    """Name the incident that an alert belongs to, None where it is one of its own.

    To a route an absent label is empty, as in Alertmanager. The default knows nothing of its
    alerts: those that have none of its labels are not thrown together.
    """
    if EACH_ALERT in route.group_by:
        return None
    if route.number is None and route.group_by and not any(n in labels for n in route.group_by):
        return None
    return _group_key(route.name, {name: labels.get(name, "") for name in route.group_by})


def _group_key(route: str, values: Labels) -> str:
    """Name the group; long values are hashed, since it stands in an index."""
    text = msgspec.json.encode(values, order="sorted").decode()
    if len(text) > LONGEST_KEY:
        text = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{route}:{text}"
