"""A manual whose minutes pass as seconds: every waiting time divided, calendars left alone."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from bongsu.manual.schema.document import Manual

CALENDARS = frozenset({"oncall", "obligations", "playbooks", "diagnosis", "verification"})
"""chapters whose durations are dates or technical limits, not people's time"""


def sped_up(manual: Manual, speed: float) -> Manual:
    """Return the manual with people's times divided by ``speed``; 1 returns it as it is."""
    if speed == 1:
        return manual
    chapters = {
        name: getattr(manual, name) if name in CALENDARS else _scaled(getattr(manual, name), speed)
        for name in type(manual).model_fields
    }
    sha = hashlib.sha256(f"{manual.sha} at {speed}".encode()).hexdigest()
    return manual.model_copy(update={**chapters, "sha": sha})


def _scaled(value: Any, speed: float) -> Any:
    if isinstance(value, timedelta):
        return value / speed
    if isinstance(value, BaseModel):
        fields = {name: _scaled(getattr(value, name), speed) for name in type(value).model_fields}
        return value.model_copy(update=fields)
    if isinstance(value, dict):
        return {key: _scaled(one, speed) for key, one in value.items()}
    if isinstance(value, list):
        return [_scaled(one, speed) for one in value]
    return value
