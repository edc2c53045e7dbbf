"""Bongsu's plain JSON form, for scripts and for whatever speaks nothing else.

One object or a list of them::

    {"title": "Disk is 95% full", "key": "disk:db-1", "status": "firing",
     "severity": "warning", "service": "database", "labels": {"host": "db-1"},
     "description": "…", "links": [{"href": "https://…", "text": "graph"}],
     "starts_at": "2025-08-14T14:30:00+09:00", "ends_at": "…"}

Only ``title`` is required. Without ``key``, title, service and labels make it the same again.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from bongsu.i18n import N_
from bongsu.signals.alert import (
    LONGEST_SUMMARY,
    Alert,
    AlertStatus,
    Link,
    Parsed,
    Refusal,
    Remark,
    believable,
    cut,
    foreseeable,
    label_key,
    labels_json,
    labels_refusal,
    nul_refusal,
    onset,
)
from bongsu.signals.formats.decoding import (
    decode,
    decode_items,
    encoding_refusal,
    may_hold_nul,
    shortened,
    with_name,
)
from bongsu.signals.formats.instants import read_instant

LONGEST_KEY = 255


class Signal(msgspec.Struct, kw_only=True):
    """One object of the form."""

    title: str
    key: str | None = None
    status: AlertStatus = "firing"
    severity: str | None = None
    service: str | None = None
    labels: dict[str, str] = {}
    description: str | None = None
    links: list[Link] = []
    starts_at: str | None = None
    ends_at: str | None = None


FIELDS = frozenset(Signal.__struct_fields__)
_one = msgspec.json.Decoder(Signal)
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse(raw: bytes, now: datetime) -> Parsed:
    """Read one object or a list of them."""
    if wrong := encoding_refusal(raw):
        return Parsed([], [wrong])
    nul = may_hold_nul(raw)
    if raw.lstrip()[:1] != b"[":
        return _parse_one(raw, now, nul=nul)
    items, refused = decode_items(raw, _one)
    alerts = []
    for index, item in items:
        alert = _read(item, now, f"[{index}].", "", nul=nul)
        if isinstance(alert, Alert):
            alerts.append(alert)
        else:
            refused.append(alert)
    return Parsed(alerts, shortened(refused))


def _parse_one(raw: bytes, now: datetime, *, nul: bool) -> Parsed:
    item = decode(raw, _one)
    if isinstance(item, Refusal):
        return Parsed([], [with_name(item, raw)])
    alert = _read(item, now, "", _unknown(raw), nul=nul)
    return Parsed([alert], []) if isinstance(alert, Alert) else Parsed([], [alert])


def _unknown(raw: bytes) -> str:
    """Name the fields that mean nothing here; a slip of the pen must not cost the alert."""
    try:
        return ", ".join(sorted(_names.decode(raw).keys() - FIELDS))
    except msgspec.MsgspecError:
        return ""


def _read(item: Signal, now: datetime, path: str, ignored: str, *, nul: bool) -> Alert | Refusal:
    labels = _labels(item)
    canonical = labels_json(labels)
    if wrong := _wrong(item, labels, canonical, path, nul=nul):
        return wrong
    starts = read_instant(item.starts_at, f"{path}starts_at") if item.starts_at else None
    ends = read_instant(item.ends_at, f"{path}ends_at") if item.ends_at else None
    if isinstance(starts, Refusal):
        return starts
    if isinstance(ends, Refusal):
        return ends
    began, remark = onset(starts, now)
    status, ends = _end(item.status, ends, now)
    ends, remark = foreseeable(ends, now, remark)
    return Alert(
        key=item.key or _identity(item),
        status=status,
        labels=labels,
        labels_json=canonical.decode(),
        summary=cut(item.title.strip(), LONGEST_SUMMARY),
        description=cut(item.description or ""),
        severity_word=item.severity or labels.get("severity", ""),
        starts_at=began,
        ends_at=ends,
        links=tuple(item.links),
        remark=remark or _about(ignored),
    )


def _end(
    status: AlertStatus, ends: datetime | None, now: datetime
) -> tuple[AlertStatus, datetime | None]:
    """An end that has passed resolves; one that can't be believed says nothing."""
    if ends is not None and not ends > now and not believable(ends, now):
        ends = None
    if status == "resolved":
        return status, min(ends or now, now)
    return ("resolved", ends) if ends is not None and ends <= now else (status, ends)


def _about(ignored: str) -> Remark | None:
    if not ignored:
        return None
    return Remark(N_("Unknown fields were ignored: {fields}"), {"fields": cut(ignored, 200)})


def _labels(item: Signal) -> dict[str, str]:
    labels = {name: value for name, value in item.labels.items() if value}
    for name, value in (("service", item.service), ("severity", item.severity)):
        if value:
            labels.setdefault(name, value)
    return labels


def _identity(item: Signal) -> str:
    """What makes an object without a key the same again; its severity may change meanwhile."""
    return label_key(labels_json({**item.labels, "": item.title, "service": item.service or ""}))


def _wrong(
    item: Signal, labels: dict[str, str], canonical: bytes, path: str, *, nul: bool
) -> Refusal | None:
    if not item.title.strip():
        return Refusal(
            N_("A required field is missing or empty."), N_("Send {field} as well."),
            field=f"{path}title", values={"field": "title"},
        )  # fmt: skip
    if len(item.key or "") > LONGEST_KEY:
        return Refusal(
            N_("This key is longer than {most} characters."), N_("Send a shorter key."),
            field=f"{path}key", values={"most": LONGEST_KEY},
        )  # fmt: skip
    if labels and (wrong := labels_refusal(labels, canonical, path)):
        return wrong
    if nul:
        links = (f"{link.href}{link.text}" for link in item.links)
        texts = (item.title, item.key or "", item.description or "", *links)
        return nul_refusal(path, labels, *texts)
    return None
