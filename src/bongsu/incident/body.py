"""What every event's body has: a tag, and, where Bongsu decided it, a reason."""

from __future__ import annotations

import msgspec


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was decided: a code of `bongsu.incident.reasons` and the values it names."""

    code: str
    values: dict[str, str] = msgspec.field(default_factory=dict)


class Body(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind"):
    """The common root of all event bodies; the tag is the snake-case class name."""


def tag(name: str) -> str:
    """Return the tag of a class: ``delivery_due`` for ``DeliveryDue``."""
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
