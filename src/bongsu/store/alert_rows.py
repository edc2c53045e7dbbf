"""How an alert is written into its row, and read back."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bongsu.incident.alert import Alert, AlertStatus, ChangedAlert, Link, Remark

if TYPE_CHECKING:
    import asyncpg


class Row(NamedTuple):
    """An alert as the statement that keeps it takes it. Times are seconds since 1970.

    It holds texts only, not the alert that it was made of: thousands of rows wait in a storm, and
    what an alert consists of would have to be fetched from far memory again.
    """

    id: str
    integration: str
    key: str
    status: AlertStatus
    summary: str
    labels: str
    details: str
    starts_at: float | None
    ends_at: float | None
    times: int
    """signals that it stands for"""


_make = Row._make
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC).timestamp()
_LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""what a Python datetime can be read back as, a day from either end: floats are rounded"""
SEPARATOR = "\x1f"
"""stands between the texts of a column; JSON never holds it, and of other texts it is taken"""


class Details(msgspec.Struct, omit_defaults=True, gc=False):
    """What nobody looks for in SQL, kept as one JSON text."""

    annotations: dict[str, str] = {}
    description: str = ""
    severity_word: str = ""
    source_url: str = ""
    links: tuple[Link, ...] = ()
    remark: Remark | None = None


_encode = msgspec.json.Encoder().encode
_details = msgspec.json.Decoder(Details)
_labels = msgspec.json.Decoder(dict[str, str])
_hash = hashlib.blake2b


def alert_id(integration: str, key: str) -> str:
    """Return the id of an alert, 32 hexadecimal digits; the same on every replica and for ever."""
    return _hash(f"{integration}\0{key}".encode(), digest_size=16).hexdigest()


def to_row(integration: str, alert: Alert) -> Row:
    """Prepare an alert for the statement that keeps it."""
    details = Details(
        alert.annotations, alert.description, alert.severity_word, alert.source_url, alert.links,
        alert.remark,
    )  # fmt: skip
    starts, ends = alert.starts_at, alert.ends_at
    return _make((
        _hash(f"{integration}\0{alert.key}".encode(), digest_size=16).hexdigest(),
        integration,
        one_line(alert.key),
        alert.status,
        one_line(alert.summary),
        alert.labels_json,
        _encode(details).decode(),
        None if starts is None else min(max(starts.timestamp(), _EARLIEST), _LATEST),
        None if ends is None else min(max(ends.timestamp(), _EARLIEST), _LATEST),
        1,
    ))  # fmt: skip


def repeated(row: Row, ends_at: datetime) -> Row:
    """Return the row of an alert that was sent again with another end, all else being the same."""
    return _make((*row[:8], ends_at.timestamp(), 1))


def one_line(text: str) -> str:
    """Take from a text the one character that a statement's texts are told apart by."""
    return text.replace(SEPARATOR, " ") if SEPARATOR in text else text


def to_changed(row: Row, record: asyncpg.Record, at: datetime) -> ChangedAlert:
    """Put together what was sent and what the statement says of it."""
    details = _details.decode(row.details)
    return ChangedAlert(
        id=row.id,
        integration=row.integration,
        key=row.key,
        status=row.status,
        generation=record["generation"],
        labels=_labels.decode(row.labels),
        annotations=details.annotations,
        summary=row.summary,
        description=described(details.description, details.annotations),
        severity_word=details.severity_word,
        starts_at=record["starts_at"],
        ends_at=None if row.ends_at is None else datetime.fromtimestamp(row.ends_at, UTC),
        first_seen=record["first_seen"],
        last_seen=at,
        source_url=details.source_url,
        links=details.links,
        remark=details.remark,
    )


def from_record(record: asyncpg.Record) -> ChangedAlert:
    """Read an alert's whole row."""
    details = _details.decode(record["details"])
    return ChangedAlert(
        id=record["id"].hex,
        integration=record["integration"],
        key=record["key"],
        status=record["status"],
        generation=record["generation"],
        labels=_labels.decode(record["labels"]),
        annotations=details.annotations,
        summary=record["summary"],
        description=described(details.description, details.annotations),
        severity_word=details.severity_word,
        starts_at=record["starts_at"],
        ends_at=record["ends_at"],
        first_seen=record["first_seen"],
        last_seen=record["last_seen"],
        count=record["count"],
        source_url=details.source_url,
        links=details.links,
        remark=details.remark,
        incident_id=record["incident_id"],
        triaged_generation=record["triaged_generation"],
        counted=record["counted"],
    )


def described(description: str, annotations: dict[str, str]) -> str:
    """Return the longer text about an alert; Prometheus keeps it among the annotations."""
    return description or annotations.get("description", "") or annotations.get("message", "")
