"""When a log record was written, by whatever form its time has.

A form has fixed columns, so the times of all records of a block are read at once, column by column;
a regular expression only finds where the time stands. Times are whole seconds since 1970 (UTC).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.daytimes import SOON, Days, begin_with_times, times_of_day, until_now
from bongsu.logs.timeforms import ANY, READERS, SPOKEN, UNKNOWN, Bytes, Form, Seconds, spoken

HEAD = 320
"""bytes of a record in which its time is looked for"""
PLACES = 24
"""columns that are tried for all records at once; beyond, each record is searched"""
MISSES = 16
"""records without a time in any known form, after which a block is taken to have no more"""

_ZONE = re.compile(
    rb"(?:[.,:]\d{1,9})? ?(Z\b|UTC|GMT|KST|[+-](?:0\d|1[0-4]):?(?:00|15|30|45)(?!\d))"
)
KST = timezone(timedelta(hours=9), "KST")


class Place(NamedTuple):
    """A form, and the column where it begins in a record."""

    form: int
    column: int


FEW = 64
"""records that are not worth looking for the same second"""
AHEAD = timedelta(days=1)
"""by which a time may lie ahead of now: clocks and zones differ"""


class _Records(NamedTuple):
    """The records of one block."""

    data: Bytes
    view: NDArray[np.uint8]
    starts: Seconds
    ends: Seconds

    def head(self, row: int) -> bytes:
        start = int(self.starts[row])
        return bytes(self.data[start : min(int(self.ends[row]), start + HEAD)])

    def place(self, row: int) -> Place | None:
        """Return where the leftmost time of a record stands, and in which form."""
        found = ANY.search(self.head(row))
        if found is None or found.lastindex is None:
            return None
        return Place(found.lastindex - 1, found.start())


class Clock:
    """Reads the times of one source's records, block by block.

    ``zone`` is what a time without a zone is taken for. A record without a time has that of the
    record before it, as has one whose time is more than `AHEAD` of ``now``: ``ahead`` counts those.
    ``dated`` counts records that have one of their own.
    """

    def __init__(self, now: datetime, zone: tzinfo = UTC) -> None:
        self.now = now
        self.zone = zone
        self.zoned: bool | None = None
        """whether the source says its zone; None while no time was seen"""
        self.guessed_year = False
        self.dated = self.ahead = 0
        self.daily = False
        """whether the source has times of day only: its times count from a midnight of its own"""
        self._days = Days()
        self._places: dict[Place, int] = {}
        self._last = UNKNOWN

    def times(self, data: Bytes, starts: Seconds, ends: Seconds) -> Seconds:
        """Return each record's time, ``(n,)`` seconds since 1970, `UNKNOWN` where none is known."""
        block = _Records(data, np.frombuffer(data, np.uint8), starts, ends)
        if not self.daily:
            found = self._dated_times(block)
            self.daily = not self.dated and begin_with_times(block.view, starts, ends)
        if self.daily:
            found = self._days.unrolled(times_of_day(block.view, starts, ends))
            self.dated += int(np.count_nonzero(found != UNKNOWN))
        return self._filled(found)

    def since_1970(self, last: int) -> int:
        """Return what to add to a daily source's times if the last was written just now."""
        now = int(self.now.timestamp())
        local = until_now(last, now + _east(self.zone, now))
        return local - _east(self.zone, last + local)

    def _dated_times(self, block: _Records) -> Seconds:
        found = np.full(len(block.starts), UNKNOWN, np.int64)
        todo = np.arange(len(block.starts))
        for place in sorted(self._places, key=self._places.__getitem__, reverse=True):
            if not len(todo):
                break
            todo = self._read(place, block, todo, found)
        todo = self._learn(block, todo, found)
        self.dated += len(found) - len(todo) - self._disbelieve(found)
        return found

    def _disbelieve(self, found: Seconds) -> int:
        """Take away times that lie ahead of now: one of them would be the end of the window."""
        ahead = found > (self.now + AHEAD).timestamp()
        found[ahead] = UNKNOWN
        count = int(np.count_nonzero(ahead))
        self.ahead += count
        return count

    def _learn(self, block: _Records, todo: Seconds, found: Seconds) -> Seconds:
        """Look for times in columns that are not known yet, at a few records of all."""
        for k in range(PLACES + MISSES):
            if not len(todo):
                return todo
            if len(self._places) >= PLACES:
                return self._each(block, todo, found)
            # The first of all, then some from everywhere: a log may begin with a long banner.
            row = int(todo[k * 7919 % len(todo)])
            place = block.place(row)
            if place is not None:
                todo = self._read(place, block, todo, found)
            if found[row] == UNKNOWN and self._read_spoken(block, row, found):
                return self._each(block, todo[found[todo] == UNKNOWN], found)
        return todo

    def _each(self, block: _Records, todo: Seconds, found: Seconds) -> Seconds:
        """Search every record by itself: the time stands elsewhere in each."""
        columns: dict[int, list[tuple[int, int]]] = {}
        for row in todo.tolist():
            place = block.place(row)
            if place is not None:
                columns.setdefault(place.form, []).append((row, place.column))
        for form, cells in columns.items():
            rows = np.array([row for row, _ in cells])
            columns_of = np.array([column for _, column in cells])
            self._keep(READERS[form], block, columns_of, rows, found)
        todo = todo[found[todo] == UNKNOWN]
        for row in todo.tolist():
            self._read_spoken(block, row, found)
        return _left(todo, found)

    def _read(self, place: Place, block: _Records, todo: Seconds, found: Seconds) -> Seconds:
        got = self._keep(READERS[place.form], block, place.column, todo, found)
        if got:
            self._places[place] = self._places.get(place, 0) + got
        return _left(todo, found)

    def _keep(
        self, form: Form, block: _Records, columns: Seconds | int, rows: Seconds, found: Seconds
    ) -> int:
        at = block.starts[rows] + columns
        # A short record's column may lie in the record after.
        inside = at + len(form.text) <= block.ends[rows]
        at, rows = at[inside], rows[inside]
        local, good = self._read_changes(form, block.view, at)
        if len(good):
            end = int(at[good[0]]) + len(form.text)
            after = bytes(block.data[end : end + 20])
            found[rows[good]] = local - self._offset(form, after, int(local[0]))
            self.guessed_year |= not form.dated
        return len(good)

    def _read_changes(
        self, form: Form, view: NDArray[np.uint8], at: Seconds
    ) -> tuple[Seconds, Seconds]:
        """Read as `Form.read` does, once for records of the same second that follow each other."""
        if len(at) < FEW or form.text[0] == "E":
            return form.read(view, at, self.now)
        changed = _changes(view, at, len(form.text))
        local, good = form.read(view, at[changed], self.now)
        told = np.full(int(np.count_nonzero(changed)), UNKNOWN, np.int64)
        told[good] = local
        told = told[np.cumsum(changed) - 1]
        good = np.flatnonzero(told != UNKNOWN)
        return told[good], good

    def _offset(self, form: Form, after: bytes, local: int) -> int:
        """Return the zone's seconds east of UTC, as said after the time or else as guessed."""
        if form.text[0] == "E":
            self.zoned = True
            return 0
        said = _ZONE.match(after)
        self.zoned = said is not None or bool(self.zoned)
        if said is not None:
            return _said(said[1])
        self._guess_zone(local)
        return _east(self.zone, local)

    def _guess_zone(self, local: int) -> None:
        """Nothing was written in the future: where it seems so, the zone must be another one."""
        latest = int(self.now.timestamp()) + SOON
        for zone in (self.zone, UTC, KST):
            if local - _east(zone, local) <= latest:
                self.zone = zone
                return

    def _read_spoken(self, block: _Records, row: int, found: Seconds) -> bool:
        match = SPOKEN.search(block.head(row))
        if match is None or (local := spoken(match)) is None:
            return False
        found[row] = local - _east(self.zone, local)
        self.zoned = bool(self.zoned)
        return True

    def _filled(self, found: Seconds) -> Seconds:
        """Give records without a time that of the record before."""
        known = np.where(found == UNKNOWN, -1, np.arange(len(found)))
        at = np.maximum.accumulate(known) if len(known) else known
        filled = np.where(at < 0, self._last, found[at])
        if len(filled):
            self._last = int(filled[-1])
        return filled


def _changes(view: NDArray[np.uint8], at: Seconds, width: int) -> NDArray[np.bool_]:
    """Tell which of the texts at some places are not those of the place before."""
    words = np.ndarray((len(view) - 7,), np.uint64, view, 0, (1,))
    changed = np.zeros(len(at), np.bool_)
    changed[0] = True
    for column in {0, 8 if width > 16 else width - 8, width - 8}:  # noqa: PLR2004  words have eight
        here = words[at + column]
        changed[1:] |= here[1:] != here[:-1]
    return changed


def _left(todo: Seconds, found: Seconds) -> Seconds:
    left: Seconds = todo[found[todo] == UNKNOWN]
    return left


def _said(zone: bytes) -> int:
    if zone[:1] not in b"+-":
        return 9 * 3600 if zone == b"KST" else 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return minutes * (-60 if zone[:1] == b"-" else 60)


def _east(zone: tzinfo, local: int) -> int:
    offset = (
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=local))
        .replace(tzinfo=zone)
        .utcoffset()
    )
    return int(offset.total_seconds()) if offset is not None else 0
