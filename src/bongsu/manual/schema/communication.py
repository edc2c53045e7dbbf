"""communication.yaml: who hears what, where, how often, on whose word."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from bongsu.i18n import N_
from bongsu.manual.schema.base import (
    Brief,
    Duration,
    Expression,
    Id,
    Model,
    Text,
    parse_duration,
    refusal,
    shown,
)
from bongsu.manual.schema.team import split_address

ChannelName = Literal[
    "slack", "email", "sms", "kakao", "in_app", "status_page", "twitter", "facebook", "press",
    "terminal", "webhook",
]  # fmt: skip


class Destination(Brief):
    """One place a notice goes to; short: ``slack:#leadership``, or a channel alone."""

    @classmethod
    def from_short(cls, text: str) -> dict[str, str]:
        """Read ``channel:address``, or a channel that needs none."""
        return split_address(text) if ":" in text else {"channel": text}

    channel: ChannelName
    to: str | None = None


def _pace(value: object) -> object:
    if value == "real_time":
        return value
    try:
        return parse_duration(value)
    except ValueError as error:
        raise refusal(
            N_("{value} is no pace of notices"),
            N_("write for example 30m, or real_time"),
            value=shown(value),
        ) from error


Pace = Annotated[Duration | Literal["real_time"], BeforeValidator(_pace)]


class Audience(Model):
    """People who are told the same thing at the same pace."""

    name: Text
    side: Literal["internal", "external"]
    destinations: list[Destination]
    every: Pace | None = None
    """how often they hear of an open incident"""
    when: Expression | None = None
    """the condition under which they are told at all"""
    template: Id | None = None
    approve: Id | None = None
    """the role whose yes every notice to them needs"""


class MessageTemplate(Model):
    """A text under ``templates/`` and what it is for."""

    name: Text
    file: str
    kind: Literal["initial", "update", "resolved", "alert", "other"] = "other"
    audience: Id | None = None


class Communication(Model):
    """The communication plan (커뮤니케이션 계획)."""

    audiences: dict[Id, Audience]
    templates: dict[Id, MessageTemplate]
