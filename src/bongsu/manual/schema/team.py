"""team.yaml: the response organisation as a tree of roles, the people, and the links they need."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from bongsu.i18n import N_
from bongsu.manual.schema.base import Brief, Duration, Id, Lang, Model, Text, refusal, shown

ContactChannel = Literal["slack", "email", "terminal", "sms", "kakao", "call", "webhook"]


def split_address(text: str) -> dict[str, str]:
    """Read ``channel:address``, the short form of a contact or a destination.

    Raises:
        ValueError: there is no channel before a colon.
    """
    match = re.fullmatch(r"([a-z_]+):\s*(\S.*)", text)
    if match is None:
        raise refusal(
            N_("{value} is not a channel and an address"),
            N_("write for example email:kim@example.com or slack:#oncall"),
            value=shown(text),
        )
    return {"channel": match[1], "to": match[2]}


class Contact(Brief):
    """One way to reach a person, in the order in which it is tried; short: ``email:a@b.kr``."""

    @classmethod
    def from_short(cls, text: str) -> dict[str, str]:
        """Read ``channel:address``."""
        return split_address(text)

    channel: ContactChannel
    to: str
    """the address on that channel: a Slack member id or #channel, an e-mail address, a number"""
    after: Duration = Field(default="0s", validate_default=True)
    """how long after the page this contact is used as well, unless the page was answered"""


class Person(Model):
    """Somebody who can be paged."""

    name: str
    lang: Lang = "ko"
    timezone: str | None = None
    phone: str | None = None
    email: str | None = None
    contacts: list[Contact] = Field(default_factory=list)


class Role(Model):
    """A hat that a person wears in one incident (역할), and its place in the organisation."""

    name: Text
    reports_to: Id | None = None
    held_by: list[Id] = Field(default_factory=list)
    """people who can take the role, in the order in which they are asked"""
    contact: str | None = None
    duties: list[Text] = Field(default_factory=list)


class Links(Model):
    """Where the team goes during an incident (유용한 도구 및 링크)."""

    status_page: str | None = None
    monitoring: str | None = None
    war_room: str | None = None
    tracker: str | None = None
    others: dict[str, str] = Field(default_factory=dict)


class Team(Model):
    """The incident response team (대응 조직)."""

    roles: dict[Id, Role]
    people: dict[Id, Person]
    links: Links = Links()
