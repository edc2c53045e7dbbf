"""signals.yaml: who may send, and which service, type and severity a signal means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bongsu.i18n import N_
from bongsu.manual.matchers import Matcher
from bongsu.manual.schema.base import (
    Duration,
    Id,
    Instant,
    Model,
    SeverityLevel,
    TemplateText,
    Text,
    refusal,
    shown,
)

SignalFormat = Literal["alertmanager", "prometheus", "pagerduty", "generic", "changes"]


def _matcher(value: object) -> object:
    try:
        Matcher.parse(value)
    except ValueError as error:
        raise refusal(
            N_("{value} is not a matcher"),
            N_('write for example severity="critical" or service=~"korea-.*"'),
            value=shown(value),
        ) from error
    return value


MatcherText = Annotated[str, BeforeValidator(_matcher)]
"""One Alertmanager matcher: ``severity="critical"``, ``service=~"korea-.*"``."""


class Integration(Model):
    """One sender; its key is issued by ``bongsu integration key NAME`` and is not in the manual."""

    name: Text
    formats: list[SignalFormat]


class Route(Model):
    """What a matching alert means; the first route that matches wins."""

    match: list[MatcherText] = Field(default_factory=list)
    """all must match; an empty list matches everything"""
    service: Id | None = None
    type: Id | None = None
    severity: SeverityLevel | None = None
    """where it is not given: the sender's severity through ``severity_words``, else the default"""
    group_by: list[str] | None = None
    """labels whose values make one incident; ``['...']`` makes one incident per alert"""
    title: TemplateText | None = None


class DefaultRoute(Model):
    """What an alert means that no route matches."""

    service: Id | None = None
    type: Id | None = None
    severity: SeverityLevel = "P2"
    group_by: list[str] = Field(default_factory=lambda: ["alertname"])
    title: TemplateText = "{{ summary }}"


class Silence(Model):
    """Alerts that are kept but open no incident for a while."""

    match: list[MatcherText]
    start: Instant = Field(alias="from")
    until: Instant
    reason: Text


class Heartbeat(Model):
    """A sign of life that must come; its absence is an alert."""

    name: Text
    every: Duration
    grace: Duration
    service: Id | None = None
    severity: SeverityLevel = "P1"


class Signals(Model):
    """From a sender's message to an incident."""

    integrations: dict[Id, Integration]
    routes: list[Route] = Field(default_factory=list)
    default: DefaultRoute = DefaultRoute()
    severity_words: dict[str, SeverityLevel] = Field(default_factory=dict)
    """the sender's word for a severity → ours, for example ``critical: P0``"""
    reopen_within: Duration = Field(default="30m", validate_default=True)
    """an alert that fires again this soon after the incident ended reopens it"""
    silences: list[Silence] = Field(default_factory=list)
    heartbeats: dict[Id, Heartbeat] = Field(default_factory=dict)
