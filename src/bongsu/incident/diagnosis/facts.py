"""What is known of an incident before anybody has looked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

import msgspec

from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual

NOTHING_KNOWN: dict[str, Any] = {
    "severity": "", "type": "", "category": "", "service": "", "tier": 0, "phase": "", "title": "",
    "drill": False, "labels": {}, "alerts": 0, "firing": 0, "lasted": timedelta(),
    "users_affected": 0.0, "persons_affected": 0,
}  # fmt: skip
"""the variables of the manual's conditions, for a look without an incident"""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a diagnosis is about: an incident, a service, or (all empty) the whole manual."""

    incident: str = ""
    """the incident's number; with one, everything is looked at, also what leans on its service"""
    service: str | None = None
    started_at: datetime | None = None
    """the onset (UTC); None is the beginning of the look"""
    values: dict[str, Any] = {}
    """variables of the manual's conditions, see `bongsu.manual.conditions.VARIABLES`"""

    @classmethod
    def of(cls, incident: Incident, manual: Manual, now: datetime) -> Self:
        """Return what an incident's own state says."""
        kind = manual.incident_type(incident.type) if incident.type else None
        service = manual.services.services.get(incident.service or "")
        began = incident.started_at or incident.opened_at
        values = {
            "severity": incident.severity,
            "type": incident.type or "",
            "category": kind[0] if kind else "",
            "service": incident.service or "",
            "tier": service.tier if service else 0,
            "phase": incident.phase.value,
            "title": incident.title,
            "drill": incident.drill,
            "alerts": incident.alerts,
            "firing": incident.firing,
            "lasted": now - began if began else timedelta(),
        }
        return cls(
            incident=incident.number, service=incident.service, started_at=began, values=values
        )
