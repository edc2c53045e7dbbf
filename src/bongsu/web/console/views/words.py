"""Small words that every page uses: times, spans, and how many beacons burn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bongsu.i18n import N_, Translator
from bongsu.incident import times

BEACONS = {"P0": 5, "P1": 4, "P2": 3, "P3": 2}
"""as on Joseon's hills: one fire means that all is quiet, five that there is battle"""

NAMES = {
    "viewer": N_("viewer"),
    "responder": N_("responder"),
    "commander": N_("commander"),
    "admin": N_("admin"),
    "firing": N_("firing"),
    "resolved": N_("resolved"),
    "infrastructure": N_("Infrastructure"),
    "application": N_("Application"),
    "security": N_("Security"),
    "external": N_("External"),
}
"""what stands in the database or the manual, and its name for people"""

moment = times.moment
span = times.span


def beacons(severity: str) -> int:
    """Return how many of the five beacons burn; one where nothing is wrong."""
    return BEACONS.get(severity, 1)


def name(word: str, t: Translator) -> str:
    """Return a word's name for people; one that is not known stays as it is."""
    return t(NAMES.get(word, word))


def iso(at: datetime | None) -> str:
    """Write an instant for a program; empty where there is none."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else ""


def clock(at: datetime, zone: str) -> str:
    """Write the time of day, with seconds: ``14:30:05``."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M:%S}"


def percent(part: timedelta, whole: timedelta) -> float:
    """Return a share of a length in percent, from 0 to 100."""
    if whole <= timedelta():
        return 100.0
    return round(min(max(part / whole, 0.0), 1.0) * 100, 2)
