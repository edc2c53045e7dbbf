"""What is quoted of records, masked: a sample, and the values of a template's variable parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from bongsu.logs.analysis import Variable
from bongsu.logs.masking import mask
from bongsu.logs.timeforms import has_time

SAMPLE = 8192
"""characters of a sample"""
VALUE, VALUES, COUNTED = 80, 5, 1000
"""characters of a value; how many are told; how many different ones are counted"""

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SPEAKS_OF_ERROR = re.compile(
    r"error|exception|fail(?:ed|ure|s\b|ing)|\bfatal|\bpanic|\bcrit(?:ical)?\b|\bsevere\b|\bemerg"
    r"|\balert\b|traceback|time(?:d )?-?out|refused|\bdenied|\bunreachable|\bunavailable|\boom\b"
    r"|out of memory|\bkilled\b|\baborted|\bcorrupt|오류|에러|실패|예외|장애|거부|초과|불가|중단",
    re.IGNORECASE,
)
_NO_ERROR = re.compile(r"\b(?:no|0|without) errors?\b|errors?[=:] ?0\b|오류 없", re.IGNORECASE)


def readable(record: bytes) -> str:
    """Return a record as text that is safe to show: no terminal's commands, secrets masked."""
    text = _ANSI.sub("", record.decode(errors="replace").replace("\r\n", "\n").rstrip("\r"))
    return mask(_CONTROL.sub("\ufffd", text))


def speaks_of_error(text: str) -> bool:
    """Whether a text has the words or the level by which logs tell of an error."""
    return SPEAKS_OF_ERROR.search(_NO_ERROR.sub("", text)) is not None


def values(line: str, template: str) -> list[str] | None:
    """Return what stands in a line where its template has ``<*>``; None if they don't fit."""
    head, *literals = template.split("<*>")
    if not line.startswith(head):
        return None
    found, at = [], len(head)
    for number, literal in enumerate(literals):
        last = number == len(literals) - 1
        end = _end(line, literal, at, last=last)
        if end < 0:
            return None
        found.append(line[at:end])
        at = end + len(literal)
    return found


def _end(line: str, literal: str, at: int, *, last: bool) -> int:
    if not last:
        return line.find(literal, at)
    if not literal:
        return len(line)
    return (
        len(line) - len(literal)
        if line.endswith(literal) and len(line) - len(literal) >= at
        else -1
    )


def variables(records: Iterable[bytes], template: str) -> tuple[Variable, ...]:
    """Return the values of a template's variable parts in records, by place.

    A part that is different in every record, such as a time, is left out. Values are masked as the
    whole line is, so that what stands before them says what they are.
    """
    shown = mask(template)
    places: list[Counter[str]] = [Counter() for _ in range(shown.count("<*>"))]
    fitting = 0
    for record in records:
        got = values(readable(record.partition(b"\n")[0]), shown)
        if got is None:
            continue
        fitting += 1
        for counter, value in zip(places, got, strict=True):
            if len(counter) < COUNTED or value in counter:
                counter[value[:VALUE]] += 1
    return tuple(
        Variable(place, tuple(counter.most_common(VALUES)), len(counter))
        for place, counter in enumerate(places)
        if counter and _tells(counter, fitting)
    )


def _tells(counter: Counter[str], fitting: int) -> bool:
    value, count = counter.most_common(1)[0]
    return not has_time(value) and (fitting <= 2 or count > 1)  # noqa: PLR2004  too few to tell
