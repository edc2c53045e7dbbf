"""The rotations as a calendar of four weeks, and who is on call now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bongsu.i18n import Translator
from bongsu.incident.reasons import person_name
from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts, explain
from bongsu.oncall.dayoff import days_off
from bongsu.oncall.spans import instant
from bongsu.oncall.words import rotation_name, slot_name
from bongsu.web.console.views.words import percent

WEEKS = 4
COLOURS = 8
"""people are told apart by name first, and by these"""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Stretch:
    """Somebody's part of one week, in percent of it."""

    left: float
    width: float
    name: str
    colour: int
    """-1: nobody is on call"""
    why: str
    first: bool
    """whether it begins in this week, rather than going on from the one before"""


@dataclass(frozen=True)
class Row:
    """A slot in one week."""

    slot: str
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class Day:
    """One day of a week; ``holiday`` is its name, empty on most days."""

    day: date
    today: bool
    weekend: bool
    holiday: str


@dataclass(frozen=True)
class Week:
    """A week of one rotation, from Monday; ``now`` is in percent, None in other weeks."""

    days: tuple[Day, ...]
    rows: tuple[Row, ...]
    now: float | None


@dataclass(frozen=True)
class Calendar:
    """One rotation."""

    rotation: str
    name: str
    next_handoff: datetime | None
    weeks: tuple[Week, ...]


def calendars(shifts: Shifts, t: Translator, now: datetime) -> list[Calendar]:
    """Draw every rotation that stands by itself, from this week's Monday on."""
    names = dict.fromkeys(rotation for rotation, _ in shifts.duties())
    colours = _colours(shifts.manual)
    return [_Drawn(shifts, rotation, colours, t, now).calendar() for rotation in names]


def _colours(manual: Manual) -> dict[str, int]:
    return {person: number % COLOURS for number, person in enumerate(manual.team.people)}


class _Drawn:
    def __init__(
        self, shifts: Shifts, rotation: str, colours: dict[str, int], t: Translator, now: datetime
    ) -> None:
        self.shifts, self.rotation, self.colours = shifts, rotation, colours
        self.manual, self.t, self.now = shifts.manual, t, now
        self.zone = shifts.zone(rotation)
        self.today = now.astimezone(self.zone).date()
        self.holidays = days_off(self.manual.oncall.holidays)

    def calendar(self) -> Calendar:
        monday = self.today - self.today.weekday() * _DAY
        weeks = (self._week(monday + 7 * _DAY * number) for number in range(WEEKS))
        handoff = self.shifts.next_handoff(self.rotation, self.now)
        name = rotation_name(self.rotation, self.t.lang, self.manual)
        return Calendar(self.rotation, name, handoff, tuple(weeks))

    def _midnight(self, day: date) -> datetime:
        return instant(day.toordinal(), time(), self.zone)

    def _week(self, monday: date) -> Week:
        start, until = self._midnight(monday), self._midnight(monday + 7 * _DAY)
        inside = start <= self.now < until
        rows = (
            Row(slot_name(slot, self.t.lang), tuple(self._stretches(slot, start, until)))
            for _, slot in self.shifts.duties(self.rotation)
        )
        days = tuple(self._day(monday + number * _DAY) for number in range(7))
        here = percent(self.now - start, until - start) if inside else None
        return Week(days, tuple(rows), here)

    def _day(self, day: date) -> Day:
        name = self.holidays.get(day)
        holiday = name.in_(self.t.lang) if name else ""
        return Day(day, day == self.today, day.weekday() >= 5, holiday)  # noqa: PLR2004  Saturday

    def _stretches(self, slot: str, start: datetime, until: datetime) -> Iterator[Stretch]:
        for turn in self.shifts.timeline(self.rotation, slot, start, until):
            whole = until - start
            left, width = (
                percent(turn.start - start, whole),
                percent(turn.until - turn.start, whole),
            )
            name = person_name(turn.person, self.manual) if turn.person else self.t("nobody")
            colour = self.colours.get(turn.person, 0) if turn.person else -1
            why = explain(turn, self.t.lang, self.manual)
            yield Stretch(left, width, name, colour, why, turn.start > start)
