"""When shifts change and when a rotation answers: local times in, instants out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from bongsu.manual.schema.oncall import WEEKDAYS, Hours, Rotation
from bongsu.oncall.spans import ALWAYS, FOR_EVER, SINCE_EVER, Span, instant, local_day, union

_WEEK = 7
_START = attrgetter("start")


class Cycle:
    """The handoffs of a rotation, shift by shift from 0, at the same local time across DST.

    The first shift begins on the rotation's start day. Where shifts last whole weeks they change
    on the handoff's weekday, so that a start on another weekday makes the first one shorter.
    """

    def __init__(self, rotation: Rotation, zone: ZoneInfo) -> None:
        self._days, self._clock, self._zone = rotation.every.days, rotation.handoff.time, zone
        start = rotation.start.toordinal()
        weekday = WEEKDAYS.index(rotation.handoff.day)
        late = 0 if self._days % _WEEK else (rotation.start.weekday() - weekday) % _WEEK
        self._anchor = start - late
        self.begins = instant(start, self._clock, zone)

    def handoff(self, number: int) -> datetime:
        """Return when a shift begins."""
        if number == 0:
            return self.begins
        return instant(self._anchor + number * self._days, self._clock, self._zone)

    def number(self, at: datetime) -> int:
        """Return the shift that runs at an instant not before `begins`."""
        number = max((local_day(at, self._zone) - self._anchor) // self._days, 0)
        while number and at < self.handoff(number):
            number -= 1
        while self.handoff(number + 1) <= at:
            number += 1
        return number

    def shift(self, number: int) -> Span:
        """Return from when to when a shift runs."""
        return Span(self.handoff(number), self.handoff(number + 1))


_REACH = 16
"""Days to look each way. A weekly pattern with a gap has one at least every week, or every two
where a clock change swallows it."""
_BLOCK = 28
"""days whose windows are worked out together, and kept"""
_KEPT = 500


class OpenHours:
    """The parts of the week in which a rotation answers."""

    def __init__(self, hours: Sequence[Hours], zone: ZoneInfo) -> None:
        self._hours, self._zone = hours, zone
        self._blocks: dict[int, list[Span]] = {}

    def around(self, at: datetime) -> tuple[bool, Span]:
        """Say whether it answers at an instant, and for how long that is so."""
        spans = self._spans(local_day(at, self._zone) // _BLOCK)
        following = bisect_right(spans, at, key=_START)
        if following and at < (span := spans[following - 1]).until:
            return True, ALWAYS if span.length > timedelta(days=_REACH) else span
        start = spans[following - 1].until if following else SINCE_EVER
        return False, Span(start, spans[following].start if following < len(spans) else FOR_EVER)

    def _spans(self, block: int) -> list[Span]:
        if block not in self._blocks:
            if len(self._blocks) >= _KEPT:
                self._blocks.clear()
            first = block * _BLOCK
            self._blocks[block] = union(self._windows(first - _REACH, first + _BLOCK + _REACH))
        return self._blocks[block]

    def _windows(self, first: int, last: int) -> Iterator[Span]:
        for day in range(first, last):
            weekday = WEEKDAYS[(day - 1) % _WEEK]  # day 1 was a Monday
            for hours in self._hours:
                if weekday in hours.days:
                    ends = day if hours.start < hours.until else day + 1
                    yield Span(
                        instant(day, hours.start, self._zone),
                        instant(ends, hours.until, self._zone),
                    )
