"""Alertmanager's own API v2, ``POST /api/v2/alerts``: what Prometheus sends to an alertmanager.

The rules are Alertmanager's (api/v2): the label set is the identity; an alert whose end has
passed is resolved; one without an end is over when it was not sent again within the resolve
timeout; the valid alerts of a bad batch are kept, and the batch is answered with 400.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from bongsu.i18n import N_
from bongsu.signals.alert import Alert, AlertStatus, Parsed, Refusal, Remark
from bongsu.signals.formats.decoding import (
    decode_items,
    decode_tidy,
    encoding_refusal,
    may_hold_nul,
    shortened,
)
from bongsu.signals.formats.labelled import (
    RESOLVE_TIMEOUT,
    Instant,
    Reading,
    TidyLabels,
    TidyTexts,
    labelled,
    timed,
)

_NOTHING = msgspec.Raw(b"null")


class Posted(msgspec.Struct, gc=False):
    """A ``postableAlert``."""

    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    starts_at: Instant | None = msgspec.field(name="startsAt", default=None)
    ends_at: Instant | None = msgspec.field(name="endsAt", default=None)
    generator_url: str | None = msgspec.field(name="generatorURL", default=None)


class TidyPosted(Posted, gc=False):
    """One that nothing is wrong with."""

    labels: TidyLabels
    annotations: TidyTexts | None = None


class Heard(msgspec.Struct, gc=False):
    """A posted alert of which only the end is read yet: the rest may be known word for word."""

    labels: msgspec.Raw
    annotations: msgspec.Raw = _NOTHING
    starts_at: msgspec.Raw = msgspec.field(name="startsAt", default=_NOTHING)
    ends_at: Instant | None = msgspec.field(name="endsAt", default=None)
    generator_url: msgspec.Raw = msgspec.field(name="generatorURL", default=_NOTHING)

    @property
    def words(self) -> bytes:
        """All but the end, as it came. NUL stands between, which JSON never holds."""
        return b"\0".join((self.labels, self.annotations, self.starts_at, self.generator_url))


_tidy = msgspec.json.Decoder(list[TidyPosted])
_one = msgspec.json.Decoder(Posted)
_heard = msgspec.json.Decoder(list[Heard])
_labels = msgspec.json.Decoder(TidyLabels)
_texts = msgspec.json.Decoder(TidyTexts | None)
_instant = msgspec.json.Decoder(Instant)
_url = msgspec.json.Decoder(str | None)


def parse(raw: bytes, now: datetime) -> Parsed:
    """Read the alerts that a Prometheus posts."""
    if wrong := encoding_refusal(raw):
        return Parsed([], [wrong])
    tidy = decode_tidy(raw, _tidy)
    reading = Reading.at(now, tidy=tidy is not None, nul=may_hold_nul(raw))
    refused: list[Refusal] = []
    items: Iterable[tuple[int, Posted]]
    if tidy is None:
        items, refused = decode_items(raw, _one)
    else:
        items = enumerate(tidy)
    alerts = []
    for index, item in items:
        alert = _read(item, reading, index)
        if isinstance(alert, Alert):
            alerts.append(alert)
        else:
            refused.append(alert)
    return Parsed(alerts, shortened(refused))


def hear(raw: bytes) -> list[Heard] | None:
    """Take a body apart into its alerts; None where `parse` must say what is wrong with it."""
    return None if encoding_refusal(raw) else decode_tidy(raw, _heard)


def read_heard(item: Heard, reading: Reading) -> Alert | None:
    """Read an alert that began and has not ended; None for all else, which `parse` must see."""
    labels, starts = decode_tidy(item.labels, _labels), decode_tidy(item.starts_at, _instant)
    if labels is None or starts is None or item.ends_at is None:
        return None
    if not reading.oldest <= starts <= reading.now < item.ends_at <= reading.farthest:
        return None
    try:
        texts, url = _texts.decode(item.annotations), _url.decode(item.generator_url)
    except msgspec.MsgspecError:
        return None
    read = labelled(reading, 0, labels, texts, "firing", starts, item.ends_at, url)
    return read if isinstance(read, Alert) else None


def _read(item: Posted, reading: Reading, index: int) -> Alert | Refusal:
    starts, ends = item.starts_at, item.ends_at
    if (
        starts is not None
        and ends is not None
        and reading.oldest <= starts <= ends
        and starts <= reading.now < ends
    ):  # what nearly every alert is: it began, and has not ended
        return labelled(
            reading, index, item.labels, item.annotations, "firing", starts, ends,
            item.generator_url,
        )  # fmt: skip
    return _read_doubtful(item, reading, index)


def _read_doubtful(item: Posted, reading: Reading, index: int) -> Alert | Refusal:
    starts, ends = timed(item.starts_at), timed(item.ends_at)
    if starts is not None and ends is not None and ends < starts:
        return Refusal(
            N_("It ends before it starts."),
            N_("Send an endsAt that is not before startsAt, or none."),
            field=f"[{index}].endsAt",
        )
    status, ends, remark = _end(ends, starts, reading)
    return labelled(
        reading, index, item.labels, item.annotations, status, starts, ends,
        item.generator_url, remark,
    )  # fmt: skip


def _end(
    ends: datetime | None, starts: datetime | None, reading: Reading
) -> tuple[AlertStatus, datetime, Remark | None]:
    """Say whether an alert is over, and when it ends.

    A sender whose clock is years behind makes every alert look long over. It pages all the
    same: a page too many is the lesser harm.
    """
    now = reading.now
    if ends is None or (starts is not None and starts > reading.newest):
        return "firing", now + RESOLVE_TIMEOUT, None
    if ends > now:
        return "firing", ends, None
    if ends >= reading.oldest:
        return "resolved", ends, None
    return (
        "firing",
        now + RESOLVE_TIMEOUT,
        Remark(
            N_(
                "The sender says that it ended at {at}; its clock is off, so it is taken as firing."
            ),
            {"at": ends.isoformat()},
        ),
    )
