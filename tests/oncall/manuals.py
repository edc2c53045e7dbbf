"""A manual with whatever rotations a test needs, and the seed's own rotation."""

from __future__ import annotations

from typing import Any

from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts

SEED = {
    "name": {"ko": "24/7 온콜", "en": "24/7 on-call"},
    "start": "2025-08-11",
    "handoff": {"day": "mon", "time": "10:00"},
    "slots": ["primary", "secondary", "escalation"],
    "shifts": [
        {
            "name": f"Week {week}",
            "primary": primary,
            "secondary": secondary,
            "escalation": "role:technical_lead",
        }
        for week, primary, secondary in (
            (1, "backend-a", "frontend-a"),
            (2, "backend-b", "frontend-b"),
            (3, "devops-a", "backend-a"),
            (4, "devops-b", "frontend-a"),
        )
    ],
}
PEOPLE = {
    person: {"name": person.title()}
    for person in (
        "backend-a",
        "backend-b",
        "devops-a",
        "devops-b",
        "frontend-a",
        "frontend-b",
        "senior-dev",
        "pm",
    )
} | {"ann": {"name": "Ann", "timezone": "America/New_York"}}
ROLES = {
    "technical_lead": {"name": "Technical Lead", "held_by": ["senior-dev", "pm"]},
    "incident_commander": {"name": "Incident Commander", "held_by": ["pm", "senior-dev"]},
    "customer_support_lead": {"name": "Customer Support Lead"},
}


def manual(
    rotations: dict[str, Any] | None = None,
    *,
    escalation: list[str] | None = None,
    timezone: str = "Asia/Seoul",
    **oncall: object,
) -> Manual:
    """Make a manual of these rotations, by default of the seed's, named main."""
    within = ("detection", "first_response", "response", "communication", "recovery")
    severities = ("P0", "P1", "P2", "P3")
    step = {"after": "0s", "page": escalation or ["role:incident_commander"]}
    severity = {"name": "x", "means": "x", "recover_within": "30m"}
    return Manual.model_validate(
        {
            "overview": {
                "name": "Test",
                "timezone": timezone,
                "targets": dict.fromkeys(within, "5m"),
                "severities": dict.fromkeys(severities, severity),
                "incident_types": {},
            },
            "team": {"roles": ROLES, "people": PEOPLE},
            "oncall": {"rotations": rotations or {"main": SEED}, **oncall},
            "services": {"recovery_order": {}, "services": {}},
            "signals": {"integrations": {}},
            "response": {"severities": {key: {"escalation": [step]} for key in severities}},
            "communication": {"audiences": {}, "templates": {}},
        }
    )


def shifts(rotations: dict[str, Any] | None = None, **rest: Any) -> Shifts:
    """Make the shifts of such a manual."""
    return Shifts(manual(rotations, **rest))
