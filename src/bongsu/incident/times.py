"""Times and durations as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bongsu.i18n import N_, Translator

_UNITS = (
    (86_400, N_("{n} d")),
    (3_600, N_("{n} h")),
    (60, N_("{n} min")),
    (1, N_("{n} s")),
)


def moment(at: datetime, timezone: str) -> str:
    """Write an instant on a zone's clock: ``2025-08-14 14:30 (KST)``; an unknown zone is UTC."""
    local = at.astimezone(_zone(timezone))
    return f"{local:%Y-%m-%d %H:%M} ({local.tzname()})"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):  # no decision may fail for the name of a zone
        return UTC


def span(length: timedelta | float, t: Translator) -> str:
    """Write a duration (or seconds) by its two largest units: ``1 h 30 min``, ``1시간 30분``."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    left, parts = max(int(seconds), 0), []
    for size, text in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(t(text, n=count))
    return " ".join(parts[:2]) or t(_UNITS[-1][1], n=0)
