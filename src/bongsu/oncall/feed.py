"""A calendar of turns that phones and calendar programs subscribe to (iCalendar, RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vDuration

from bongsu import __version__
from bongsu.i18n import translator
from bongsu.oncall.reasons import is_gap
from bongsu.oncall.shifts import Shifts, Turn
from bongsu.oncall.spans import FOR_EVER, SINCE_EVER
from bongsu.oncall.words import explain, person_name, rotation_name, slot_name

_REFRESH = timedelta(hours=1)
_A_DAY = timedelta(days=1)


def calendar(
    shifts: Shifts,
    start: datetime,
    until: datetime,
    *,
    rotation: str | None = None,
    person: str | None = None,
    lang: str,
    host: str,
) -> bytes:
    """Return the turns that a span touches as an iCalendar file.

    Given a rotation, its turns and the gaps in them; given a person, theirs in every rotation;
    given both, theirs in that one; given neither, everything. A turn is one event, never cut, and
    keeps its UID as long as it begins at the same time, so that a new person replaces the former
    in the reader's calendar. ``host`` ends the UIDs.
    """
    found = Calendar()
    found.add("prodid", f"-//Bongsu {__version__}//{host}//{lang.upper()}")
    found.add("version", "2.0")
    found.add("x-wr-calname", _title(shifts, rotation, person, lang))
    found.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    found.add("x-published-ttl", vDuration(_REFRESH))
    turns = sorted(_chosen(shifts, start, until, rotation, person), key=_order)
    for turn in turns:
        found.add_component(_event(shifts, turn, start, lang, host))
    if turns:
        first, last = turns[0].start.date(), max(turn.until for turn in turns).date()
        found.add_missing_timezones(first_date=first - _A_DAY, last_date=last + _A_DAY)
    return bytes(found.to_ical())


def _chosen(
    shifts: Shifts, start: datetime, until: datetime, rotation: str | None, person: str | None
) -> Iterator[Turn]:
    for name, slot in shifts.duties(rotation):
        for turn in shifts.turns(name, slot, start, until):
            if turn.person == person if person else turn.person or _bounded_gap(turn):
                yield turn


def _bounded_gap(turn: Turn) -> bool:
    return is_gap(turn.why) and turn.start > SINCE_EVER and turn.until < FOR_EVER


def _order(turn: Turn) -> tuple[datetime, str, str]:
    return turn.start, turn.rotation, turn.slot


def _title(shifts: Shifts, rotation: str | None, person: str | None, lang: str) -> str:
    t = translator(lang)
    names = [
        person_name(person, shifts.manual) if person else "",
        rotation_name(rotation, lang, shifts.manual) if rotation else "",
    ]
    whose = ", ".join(name for name in names if name) or shifts.manual.overview.name
    return t("On call: {whose}", whose=whose)


def _event(shifts: Shifts, turn: Turn, stamp: datetime, lang: str, host: str) -> Event:
    zone, event = shifts.zone(turn.rotation), Event()
    event.add("uid", f"{turn.start:%Y%m%dT%H%M%SZ}-{turn.rotation}-{turn.slot}@{host}")
    event.add("dtstamp", stamp)
    event.add("dtstart", _local(turn.start, zone))
    event.add("dtend", _local(turn.until, zone))
    event.add("summary", _summary(shifts, turn, lang))
    event.add("description", explain(turn, lang, shifts.manual))
    event.add("transp", "TRANSPARENT")  # being on call does not make a person busy
    return event


def _summary(shifts: Shifts, turn: Turn, lang: str) -> str:
    t, manual = translator(lang), shifts.manual
    return t(
        "{person} · {rotation}, {slot}",
        person=person_name(turn.person, manual) if turn.person else t("Nobody on call"),
        rotation=rotation_name(turn.rotation, lang, manual),
        slot=slot_name(turn.slot, lang),
    )


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant on the rotation's clock, as the calendar's owner reads it.

    In UTC where that clock shows the time twice and this is the second: RFC 5545 can't say it.
    """
    local = at.astimezone(zone)
    return at.astimezone(UTC) if local.fold else local
