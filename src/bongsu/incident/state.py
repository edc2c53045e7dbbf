"""An incident as the fold of its log: what is known now, derived from what has happened.

`fold` is total: any sequence of events gives a state, so that a log of any release, or one in
an order that nobody foresaw, can always be read and decided on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from bongsu.incident import events as e
from bongsu.incident.calls import (
    Advance,
    Changes,
    Delivery,
    Notice,
    Page,
    Rung,
    acknowledged,
    climbed,
    due,
    ended,
    from_the_first,
    noticed,
    page_changed,
    paged,
    restarted,
    unacknowledged,
)
from bongsu.incident.phases import ENDED, Phase, following
from bongsu.incident.runs.state import Run, RunEvent, applied
from bongsu.incident.verification import state as verification
from bongsu.manual.schema.base import SeverityLevel

__all__ = ["Advance", "Delivery", "Incident", "Notice", "Page", "Rung", "apply", "fold"]


class Incident(msgspec.Struct, frozen=True):
    """Everything that follows from an incident's log. Times are UTC."""

    id: str
    number: str = ""
    title: str = ""
    description: str = ""
    severity: SeverityLevel = "P2"
    type: str | None = None
    service: str | None = None
    group_key: str | None = None
    manual: str = ""
    drill: bool = False
    phase: Phase = Phase.DETECTED
    seq: int = 0
    """the last event's number; 0 is an incident that was never opened"""
    updated_at: datetime | None = None
    """when the last event was"""

    started_at: datetime | None = None
    opened_at: datetime | None = None
    reopened_at: datetime | None = None
    """when it last started again; its clocks count from there"""
    acknowledged_at: datetime | None = None
    """of the acknowledgement that holds now"""
    acknowledged_by: str | None = None
    first_acknowledged_at: datetime | None = None
    verified_at: datetime | None = None
    escalated_at: datetime | None = None
    """since when a commander and a team are to be called, where the severity has any"""
    responding_at: datetime | None = None
    recovering_at: datetime | None = None
    """when somebody last began to change the system"""
    recovered_at: datetime | None = None
    ended_at: datetime | None = None
    snoozed_until: datetime | None = None

    alerts: int = 0
    firing: int = 0
    cleared_at: datetime | None = None
    """when the last alert stopped firing; None while one fires or there was none"""
    firing_at: datetime | None = None
    """when an alert last began to fire"""

    origins: dict[str, datetime] = msgspec.field(default_factory=dict)
    """ladder → from when its rounds count"""
    progress: dict[str, Rung] = msgspec.field(default_factory=dict)
    """ladder → the last rung taken"""
    advanced: dict[str, Advance] = msgspec.field(default_factory=dict)
    """ladder → when it was last brought forward"""
    pages: dict[str, Page] = msgspec.field(default_factory=dict)
    """pages of the last two rounds and of the last hour; older ones live on in the log alone"""
    deliveries: dict[str, Delivery] = msgspec.field(default_factory=dict)
    """deliveries of these pages and notices"""
    notices: dict[str, Notice] = msgspec.field(default_factory=dict)
    """the latest notices"""
    announced: frozenset[tuple[str, str, str]] = frozenset()
    """template, channel and address of the manual's first announcements that went out"""
    communicated_at: datetime | None = None
    """when the first notice reached its channel"""
    roles: dict[str, str] = msgspec.field(default_factory=dict)
    assembled: tuple[str, ...] = ()
    assembled_at: datetime | None = None
    war_room: str | None = None
    ticked: frozenset[tuple[str, int]] = frozenset()
    breached: frozenset[str] = frozenset()
    merged_into: str | None = None
    looked_at: datetime | None = None
    """when the first report was asked for, since it began or came back"""
    diagnosed: e.Diagnosed | None = None
    """what the latest report says"""
    diagnosed_at: datetime | None = None
    """when it was made"""
    runs: dict[str, Run] = msgspec.field(default_factory=dict)
    """playbooks at work and the latest that were"""
    verification: verification.Verification = verification.Verification()
    """the checks since the service was said to work again"""
    relapsed_at: datetime | None = None
    """when it last came back while it was watched"""

    @property
    def open(self) -> bool:
        """Whether anything is still to be done for it before its review."""
        return self.phase not in ENDED

    @property
    def came_back_at(self) -> datetime | None:
        """When it last was broken anew: a relapse, or reopened; None while it never was."""
        return self.relapsed_at or self.reopened_at


def fold(incident_id: str, log: Iterable[e.Event]) -> Incident:
    """Derive an incident from its log, oldest event first."""
    state = Incident(incident_id)
    for event in log:
        state = apply(state, event)
    return state


def apply(state: Incident, event: e.Event) -> Incident:
    """Return the state after one more event."""
    phase = following(state.phase, event.body)
    body = event.body
    changes: Changes = (
        {"runs": applied(state.runs, body, event.actor, event.at)}
        if isinstance(body, RunEvent)
        else {"verification": verification.applied(state.verification, body, event.seq, event.at)}
        if isinstance(body, verification.VerificationEvent)
        else _changes(state, body, event.at)
    )
    changes.update(_entering(state, phase, event.at))
    return msgspec.structs.replace(
        state, seq=event.seq, updated_at=event.at, phase=phase, **changes
    )


def _entering(state: Incident, phase: Phase, at: datetime) -> Changes:  # noqa: PLR0911  one exhaustive match
    """What the entry into a phase notes; a phase that is not new notes nothing."""
    if phase is state.phase:
        return {}
    match phase:
        case Phase.DETECTED:
            return _afresh(state, at)
        case Phase.VERIFIED:
            return _verified(state, at)
        case Phase.RESPONDING:
            return {**_responding(state, at), **_broken()}
        case Phase.RECOVERING:
            return {**_responding(state, at), **_broken(), "recovering_at": at}
        case Phase.MONITORING:
            return {
                **_broken(), "responding_at": state.responding_at or at, "recovered_at": at,
            }  # fmt: skip
        case Phase.RESOLVED:
            return {"ended_at": at, "recovered_at": state.recovered_at or at, "snoozed_until": None}
        case Phase.DISMISSED:
            return {"ended_at": at, "snoozed_until": None}
        case Phase.REVIEWED:
            return {}


def _broken() -> Changes:
    """Nothing is known of its recovery."""
    return {"recovered_at": None, "verification": verification.Verification()}


def _verified(state: Incident, at: datetime) -> Changes:
    return {
        "verified_at": state.verified_at or at,
        "escalated_at": state.escalated_at or at,
    }


def _responding(state: Incident, at: datetime) -> Changes:
    """Whoever responds holds it for real."""
    return {**_verified(state, at), "responding_at": state.responding_at or at}


def _afresh(state: Incident, at: datetime) -> Changes:
    """Forget the acknowledgement and everything that followed from it: the incident starts again.

    What was noticed late stays late; every other clock has a new start, and so a new end.
    """
    return {
        "reopened_at": at,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "first_acknowledged_at": None,
        "verified_at": None,
        "escalated_at": None,
        "responding_at": None,
        "recovering_at": None,
        **_broken(),
        "relapsed_at": None,
        "ended_at": None,
        "communicated_at": None,
        "assembled_at": None,
        "assembled": (),
        "roles": {},
        "announced": frozenset(),
        "snoozed_until": None,
        "merged_into": None,
        "breached": state.breached & {"detection"},
        "looked_at": None,
        **from_the_first(state, at),
    }


def _changes(state: Incident, body: e.IncidentBody, at: datetime) -> Changes:  # noqa: C901, PLR0911, PLR0912  one exhaustive match over the sum type
    match body:
        case e.Opened():
            return _opened(body, at)
        case e.AlertsAdded():
            return {"alerts": state.alerts + body.added, **_firing(state, body.firing, at)}
        case e.AlertsResolved():
            return _quieter(state, body.firing, at)
        case e.Absorbed():
            firing = _firing(state, state.firing + body.firing, at) if body.firing else {}
            return {"alerts": state.alerts + body.alerts, **firing}
        case e.MergedInto():
            return {"merged_into": body.incident}
        case e.Paged():
            return paged(state, body, at)
        case e.NobodyToPage():
            return {"progress": climbed(state, body)}
        case e.Unreachable():
            return page_changed(state, body.page, unreachable=True)
        case e.Advanced():
            return {
                "origins": {**state.origins, body.ladder: body.origin},
                "advanced": {**state.advanced, body.ladder: Advance(body.round, at)},
            }
        case e.Acknowledged():
            return acknowledged(state, body, at)
        case e.PageAnswered():
            return page_changed(state, body.page, answered_at=at)
        case e.Unacknowledged() | e.SnoozeEnded():
            return unacknowledged(state, at)
        case e.Snoozed():
            return {"snoozed_until": body.until}
        case e.DeliveryDue():
            return due(state, body, at)
        case e.Delivered():
            return ended(state, body.delivery, at, outcome="delivered", receipt=body.receipt)
        case e.DeliveryWithdrawn():
            return ended(state, body.delivery, at, outcome="withdrawn")
        case e.DeliveryFailed():
            return ended(
                state, body.delivery, at, outcome="failed", error=body.error,
                permanent=body.permanent, retry_after=body.retry_after,
            )  # fmt: skip
        case e.NoticeDue():
            return noticed(state, body, at)
        case e.RoleAssigned():
            return {"roles": {**state.roles, body.role: body.person}}
        case e.RoleReleased():
            roles = {role: person for role, person in state.roles.items() if role != body.role}
            return {"roles": roles, **restarted(state, f"role:{body.role}", at)}
        case e.TeamAssembled():
            return _assembled(state, body, at)
        case e.WarRoomOpened():
            return {"war_room": body.link}
        case e.SeverityChanged():
            return {"severity": body.severity, **_raised(state, body, at)}
        case e.TypeChanged():
            return {"type": body.type}
        case e.Retitled():
            kept = state.description if body.description is None else body.description
            return {"title": body.title, "description": kept}
        case e.ChecklistTicked():
            item = (body.checklist, body.item)
            return {"ticked": state.ticked | {item} if body.done else state.ticked - {item}}
        case e.ClockBreached():
            return {"breached": state.breached | {body.clock}}
        case e.ManualAdopted():
            return {"manual": body.manual}
        case e.DiagnosisDue():
            return {"looked_at": at}
        case e.Diagnosed():
            return {"diagnosed": body, "diagnosed_at": at}
        case e.Relapsed():
            return {"looked_at": None, "relapsed_at": at}
        case (
            e.Confirmed() | e.PresumedReal() | e.Dismissed() | e.ResponseStarted()
            | e.RecoveryStarted() | e.Recovered() | e.Resolved() | e.Reopened()
            | e.Reviewed() | e.NoteAdded() | e.DiagnosisSkipped()
        ):  # fmt: skip
            return {}  # these speak through the phase table, or only to the reader


def _opened(body: e.Opened, at: datetime) -> Changes:
    return {
        "number": body.number,
        "title": body.title,
        "description": body.description,
        "severity": body.severity,
        "type": body.type,
        "service": body.service,
        "group_key": body.group_key,
        "manual": body.manual,
        "drill": body.drill,
        "started_at": body.started_at,
        "opened_at": at,
        "origins": {"oncall": at},
    }


def _firing(state: Incident, firing: int, at: datetime) -> Changes:
    if firing <= 0:
        return _quieter(state, firing, at)
    return {"firing": firing, "cleared_at": None, "firing_at": at}


def _quieter(state: Incident, firing: int, at: datetime) -> Changes:
    """Fewer fire; once none does, it counts from the first time that this was said."""
    if firing > 0:
        return {"firing": firing, "cleared_at": None}
    return {"firing": 0, "cleared_at": state.cleared_at or at}


def _raised(state: Incident, body: e.SeverityChanged, at: datetime) -> Changes:
    """A severity that is raised before anybody answered starts the new severity's ladder.

    One that is raised later calls its commander and team from now on, not from long ago.
    """
    if body.severity >= state.severity:  # P0 sorts before P3
        return {}
    if state.acknowledged_at is None:
        return restarted(state, "oncall", at)
    called = any(name.startswith("role:") for name in state.progress)
    return {} if called or state.escalated_at is None else {"escalated_at": at}


def _assembled(state: Incident, body: e.TeamAssembled, at: datetime) -> Changes:
    """Call the roles that were not called before from now on."""
    added = [role for role in dict.fromkeys(body.roles) if role not in state.assembled]
    return {
        "assembled": (*state.assembled, *added),
        "assembled_at": state.assembled_at or at,
        "origins": {**state.origins, **{f"role:{role}": at for role in added}},
    }
