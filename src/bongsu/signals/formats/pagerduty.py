"""PagerDuty's Events API v2: ``/v2/enqueue`` and ``/v2/change/enqueue``.

What it demands of an event, and the bodies it answers with, are in its "Send an Alert Event" and
"Send a Change Event" references. A text that is too long is cut here rather than refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from bongsu.i18n import N_
from bongsu.incident.changes import ChangeEvent
from bongsu.signals.alert import (
    LONGEST_SUMMARY,
    Alert,
    AlertStatus,
    Link,
    Parsed,
    Refusal,
    cut,
    cut_all,
    labels_json,
    labels_refusal,
    nul_refusal,
    onset,
)
from bongsu.signals.formats import changes
from bongsu.signals.formats.decoding import decode, may_hold_nul
from bongsu.signals.formats.instants import read_instant

ACTIONS: dict[str, AlertStatus] = {
    "trigger": "firing",
    "acknowledge": "acknowledged",
    "resolve": "resolved",
}
SEVERITIES = ("critical", "error", "warning", "info")
LONGEST_KEY = 255


class Image(msgspec.Struct):
    """A picture attached to an event."""

    src: str
    href: str | None = None
    alt: str | None = None


class Anchor(msgspec.Struct):
    """A link attached to an event."""

    href: str
    text: str | None = None


class Payload(msgspec.Struct):
    """What an event is about."""

    summary: str | None = None
    source: str | None = None
    severity: str | None = None
    timestamp: str | None = None
    component: str | None = None
    group: str | None = None
    class_: str | None = msgspec.field(name="class", default=None)
    custom_details: msgspec.Raw = msgspec.Raw(b"null")


class Event(msgspec.Struct):
    """The body of both calls; what one of them lacks is optional here."""

    routing_key: str | None = None
    event_action: str | None = None
    dedup_key: str | None = None
    payload: Payload | None = None
    images: list[Image] | None = None
    links: list[Anchor] | None = None
    client: str | None = None
    client_url: str | None = None


class Sent(NamedTuple):
    """An event with the key that says who sent it, which stands in its body."""

    routing_key: str
    parsed: Parsed


class Keyed(msgspec.Struct):
    """As much of an event as says who sent it."""

    routing_key: str | None = None


_keyed = msgspec.json.Decoder(Keyed)
_event = msgspec.json.Decoder(Event)


def read_key(raw: bytes) -> str | Refusal:
    """Return an event's routing key and make nothing of the rest, which anybody may have sent."""
    keyed = decode(raw, _keyed)
    if isinstance(keyed, Refusal):
        return keyed
    key = keyed.routing_key or ""
    return next(_needed(key, "routing_key"), key)


def parse(raw: bytes, now: datetime, make_key: Callable[[], str]) -> Sent:
    """Read one event; ``make_key`` makes the dedup key of a trigger that has none."""
    event = decode(raw, _event)
    if isinstance(event, Refusal):
        return Sent("", Parsed([], [event]))
    refused = list(_refusals(event, nul=may_hold_nul(raw)))
    key = event.routing_key or ""
    if refused:
        return Sent(key, Parsed([], refused))
    alert = _alert(event, now, make_key)
    return Sent(key, Parsed([alert], []) if isinstance(alert, Alert) else Parsed([], [alert]))


def parse_change(raw: bytes, now: datetime) -> tuple[str, ChangeEvent | list[Refusal]]:
    """Read one change event; return its routing key with it."""
    event = decode(raw, _event)
    if isinstance(event, Refusal):
        return "", [event]
    payload = event.payload or Payload()
    refused = list(_needed(payload.summary, "payload.summary"))
    at = read_instant(payload.timestamp, "payload.timestamp") if payload.timestamp else None
    if refused or isinstance(at, Refusal):
        return event.routing_key or "", [*refused, *([at] if isinstance(at, Refusal) else [])]
    details = changes.described(payload.custom_details)
    change = changes.told(
        now, at, summary=payload.summary or "", service=details.get("service", ""),
        source=payload.source or "", links=_links(event), details=details, nul=may_hold_nul(raw),
    )  # fmt: skip
    return event.routing_key or "", change if isinstance(change, ChangeEvent) else [change]


def _refusals(event: Event, *, nul: bool) -> Iterator[Refusal]:
    """Everything wrong with an event at once, as PagerDuty answers it."""
    yield from _needed(event.routing_key, "routing_key")
    if event.event_action not in ACTIONS:
        yield _one_of(event.event_action, "event_action", tuple(ACTIONS))
    if event.event_action in ("acknowledge", "resolve"):
        yield from _needed(event.dedup_key, "dedup_key")
    if len(event.dedup_key or "") > LONGEST_KEY:
        yield Refusal(
            N_("This key is longer than {most} characters."), N_("Send a shorter key."),
            field="dedup_key", values={"most": LONGEST_KEY},
        )  # fmt: skip
    if event.event_action == "trigger":
        payload = event.payload or Payload()
        yield from _needed(payload.summary, "payload.summary")
        yield from _needed(payload.source, "payload.source")
        if payload.severity not in SEVERITIES:
            yield _one_of(payload.severity, "payload.severity", SEVERITIES)
    if nul and (found := nul_refusal("", *_texts(event))):
        yield found


def _texts(event: Event) -> list[str | dict[str, str]]:
    payload = event.payload or Payload()
    return [
        event.dedup_key or "", event.client or "", event.client_url or "", _labels(payload),
        payload.summary or "", changes.described(payload.custom_details),
        *(f"{link.href}{link.text}" for link in _links(event)),
    ]  # fmt: skip


def _needed(text: str | None, field: str) -> Iterator[Refusal]:
    if not (text or "").strip():
        yield Refusal(
            N_("A required field is missing or empty."), N_("Send {field} as well."),
            field=field, values={"field": field},
        )  # fmt: skip


def _one_of(got: str | None, field: str, words: tuple[str, ...]) -> Refusal:
    return Refusal(
        N_("'{got}' is none of the accepted words."),
        N_("Send one of: {words}."),
        field=field,
        values={"got": cut(got or "", 64), "words": ", ".join(words)},
    )


def _alert(event: Event, now: datetime, make_key: Callable[[], str]) -> Alert | Refusal:
    payload = event.payload or Payload()
    at = read_instant(payload.timestamp, "payload.timestamp") if payload.timestamp else None
    if isinstance(at, Refusal):
        return at
    starts, remark = onset(at, now)
    labels = _labels(payload)
    canonical = labels_json(labels)
    if labels and (wrong := labels_refusal(labels, canonical, "payload.")):
        return wrong
    status = ACTIONS[event.event_action or ""]
    return Alert(
        key=event.dedup_key or make_key(),
        status=status,
        labels=labels,
        labels_json=canonical.decode(),
        annotations=cut_all(changes.described(payload.custom_details)),
        summary=cut((payload.summary or "").strip(), LONGEST_SUMMARY),
        severity_word=payload.severity or "",
        starts_at=starts,
        ends_at=now if status == "resolved" else None,
        source_url=event.client_url or "",
        links=tuple(_links(event)),
        remark=remark,
    )


def _labels(payload: Payload) -> dict[str, str]:
    """What routes may match on: the payload's own fields by their names."""
    said = {
        "source": payload.source,
        "severity": payload.severity,
        "component": payload.component,
        "group": payload.group,
        "class": payload.class_,
    }
    return {name: value for name, value in said.items() if value}


def _links(event: Event) -> list[Link]:
    links = [Link(link.href, link.text or "") for link in event.links or ()]
    return links + [Link(image.href or image.src, image.alt or "") for image in event.images or ()]


def accepted(dedup_key: str) -> bytes:
    """Return the body that PagerDuty answers an accepted event with (202)."""
    return msgspec.json.encode(
        {"status": "success", "message": "Event processed", "dedup_key": dedup_key}
    )


CHANGE_ACCEPTED = b'{"status":"success","message":"Change event processed"}'


def refused(refusals: list[Refusal]) -> bytes:
    """Return the body that PagerDuty answers an invalid event with (400)."""
    errors = [f"{r.field}: {r.says('en')} {r.advises('en')}".strip(": ") for r in refusals]
    return msgspec.json.encode(
        {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    )
