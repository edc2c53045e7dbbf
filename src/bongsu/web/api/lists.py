"""Pages of incidents, events and alerts as programs read them, and the cursors between them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from bongsu.i18n import N_, Translator
from bongsu.incident.alert import ChangedAlert
from bongsu.incident.reasons import phase_name
from bongsu.incident.timeline import timeline
from bongsu.manual.schema.document import Manual
from bongsu.store.changes import ChangePlace
from bongsu.store.reading import AlertPlace, IncidentRow, LogRow, Place
from bongsu.store.runs import RunPlace
from bongsu.web.api.views import Named, named, named_service, named_type
from bongsu.web.live import decoded
from bongsu.web.problems import ProblemError

P = TypeVar("P", Place, AlertPlace, ChangePlace, RunPlace)


class IncidentSummary(msgspec.Struct, frozen=True):
    """One incident in a list. `trouble` says why deciding it failed last, if it did."""

    id: int
    number: str
    title: str
    severity: str
    phase: str
    phase_name: str
    open: bool
    drill: bool
    type: Named | None
    service: Named | None
    acknowledged_by: Named | None
    alerts: int
    firing: int
    opened_at: datetime
    ended_at: datetime | None
    seq: int
    trouble: str | None


class IncidentList(msgspec.Struct, frozen=True):
    """One page of incidents: open ones first, then the newest.

    `next` is the `cursor` of the following page, null on the last one.
    """

    incidents: list[IncidentSummary]
    next: str | None


class TimelineEntry(msgspec.Struct, frozen=True):
    """One event in words, and as it was written (`body`).

    `actor` is `system`, `person:ID` or `integration:ID`.
    """

    seq: int
    at: datetime
    actor: str
    actor_name: str
    kind: str
    tone: str
    text: str
    why: str
    body: msgspec.Raw


class Timeline(msgspec.Struct, frozen=True):
    """Events above the asked number, oldest first; ask again with `after` = `last` while `more`."""

    entries: list[TimelineEntry]
    last: int
    more: bool


class AlertView(msgspec.Struct, frozen=True):
    """One deduplicated condition.

    While it fires, `ends_at` is when it is over unless it is sent again; then, when it was over.
    """

    id: str
    integration: str
    key: str
    status: str
    summary: str
    description: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    first_seen: datetime
    last_seen: datetime
    count: int
    source_url: str
    incident: int | None


class AlertList(msgspec.Struct, frozen=True):
    """One page of alerts; `next` is the `cursor` of the following page, null on the last one."""

    alerts: list[AlertView]
    next: str | None


def summary(row: IncidentRow, manual: Manual, t: Translator) -> IncidentSummary:
    """Show one line of the list."""
    return IncidentSummary(
        row.id, row.number, row.title, row.severity, row.phase, phase_name(row.phase, t), row.open,
        row.drill, named_type(row.type, manual, t), named_service(row.service, manual, t),
        named(row.acknowledged_by, manual), row.alerts, row.firing, row.opened_at, row.ended_at,
        row.seq, row.trouble,
    )  # fmt: skip


def entries(
    rows: Sequence[LogRow], after: int, manual: Manual, t: Translator
) -> list[TimelineEntry]:
    """Put the events above ``after`` into words; the rows before them lend theirs."""
    told = zip(rows, timeline(decoded(rows), manual, t), strict=True)
    return [
        TimelineEntry(
            row.seq, row.at, row.actor, entry.actor, entry.kind, entry.tone, entry.text, entry.why,
            msgspec.Raw(row.body.encode()),
        )
        for row, entry in told
        if row.seq > after
    ]  # fmt: skip


def alert(known: ChangedAlert) -> AlertView:
    """Show one alert."""
    return AlertView(
        known.id, known.integration, known.key, known.status, known.summary, known.description,
        known.labels, known.annotations, known.starts_at, known.ends_at, known.first_seen,
        known.last_seen, known.count, known.source_url, known.incident_id,
    )  # fmt: skip


def alert_list(found: Sequence[ChangedAlert], limit: int) -> AlertList:
    """Show a page of alerts of which one more than ``limit`` was asked for."""
    shown = found[:limit]
    last = (
        AlertPlace(shown[-1].status == "resolved", shown[-1].first_seen, shown[-1].id)
        if shown
        else None
    )
    following = cursor(last) if last and len(found) > limit else None
    return AlertList([alert(one) for one in shown], following)


def cursor(place: Place | AlertPlace | ChangePlace | RunPlace) -> str:
    """Write a place as one opaque word."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def place_of(text: str | None, kind: type[P]) -> P | None:
    """Read a cursor.

    Raises:
        ProblemError: it is not one that a list of this kind gave.
    """
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = msgspec.msgpack.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise _bad_cursor() from None
    _checked(found)
    return found


def _checked(place: Place | AlertPlace | ChangePlace | RunPlace) -> None:
    """Refuse what was made up and the database could not take."""
    match place:
        case Place():
            at, fits = place.opened_at, _is_bigint(place.id)
        case ChangePlace():
            at, fits = place.at, _is_bigint(place.id)
        case RunPlace():
            at = place.asked_at
            fits = _is_bigint(place.incident) and "\0" not in place.run
        case AlertPlace():
            at, fits = place.first_seen, _is_uuid(place.id)
    if at.tzinfo is None or not fits or not _is_a_day_in_utc(at):
        raise _bad_cursor()


def _is_a_day_in_utc(at: datetime) -> bool:
    try:
        at.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _is_bigint(number: int) -> bool:
    return -(2**63) <= number < 2**63


def _is_uuid(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)  # noqa: PLR2004  a UUID's digits


def _bad_cursor() -> ProblemError:
    text = N_("take `cursor` from the `next` of an earlier answer to the same question")
    return ProblemError("invalid", text).at("query", "cursor")
