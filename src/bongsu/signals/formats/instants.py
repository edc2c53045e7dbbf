"""Times as people and scripts write them."""

from __future__ import annotations

from datetime import UTC, datetime

from bongsu.signals.refusal import Refusal, not_a_time

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def read_instant(text: str, field: str) -> datetime | Refusal:
    """Read an ISO 8601 time; one without an offset is UTC.

    One beyond either end of the calendar in UTC is taken as that end.
    PagerDuty's own client adds a Z to an offset that is already there; that is read as well.
    """
    try:
        at = datetime.fromisoformat(text.strip().replace("+00:00Z", "Z"))
    except ValueError:
        return not_a_time(field)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return _LAST if at.year > 1 else _FIRST
