"""What a sender's bytes become: alerts, or refusals that say what to mend.

Every form of signal ends here, so that identity, limits and doubtful clocks are treated alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from bongsu.i18n import N_
from bongsu.incident.alert import Alert, AlertStatus, ChangedAlert, Link, Remark
from bongsu.signals.refusal import Refusal

__all__ = ["Alert", "AlertStatus", "ChangedAlert", "Link", "Parsed", "Refusal", "Remark"]

LARGEST_LABELS = 32_768
"""bytes of an alert's labels as JSON; labels are its identity, so they can't be cut"""
LONGEST_TEXT = 8_192
"""characters of an annotation or description that are kept; the rest is cut, visibly"""
MOST_ANNOTATIONS = 64
LONGEST_SUMMARY = 1_024
AHEAD = timedelta(minutes=5)
"""how far a sender's clock may be ahead of ours before its times are not believed"""
LONG_AGO = timedelta(days=366)
FAR_AHEAD = timedelta(days=366)
"""how far ahead an end may be; a later one stands for none, and no calendar need hold it"""

_encode = msgspec.json.Encoder(order="sorted").encode
_hash = hashlib.blake2b


class Parsed(NamedTuple):
    """What a signal holds: what can be kept, and what had to be refused. Either may be empty."""

    alerts: list[Alert]
    refused: list[Refusal]


def labels_json(labels: Mapping[str, str]) -> bytes:
    """Return the canonical form of a label set: whoever sends it, and in whatever order."""
    return _encode(labels)


def label_key(canonical: bytes) -> str:
    """Return the identity of a label set, 32 hexadecimal digits."""
    return _hash(canonical, digest_size=16).hexdigest()


def labels_refusal(labels: Mapping[str, str], canonical: bytes, path: str) -> Refusal | None:
    """Say what is wrong with a label set, if anything is."""
    if not labels:
        return Refusal(
            N_("An alert needs at least one label that is not empty."),
            N_('Send for example {"alertname": "BackendDown"}.'),
            field=f"{path}labels",
        )
    if len(canonical) > LARGEST_LABELS:
        return Refusal(
            N_("{count} labels of {size} bytes in all are too many; at most {most} bytes fit."),
            N_("Move long texts from the labels to the annotations."),
            field=f"{path}labels",
            values={"count": len(labels), "size": len(canonical), "most": LARGEST_LABELS},
        )
    if "" in labels:
        return Refusal(
            N_("A label has no name."), N_("Name it, or leave it out."), field=f"{path}labels"
        )
    return None


def nul_refusal(path: str, *texts: str | Mapping[str, str]) -> Refusal | None:
    """Refuse the character that no database text can hold, wherever it stands in ``texts``."""
    for text in texts:
        parts = (text,) if isinstance(text, str) else (*text.keys(), *text.values())
        if any("\0" in part for part in parts):
            return Refusal(
                N_("A text contains the NUL character (\\u0000), which can't be stored."),
                N_("Remove it before sending."),
                field=path.rstrip("."),
            )
    return None


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """Shorten a text, visibly, rather than refuse the alert that it describes."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def cut_all(texts: dict[str, str]) -> dict[str, str]:
    """Shorten annotations that are too many or too long."""
    if len(texts) <= MOST_ANNOTATIONS and all(len(v) <= LONGEST_TEXT for v in texts.values()):
        return texts
    return {cut(k, 256): cut(v) for k, v in list(texts.items())[:MOST_ANNOTATIONS]}


def believable(at: datetime | None, now: datetime) -> bool:
    """Whether a time can be when something began, or ended, that is only now reported."""
    return at is None or now - LONG_AGO <= at <= now + AHEAD


def foreseeable(
    ends: datetime | None, now: datetime, remark: Remark | None = None
) -> tuple[datetime | None, Remark | None]:
    """Return an alert's end, or none where it is so far ahead that it can't be meant, and why."""
    if ends is None or ends <= now + FAR_AHEAD:
        return ends, remark
    told = Remark(
        N_("The sender says that it ends at {at}, too far ahead; it fires until it is resolved."),
        {"at": ends.isoformat()},
    )
    return None, remark or told


def onset(at: datetime | None, now: datetime) -> tuple[datetime | None, Remark | None]:
    """Return the time at which an alert began, and a remark where the sender's is not believed.

    An alert is worth more than its clock: it is kept, and begins when it was received.
    """
    if believable(at, now):
        return at, None
    said = "" if at is None else at.isoformat()
    return now, Remark(
        N_("The sender says that it began at {at}; its clock is off, so it begins on arrival."),
        {"at": said},
    )
