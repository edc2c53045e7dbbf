"""How a call reaches a person: their contacts in order, retries, and when to give up on them.

A contact whose ``after`` has passed is used; one that failed for good hands over to the next at
once; a failure that may pass is tried again on the same contact. All of it follows from the log,
so it is on the timeline, and the simulator sees it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bongsu.incident import events as e
from bongsu.incident.state import Delivery, Incident, Notice, Page
from bongsu.manual.schema.team import Contact

BACKOFF = (timedelta(seconds=2), timedelta(seconds=5))
"""the waits before the second and the third attempt on one contact"""
NOTICE_BACKOFF = (*BACKOFF, timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
LONGEST_WAIT = 24 * 60 * 60
"""seconds; a channel that asks for more, or for nonsense, waits so long"""

Finding = e.AnyBody | datetime
"""what is due now, or when to look again"""

Attempts = Mapping[tuple[str, int], Delivery]
"""page or notice and contact → the latest attempt"""


def page_deliveries(
    page: Page, contacts: Sequence[Contact], sent: Attempts, now: datetime
) -> Iterator[Finding]:
    """Yield the deliveries of a page that are due, or when the next one will be."""
    failing = exhausted = True
    for index, contact in enumerate(contacts):
        latest = sent.get((page.id, index))
        if latest is None:
            opens_at = page.at if failing and index else page.at + contact.after
            yield from _first(page, index, contact, opens_at, now)
        else:
            yield from _again(latest, BACKOFF, now)
        failing = failing and latest is not None and _stalled(latest)
        exhausted = exhausted and latest is not None and _given_up(latest, BACKOFF)
    if exhausted:
        yield e.Unreachable(page.id, page.person, e.Reason("every_contact_failed"))


def notice_delivery(notice: Notice, sent: Attempts, now: datetime) -> Iterator[Finding]:
    """Yield the delivery of a notice that is due, or when it will be."""
    latest = sent.get((notice.id, 0))
    if latest is None:
        yield e.DeliveryDue(
            f"{notice.id}/0/1", "notice", notice.id, notice.channel, notice.to,
            why=e.Reason("notice_written"),
        )  # fmt: skip
    else:
        yield from _again(latest, NOTICE_BACKOFF, now)


def attempts(incident: Incident) -> Attempts:
    """Return the latest attempt for every contact of every page, and for every notice."""
    latest: dict[tuple[str, int], Delivery] = {}
    for delivery in incident.deliveries.values():
        key = delivery.ref, delivery.contact
        if key not in latest or latest[key].attempt < delivery.attempt:
            latest[key] = delivery
    return latest


def _first(
    page: Page, index: int, contact: Contact, at: datetime, now: datetime
) -> Iterator[Finding]:
    if at > now:
        yield at
        return
    reason = e.Reason("first_contact" if index == 0 else "next_contact")
    yield e.DeliveryDue(
        f"{page.id}/{index}/1", "page", page.id, contact.channel, contact.to, index, why=reason
    )


def _again(latest: Delivery, backoff: Sequence[timedelta], now: datetime) -> Iterator[Finding]:
    if latest.outcome != "failed" or latest.ended_at is None or _given_up(latest, backoff):
        return
    wait = max(backoff[max(latest.attempt, 1) - 1], _asked_to_wait(latest))
    if (at := latest.ended_at + wait) > now:
        yield at
        return
    attempt = latest.attempt + 1
    yield e.DeliveryDue(
        f"{latest.ref}/{latest.contact}/{attempt}", latest.subject, latest.ref, latest.channel,
        latest.to, latest.contact, attempt, e.Reason("retry", {"error": latest.error}),
    )  # fmt: skip


def _asked_to_wait(latest: Delivery) -> timedelta:
    """How long the channel asked us to wait, as far as that makes sense."""
    seconds = latest.retry_after or 0
    return timedelta(seconds=min(seconds, LONGEST_WAIT)) if seconds > 0 else timedelta()


def _given_up(latest: Delivery, backoff: Sequence[timedelta]) -> bool:
    return latest.outcome == "failed" and (latest.permanent or latest.attempt > len(backoff))


def _stalled(latest: Delivery) -> bool:
    """Given up, or told to wait for so long that the next contact must not wait with it."""
    told_to_wait = latest.outcome == "failed" and _asked_to_wait(latest) > BACKOFF[-1]
    return told_to_wait or _given_up(latest, BACKOFF)
