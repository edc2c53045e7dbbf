"""How an alert is written into its row, and read back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bongsu.incident.alert import Alert, AlertStatus, ChangedAlert, Link, Remark

if TYPE_CHECKING:
    import asyncpg


class Row(NamedTuple):
    """An alert as the statement that keeps it takes it. Times are seconds since 1970."""

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
    alert: Alert
    """what it was made of"""


_make = Row._make
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
        None if starts is None else starts.timestamp(),
        None if ends is None else ends.timestamp(),
        1,
        alert,
    ))  # fmt: skip


def one_line(text: str) -> str:
    """Take from a text the one character that a statement's texts are told apart by."""
    return text.replace(SEPARATOR, " ") if SEPARATOR in text else text


def to_changed(row: Row, record: asyncpg.Record, at: datetime) -> ChangedAlert:
    """Put together what was sent and what the statement says of it."""
    alert = row.alert
    return ChangedAlert(
        id=row.id,
        integration=row.integration,
        key=row.key,
        status=alert.status,
        generation=record["generation"],
        labels=alert.labels,
        annotations=alert.annotations,
        summary=alert.summary,
        description=described(alert.description, alert.annotations),
        severity_word=alert.severity_word,
        starts_at=record["starts_at"],
        ends_at=alert.ends_at,
        first_seen=record["first_seen"],
        last_seen=at,
        source_url=alert.source_url,
        links=alert.links,
        remark=alert.remark,
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
