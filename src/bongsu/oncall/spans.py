"""Stretches of time, and tracks of them: the arithmetic under everything on call.

All instants are UTC. Local times become instants in `instant` alone, by the rule of RFC 5545:
a time that a clock change skips is read with the offset before the change (02:30 becomes 03:30),
and of a time that comes twice the first is meant. Calendars that read our feed do the same.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")

SINCE_EVER = datetime(1, 1, 3, tzinfo=UTC)
"""the start of what has no beginning; a little inside Python's calendar, so that every time
zone can show it"""
FOR_EVER = datetime(9999, 12, 29, tzinfo=UTC)
"""the end of what has no end"""
_FIRST, _LAST = SINCE_EVER.toordinal(), FOR_EVER.toordinal()
_MIDNIGHT = time()


class Span(NamedTuple):
    """From ``start`` up to, not including, ``until`` (UTC)."""

    start: datetime
    until: datetime

    def meet(self, other: Span) -> Span:
        """Return what two spans share; it ends where it begins, or before, if that is nothing."""
        return Span(max(self.start, other.start), min(self.until, other.until))

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.until - self.start


ALWAYS = Span(SINCE_EVER, FOR_EVER)
_START = attrgetter("start")


def utc(at: datetime) -> datetime:
    """Return the same instant in UTC, inside `ALWAYS`.

    Raises:
        ValueError: ``at`` has no time zone, and so is no instant.
    """
    if at.tzinfo is None:
        msg = f"{at} has no time zone"
        raise ValueError(msg)
    shown = at.replace(tzinfo=UTC)  # within a day of the instant, and never out of range
    last = FOR_EVER - timedelta.resolution
    inside = SINCE_EVER < shown < FOR_EVER
    return min(max(at.astimezone(UTC) if inside else shown, SINCE_EVER), last)


def instant(day: int, clock: time, zone: ZoneInfo) -> datetime:
    """Return when the clock of ``zone`` shows ``clock`` on a day, given as its ordinal."""
    if not _FIRST < day < _LAST:
        return SINCE_EVER if day <= _FIRST else FOR_EVER
    return datetime.combine(date.fromordinal(day), clock, tzinfo=zone).astimezone(UTC)


def local_day(at: datetime, zone: ZoneInfo) -> int:
    """Return the ordinal of the day that the calendar of ``zone`` shows at an instant."""
    return at.astimezone(zone).toordinal()


def whole_day(day: int, zone: ZoneInfo) -> Span:
    """Return a day from midnight to midnight in ``zone``: 23 or 25 hours if the clock changes."""
    return Span(instant(day, _MIDNIGHT, zone), instant(day + 1, _MIDNIGHT, zone))


class Track(Generic[T]):
    """A value over some stretches of time, none in between; takes them sorted and disjoint."""

    def __init__(self, pieces: Iterable[tuple[Span, T]]) -> None:
        self.pieces = [(span, value) for span, value in pieces if span.start < span.until]
        self._spans = [span for span, _ in self.pieces]

    def at(self, at: datetime) -> tuple[Span, T | None]:
        """Return the value at an instant, None where there is none, and how long that is so."""
        following = bisect_right(self._spans, at, key=_START)
        start = SINCE_EVER
        if following:
            span, value = self.pieces[following - 1]
            if at < span.until:
                return span, value
            start = span.until
        more = following < len(self._spans)
        return Span(start, self._spans[following].start if more else FOR_EVER), None


def layered(entries: Sequence[tuple[Span, T]]) -> Iterator[tuple[Span, T]]:
    """Cut spans that overlap, so that at every instant the one that is listed last remains."""
    order = sorted(range(len(entries)), key=lambda index: entries[index][0].start, reverse=True)
    live: list[int] = []  # a heap of indexes, negated so that the last one listed is on top
    shown: tuple[Span, int] | None = None
    for start, until in pairwise(sorted({edge for span, _ in entries for edge in span})):
        while order and entries[order[-1]][0].start <= start:
            heapq.heappush(live, -order.pop())
        while live and entries[-live[0]][0].until <= start:
            heapq.heappop(live)
        if shown and (not live or shown[1] != -live[0]):
            yield shown[0], entries[shown[1]][1]
            shown = None
        if live:
            shown = Span(shown[0].start if shown else start, until), -live[0]
    if shown:
        yield shown[0], entries[shown[1]][1]


def union(spans: Iterable[Span]) -> list[Span]:
    """Join the spans that touch or overlap, earliest first; empty ones are left out."""
    joined: list[Span] = []
    for span in sorted(span for span in spans if span.start < span.until):
        if joined and span.start <= joined[-1].until:
            joined[-1] = Span(joined[-1].start, max(joined[-1].until, span.until))
        else:
            joined.append(span)
    return joined


def shared(some: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    """Yield what two sorted lists of disjoint spans have in common, earliest first."""
    mine = theirs = 0
    while mine < len(some) and theirs < len(others):
        both = some[mine].meet(others[theirs])
        if both.start < both.until:
            yield both
        if some[mine].until <= others[theirs].until:
            mine += 1
        else:
            theirs += 1


def total(spans: Iterable[Span]) -> timedelta:
    """Add up the lengths."""
    return sum((span.length for span in spans), timedelta())


def minus(some: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    """Yield what is left of a sorted list of disjoint spans without another one."""
    edges = [ALWAYS.start, *(edge for span in others for edge in span), ALWAYS.until]
    gaps = [Span(start, until) for start, until in zip(edges[::2], edges[1::2], strict=True)]
    return shared(some, gaps)
