"""When a log record was written, by whatever form its time has.

A form has fixed columns, so the times of all records of a block are read at once, column by column;
a regular expression only finds where the time stands. Times are whole seconds since 1970 (UTC).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from mmap import mmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = bytes | bytearray | memoryview | mmap
Seconds = NDArray[np.int64]

UNKNOWN = -1
"""the time of a record before the first that has one"""
HEAD = 320
"""bytes of a record in which its time is looked for"""
PLACES = 24
"""columns that are tried for all records at once; beyond, each record is searched"""
MISSES = 16
"""records without a time in any known form, after which a block is taken to have no more"""

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
FORMS = (
    "YYYY-MM-DDTHH:mm:ss",  # ISO 8601, log4j, CRI, JSON's fields
    "DD/BBB/YYYY:HH:mm:ss",  # Apache, nginx
    "BBB dD HH:mm:ss YYYY",  # asctime
    "BBB dD HH:mm:ss",  # syslog
    "BBB D HH:mm:ss",
    "yy/MM/DD HH:mm:ss",
    "yyMMDD HHmmss",
    "YYYYMMDDTHH:mm:ss",
    "YYYYMMDDTHHmmss",
    "iMMDD HH:mm:ss",  # klog
    "MM-DD HH:mm:ss",
    "EEEEEEEEEE",  # seconds since 1970, or milliseconds
)
"""by what they are tried; the leftmost match counts, of two there the first"""

_SIGNS = {"-": b"-/.", "T": b"T _-", ":": b":.", "/": b"/", " ": b" ", "i": b"IWEF"}
_BEFORE = {"E": r"(?<![\w.-])", "i": r"(?<!\w)", "M": r"(?<![\w./:-])", "y": r"(?<![\w./:-])"}
_SPOKEN = re.compile(
    rb"(\d{4})(?:-|/|\. ?|\xeb\x85\x84 ?)(\d{1,2})(?:-|/|\. ?|\xec\x9b\x94 ?)(\d{1,2})"
    rb"(?:\. ?|\xec\x9d\xbc ?| |, )(?:(\xec\x98\xa4\xec\xa0\x84|\xec\x98\xa4\xed\x9b\x84|[AP]M) ?)?"
    rb"(\d{1,2})(?::|\xec\x8b\x9c ?)(\d{1,2})(?::|\xeb\xb6\x84 ?)(\d{1,2})(?: ?([AP]M))?"
)
"""``2025. 8. 14. 오후 2:30:05``, ``2025년 8월 14일 14시 30분 5초``: of no fixed width"""
_ZONE = re.compile(
    rb"(?:[.,:]\d{1,9})? ?(Z\b|UTC|GMT|KST|[+-](?:0\d|1[0-4]):?(?:00|15|30|45)(?!\d))"
)
KST = timezone(timedelta(hours=9), "KST")


class Form:
    """One fixed-width form of a time, read from many places at once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.signs = [(at, _SIGNS[c]) for at, c in enumerate(text) if c in _SIGNS]
        self.dated = "Y" in text or "y" in text or "E" in text

    @property
    def pattern(self) -> str:
        """The regular expression of the form."""
        classes = {**{c: f"[{s.decode().replace('-', '') + '-'}]" for c, s in _SIGNS.items()}}
        classes |= {"d": "[ 0-3]", "BBB": f"(?:{'|'.join(MONTHS)})"}
        pieces = re.findall(r"BBB|.", self.text)
        body = "".join(classes.get(piece, "[0-9]") for piece in pieces)
        after = r"(?=[0-9]{3}(?![0-9])|(?![0-9]))" if self.text[0] == "E" else "(?![0-9])"
        return _BEFORE.get(self.text[0], r"(?<![0-9])") + body + after

    def read(self, data: NDArray[np.uint8], at: Seconds, now: datetime) -> tuple[Seconds, Seconds]:
        """Return local seconds, and which of the places ``at`` hold such a time (as indices)."""
        good = np.flatnonzero(at + len(self.text) <= len(data))
        for column, signs in self.signs:
            good = good[np.isin(data[at[good] + column], np.frombuffer(signs, np.uint8))]
        at = at[good]
        if "E" in self.text:
            value, ok = self._number(data, at, "E")
            return value[ok], good[ok & ~_is_cut(data, at + len(self.text))]
        seconds, ok = self._calendar(data, at, now)
        return seconds[ok], good[ok]

    def _calendar(
        self, data: NDArray[np.uint8], at: Seconds, now: datetime
    ) -> tuple[Seconds, NDArray[np.bool_]]:
        month, ok = self._month(data, at)
        values = {}
        for letter, low, high in (("D", 1, 31), ("H", 0, 23), ("m", 0, 59), ("s", 0, 60)):
            values[letter], valid = self._number(data, at, letter)
            ok &= valid & (values[letter] >= low) & (values[letter] <= high)
        year, valid = self._year(data, at, now)
        ok &= valid & (month >= 1) & (month <= 12)  # noqa: PLR2004  a year's months
        days = _days(year, np.clip(month, 1, 12), values["D"])
        seconds = ((days * 24 + values["H"]) * 60 + values["m"]) * 60 + values["s"]
        if not self.dated:
            ahead = seconds > now.timestamp() + 86400
            seconds = np.where(
                ahead, seconds - (days - _days(year - 1, month, values["D"])) * 86400, seconds
            )
        return seconds, ok

    def _year(
        self, data: NDArray[np.uint8], at: Seconds, now: datetime
    ) -> tuple[Seconds, NDArray[np.bool_]]:
        if "Y" in self.text:
            year, ok = self._number(data, at, "Y")
            return year, ok & (year >= 1970)  # noqa: PLR2004  where time begins
        if "y" in self.text:
            year, ok = self._number(data, at, "y")
            return year + 2000, ok
        return np.full(len(at), now.year, np.int64), np.ones(len(at), np.bool_)

    def _month(self, data: NDArray[np.uint8], at: Seconds) -> tuple[Seconds, NDArray[np.bool_]]:
        if "B" not in self.text:
            return self._number(data, at, "M")
        first = self.text.index("B")
        letters = [data[at + first + k].astype(np.int64) for k in range(3)]
        code = (letters[0] << 16) | (letters[1] << 8) | letters[2]
        month = _MONTH_OF[np.searchsorted(_MONTH_CODES, code).clip(0, 11)]
        return month, _MONTH_CODES[np.searchsorted(_MONTH_CODES, code).clip(0, 11)] == code

    def _number(
        self, data: NDArray[np.uint8], at: Seconds, letter: str
    ) -> tuple[Seconds, NDArray[np.bool_]]:
        value = np.zeros(len(at), np.int64)
        ok = np.ones(len(at), np.bool_)
        for column, name in enumerate(self.text):
            if name == letter or (name == "d" and letter == "D"):
                digit = data[at + column].astype(np.int64) - ord("0")
                if name == "d":
                    digit = np.where(digit == ord(" ") - ord("0"), 0, digit)
                ok &= (digit >= 0) & (digit <= 9)  # noqa: PLR2004  what a digit is
                value = value * 10 + digit
        return value, ok


def _is_cut(data: NDArray[np.uint8], at: Seconds) -> NDArray[np.bool_]:
    """Whether seconds since 1970 go on otherwise than as milliseconds."""
    digits = np.zeros(len(at), np.int64)
    going = np.ones(len(at), np.bool_)
    for k in range(4):
        here = data[np.minimum(at + k, len(data) - 1)]
        going &= (here >= ord("0")) & (here <= ord("9")) & (at + k < len(data))
        digits += going
    cut: NDArray[np.bool_] = (digits != 0) & (digits != 3)  # noqa: PLR2004  milliseconds have three more
    return cut


def _days(year: Seconds, month: Seconds, day: Seconds) -> Seconds:
    months = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    first: Seconds = months.astype("datetime64[D]").astype(np.int64)
    days: Seconds = first + day - 1
    return days


_CODES = [int.from_bytes(name.encode(), "big") for name in MONTHS]
_MONTH_OF = np.argsort(np.array(_CODES)).astype(np.int64) + 1
_MONTH_CODES = np.sort(np.array(_CODES, np.int64))
_FORMS = tuple(Form(text) for text in FORMS)
_ANY = re.compile("|".join(f"({form.pattern})" for form in _FORMS).encode())


class Place(NamedTuple):
    """A form, and the column where it begins in a record."""

    form: int
    column: int


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
        found = _ANY.search(self.head(row))
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
        self._places: dict[Place, int] = {}
        self._last = UNKNOWN

    def times(self, data: Bytes, starts: Seconds, ends: Seconds) -> Seconds:
        """Return each record's time, ``(n,)`` seconds since 1970, `UNKNOWN` where none is known."""
        block = _Records(data, np.frombuffer(data, np.uint8), starts, ends)
        found = np.full(len(starts), UNKNOWN, np.int64)
        todo = np.arange(len(starts))
        for place in sorted(self._places, key=self._places.__getitem__, reverse=True):
            if not len(todo):
                break
            todo = self._read(place, block, todo, found)
        todo = self._learn(block, todo, found)
        self.dated += len(starts) - len(todo) - self._disbelieve(found)
        return self._filled(found)

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
            self._keep(_FORMS[form], block, columns_of, rows, found)
        todo = todo[found[todo] == UNKNOWN]
        for row in todo.tolist():
            self._read_spoken(block, row, found)
        return _left(todo, found)

    def _read(self, place: Place, block: _Records, todo: Seconds, found: Seconds) -> Seconds:
        got = self._keep(_FORMS[place.form], block, place.column, todo, found)
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
        local, good = form.read(block.view, at, self.now)
        if len(good):
            end = int(at[good[0]]) + len(form.text)
            after = bytes(block.data[end : end + 20])
            found[rows[good]] = local - self._offset(form, after, int(local[0]))
            self.guessed_year |= not form.dated
        return len(good)

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
        latest = int(self.now.timestamp()) + 600
        for zone in (self.zone, UTC, KST):
            if local - _east(zone, local) <= latest:
                self.zone = zone
                return

    def _read_spoken(self, block: _Records, row: int, found: Seconds) -> bool:
        match = _SPOKEN.search(block.head(row))
        if match is None or (local := _spoken(match)) is None:
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


def _spoken(found: re.Match[bytes]) -> int | None:
    year, month, day, hour, minute, second = (int(found[k]) for k in (1, 2, 3, 5, 6, 7))
    half = found[4] or found[8]
    if half is not None:
        hour = hour % 12 + (12 if half in ("오후".encode(), b"PM") else 0)
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        return None


def has_time(text: str) -> bool:
    """Whether a time in one of the known forms stands in a text."""
    return _ANY.search(text.encode()) is not None or _SPOKEN.search(text.encode()) is not None
