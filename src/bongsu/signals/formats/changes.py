"""Change events in Bongsu's plain form: what was deployed, configured, scaled or switched.

One object or a list of them::

    {"summary": "korea-backend v1.2.3", "kind": "deployment", "service": "korea-backend",
     "subject": "deployment/korea-backend", "at": "2025-08-14T14:25:00+09:00", "key": "build-817",
     "link": "https://ci/817", "details": {"image": "korea-backend:1.2.3"}}

Only ``summary`` is required. What is sent again under one ``key``, or with the same words and the
same ``at``, is the same change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from bongsu.i18n import N_
from bongsu.incident.changes import ChangeEvent, ChangeKind
from bongsu.signals.alert import (
    LONGEST_SUMMARY,
    Link,
    Refusal,
    cut,
    cut_all,
    nul_refusal,
    onset,
)
from bongsu.signals.formats.decoding import (
    decode,
    decode_items,
    encoding_refusal,
    may_hold_nul,
    shortened,
)
from bongsu.signals.formats.instants import read_instant

LONGEST_NAME = 255
MOST_LINKS = 10


class ParsedChanges(NamedTuple):
    """What a body tells: changes to keep, and what had to be refused. Either may be empty."""

    changes: list[ChangeEvent]
    refused: list[Refusal]


class Told(msgspec.Struct, kw_only=True):
    """One object of the form."""

    summary: str
    kind: ChangeKind = "event"
    subject: str = ""
    service: str | None = None
    at: str | None = None
    key: str = ""
    source: str = ""
    link: str = ""
    links: list[Link] = []
    details: msgspec.Raw = msgspec.Raw(b"null")


_one = msgspec.json.Decoder(Told)
_details = msgspec.json.Decoder(dict[str, msgspec.Raw] | str | int | float | bool | None)
_text = msgspec.json.Decoder(str)


def parse(raw: bytes, now: datetime) -> ParsedChanges:
    """Read one change or a list of them; a bad one of a list costs only itself."""
    if wrong := encoding_refusal(raw):
        return ParsedChanges([], [wrong])
    if raw.lstrip()[:1] != b"[":
        one = decode(raw, _one)
        items, refused = ([], [one]) if isinstance(one, Refusal) else ([(None, one)], [])
        return _read_all(raw, items, refused, now)
    found, refused = decode_items(raw, _one)
    return _read_all(raw, found, refused, now)


def _read_all(
    raw: bytes, items: Sequence[tuple[int | None, Told]], refused: list[Refusal], now: datetime
) -> ParsedChanges:
    kept: list[ChangeEvent] = []
    for index, item in items:
        path = "" if index is None else f"[{index}]."
        change = _read(item, now, path, nul=may_hold_nul(raw))
        (kept if isinstance(change, ChangeEvent) else refused).append(change)  # type: ignore[arg-type]  # by its type
    return ParsedChanges(kept, shortened(refused))


def _read(item: Told, now: datetime, path: str, *, nul: bool) -> ChangeEvent | Refusal:
    if not item.summary.strip():
        return missing(f"{path}summary", "summary")
    at = read_instant(item.at, f"{path}at") if item.at else None
    if isinstance(at, Refusal):
        return at
    links = [*([Link(item.link)] if item.link else []), *item.links]
    return told(
        now, at, path,
        summary=item.summary, kind=item.kind, subject=item.subject, service=item.service or "",
        source=item.source, links=links, details=described(item.details), key=item.key, nul=nul,
    )  # fmt: skip


def missing(field: str, name: str) -> Refusal:
    """Refuse a change that lacks what it can't do without."""
    return Refusal(
        N_("A required field is missing or empty."), N_("Send {field} as well."),
        field=field, values={"field": name},
    )  # fmt: skip


def told(
    now: datetime,
    at: datetime | None,
    path: str = "",
    *,
    summary: str,
    kind: ChangeKind = "event",
    subject: str = "",
    service: str = "",
    source: str = "",
    links: list[Link] | None = None,
    details: dict[str, str] | None = None,
    key: str = "",
    nul: bool = True,
) -> ChangeEvent | Refusal:
    """Make a change of what a sender tells, within bounds; texts that are too long are cut.

    ``at`` is when it was made, None where the sender does not say. One without a key that has its
    own time is the same again when all of it is the same.
    """
    links, details = list(links or ())[:MOST_LINKS], cut_all(details or {})
    if nul and (wrong := nul_refusal(
        path, details, summary, subject, service, source, key,
        *(f"{link.href}{link.text}" for link in links),
    )):  # fmt: skip
        return wrong
    if not key and at is not None:
        key = f"{at.isoformat()}\n{kind}\n{subject}\n{service}\n{source}\n{summary}"
    return ChangeEvent(
        at=min(onset(at, now)[0] or now, now), summary=cut(summary.strip(), LONGEST_SUMMARY),
        kind=kind, subject=cut(subject, LONGEST_NAME), service=cut(service, LONGEST_NAME) or None,
        source=cut(source, LONGEST_NAME), links=tuple(links), details=details, key=key,
    )  # fmt: skip


def described(raw: msgspec.Raw) -> dict[str, str]:
    """Return details as texts by name; what is nested stays JSON."""
    try:
        details = _details.decode(raw)
    except msgspec.MsgspecError:  # a list: nothing in it has a name
        return {"details": bytes(raw).decode(errors="replace")}
    if details is None:
        return {}
    if not isinstance(details, dict):
        return {"details": str(details)}
    return {name: _plain(value) for name, value in details.items()}


def _plain(raw: msgspec.Raw) -> str:
    written = bytes(raw)
    return _text.decode(written) if written.startswith(b'"') else written.decode()
