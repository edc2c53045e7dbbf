"""The forms that the time of a log record may have, each read from many places at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

Bytes = bytes | bytearray | memoryview | mmap
Seconds = NDArray[np.int64]

UNKNOWN = -1
"""the time of a record before the first that has one"""
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

OF_DAY = "HH;mm;ss"
"""a time without a day; only at a record's beginning, where no record has any other form"""
DAY_S = 86400
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_SIGNS = {"-": b"-/.", "T": b"T _-", ":": b":.", ";": b":", "/": b"/", " ": b" ", "i": b"IWEF"}
_BEFORE = {"E": r"(?<![\w.-])", "i": r"(?<!\w)", "M": r"(?<![\w./:-])", "y": r"(?<![\w./:-])"}
SPOKEN = re.compile(
    rb"(\d{4})(?:-|/|\. ?|\xeb\x85\x84 ?)(\d{1,2})(?:-|/|\. ?|\xec\x9b\x94 ?)(\d{1,2})"
    rb"(?:\. ?|\xec\x9d\xbc ?| |, )(?:(\xec\x98\xa4\xec\xa0\x84|\xec\x98\xa4\xed\x9b\x84|[AP]M) ?)?"
    rb"(\d{1,2})(?::|\xec\x8b\x9c ?)(\d{1,2})(?::|\xeb\xb6\x84 ?)(\d{1,2})(?: ?([AP]M))?"
)
"""``2025. 8. 14. 오후 2:30:05``, ``2025년 8월 14일 14시 30분 5초``: of no fixed width"""


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

    def read(
        self, data: NDArray[np.uint8], at: Seconds, now: datetime = NEVER
    ) -> tuple[Seconds, Seconds]:
        """Return local seconds, and which of the places ``at`` hold such a time (as indices).

        ``now`` is needed for forms without a year; those without a day have seconds since midnight.
        """
        good = np.flatnonzero(at + len(self.text) <= len(data))
        for column, signs in self.signs:
            good = good[np.isin(data[at[good] + column], np.frombuffer(signs, np.uint8))]
        at = at[good]
        if "E" in self.text:
            value, ok = self._number(data, at, "E")
            return value[ok], good[ok & ~_is_cut(data, at + len(self.text))]
        seconds, ok = self._of_day(data, at)
        if self.text != OF_DAY:
            seconds, ok = self._calendar(data, at, now, seconds, ok)
        return seconds[ok], good[ok]

    def _of_day(self, data: NDArray[np.uint8], at: Seconds) -> tuple[Seconds, NDArray[np.bool_]]:
        seconds, ok = np.zeros(len(at), np.int64), np.ones(len(at), np.bool_)
        for letter, most in (("H", 23), ("m", 59), ("s", 60)):
            value, valid = self._number(data, at, letter)
            seconds = seconds * 60 + value
            ok &= valid & (value <= most)
        return seconds, ok

    def _calendar(
        self,
        data: NDArray[np.uint8],
        at: Seconds,
        now: datetime,
        of_day: Seconds,
        ok: NDArray[np.bool_],
    ) -> tuple[Seconds, NDArray[np.bool_]]:
        month, good = self._month(data, at)
        day, valid = self._number(data, at, "D")
        year, known = self._year(data, at, now)
        ok = ok & good & valid & known & (day >= 1) & (day <= 31)  # noqa: PLR2004  a month's days
        ok &= (month >= 1) & (month <= 12)  # noqa: PLR2004  a year's months
        days = _days(year, np.clip(month, 1, 12), day)
        seconds = days * DAY_S + of_day
        if not self.dated:
            ahead = seconds > now.timestamp() + DAY_S
            seconds = np.where(
                ahead, seconds - (days - _days(year - 1, month, day)) * DAY_S, seconds
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
READERS = tuple(Form(text) for text in FORMS)
TIME_OF_DAY = Form(OF_DAY)
_BARE = re.compile(rb"\A\W?\d\d:\d\d:\d\d\b")
ANY = re.compile("|".join(f"({form.pattern})" for form in READERS).encode())


def spoken(found: re.Match[bytes]) -> int | None:
    """Return the local seconds that a match of `SPOKEN` says, or None if there is no such time."""
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
    return any(form.search(text.encode()) for form in (ANY, SPOKEN, _BARE))
