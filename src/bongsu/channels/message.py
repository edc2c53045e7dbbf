"""What goes out to people, as pure data, and what every channel promises.

The engine builds a `Message`; a `Channel` turns it into one effect and returns a `Receipt`,
or raises a `DeliveryError` that says whether another attempt could help.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, Protocol, get_args

import msgspec

Kind = Literal["page", "notice", "update"]
ActionCode = Literal["ack", "confirm", "dismiss", "resolve", "escalate", "approve", "refuse"]
ACTION_CODES: tuple[ActionCode, ...] = get_args(ActionCode)
Mention = Literal["here", "channel", "everyone"]


class Person(msgspec.Struct, frozen=True):
    """The person a message is for."""

    id: str
    name: str
    lang: str = "ko"


class Action(msgspec.Struct, frozen=True):
    """Something the reader can do from the message itself."""

    code: ActionCode
    label: str
    """the button's text, in the message's language (`bongsu.channels.text.action_label`)"""
    value: str
    """what comes back when the button is pressed: an id or a token, at most 2,000 characters"""
    url: str = ""
    """a signed one-tap link (`bongsu.channels.links`), for channels without buttons; it is only
    shown where the one person it is bound to reads it"""


class Links(msgspec.Struct, frozen=True):
    """Where the message leads; an empty address is left out."""

    incident: str = ""
    war_room: str = ""
    status_page: str = ""
    others: tuple[tuple[str, str], ...] = ()
    """(label, address)"""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one destination; times are timezone-aware."""

    kind: Kind
    delivery_id: str
    """the idempotency key: a repeated send with the same id is the same message"""
    incident_id: str
    incident_number: str
    title: str
    severity: str
    """``P0`` … ``P3``"""
    started_at: datetime
    severity_name: str = ""
    description: str = ""
    type: str = ""
    type_name: str = ""
    service_name: str = ""
    phase: str = ""
    """the phase's code: ``detected`` …"""
    drill: bool = False
    person: Person | None = None
    role: str | None = None
    """the role's name, where the person is called to one"""
    answer_by: datetime | None = None
    why: str = ""
    """the reason for this message, already in its language"""
    subject: str = ""
    """for notices whose template names one; else it is made from severity and title"""
    text: str = ""
    """for notices: the rendered template (Markdown); for updates: what has changed"""
    mentions: tuple[Mention, ...] = ()
    """which mentions the template itself makes (`mentions_of`); any other ``@here`` is only text"""
    links: Links = Links()
    actions: tuple[Action, ...] = ()
    thread: str = ""
    """receipt of the message that this one updates (kind ``update``) or answers (other kinds)"""
    lang: str = "ko"
    timezone: str = "Asia/Seoul"


class Receipt(msgspec.Struct, frozen=True):
    """The channel took the message; ``id`` is its own name for it, empty where it gives none."""

    id: str = ""


class DeliveryError(Exception):
    """The channel refused the message or could not be reached.

    ``permanent``: trying again on this channel is pointless.
    ``retry_after``: seconds that the channel asked us to wait, where it did.
    The text is in the message's language and holds no secrets.
    """

    def __init__(self, message: str, *, permanent: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class Channel(Protocol):
    """One way to reach people."""

    name: str

    async def warm(self) -> None:
        """Import, connect and authenticate ahead of the first message; safe to repeat.

        Called about once a minute it keeps a connection open, so that no page waits for a
        handshake.

        Raises:
            DeliveryError: the channel would not work now.
        """

    async def send(self, message: Message, to: str) -> Receipt:
        """Deliver one message to an address of this channel, within `delivery.TIMEOUT` seconds.

        Raises:
            DeliveryError: it was not delivered, as far as can be known.
        """

    async def close(self) -> None:
        """Close the connections; the channel may be used again afterwards."""


_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
# ASCII on purpose: a Korean particle may follow (``@here은``); ``x@here.io`` is an address.
MENTION = re.compile(r"(?<![A-Za-z0-9_@.+-])@(here|channel|everyone)(?![.@-]?[A-Za-z0-9_])")


def mentions_of(template: str) -> tuple[Mention, ...]:
    """Find the mentions that a template's own text makes, leaving out what is inserted into it.

    >>> mentions_of("{{ description }} @here Please join.")
    ('here',)
    """
    found = dict.fromkeys(MENTION.findall(_JINJA.sub(" ", template)))
    return tuple(found)
