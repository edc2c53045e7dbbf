"""Every phase of an incident and every way from one to another, in one table.

The way that the manual describes, from the left to the right, and what turns back:

    detected ─▶ verified ─▶ responding ─▶ recovering ─▶ monitoring ─▶ resolved ─▶ reviewed
       ▲                        ▲                           │            │
       │                        └───────── relapsed ────────┘            │
       └──────────────────────────── reopened ───────────────────────────┘

Any open incident may be resolved, dismissed as a false alarm or merged into another, and a
phase may be skipped by whoever is ahead of it. An event that the table does not list for a phase
leaves the phase as it is: a log is never refused. What a person may *ask* for is decided before
the event is written, from the same table (`allowed`). docs/reference/phases.md is generated
from it.
"""

from __future__ import annotations

from enum import StrEnum

from bongsu.incident import events as e


class Phase(StrEnum):
    """Where an incident stands (단계)."""

    DETECTED = "detected"
    """It is open; nobody has said yet whether it is real."""
    VERIFIED = "verified"
    """It is real, or treated as such; the commander and the team are called."""
    RESPONDING = "responding"
    """The team, or the on-call responder alone, is at work."""
    RECOVERING = "recovering"
    """Somebody is changing the system in order to recover it."""
    MONITORING = "monitoring"
    """It works again and is being watched."""
    RESOLVED = "resolved"
    """It is over."""
    REVIEWED = "reviewed"
    """The review is done."""
    DISMISSED = "dismissed"
    """It was a false alarm, or it goes on in the incident that it was merged into."""


ENDED = frozenset({Phase.RESOLVED, Phase.REVIEWED, Phase.DISMISSED})
ACTIVE = tuple(phase for phase in Phase if phase not in ENDED)
BEFORE_RESPONSE = (Phase.DETECTED, Phase.VERIFIED)

_RULES: tuple[tuple[tuple[Phase, ...], type[e.AnyBody], Phase], ...] = (
    ((Phase.DETECTED,), e.Confirmed, Phase.VERIFIED),
    ((Phase.DETECTED,), e.PresumedReal, Phase.VERIFIED),
    (BEFORE_RESPONSE, e.ResponseStarted, Phase.RESPONDING),
    ((*BEFORE_RESPONSE, Phase.RESPONDING, Phase.MONITORING), e.RecoveryStarted, Phase.RECOVERING),
    (tuple(p for p in ACTIVE if p is not Phase.MONITORING), e.Recovered, Phase.MONITORING),
    ((Phase.MONITORING,), e.Relapsed, Phase.RESPONDING),
    (ACTIVE, e.Resolved, Phase.RESOLVED),
    (ACTIVE, e.Dismissed, Phase.DISMISSED),
    (ACTIVE, e.MergedInto, Phase.DISMISSED),
    (tuple(phase for phase in Phase if phase in ENDED), e.Reopened, Phase.DETECTED),
    ((Phase.RESOLVED,), e.Reviewed, Phase.REVIEWED),
)

TRANSITIONS: dict[tuple[Phase, type[e.AnyBody]], Phase] = {
    (before, kind): after for phases, kind, after in _RULES for before in phases
}


def following(phase: Phase, body: e.AnyBody) -> Phase:
    """Return the phase after an event; one that the table does not list changes nothing."""
    return TRANSITIONS.get((phase, type(body)), phase)


def allowed(phase: Phase, kind: type[e.AnyBody]) -> bool:
    """Say whether the table has a way out of ``phase`` by an event of this kind."""
    return (phase, kind) in TRANSITIONS
