"""An incident as the fold of its log: what is known now, derived from what has happened.

`fold` is total: any sequence of events gives a state, so that a log of any release, or one in
an order that nobody foresaw, can always be read and decided on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from bongsu.incident import events as e
from bongsu.incident.phases import ENDED, Phase, following
from bongsu.manual.schema.base import SeverityLevel

DeliveryOutcome = Literal["pending", "delivered", "failed", "withdrawn"]


class Delivery(msgspec.Struct, frozen=True):
    """One attempt on one channel and what came of it."""

    id: str
    subject: e.Subject
    ref: str
    channel: str
    to: str
    contact: int
    attempt: int
    due_at: datetime
    outcome: DeliveryOutcome = "pending"
    ended_at: datetime | None = None
    error: str = ""
    permanent: bool = False
    retry_after: float | None = None
    receipt: str = ""


class Page(msgspec.Struct, frozen=True):
    """One person's call and whether it was answered."""

    id: str
    person: str
    ladder: str
    at: datetime
    answer_by: datetime
    round: int = 0
    step: int = 0
    role: str | None = None
    why: e.Reason = e.Reason("asked")
    answered_at: datetime | None = None
    unreachable: bool = False


class Rung(msgspec.Struct, frozen=True, order=True):
    """The last step that a ladder took; rungs are taken in order."""

    round: int
    step: int


class Notice(msgspec.Struct, frozen=True):
    """A message that went, or is going, to an audience."""

    id: str
    template: str
    channel: str
    to: str
    at: datetime
    index: int = 0
    text: str = ""


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

    started_at: datetime | None = None
    opened_at: datetime | None = None
    acknowledged_at: datetime | None = None
    """of the acknowledgement that holds now"""
    acknowledged_by: str | None = None
    first_acknowledged_at: datetime | None = None
    verified_at: datetime | None = None
    responding_at: datetime | None = None
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
    pages: dict[str, Page] = msgspec.field(default_factory=dict)
    """pages of this and the previous round; older ones live on in the log alone"""
    deliveries: dict[str, Delivery] = msgspec.field(default_factory=dict)
    """deliveries of these pages and notices"""
    notices: dict[str, Notice] = msgspec.field(default_factory=dict)
    """the latest notices"""
    announced: frozenset[int] = frozenset()
    """which of the manual's first announcements went out"""
    communicated_at: datetime | None = None
    """when the first notice reached its channel"""
    roles: dict[str, str] = msgspec.field(default_factory=dict)
    assembled: tuple[str, ...] = ()
    assembled_at: datetime | None = None
    war_room: str | None = None
    ticked: frozenset[tuple[str, int]] = frozenset()
    breached: frozenset[str] = frozenset()
    merged_into: str | None = None

    @property
    def open(self) -> bool:
        """Whether anything is still to be done for it before its review."""
        return self.phase not in ENDED


def fold(incident_id: str, log: Iterable[e.Event]) -> Incident:
    """Derive an incident from its log, oldest event first."""
    state = Incident(incident_id)
    for event in log:
        state = apply(state, event)
    return state


def apply(state: Incident, event: e.Event) -> Incident:
    """Return the state after one more event."""
    phase = following(state.phase, event.body)
    changes = _changes(state, event.body, event.at)
    changes.update(_entering(state, phase, event.at))
    return msgspec.structs.replace(state, seq=event.seq, phase=phase, **changes)


Changes = dict[str, object]


def _entering(state: Incident, phase: Phase, at: datetime) -> Changes:
    """What the entry into a phase notes; a phase that is not new notes nothing."""
    if phase is state.phase:
        return {}
    match phase:
        case Phase.DETECTED:
            return _afresh(state, at)
        case Phase.VERIFIED:
            return {"verified_at": at}
        case Phase.RESPONDING:
            return {
                "responding_at": state.responding_at or at,
                "verified_at": state.verified_at or at,
                "recovered_at": None,
            }
        case Phase.RECOVERING:
            return {
                "responding_at": state.responding_at or at,
                "verified_at": state.verified_at or at,
            }
        case Phase.MONITORING:
            return {"recovered_at": at}
        case Phase.RESOLVED:
            return {"ended_at": at, "recovered_at": state.recovered_at or at, "snoozed_until": None}
        case Phase.DISMISSED:
            return {"ended_at": at, "snoozed_until": None}
        case Phase.REVIEWED:
            return {}


def _afresh(state: Incident, at: datetime) -> Changes:
    """Forget the acknowledgement and everything that followed from it: the incident starts again."""
    return {
        "acknowledged_at": None,
        "acknowledged_by": None,
        "verified_at": None,
        "responding_at": None,
        "recovered_at": None,
        "ended_at": None,
        "assembled_at": None,
        "assembled": (),
        "origins": {"oncall": at},
        "progress": {},
        "snoozed_until": None,
        "merged_into": None,
    }


def _changes(state: Incident, body: e.AnyBody, at: datetime) -> Changes:  # noqa: C901, PLR0911, PLR0912  one exhaustive match over the sum type
    match body:
        case e.Opened():
            return _opened(body, at)
        case e.AlertsAdded():
            return {
                "alerts": state.alerts + body.added,
                "firing": body.firing,
                "cleared_at": None,
                "firing_at": at,
            }
        case e.AlertsResolved():
            return {"firing": body.firing, "cleared_at": at if body.firing == 0 else None}
        case e.Absorbed():
            return {"alerts": state.alerts + body.alerts, "firing": state.firing + body.alerts}
        case e.MergedInto():
            return {"merged_into": body.incident}
        case e.Paged():
            return _paged(state, body, at)
        case e.NobodyToPage():
            return {"progress": _climbed(state, body)}
        case e.Unreachable():
            return _page(state, body.page, unreachable=True)
        case e.Advanced():
            return {"origins": {**state.origins, body.ladder: body.origin}}
        case e.Acknowledged():
            return _acknowledged(state, body, at)
        case e.PageAnswered():
            return _page(state, body.page, answered_at=at)
        case e.Unacknowledged() | e.SnoozeEnded():
            return _unacknowledged(state, at)
        case e.Snoozed():
            return {"snoozed_until": body.until}
        case e.DeliveryDue():
            return _due(state, body, at)
        case e.Delivered():
            return _ended(state, body.delivery, at, outcome="delivered", receipt=body.receipt)
        case e.DeliveryWithdrawn():
            return _ended(state, body.delivery, at, outcome="withdrawn")
        case e.DeliveryFailed():
            return _ended(
                state, body.delivery, at, outcome="failed", error=body.error,
                permanent=body.permanent, retry_after=body.retry_after,
            )  # fmt: skip
        case e.NoticeDue():
            return _noticed(state, body, at)
        case e.RoleAssigned():
            return {"roles": {**state.roles, body.role: body.person}}
        case e.RoleReleased():
            roles = {role: person for role, person in state.roles.items() if role != body.role}
            return {"roles": roles, **_restarted(state, f"role:{body.role}", at)}
        case e.TeamAssembled():
            return {"assembled": tuple(body.roles), "assembled_at": at}
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
        case (
            e.Confirmed() | e.PresumedReal() | e.Dismissed() | e.ResponseStarted()
            | e.RecoveryStarted() | e.Recovered() | e.Relapsed() | e.Resolved() | e.Reopened()
            | e.Reviewed() | e.NoteAdded()
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


def _climbed(state: Incident, body: e.Paged | e.NobodyToPage) -> dict[str, Rung]:
    return {**state.progress, body.ladder: Rung(body.round, body.step)}


def _paged(state: Incident, body: e.Paged, at: datetime) -> Changes:
    """Add a page; pages that two rounds have passed over are forgotten, so that a page which
    is repeated for a year costs no more to decide than one of an hour."""
    page = Page(
        body.page, body.person, body.ladder, at, body.answer_by, body.round, body.step, body.role,
        body.why,
    )  # fmt: skip
    pages = {key: old for key, old in state.pages.items() if not _passed(old, body)}
    pages[body.page] = page
    kept = {k: d for k, d in state.deliveries.items() if d.subject == "notice" or d.ref in pages}
    return {"pages": pages, "deliveries": kept, "progress": _climbed(state, body)}


def _passed(old: Page, new: e.Paged) -> bool:
    """Two rounds ago, or of a series that was given up and had come further than this one."""
    return old.ladder == new.ladder and not new.round - 1 <= old.round <= new.round


def _page(state: Incident, page_id: str, **changes: object) -> Changes:
    page = state.pages.get(page_id)
    if page is None:
        return {}
    return {"pages": {**state.pages, page_id: msgspec.structs.replace(page, **changes)}}


def _acknowledged(state: Incident, body: e.Acknowledged, at: datetime) -> Changes:
    """The first answer of an on-call person answers every open page of that ladder."""
    pages = {
        key: msgspec.structs.replace(page, answered_at=at)
        if page.answered_at is None and page.ladder == "oncall"
        else page
        for key, page in state.pages.items()
    }
    return {
        "acknowledged_at": state.acknowledged_at or at,
        "acknowledged_by": state.acknowledged_by or body.person,
        "first_acknowledged_at": state.first_acknowledged_at or at,
        "snoozed_until": None,
        "pages": pages,
    }


def _unacknowledged(state: Incident, at: datetime) -> Changes:
    return {
        "acknowledged_at": None,
        "acknowledged_by": None,
        "snoozed_until": None,
        **_restarted(state, "oncall", at),
    }


def _restarted(state: Incident, ladder: str, at: datetime) -> Changes:
    """Begin a ladder's first round anew."""
    progress = {name: rung for name, rung in state.progress.items() if name != ladder}
    return {"origins": {**state.origins, ladder: at}, "progress": progress}


def _raised(state: Incident, body: e.SeverityChanged, at: datetime) -> Changes:
    """A severity that is raised before anybody answered starts the new severity's ladder."""
    worse = body.severity < state.severity  # P0 sorts before P3
    return _restarted(state, "oncall", at) if worse and state.acknowledged_at is None else {}


def _due(state: Incident, body: e.DeliveryDue, at: datetime) -> Changes:
    delivery = Delivery(
        body.delivery, body.subject, body.ref, body.channel, body.to, body.contact, body.attempt, at
    )
    return {"deliveries": {**state.deliveries, body.delivery: delivery}}


def _ended(state: Incident, delivery_id: str, at: datetime, **changes: object) -> Changes:
    delivery = state.deliveries.get(delivery_id)
    if delivery is None:
        return {}
    done = msgspec.structs.replace(delivery, ended_at=at, **changes)
    told = delivery.subject == "notice" and done.outcome == "delivered"
    return {
        "deliveries": {**state.deliveries, delivery_id: done},
        "communicated_at": state.communicated_at or (at if told else None),
    }


LATEST_NOTICES = 20


def _noticed(state: Incident, body: e.NoticeDue, at: datetime) -> Changes:
    notice = Notice(
        body.notice, body.template, body.channel, body.to, at, body.index, body.text
    )
    latest = dict([*state.notices.items(), (body.notice, notice)][-LATEST_NOTICES:])
    kept = {k: d for k, d in state.deliveries.items() if d.subject == "page" or d.ref in latest}
    announced = state.announced | ({body.index} if body.audience is None else set())
    return {"notices": latest, "deliveries": kept, "announced": announced}
