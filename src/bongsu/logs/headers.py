"""Where a raw line's header ends: date, time, host, level, component, found by comparing the lines.

No format is configured. A line is looked at as columns, each of a class by its look (a number, a level, something in
brackets, a word with a colon behind it ...). A column at which nearly all lines agree in a class belongs to the header;
words in between do as well. Lines that begin differently are compared apart, so that a mixture of
formats has several headers.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

COLUMN = re.compile(r"(\[(?:[^\[\]]|\[[^\[\]]*\])*\]:?|[^\s|]+)(?:\s*\|\s*|\s+|$)")
LEVEL = re.compile(
    r"[<(]?(?:trace|debug|info|information|notice|warn|warning|error|err|fatal|crit|critical|alert|emerg|severe|panic|failure"
    r"|[DIWEVF])[>),:]?",
    re.IGNORECASE,
)
MONTH = re.compile(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun),?")
MARK = re.compile(r"[^\w\s\[\](){}\"'<]+")
TIME = re.compile(
    r"(?<![\d.])\d{1,2}:\d\d(?!\d{3})|\d{4}[-./]\d\d?[-./]\d\d?|(?<![\d.])\d\d?[-./]\d\d?[-./]\d{2,4}(?![.\d])"
    r"|^\[?(?:\d{6}|\d{8}|\d{10}|\d{13,19})(?:\.\d+)?\]?$"
)
AGREEMENT = 0.9
"""share of the lines that must agree in a column's class"""
SAMPLE = 5000
WIDEST = 14
"""columns that a header may have"""
FEWEST = 3
"""lines of one beginning that can be compared"""


def class_of(column: str) -> str:
    """Return a column's class, one letter."""
    if column[0] == "[":
        return "B"
    if MONTH.fullmatch(column):
        return "M"
    if LEVEL.fullmatch(column):
        return "L"
    if MARK.fullmatch(column):
        return "S"
    if column[-1] == ":":
        return "C"
    if any(map(str.isdigit, column)):
        return "N"
    return "W"


class Columns:
    """The beginning of one line, as columns."""

    __slots__ = ("classes", "ends", "timed")

    def __init__(self, line: str) -> None:
        classes: list[str] = []
        ends: list[int] = []
        place = 0
        self.timed = -1
        """the first column that has a date or time in it"""
        while len(ends) < WIDEST and (found := COLUMN.match(line, place)):
            classes.append(class_of(found[1]))
            place = found.end()
            if self.timed < 0 and classes[-1] in "NBC" and TIME.search(found[1]):
                self.timed = len(ends)
            ends.append(place)
        self.classes = "".join(classes)
        self.ends = ends


def header_of(lines: Sequence[Columns]) -> str:
    """Return the classes of the header's columns, ``?`` for any; empty for no header."""
    found = []
    for place in range(WIDEST):
        seen = Counter(line.classes[place : place + 1] for line in lines)
        kind, count = seen.most_common(1)[0]
        longer = sum(seen.values()) - seen[""]
        if longer < AGREEMENT * len(lines):
            break
        found.append(kind if kind != "W" and count >= AGREEMENT * len(lines) else "?")
    header = "".join(found).rstrip("?")
    dated = sum(0 <= line.timed < len(header) for line in lines)
    return header if dated >= AGREEMENT * len(lines) else ""


def _dash(lines: Sequence[Columns], header: str) -> bool:
    """Tell whether soon after the header nearly all lines have a mark that ends it."""
    window = slice(len(header), len(header) + 4)
    return sum("S" in line.classes[window] for line in lines) >= AGREEMENT * len(lines)


def _length(line: Columns, header: str, *, dash: bool) -> int:
    """Return how many of the line's columns are header."""
    size = 0
    for place, (kind, wanted) in enumerate(zip(line.classes, header, strict=False)):
        if wanted == "?":
            continue
        if kind != wanted:
            break
        size = place + 1
    if dash and size == len(header):
        mark = line.classes.find("S", size, size + 4)
        size = mark + 1 if mark >= 0 else size
    return size


def content_starts(lines: Sequence[str]) -> list[int]:
    """Return for each line where its content begins; 0 for no header."""
    columns = [Columns(line) for line in lines]
    groups: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(columns):
        groups[line.classes[:1]].append(number)
    starts = [0] * len(lines)
    for members in groups.values():
        if len(members) < FEWEST:
            continue
        sample = [columns[m] for m in members[:: max(1, len(members) // SAMPLE)]]
        header = header_of(sample)
        if not header:
            continue
        dash = _dash(sample, header)
        for m in members:
            size = _length(columns[m], header, dash=dash)
            start = columns[m].ends[size - 1] if size else 0
            starts[m] = start if start < len(lines[m]) else 0
    return starts
