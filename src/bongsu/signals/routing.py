"""What an alert means: which service, type and severity, and which incident it belongs to.

The manual's routes are compiled once. The first route that matches wins; what it does not say,
the alert itself says (its ``service`` and ``severity`` labels), and else the default route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from bongsu.manual.matchers import Matcher, all_of
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.signals import Silence
from bongsu.manual.templates import RenderError, render_text

EACH_ALONE = "..."
"""as a ``group_by`` label: one incident per alert"""
MOST_REMEMBERED = 20_000
"""label sets whose route is remembered"""
INTEGRATION = "integration"
"""the label under which routes and silences see the sender, unless the alert has one of that name"""

Labels = Mapping[str, str]
Holds = Callable[[Labels], bool]


class Routable(Protocol):
    """What routing reads of an alert."""

    @property
    def id(self) -> str:
        """Its id, unique among all integrations."""

    @property
    def integration(self) -> str:
        """Who sent it."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""

    @property
    def summary(self) -> str:
        """What it says in one line."""

    @property
    def severity_word(self) -> str:
        """The sender's word for its severity."""


class Meaning(NamedTuple):
    """What the manual makes of all alerts that look alike to its routes."""

    service: str | None
    type: str | None
    severity: SeverityLevel
    group: str | None
    """the incident's group; None is one of its own for each alert"""
    title: str
    """the template"""
    route_index: int | None
    why: str
    silences: tuple[Silence, ...]
    """those that match, whenever they are in force"""


class Routed:
    """What the manual makes of one alert."""

    __slots__ = ("_alert", "_lang", "_meaning", "group_key")

    def __init__(self, alert: Routable, meaning: Meaning, lang: str) -> None:
        self._alert = alert
        self._meaning = meaning
        self._lang = lang
        self.group_key = meaning.group if meaning.group is not None else alert.id
        """alerts with the same one belong to the same incident"""

    @property
    def service(self) -> str | None:
        """The affected service's id."""
        return self._meaning.service

    @property
    def type(self) -> str | None:
        """The incident type's id."""
        return self._meaning.type

    @property
    def severity(self) -> SeverityLevel:
        """How bad it is."""
        return self._meaning.severity

    @property
    def route_index(self) -> int | None:
        """Which of the manual's routes it was, from 0; None is the default."""
        return self._meaning.route_index

    @property
    def why(self) -> str:
        """The reason as a word: ``route`` or ``default``."""
        return self._meaning.why

    def silenced(self, now: datetime) -> Silence | None:
        """Return the silence that keeps it from opening an incident at that time."""
        for silence in self._meaning.silences:
            if silence.start <= now < silence.until:
                return silence
        return None

    @property
    def title(self) -> str:
        """The incident's title; written when it is asked for, since most alerts open none."""
        alert, meaning = self._alert, self._meaning
        if meaning.title == "{{ summary }}" and alert.summary:
            return alert.summary
        values = {
            "summary": alert.summary,
            "alertname": alert.labels.get("alertname", ""),
            "service": meaning.service or "",
            "severity": meaning.severity,
            "source": alert.integration,
            "labels": alert.labels,
            "annotations": alert.annotations,
        }
        return _rendered(meaning.title, values, self._lang) or _plain_title(alert)


def _rendered(source: str, values: Mapping[str, object], lang: str) -> str:
    """Write a title; a template that fails with this alert must not cost the page."""
    try:
        return " ".join(render_text(source, values, lang, "title").split())
    except RenderError:
        return ""


def _plain_title(alert: Routable) -> str:
    labels = alert.labels
    return alert.summary or labels.get("alertname", "") or ", ".join(labels.values()) or alert.id


class _Route(NamedTuple):
    """A route of the manual, compiled; what it leaves open is None."""

    index: int | None
    holds: Holds
    service: str | None
    type: str | None
    severity: SeverityLevel | None
    group_by: Sequence[str]
    title: str


class Router:
    """The routes of one manual."""

    def __init__(self, manual: Manual) -> None:
        signals = manual.signals
        self._lang = manual.overview.locale
        self._services = frozenset(manual.services.services)
        self._words = {word.lower(): level for word, level in signals.severity_words.items()}
        self._default = signals.default
        self._routes = [*_compiled(manual), _default_route(manual)]
        self._silences = [(all_of(silence.match), silence) for silence in signals.silences]
        self._names = _names_that_matter(manual)
        self._known: dict[tuple[str | None, ...], Meaning] = {}

    def route(self, alert: Routable) -> Routed:
        """Say what the manual makes of an alert."""
        get = alert.labels.get
        look = (alert.integration, alert.severity_word, *[get(name) for name in self._names])
        meaning = self._known.get(look)
        if meaning is None:
            meaning = self._meaning(alert)
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[look] = meaning
        return Routed(alert, meaning, self._lang)

    def _meaning(self, alert: Routable) -> Meaning:
        labels = {INTEGRATION: alert.integration, **alert.labels}
        route = next(route for route in self._routes if route.holds(labels))
        own = labels.get("service")
        word = alert.severity_word or labels.get("severity", "")
        return Meaning(
            service=route.service or (own if own in self._services else self._default.service),
            type=route.type or self._default.type,
            severity=route.severity or self._words.get(word.lower(), self._default.severity),
            group=_group(route, labels),
            title=route.title,
            route_index=route.index,
            why="default" if route.index is None else "route",
            silences=tuple(silence for holds, silence in self._silences if holds(labels)),
        )


def _compiled(manual: Manual) -> list[_Route]:
    default = manual.signals.default
    return [
        _Route(
            index, all_of(route.match), route.service, route.type, route.severity,
            default.group_by if route.group_by is None else route.group_by,
            default.title if route.title is None else route.title,
        )
        for index, route in enumerate(manual.signals.routes)
    ]  # fmt: skip


def _default_route(manual: Manual) -> _Route:
    default = manual.signals.default
    return _Route(
        None, all_of(()), default.service, default.type, None, default.group_by, default.title
    )


def _group(route: _Route, labels: Labels) -> str | None:
    """Name the incident that an alert belongs to: by what the route says, and the labels' values.

    The default knows nothing of its alerts, so those that lack all of its labels are not thrown
    together; a route does, and there a label that is absent is empty, as in Alertmanager.
    """
    if EACH_ALONE in route.group_by:
        return None
    if route.index is None and route.group_by and not any(n in labels for n in route.group_by):
        return None
    values = ", ".join(f'{name}="{labels.get(name, "")}"' for name in sorted(route.group_by))
    return f"{route.type or ''}/{route.service or ''}{{{values}}}"


def _names_that_matter(manual: Manual) -> tuple[str, ...]:
    """Return the labels that a meaning can depend on."""
    signals = manual.signals
    names = {"service", "severity", INTEGRATION, *signals.default.group_by}
    for route in signals.routes:
        names.update(Matcher.parse(text).label for text in route.match)
        names.update(route.group_by or ())
    for silence in signals.silences:
        names.update(Matcher.parse(text).label for text in silence.match)
    return tuple(sorted(names - {EACH_ALONE}))
