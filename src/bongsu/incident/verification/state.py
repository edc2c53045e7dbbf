"""What is known of a recovery's verification, derived from its events."""

from __future__ import annotations

from datetime import datetime

import msgspec

from bongsu.incident.body import Reason
from bongsu.incident.verification_events import (
    Outcome,
    VerificationDue,
    VerificationOverridden,
    Verified,
)

VerificationEvent = VerificationDue | Verified | VerificationOverridden


class Asked(msgspec.Struct, frozen=True):
    """A check that was asked for, whether or not it has an answer by now."""

    due: int
    """the event's number"""
    at: datetime
    why: str
    """the code of its reason"""


class Known(msgspec.Struct, frozen=True):
    """What a check came to the last time."""

    outcome: Outcome
    at: datetime
    why: Reason
    numbers: dict[str, float] = msgspec.field(default_factory=dict)
    took: float = 0.0
    former: Outcome | None = None
    """what it had come to before, in the same watch"""
    asked_for: str = ""
    """the code of the reason for which it was run"""


class Verification(msgspec.Struct, frozen=True):
    """The checks of one recovery; the next recovery begins with nothing known."""

    asked: dict[str, Asked] = msgspec.field(default_factory=dict)
    known: dict[str, Known] = msgspec.field(default_factory=dict)
    running: frozenset[str] = frozenset()
    """checks that were asked for and have no answer yet"""
    overridden: str = ""
    """the reason for which a commander resolved without them"""


def applied(
    state: Verification, body: VerificationEvent, number: int, at: datetime
) -> Verification:
    """Return the state after an event; an answer that nobody waits for changes nothing."""
    match body:
        case VerificationDue():
            asked = {check: Asked(number, at, body.why.code) for check in body.checks}
            return msgspec.structs.replace(
                state, asked={**state.asked, **asked}, running=state.running | asked.keys()
            )
        case Verified():
            return _answered(state, body, at)
        case VerificationOverridden():
            return msgspec.structs.replace(state, overridden=body.reason)


def _answered(state: Verification, body: Verified, at: datetime) -> Verification:
    asked, former = state.asked.get(body.check), state.known.get(body.check)
    if asked is None or asked.due != body.due or body.check not in state.running:
        return state
    known = Known(
        body.outcome, at, body.why, body.numbers, body.took,
        former.outcome if former else None, asked.why,
    )  # fmt: skip
    return msgspec.structs.replace(
        state, known={**state.known, body.check: known}, running=state.running - {body.check}
    )
