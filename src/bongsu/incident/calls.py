"""Calls and messages: the parts of an incident that pages, deliveries and notices leave behind.

Each function returns what an event changes; `bongsu.incident.state` folds with them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from bongsu.incident import events as e

if TYPE_CHECKING:
    from bongsu.incident.state import Incident

Changes = dict[str, object]
"""fields of an `Incident` and their new values"""

KEPT = timedelta(hours=1)
"""how long a page is kept at least: a contact may be used so long after its page"""
LATEST_NOTICES = 20

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


class Advance(msgspec.Struct, frozen=True):
    """When a ladder was last brought forward, and in which of its rounds."""

    round: int
    at: datetime


REPORT = "@report"
"""what stands for the template of a notice that tells of a report; no template can be called so"""


class Notice(msgspec.Struct, frozen=True):
    """A message that went, or is going, to an audience."""

    id: str
    template: str
    channel: str
    to: str
    at: datetime
    index: int = 0
    text: str = ""


def climbed(state: Incident, body: e.Paged | e.NobodyToPage) -> dict[str, Rung]:
    """Note the rung that a ladder has taken."""
    return {**state.progress, body.ladder: Rung(body.round, body.step)}


def paged(state: Incident, body: e.Paged, at: datetime) -> Changes:
    """Add a page, and forget those that two rounds and an hour have passed over.

    So a page that is repeated for a year costs no more to decide than one of a day.
    """
    page = Page(
        body.page, body.person, body.ladder, at, body.answer_by, body.round, body.step, body.role,
        body.why,
    )  # fmt: skip
    kept = {key: old for key, old in state.pages.items() if not _passed(old, page)}
    return {
        **_only_pages(state, {**kept, body.page: page}),
        "progress": climbed(state, body),
    }


def _passed(old: Page, new: Page) -> bool:
    return old.ladder == new.ladder and old.round < new.round - 1 and old.at < new.at - KEPT


def _only_pages(state: Incident, pages: dict[str, Page]) -> Changes:
    """Keep these pages, and the deliveries of no others."""
    kept = {k: d for k, d in state.deliveries.items() if d.subject == "notice" or d.ref in pages}
    return {"pages": pages, "deliveries": kept}


def page_changed(state: Incident, page_id: str, **changes: object) -> Changes:
    """Change one page; one that is forgotten stays forgotten."""
    page = state.pages.get(page_id)
    if page is None:
        return {}
    return {"pages": {**state.pages, page_id: msgspec.structs.replace(page, **changes)}}


def acknowledged(state: Incident, body: e.Acknowledged, at: datetime) -> Changes:
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


def unacknowledged(state: Incident, at: datetime) -> Changes:
    """Nobody has answered any more, nor put it off: everything is called from the first."""
    return {
        "acknowledged_at": None,
        "acknowledged_by": None,
        "snoozed_until": None,
        "escalated_at": at if state.escalated_at else None,
        **from_the_first(state, at),
    }


def from_the_first(state: Incident, at: datetime) -> Changes:
    """Begin every ladder anew; the calls that are still open are taken back."""
    return {
        "origins": {"oncall": at},
        "progress": {},
        "advanced": {},
        **_only_pages(state, {}),
    }


def restarted(state: Incident, ladder: str, at: datetime) -> Changes:
    """Begin one ladder anew; its calls that are still open are taken back."""
    return {
        "origins": {**state.origins, ladder: at},
        "progress": {name: rung for name, rung in state.progress.items() if name != ladder},
        "advanced": {name: how for name, how in state.advanced.items() if name != ladder},
        **_only_pages(state, {k: page for k, page in state.pages.items() if page.ladder != ladder}),
    }


def due(state: Incident, body: e.DeliveryDue, at: datetime) -> Changes:
    """Add an attempt to send a message."""
    delivery = Delivery(
        body.delivery, body.subject, body.ref, body.channel, body.to, body.contact, body.attempt, at
    )
    return {"deliveries": {**state.deliveries, body.delivery: delivery}}


def ended(state: Incident, delivery_id: str, at: datetime, **changes: object) -> Changes:
    """Note what came of an attempt; the first notice that arrives has told the others.

    A report goes to those who respond already: it tells nobody else.
    """
    delivery = state.deliveries.get(delivery_id)
    if delivery is None:
        return {}
    done = msgspec.structs.replace(delivery, ended_at=at, **changes)
    notice = state.notices.get(delivery.ref)
    others = delivery.subject == "notice" and (notice is None or notice.template != REPORT)
    told = others and done.outcome == "delivered"
    return {
        "deliveries": {**state.deliveries, delivery_id: done},
        "communicated_at": state.communicated_at or (at if told else None),
    }


def noticed(state: Incident, body: e.NoticeDue, at: datetime) -> Changes:
    """Add a notice, and forget all but the latest."""
    notice = Notice(body.notice, body.template, body.channel, body.to, at, body.index, body.text)
    latest = dict([*state.notices.items(), (body.notice, notice)][-LATEST_NOTICES:])
    kept = {k: d for k, d in state.deliveries.items() if d.subject == "page" or d.ref in latest}
    first = {(body.template, body.channel, body.to)} if body.audience is None else set()
    announced = state.announced | first
    return {"notices": latest, "deliveries": kept, "announced": announced}
