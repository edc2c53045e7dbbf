"""What came of one check, and how quiet alerts are: what whoever runs the checks tells of them."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from bongsu.incident.body import Reason
from bongsu.incident.verification_events import Outcome


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one check."""

    check: str
    outcome: Outcome
    why: Reason
    numbers: dict[str, float] = msgspec.field(default_factory=dict)
    output: str = ""
    """what the test printed: bounded, masked"""
    took_s: float = 0.0


class Quiet(msgspec.Struct, frozen=True):
    """How quiet alerts are."""

    quiet: timedelta
    """how long none of them has fired"""
    count: int
    """how many fired in the time that was asked about"""
