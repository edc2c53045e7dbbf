"""What can happen to the verification of a recovery, on the log of its incident."""

from __future__ import annotations

from typing import Literal

import msgspec

from bongsu.incident.body import Body, Reason
from bongsu.incident.body import tag as _tag

Outcome = Literal["passed", "failed", "inconclusive"]


class VerificationDue(Body, frozen=True, tag=_tag):
    """Checks of the recovery are to be run (복구 검증)."""

    checks: list[str]
    """``smoke:user_login``: group and id of the manual"""
    why: Reason


class Verified(Body, frozen=True, tag=_tag):
    """A check was run, or could not be."""

    check: str
    outcome: Outcome
    why: Reason
    due: int
    """the number of the event that asked for it"""
    numbers: dict[str, float] = msgspec.field(default_factory=dict)
    """what was measured, by the manual's names; times in seconds"""
    took: float = 0.0
    """seconds"""


class VerificationOverridden(Body, frozen=True, tag=_tag):
    """A commander resolves the incident although required checks have not passed."""

    reason: str
    checks: list[str]
    """those that had not"""
