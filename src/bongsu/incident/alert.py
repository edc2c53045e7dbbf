"""What the rest of Bongsu knows of an alert, whoever sent it and in whatever form.

The types stand here, below signals and store, because the one makes them and the other keeps
them, and neither knows the other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from bongsu.i18n import translator
from bongsu.incident.both import in_one

AlertStatus = Literal["firing", "acknowledged", "resolved"]


class Link(msgspec.Struct, frozen=True, gc=False):
    """An address that helps to understand an alert; ``text`` may be empty."""

    href: str
    text: str = ""


class Remark(msgspec.Struct, frozen=True, gc=False):
    """What was taken otherwise than it was sent, and why: a text of the catalogue."""

    text: str
    values: dict[str, str] = {}

    def says(self, lang: str) -> str:
        """Return it in a language; so are its values that were written in both."""
        values = {name: in_one(value, lang) for name, value in self.values.items()}
        return translator(lang)(self.text, **values)


class Alert(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one signal says about one condition. Times are UTC-aware; None is not known."""

    key: str
    """what makes it the same alert again, within one integration"""
    status: AlertStatus
    labels: dict[str, str]
    labels_json: str
    """``labels`` as JSON with sorted names"""
    annotations: dict[str, str] = {}
    summary: str = ""
    description: str = ""
    severity_word: str = ""
    """the sender's own word for the severity"""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """firing: when it is over unless it is sent again, None is never; resolved: when it ended"""
    source_url: str = ""
    links: tuple[Link, ...] = ()
    remark: Remark | None = None


class ChangedAlert(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An alert as it is kept, after something about it changed that incidents care about."""

    id: str
    """32 hexadecimal digits, made of integration and key"""
    integration: str
    key: str
    status: AlertStatus
    generation: int
    """how often it began to fire; 0 is an orphan: resolved or acknowledged, never seen firing"""
    labels: dict[str, str]
    annotations: dict[str, str]
    summary: str
    description: str
    severity_word: str
    starts_at: datetime
    """when this generation began, as the sender says"""
    ends_at: datetime | None
    first_seen: datetime
    last_seen: datetime
    count: int = 1
    """signals about it in all"""
    source_url: str = ""
    links: tuple[Link, ...] = ()
    remark: Remark | None = None
    incident_id: int | None = None
    """the incident that it belongs or last belonged to"""
    triaged_generation: int = 0
    """the last generation that triage has seen; below ``generation``, a firing it hasn't"""
    counted: bool = False
    """whether its incident counts it as firing"""
