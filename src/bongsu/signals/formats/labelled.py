"""What Alertmanager's two forms share: an alert that its label set identifies."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, NamedTuple, TypeAlias

import msgspec

from bongsu.i18n import N_
from bongsu.signals.alert import (
    AHEAD,
    FAR_AHEAD,
    LARGEST_LABELS,
    LONG_AGO,
    LONGEST_SUMMARY,
    LONGEST_TEXT,
    MOST_ANNOTATIONS,
    Alert,
    AlertStatus,
    Refusal,
    Remark,
    cut,
    cut_all,
    foreseeable,
    label_key,
    labels_json,
    labels_refusal,
    nul_refusal,
)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Filled = Annotated[str, msgspec.Meta(min_length=1)]
TidyLabels: TypeAlias = Annotated[dict[_Filled, _Filled], msgspec.Meta(min_length=1)]
TidyTexts: TypeAlias = Annotated[
    dict[
        Annotated[str, msgspec.Meta(max_length=256)],
        Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)],
    ],
    msgspec.Meta(max_length=MOST_ANNOTATIONS),
]
"""Labels and annotations that need no further look: the decoder has seen to it"""

RESOLVE_TIMEOUT = timedelta(minutes=5)
"""Alertmanager's default: an alert without an end is over when it was not sent for so long"""


class Reading(NamedTuple):
    """What reading every alert of one signal needs to know."""

    now: datetime
    oldest: datetime
    newest: datetime
    farthest: datetime
    tidy: bool
    """whether the decoder has seen to it that labels and annotations are as they should be"""
    nul: bool
    path: str
    """of the list of alerts in the body"""

    @classmethod
    def at(cls, now: datetime, *, tidy: bool, nul: bool, path: str = "") -> Reading:
        """Prepare for a signal that came now."""
        return cls(now, now - LONG_AGO, now + AHEAD, now + FAR_AHEAD, tidy, nul, path)


def timed(at: datetime | None) -> datetime | None:
    """Return a time; Go writes one that is not set as the year 1."""
    return None if at is None or at.year <= 1 else at


def labelled(  # noqa: PLR0917  by place: it is called once per alert of a storm
    reading: Reading,
    index: int,
    labels: dict[str, str],
    annotations: dict[str, str] | None,
    status: AlertStatus,
    starts: datetime | None,
    ends: datetime | None,
    url: str | None,
    remark: Remark | None = None,
) -> Alert | Refusal:
    """Make an alert whose identity is its label set, or say why it can't be kept."""
    texts = annotations or {}
    if not reading.tidy:  # to Prometheus an empty label is no label
        labels = {name: value for name, value in labels.items() if value}
        texts = cut_all(texts)
    canonical = labels_json(labels)
    if len(canonical) > LARGEST_LABELS or not reading.tidy:
        wrong = labels_refusal(labels, canonical, f"{reading.path}[{index}].")
        if wrong is not None:
            return wrong
    if reading.nul and (found := nul_refusal(f"{reading.path}[{index}]", labels, texts, url or "")):
        return found
    if starts is not None and not reading.oldest <= starts <= reading.newest:
        starts, remark = _not_believed(starts, reading, remark)
    if ends is not None and ends > reading.farthest:
        ends, remark = foreseeable(ends, reading.now, remark)
    return Alert(
        key=label_key(canonical),
        status=status,
        labels=labels,
        labels_json=canonical.decode(),
        annotations=texts,
        summary=_summary(labels, texts),
        severity_word=labels.get("severity", ""),
        starts_at=starts,
        ends_at=ends,
        source_url=url or "",
        remark=remark,
    )


def _summary(labels: dict[str, str], texts: dict[str, str]) -> str:
    said = texts.get("summary") or texts.get("message") or labels.get("alertname", "")
    return said if len(said) <= LONGEST_SUMMARY else cut(said, LONGEST_SUMMARY)


def _not_believed(
    starts: datetime, reading: Reading, remark: Remark | None
) -> tuple[datetime, Remark]:
    """Let an alert begin when it was received, rather than lose it over its sender's clock."""
    told = Remark(
        N_("The sender says that it began at {at}; its clock is off, so it begins on arrival."),
        {"at": starts.isoformat()},
    )
    return reading.now, remark or told
