"""communication.yaml: who hears what, where, how often, on whose word."""

from __future__ import annotations

from typing import Literal

from bongsu.manual.schema.base import Brief, Duration, Expression, Id, Model, Text
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


class Audience(Model):
    """People who are told the same thing at the same pace."""

    name: Text
    side: Literal["internal", "external"]
    destinations: list[Destination]
    every: Duration | Literal["real_time"] | None = None
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
