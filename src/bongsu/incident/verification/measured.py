"""What a test measured, by the names that a criterion may ask for, or why it could not be read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from bongsu.incident.alert import Remark
from bongsu.incident.body import Reason
from bongsu.incident.both import in_both

LONGEST_VALUE = 200
"""characters of each value of a reason"""
MOST_PLACES = 2000
"""beginnings of lines at which a result is looked for among what a program printed"""


class Measured(NamedTuple):
    """The values of `bongsu.manual.conditions.VARIABLES` that a test gives."""

    values: Mapping[str, object]
    flaw: Reason | None = None
    """why a pass could not be believed: an interrupted run, fewer requests than asked for, missed
    limits of the test's own"""
    series: tuple[float, ...] = ()
    """every series' ``value``, where a query gives several: the criterion must hold for each"""


class Unreadable(Exception):  # noqa: N818  what a tool left is no result; nothing of ours failed
    """There is no result; ``why`` says where and what."""

    def __init__(self, code: str, /, **values: object) -> None:
        self.why = Reason(code, {name: _written(value) for name, value in values.items()})
        super().__init__(f"{code} {self.why.values}")


def _written(value: object) -> str:
    """Write a value, bounded; a remark in both languages, for whoever reads it."""
    if isinstance(value, Remark):
        return in_both({lang: value.says(lang)[:LONGEST_VALUE] for lang in ("ko", "en")})
    return str(value)[:LONGEST_VALUE]


def document(text: str) -> object:
    """Return the JSON in ``text``: all of it, or the largest document that begins with a line.

    Tools that write their result to the standard output print other things there, too.

    Raises:
        Unreadable: there is none.
    """
    if not text.strip():
        raise Unreadable("result_empty")
    decoder, best, size, first = json.JSONDecoder(), None, 0, ""
    for start in _beginnings(text):
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            first = first or _gist(error)
            continue
        if end - start > size:
            best, size = found, end - start
    if not size:
        raise Unreadable("result_unreadable", place=first or "-", format="JSON")
    return best


def _beginnings(text: str) -> Iterator[int]:
    """Yield where a line begins with an object or a list."""
    place, count = 0, 0
    while 0 <= place < len(text) and count < MOST_PLACES:
        line = text[place : place + 1]
        if line in ("{", "["):
            count += 1
            yield place
        place = text.find("\n", place) + 1 or len(text)


def _gist(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    return type(error).__name__


def section(whole: object, *path: str) -> Mapping[str, object]:
    """Return an object inside a document.

    Raises:
        Unreadable: it is not there, or no object; names the place.
    """
    for number, name in enumerate(("", *path)):
        if name:
            assert isinstance(whole, Mapping)
            whole = whole.get(name)
        if not isinstance(whole, Mapping):
            raise Unreadable("result_unreadable", place=_place(path[:number]), format="object")
    assert isinstance(whole, Mapping)
    return whole


def _place(path: tuple[str, ...]) -> str:
    return ".".join(path) or "(top)"


def number(values: Mapping[str, object], *names: str) -> float | None:
    """Return the first of these that is there; None where none is.

    Raises:
        Unreadable: it is there, but no number.
    """
    for name in names:
        found = values.get(name)
        if found is None:
            continue
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            raise Unreadable("result_unreadable", place=name, format="number")
        return _float(found, name)
    return None


def _float(found: float, name: str) -> float:
    try:
        return float(found)
    except OverflowError:
        raise Unreadable("result_unreadable", place=name, format="number") from None


def count(values: Mapping[str, object], *names: str) -> int | None:
    """Return a number of things: finite, whole and not negative.

    Raises:
        Unreadable: it is there, but no such number.
    """
    found = number(values, *names)
    if found is None:
        return None
    if not math.isfinite(found) or found < 0:
        raise Unreadable("result_unreadable", place=names[0], format="count")
    return int(found)


def share(part: float, of: float) -> float:
    """Return ``part`` of ``of``, 0.0 to 1.0."""
    return min(max(part / of, 0.0), 1.0)


def milliseconds(value: float | None, name: str) -> timedelta | float | None:
    """Return a length of time; what is not finite stays as it is, for the criterion to refuse.

    Raises:
        Unreadable: no time is so long, or shorter than nothing.
    """
    if value is None or not math.isfinite(value):
        return value
    try:
        took = timedelta(milliseconds=value)
    except OverflowError:
        raise Unreadable("result_unreadable", place=name, format="time") from None
    if took < timedelta():
        raise Unreadable("result_unreadable", place=name, format="time")
    return took


def percentile(times: Mapping[float, int], rank: float) -> float | None:
    """Return a percentile of a histogram (value → how often) by the nearest rank."""
    total = sum(times.values())
    needed, seen = math.ceil(rank * total), 0
    for value in sorted(times):
        seen += times[value]
        if seen >= needed and total:
            return value
    return None


def load(requests: int, failed: float, **times: timedelta | float | None) -> Measured:
    """Put together what a load tool measured.

    Raises:
        Unreadable: it made no request.
    """
    if requests <= 0:
        raise Unreadable("no_requests")
    values: dict[str, object] = {
        "requests": requests, "error_rate": share(failed, requests),
        **{name: took for name, took in times.items() if took is not None},
    }  # fmt: skip
    return Measured(values)
