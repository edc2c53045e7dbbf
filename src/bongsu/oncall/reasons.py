"""Why somebody is on call, or nobody: every answer carries one of these.

They hold ids and instants; `bongsu.oncall.words` turns them into sentences in either language.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class _Reason(msgspec.Struct, frozen=True, tag_field="kind", omit_defaults=True):
    """The common root of all reasons; the tag is the class name."""


class InCycle(_Reason, frozen=True, tag=True):
    """It is the person's shift."""

    number: int
    """of all shifts since the rotation began, from 1"""
    position: int
    """in the cycle, from 1"""
    length: int
    """of the cycle, in shifts"""
    label: str = ""
    """the shift's name in the manual"""
    role: str | None = None
    """the slot belongs to this role, whose first holder answers"""


class Overridden(_Reason, frozen=True, tag=True):
    """The person stands in for the slot (대체 근무)."""

    start: datetime
    until: datetime
    reason: str = ""


class OnHoliday(_Reason, frozen=True, tag=True):
    """It is a public holiday, so another rotation answers; ``then`` is its reason."""

    day: date
    ko: str
    en: str
    rotation: str
    then: Why


class OutsideHours(_Reason, frozen=True, tag=True):
    """The rotation does not answer at this hour, so another one does; ``then`` is its reason."""

    rotation: str
    then: Why


class Closed(_Reason, frozen=True, tag=True):
    """The rotation does not answer at this hour, and no other one does."""


class NotStarted(_Reason, frozen=True, tag=True):
    """The first shift is yet to come."""

    begins: datetime


class EmptySlot(_Reason, frozen=True, tag=True):
    """The shift names nobody for the slot."""

    cycle: InCycle


class NoHolder(_Reason, frozen=True, tag=True):
    """The slot belongs to a role that nobody holds."""

    cycle: InCycle


class NoSuchRotation(_Reason, frozen=True, tag=True):
    """The manual has no such rotation."""

    rotation: str


class NoSuchSlot(_Reason, frozen=True, tag=True):
    """The rotation has no such slot."""

    rotation: str
    slot: str


class Circle(_Reason, frozen=True, tag=True):
    """Rotations point to each other, so none of them answers."""

    rotations: tuple[str, ...]


class Named(_Reason, frozen=True, tag=True):
    """The manual names the person."""


class HoldsRole(_Reason, frozen=True, tag=True):
    """The person holds the role, as the ``place``-th who is asked."""

    role: str
    place: int


class RoleVacant(_Reason, frozen=True, tag=True):
    """Nobody holds the role."""

    role: str


class NoSuchRole(_Reason, frozen=True, tag=True):
    """The manual has no such role."""

    role: str


class NoSuchPerson(_Reason, frozen=True, tag=True):
    """The manual has no such person."""

    person: str


class NotATarget(_Reason, frozen=True, tag=True):
    """The text is no target that a page can go to."""

    ref: str


Why = (
    InCycle | Overridden | OnHoliday | OutsideHours | Closed | NotStarted | EmptySlot | NoHolder
    | NoSuchRotation | NoSuchSlot | Circle | Named | HoldsRole | RoleVacant | NoSuchRole
    | NoSuchPerson | NotATarget
)  # fmt: skip


def encode_why(why: Why) -> str:
    """Write a reason as JSON, to be kept in an event and explained later."""
    return _ENCODER.encode(why).decode()


def decode_why(text: str) -> Why:
    """Read a reason that `encode_why` wrote.

    Raises:
        msgspec.ValidationError: it is no reason that this release knows.
    """
    return _DECODER.decode(text)


_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Why] = msgspec.json.Decoder(Why)


def root_of(why: Why) -> Why:
    """Return the reason at the end of all redirections."""
    while isinstance(why, OnHoliday | OutsideHours):
        why = why.then
    return why


def is_gap(why: Why) -> bool:
    """Say whether the manual leaves a hole here, rather than meaning that nobody answers."""
    return isinstance(
        root_of(why), NotStarted | EmptySlot | NoHolder | NoSuchRotation | NoSuchSlot | Circle
    )
