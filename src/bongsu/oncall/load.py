"""How being on call is spread: hours per person, by night, weekend and holiday.

These are the nights, weekends and holidays of the person's own time zone, or else the manual's.
Somebody who is on call in two slots at once counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import msgspec

from bongsu.oncall.dayoff import days_off
from bongsu.oncall.shifts import Shifts, Turn
from bongsu.oncall.spans import Span, instant, local_day, shared, total, union, utc, whole_day

_DUSK, _DAWN = time(22), time(6)
_WEEK, _SATURDAY = 7, 5


class Load(msgspec.Struct, frozen=True):
    """What one person carries in a span."""

    person: str
    on_call: timedelta
    nights: timedelta
    """22:00 to 06:00"""
    weekends: timedelta
    holidays: timedelta
    turns: int
    longest_week: timedelta
    """the most time on call in one week, Monday to Sunday, as far as it lies in the span"""


class Roster:
    """Every turn of ``[start, until)``, and whose it is.

    Raises:
        ValueError: a time has no time zone.
    """

    def __init__(self, shifts: Shifts, start: datetime, until: datetime) -> None:
        self.shifts, self.span = shifts, Span(utc(start), utc(until))
        self.turns = {key: shifts.timeline(*key, *self.span) for key in shifts.duties()}
        self.people = sorted({turn.person for turn in self.all_turns() if turn.person})

    def all_turns(self) -> Iterator[Turn]:
        """Yield the turns, slot by slot."""
        for turns in self.turns.values():
            yield from turns

    def spans(self, person: str) -> list[Span]:
        """Return when a person is on call, in whatever slot."""
        return spans_of(self.all_turns(), person)

    def zone(self, person: str) -> ZoneInfo:
        """Return the time zone that a person lives in."""
        known = self.shifts.manual.person(person)
        own = known.timezone if known else None
        return ZoneInfo(own or self.shifts.manual.overview.timezone)

    def weeks(self, zone: ZoneInfo) -> Iterator[Span]:
        """Yield the weeks that the span touches, Monday to Sunday."""
        days = self._days(zone)
        for monday in range(days.start - (days.start - 1) % _WEEK, days.stop, _WEEK):
            yield Span(whole_day(monday, zone).start, whole_day(monday + _WEEK, zone).start)

    def nights(self, zone: ZoneInfo) -> list[Span]:
        """Return the nights that the span touches."""
        days = self._days(zone)
        return [
            Span(instant(day, _DUSK, zone), instant(day + 1, _DAWN, zone))
            for day in range(days.start - 1, days.stop)
        ]

    def weekends(self, zone: ZoneInfo) -> list[Span]:
        """Return the Saturdays and Sundays that the span touches."""
        days = (day for day in self._days(zone) if (day - 1) % _WEEK >= _SATURDAY)
        return union(whole_day(day, zone) for day in days)

    def holidays(self, zone: ZoneInfo) -> list[Span]:
        """Return the public holidays that the span touches."""
        days = (day for day in self._days(zone) if day in self._holidays)
        return union(whole_day(day, zone) for day in days)

    @cached_property
    def _holidays(self) -> frozenset[int]:
        return frozenset(day.toordinal() for day in days_off(self.shifts.manual.oncall.holidays))

    def _days(self, zone: ZoneInfo) -> range:
        return range(local_day(self.span.start, zone), local_day(self.span.until, zone) + 1)


def loads(roster: Roster) -> list[Load]:
    """Return the load of everybody who is on call in the span, by person id."""
    return [_load(roster, person) for person in roster.people]


def span_of(turn: Turn) -> Span:
    """Return from when to when a turn runs."""
    return Span(turn.start, turn.until)


def spans_of(turns: Iterable[Turn], person: str) -> list[Span]:
    """Return when these turns are a person's."""
    return union(span_of(turn) for turn in turns if turn.person == person)


def _load(roster: Roster, person: str) -> Load:
    zone, spans = roster.zone(person), roster.spans(person)
    return Load(
        person=person,
        on_call=total(spans),
        nights=total(shared(spans, roster.nights(zone))),
        weekends=total(shared(spans, roster.weekends(zone))),
        holidays=total(shared(spans, roster.holidays(zone))),
        turns=sum(turn.person == person for turn in roster.all_turns()),
        longest_week=max(total(shared(spans, [week])) for week in roster.weeks(zone)),
    )
