"""What of a line varies by comparison with the other lines: patterns in, fewer patterns out.

Three observations, each of which only ever puts a hole where there was a word:

- *absorbing*: where one pattern has a hole and another, the same else, has a word, the word varies;
- *values*: where many patterns are the same but for one word, the word varies. How many is many depends on where the
  word stands: the value of ``key=``, something quoted, a word after a preposition, the line's first word;
- *skeletons*: where hundreds of patterns of one form share their frequent words, the rare ones vary.

All are done in bulk with numpy over the patterns of one form at a time: the work is sorting.
"""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.tokens import HOLE

PIECE = re.compile(rf"""{HOLE}|[^\s,;()\[\]{{}}"'=<>|:{HOLE}]+|[^\w{HOLE}]""")
WORD = re.compile(r"\w")
CONSTANT = frozenset(["true", "false", "True", "False", "TRUE", "FALSE", "yes", "no", "on", "off"])
"""values that say which of two things happened, rather than to what"""
CUES = frozenset(["for", "from", "to", "by", "user", "on", "at", "of", "host", "named", "name"])
"""words that what varies often comes after"""

Ids = NDArray[np.int32]
Keys = NDArray[np.uint64]


def needed(pieces: list[str], place: int) -> int:
    """How many different words at a place say that it varies."""
    before = place - 1
    while before >= 0 and pieces[before] == " ":
        before -= 1
    if before < 0:
        return 10
    if pieces[before] == "=":
        return 4
    if pieces[before] in "\"'[(" or pieces[before] in CUES:
        return 4
    return 5


class Forms:
    """Patterns of one form: as many pieces each, at each place a word, a hole or the same mark."""

    def __init__(self, members: list[list[str]]) -> None:
        self.rows = members
        names: dict[str, int] = {HOLE: 0}
        self.ids = np.array(
            [[names.setdefault(piece, len(names)) for piece in row] for row in members], np.int32
        )
        self.names = list(names)
        rng = np.random.default_rng(1)
        self.salt: Keys = rng.integers(1, 2**63, size=self.ids.shape[1], dtype=np.uint64) | np.uint64(1)
        self.value: Keys = rng.integers(1, 2**63, size=len(names), dtype=np.uint64)


def merged(patterns: list[str]) -> list[str]:
    """Return for each pattern what it has become; equal ones are of one template."""
    now = list(patterns)
    for _ in range(4):
        before = len(set(now))
        for split in (_words, _pieces):
            now = _round(now, split)
        if len(set(now)) == before:
            break
    return now


def _words(text: str) -> list[str]:
    return re.findall(r"\S+|\s", text)


def _pieces(text: str) -> list[str]:
    return PIECE.findall(text)


def _round(patterns: list[str], split) -> list[str]:
    distinct = list(dict.fromkeys(patterns))
    fine = split is _pieces
    groups: dict[object, list[int]] = defaultdict(list)
    rows = []
    for number, text in enumerate(distinct):
        row = split(text)
        rows.append(row)
        groups[len(row)].append(number)
    result = list(distinct)
    for members in groups.values():
        if len(members) > 1:
            for number, text in zip(members, _generalised([rows[m] for m in members], fine=fine), strict=True):
                result[number] = text
    new = dict(zip(distinct, result, strict=True))
    return [new[p] for p in patterns]


def _generalised(rows: list[list[str]], *, fine: bool) -> list[str]:
    form = Forms(rows)
    ids = form.ids
    count, width = ids.shape
    hashed = form.value[ids] * form.salt
    total = hashed.sum(axis=1, dtype=np.uint64)
    wordy = np.array([WORD.search(n) is not None for n in form.names])
    hole = 0
    words = wordy[ids].sum(axis=1)
    holes = np.zeros(ids.shape, bool)
    for place in range(width):
        column = ids[:, place]
        eligible = np.flatnonzero(wordy[column] | (column == hole))
        if len(eligible) < 2:
            continue
        keys = (total - hashed[:, place])[eligible]
        order = np.argsort(keys, kind="stable")
        eligible = eligible[order]
        keys = keys[order]
        cuts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
        sizes = np.diff(np.r_[cuts, len(keys)])
        for cut, size in zip(cuts[sizes > 1], sizes[sizes > 1], strict=True):
            group = eligible[cut : cut + size]
            row = rows[group[0]]
            values = {form.names[ids[g, place]] for g in group}
            left = int(words[group[0]]) - (1 if wordy[ids[group[0], place]] else 0)
            if left < 1:
                continue
            rest = values - {HOLE}
            if HOLE in values:
                holes[group, place] = True
            elif fine and len(rest) >= needed(row, place) and not rest & CONSTANT:
                holes[group, place] = True
    out = []
    for r, row in enumerate(rows):
        if holes[r].any():
            out.append("".join(HOLE if h else piece for h, piece in zip(holes[r], row, strict=True)))
        else:
            out.append("".join(row))
    return out
