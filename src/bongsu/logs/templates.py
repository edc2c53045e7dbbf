"""From one real line a shape to templates: header off, pattern, merging, text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.headers import content_starts
from bongsu.logs.merging import merged
from bongsu.logs.tokens import HOLE, numbers_out, pattern_of

WILDCARD = "<*>"


class Templates(NamedTuple):
    """The templates of all shapes that a miner has seen."""

    of_shape: NDArray[np.int32]
    """(shapes,) template number"""
    texts: tuple[str, ...]
    """by template number; ``<*>`` for what varies"""


def templates_of(lines: Sequence[str]) -> Templates:
    """Find the templates of lines that are one a shape."""
    starts = content_starts(lines)
    headers = [numbers_out(line[:start]) for line, start in zip(lines, starts, strict=True)]
    contents = merged([pattern_of(line[start:]) for line, start in zip(lines, starts, strict=True)])
    common: dict[tuple[str, str], list[str] | None] = {}
    keys = []
    for header, content in zip(headers, contents, strict=True):
        key = (content, "" if any(map(str.isalpha, content)) else header)
        keys.append(key)
        _narrow(common, key, header.split(" "))
    texts = {key: _text(header, key[0]) for key, header in common.items()}
    numbers: dict[str, int] = {}
    found = [numbers.setdefault(texts[key], len(numbers)) for key in keys]
    return Templates(np.array(found, np.int32), tuple(numbers))


def _narrow(
    common: dict[tuple[str, str], list[str] | None], key: tuple[str, str], header: list[str]
) -> None:
    """Keep of the template's header what this one has, too."""
    known = common.setdefault(key, header)
    if known is None or known is header or known == header:
        return
    if len(known) != len(header):
        common[key] = None
        return
    common[key] = [a if a == b else HOLE for a, b in zip(known, header, strict=True)]


def _text(header: list[str] | None, content: str) -> str:
    parts = [HOLE] if header is None else [part for part in header if part]
    words: list[str] = []
    for word in [*parts, *content.split(" ")]:
        if word != HOLE or not words or words[-1] != HOLE:
            words.append(word)
    return " ".join(words).replace(HOLE, WILDCARD)


def variables(text: str, record: bytes) -> list[str] | None:
    """Return what a record has at a template's wildcards, in order; None if it doesn't match.

    Only the record's first line counts, and any white space is one space. Each wildcard takes as
    little as possible. It takes time linear in the line's length for each literal part.
    """
    line = " ".join(record.partition(b"\n")[0].decode("utf-8", "replace").split())
    first, *parts = text.split(WILDCARD)
    if not parts:
        return [] if line == first else None
    last = parts.pop()
    place, end = len(first), len(line) - len(last)
    if not line.startswith(first) or not line.endswith(last) or place > end:
        return None
    found = []
    for part in parts:
        at = line.find(part, place, end)
        if at < 0:
            return None
        found.append(line[place:at])
        place = at + len(part)
    return [*found, line[place:end]]
