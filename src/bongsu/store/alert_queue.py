"""What waits to be written: parts of signals, first in first out, each with who waits for it.

Two statements may be under way at once, so the order in which an alert's changes are written
is guarded here: a part whose alerts are just being written, or that says of an alert something
else than an earlier part of the same statement, waits, and so does everything behind it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from bongsu.incident.alert import Alert
from bongsu.store.alert_rows import Row, to_row
from bongsu.store.signals import Signal

MOST_ROWS = 100_000
MOST_BYTES = 64 * 2**20
"""alerts and bytes that may wait; more is refused, so that what is accepted is answered in time"""
ROWS_PER_STATEMENT = 1_000
"""beyond this a statement gets longer, but not cheaper by the row"""


FLOOD = 200
"""alerts within the last 0.1 to 0.2 seconds that make a flood"""


class Tide:
    """Tells whether alerts come in floods."""

    def __init__(self) -> None:
        self._tenth = 0
        self._now = self._before = 0

    def note(self, count: int, now: float) -> None:
        """Note that alerts came in; ``now`` is in seconds."""
        self._turn(now)
        self._now += count

    def high(self, now: float) -> bool:
        """Whether many have come in just now."""
        self._turn(now)
        return self._now + self._before >= FLOOD

    def _turn(self, now: float) -> None:
        tenth = int(now * 10)
        if tenth != self._tenth:
            self._before = self._now if tenth == self._tenth + 1 else 0
            self._now, self._tenth = 0, tenth


class Receipt:
    """Says when every part of one signal is durable."""

    __slots__ = ("_left", "future", "since")

    def __init__(self, future: asyncio.Future[None], parts: int, since: float) -> None:
        self.future = future
        self._left = parts
        self.since = since
        """when the signal came, on the event loop's clock"""

    def part_done(self) -> None:
        """Note that one more part is durable."""
        self._left -= 1
        if not self._left and not self.future.done():
            self.future.set_result(None)

    def fail(self, error: Exception) -> None:
        """Tell who waits that the signal was not kept as a whole."""
        if not self.future.done():
            self.future.set_exception(error)


class Part(NamedTuple):
    """Rows of one signal, at most as many as one statement writes, each alert once."""

    rows: dict[str, Row]
    received_at: datetime
    signal: Signal | None
    """the signal itself, with its first part"""
    receipt: Receipt


class Batch(NamedTuple):
    """What one statement writes."""

    parts: list[Part]
    rows: dict[str, Row]


NOTHING = Batch([], {})


def split(integration: str, alerts: Sequence[Alert]) -> list[dict[str, Row]]:
    """Prepare a signal's alerts, in parts that one statement writes."""
    return in_parts([to_row(integration, alert) for alert in alerts])


def in_parts(prepared: Sequence[Row]) -> list[dict[str, Row]]:
    """Divide a signal's rows into parts that one statement writes.

    An alert that occurs twice is merged, or goes into a later part where the two differ in status.
    """
    rows = {row.id: row for row in prepared}
    if len(rows) == len(prepared) <= ROWS_PER_STATEMENT:
        return [rows]
    return list(_split(prepared))


def _split(rows: Sequence[Row]) -> Iterator[dict[str, Row]]:
    part: dict[str, Row] = {}
    for row in rows:
        former = part.get(row.id)
        differs = former is not None and former.status != row.status
        if differs or len(part) >= ROWS_PER_STATEMENT:
            yield part
            part, former = {}, None
        part[row.id] = row if former is None else again(former, row)
    yield part


def again(former: Row, row: Row) -> Row:
    """Merge two signals about one alert that say the same of it: the later one's words count."""
    return row._replace(times=former.times + row.times)


class Queue:
    """Parts in the order of their arrival."""

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()
        self.rows = 0
        """rows that wait"""
        self.bytes = 0
        """bytes of the signals that wait"""

    @property
    def full(self) -> bool:
        """Whether as much waits as can be written in reasonable time."""
        return self.rows >= MOST_ROWS or self.bytes >= MOST_BYTES

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, part: Part) -> None:
        """Put a part at the end."""
        self._parts.append(part)
        self._weigh(part, 1)

    def put_back(self, parts: Sequence[Part]) -> None:
        """Put parts at the front again, in the order in which they were taken."""
        for part in reversed(parts):
            self._parts.appendleft(part)
            self._weigh(part, 1)

    def take(self, busy: Sequence[Mapping[str, Row]]) -> Batch:
        """Take from the front what one statement may write while ``busy`` are being written."""
        parts: list[Part] = []
        rows: dict[str, Row] = {}
        while self._parts:
            part = self._parts[0]
            if len(rows) + len(part.rows) > ROWS_PER_STATEMENT and parts:
                break
            if _overlaps(part.rows, busy):
                break
            if not _merged(rows, part.rows):
                break
            parts.append(self._parts.popleft())
            self._weigh(part, -1)
        return Batch(parts, rows)

    def take_before(self, since: float) -> list[Part]:
        """Take all parts from the front that came before a time."""
        parts: list[Part] = []
        while self._parts and self._parts[0].receipt.since <= since:
            parts.append(self._parts.popleft())
            self._weigh(parts[-1], -1)
        return parts

    def _weigh(self, part: Part, sign: int) -> None:
        self.rows += sign * len(part.rows)
        if part.signal is not None:
            self.bytes += sign * len(part.signal.raw)


def _overlaps(rows: Mapping[str, Row], busy: Sequence[Mapping[str, Row]]) -> bool:
    keys = rows.keys()
    return any(others and not keys.isdisjoint(others.keys()) for others in busy)


def _merged(rows: dict[str, Row], more: dict[str, Row]) -> bool:
    """Add a part's rows, unless one of them must come in a later statement."""
    if more.keys().isdisjoint(rows.keys()):
        rows.update(more)
        return True
    twice = more.keys() & rows.keys()
    if any(rows[key].status != more[key].status for key in twice):
        return False
    rows.update(more | {key: again(rows[key], more[key]) for key in twice})
    return True
