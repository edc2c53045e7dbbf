"""Where a raw line's header ends: date, time, host, level, component, found by comparing the lines.

No format is configured. A line is looked at as columns, each of a class by its look (a number, a
level, something in brackets, a word with a colon behind it ...). A column at which nearly all lines
agree in a class belongs to the header; words in between do as well. Lines that begin differently
are compared apart, so that a mixture of formats has several headers.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

COLUMN = re.compile(r"(\[(?:[^\[\]]|\[[^\[\]]*\])*\]:?|[^\s|]+)(?:\s*\|\s*|\s+|$)", re.ASCII)
LEVEL = re.compile(
    r"[<(]?(?:trace|debug|info|information|notice|warn|warning|error|err|fatal|crit|critical|alert|emerg|severe|panic|failure"
    r"|[DIWEVF])[>),:]?",
    re.IGNORECASE,
)
MONTH = re.compile(
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun),?"
)
MARK = re.compile(r"[^\w\s\[\](){}\"'<]+")
TIME = re.compile(
    r"(?<![\d.])\d{1,2}:\d\d(?!\d{3})|\d{4}[-./]\d\d?[-./]\d\d?|(?<![\d.])\d\d?[-./]\d\d?[-./]\d{2,4}(?![.\d])"
    r"|^\[?(?:\d{6}|\d{8}|\d{10}|\d{13,19})(?:\.\d+)?\]?$"
)
DIGIT = re.compile(r"\d")
LOOKS = {"M": MONTH, "L": LEVEL, "S": MARK}
AGREEMENT = 0.9
"""share of the lines that must agree in a column's class"""
SAMPLE = 5000
WIDEST = 14
"""columns that a header may have"""
BEHIND = 4
"""columns behind it in which a mark may end it"""
WORDS_BETWEEN = 2
FEWEST = 3
"""lines of one beginning that can be compared"""


def class_of(column: str) -> str:
    """Return a column's class, one letter."""
    if column[0] == "[":
        return "B"
    if DIGIT.search(column):
        return "C" if column[-1] == ":" else "N"
    for kind, look in LOOKS.items():
        if look.fullmatch(column):
            return kind
    return "C" if column[-1] == ":" else "W"


class Columns:
    """The beginning of one line, as columns."""

    __slots__ = ("classes", "ends", "timed")

    def __init__(self, line: str, most: int = WIDEST + BEHIND) -> None:
        classes: list[str] = []
        ends: list[int] = []
        place = 0
        self.timed = -1
        """the first column that has a date or time in it"""
        while len(ends) < most and (found := COLUMN.match(line, place)):
            classes.append(class_of(found[1]))
            place = found.end()
            if self.timed < 0 and classes[-1] in "NBC" and TIME.search(found[1]):
                self.timed = len(ends)
            ends.append(place)
        self.classes = "".join(classes)
        self.ends = ends


def header_of(lines: Sequence[Columns]) -> str:
    """Return the classes of the header's columns, ``?`` for any; empty for no header.

    Words may stand between other columns, two at a time, and after the level only before a bracket,
    a dash or a component; a component ends it. So what all lines of a monotonous log say isn't
    taken for a header.
    """
    found = ""
    for place in range(WIDEST):
        kind = _agreed(lines, place)
        words = len(found) - len(found.rstrip("?"))
        beyond = kind == "?" and words == WORDS_BETWEEN
        if not kind or beyond or (kind in "NM" and words and "L" in found):
            break
        found += kind
        if kind == "C" and sum(line.timed == place for line in lines) < len(lines) / 2:
            break
    header = found.rstrip("?")
    dated = sum(0 <= line.timed < len(header) for line in lines)
    return header if dated >= AGREEMENT * len(lines) else ""


def _agreed(lines: Sequence[Columns], place: int) -> str:
    """Return the class that nearly all have there, ``?`` for none; empty where some end."""
    seen = Counter(line.classes[place : place + 1] for line in lines)
    enough = AGREEMENT * len(lines)
    if len(lines) - seen[""] < enough:
        return ""
    kind, count = seen.most_common(1)[0]
    return kind if kind != "W" and count >= enough else "?"


def _dash(lines: Sequence[Columns], header: str) -> bool:
    """Tell whether soon after the header nearly all lines have a mark that ends it."""
    window = slice(len(header), min(len(header) + BEHIND, WIDEST))
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
        mark = line.classes.find("S", size, size + BEHIND)
        size = mark + 1 if mark >= 0 else size
    return size


def content_starts(lines: Sequence[str]) -> list[int]:
    """Return for each line where its content begins; 0 for no header."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        groups[Columns(line, 1).classes].append(number)
    starts = [0] * len(lines)
    for members in groups.values():
        every = -(-len(members) // SAMPLE)
        sample = [Columns(lines[member]) for member in members[::every]]
        known = sample if every == 1 else (Columns(lines[member]) for member in members)
        header = header_of(sample) if len(sample) >= FEWEST else ""
        if not header:
            continue
        dash = _dash(sample, header)
        for member, columns in zip(members, known, strict=True):
            size = _length(columns, header, dash=dash)
            start = columns.ends[size - 1] if size else 0
            starts[member] = start if start < len(lines[member]) else 0
    return starts
