"""Alertmanager's webhook, version 4: what its ``webhook_configs`` send."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from bongsu.signals.alert import Alert, Parsed, Refusal, believable
from bongsu.signals.formats.decoding import decode, decode_items, may_hold_nul, shortened
from bongsu.signals.formats.labelled import Instant, Reading, labelled, timed


class Item(msgspec.Struct, gc=False):
    """One alert of a notification."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    starts_at: Instant | None = msgspec.field(name="startsAt", default=None)
    ends_at: Instant | None = msgspec.field(name="endsAt", default=None)
    generator_url: str | None = msgspec.field(name="generatorURL", default=None)


class Notification(msgspec.Struct):
    """The body; what concerns the whole group is not needed, since Bongsu groups by its manual."""

    alerts: msgspec.Raw
    version: str = "4"


_notification = msgspec.json.Decoder(Notification)
_one = msgspec.json.Decoder(Item)


def parse(raw: bytes, now: datetime) -> Parsed:
    """Read the alerts of a webhook notification."""
    body = decode(raw, _notification)
    if isinstance(body, Refusal):
        return Parsed([], [body])
    items, refused = decode_items(body.alerts, _one, "alerts")
    reading = Reading.at(now, tidy=False, nul=may_hold_nul(raw), path="alerts")
    alerts = []
    for index, item in items:
        alert = _read(item, reading, index)
        if isinstance(alert, Alert):
            alerts.append(alert)
        else:
            refused.append(alert)
    return Parsed(alerts, shortened(refused))


def _read(item: Item, reading: Reading, index: int) -> Alert | Refusal:
    """Alertmanager itself says when one of its alerts is over, so nothing ends by time."""
    ends = None
    if item.status == "resolved":
        ends = timed(item.ends_at)
        ends = ends if believable(ends, reading.now) and ends else reading.now
    return labelled(
        reading, index, item.labels, item.annotations, item.status, timed(item.starts_at), ends,
        item.generator_url,
    )  # fmt: skip
