"""What of a line varies by comparison with the other lines: patterns in, fewer patterns out.

Each observation only ever puts a hole where there was text:

- *absorbing*: where one pattern has a hole and another, the same else, has a word, the word varies;
- *values*: where many patterns are the same but for one word, the word varies. How many is many
  depends on where the
  word stands: the value of ``key=``, something quoted, a word after a preposition, the line's first
  word;
- *pairs*: where very many are the same but for two words, both vary;
- *slots*: values of ``key=value`` are compared by key, all of a line at once.

It is done in bulk, with numpy, over the patterns of one length at a time: the work is sorting.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.slots import slots_out
from bongsu.logs.tokens import CONSTANT, HOLE, TELLING

PIECE = re.compile(rf"""{HOLE}|[^\s,;()\[\]{{}}"'=<>|:{HOLE}]+|[^\w{HOLE}]""")
PHRASE = re.compile(r"[^\s,;\"']+|[\s,;\"']")
WORD = re.compile(r"\S+|\s")
ROUNDS = 4
FIRST, NEVER = 10, 1 << 30
VALUE, IDENTITY, AFTER_CUE, ANYWHERE = 4, 3, 4, 5
"""how many different words say that it varies, by where they stand"""
IDENTITIES = frozenset(["user", "host", "named", "username", "hostname", "사용자", "호스트"])
CUES = frozenset(["for", "from", "to", "by", "on", "at", "of", "name", "in", "via", "into"])
PAIR = 12
"""different words at each of two places that say that both vary"""
PAIRED_PLACES = 12

Ids = NDArray[np.int32]
Flags = NDArray[np.bool_]
Split = Callable[[str], list[str]]


def merged(patterns: Sequence[str]) -> list[str]:
    """Return for each pattern what it has become; equal ones are of one template."""
    now = list(patterns)
    for _ in range(ROUNDS):
        before = len(set(now))
        now = _stepped(now, WORD.findall, values=False)
        now = _stepped(now, PHRASE.findall, values=False)
        now = _stepped(now, PIECE.findall, values=True)
        now = slots_out(now)
        if len(set(now)) == before:
            break
    return now


def needed(pieces: Sequence[str], place: int) -> int:
    """Return how many different words at a place say that it varies."""
    before = place - 1
    while before >= 0 and pieces[before] == " ":
        before -= 1
    if before < 0:
        return FIRST
    mark = pieces[before]
    if mark in IDENTITIES:
        return IDENTITY
    if mark in "=:\"'" and _tells(pieces, before):
        return NEVER
    if mark in "=\"'[(":
        return VALUE
    return AFTER_CUE if mark in CUES else ANYWHERE


def _tells(pieces: Sequence[str], place: int) -> bool:
    """Whether this is the value of a key that says what happened: ``msg=``, ``"level":``."""
    marks = ""
    while place >= 0 and pieces[place] in "=:\"' ":
        marks += pieces[place]
        place -= 1
    return bool(set(marks) & set('="')) and place >= 0 and pieces[place].lower() in TELLING


def _stepped(patterns: list[str], split: Split, *, values: bool) -> list[str]:
    """Compare the patterns that have equally many tokens, by these tokens."""
    distinct = dict.fromkeys(patterns, "")
    names: dict[str, int] = {HOLE: 0}
    rows: dict[int, list[Ids]] = defaultdict(list)
    texts: dict[int, list[str]] = defaultdict(list)
    for text in distinct:
        row = np.array([names.setdefault(token, len(names)) for token in split(text)], np.int32)
        rows[len(row)].append(row)
        texts[len(row)].append(text)
    tokens = Tokens(list(names))
    for width, members in rows.items():
        became = texts[width]
        if len(members) > 1:
            became = _Comparison(np.stack(members), tokens, values=values).texts(became)
        distinct.update(zip(texts[width], became, strict=True))
    return [distinct[text] for text in patterns]


class Tokens:
    """The different tokens of some patterns, and what is known of each; number 0 is a hole."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        # Fixed, so that equal input gives equal output; what collides only costs a merge.
        self.dice = np.random.default_rng(1)
        self.value = self.dice.integers(1, 2**63, len(names), np.uint64)
        self.wordy = np.array([any(map(str.isalnum, name)) for name in names], np.bool_)
        self.constant = np.array([name in CONSTANT for name in names], np.bool_)


class _Comparison:
    """Different patterns of one width, (patterns, width) token numbers."""

    def __init__(self, ids: Ids, tokens: Tokens, *, values: bool) -> None:
        self.ids = ids
        self.tokens = tokens
        self.values = values
        self.holes: Flags = np.zeros(ids.shape, np.bool_)
        self.words = tokens.wordy[ids].sum(axis=1)
        self.odd = tokens.dice.integers(1, 2**63, ids.shape[1], np.uint64) | np.uint64(1)
        self.total = np.zeros(len(ids), np.uint64)
        for place in range(ids.shape[1]):
            self.total += self._hashed(place)

    def _hashed(self, place: int) -> NDArray[np.uint64]:
        hashed: NDArray[np.uint64] = self.tokens.value[self.ids[:, place]] * self.odd[place]
        return hashed

    def texts(self, before: Sequence[str]) -> list[str]:
        """Return what the patterns have become."""
        varied = [place for place in range(self.ids.shape[1]) if self._varies(place)]
        for place in varied:
            self._one_out(place)
        if self.values and len(self.ids) >= PAIR and 1 < len(varied) <= PAIRED_PLACES:
            for pair in combinations(varied, 2):
                self._two_out(*pair)
        names = self.tokens.names
        became = list(before)
        for row in np.flatnonzero(self.holes.any(axis=1)):
            tokens = zip(self.ids[row].tolist(), self.holes[row].tolist(), strict=True)
            became[row] = "".join([HOLE if hole else names[token] for token, hole in tokens])
        return became

    def _varies(self, place: int) -> bool:
        column = self.ids[:, place]
        return bool((column != column[0]).any())

    def _groups(
        self, rows: NDArray[np.intp], keys: NDArray[np.uint64]
    ) -> Iterable[NDArray[np.intp]]:
        """Give the rows that share a key, where there are several."""
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        cuts = np.flatnonzero(keys[1:] != keys[:-1]) + 1
        bounds = np.concatenate([np.zeros(1, np.intp), cuts, np.full(1, len(keys))])
        for at in np.flatnonzero(np.diff(bounds) > 1):
            yield rows[order[bounds[at] : bounds[at + 1]]]

    def _one_out(self, place: int) -> None:
        """Look for patterns that are the same but for this place, where all are different."""
        column = self.ids[:, place]
        rows = np.flatnonzero(self.tokens.wordy[column] | (column == 0))
        for group in self._groups(rows, (self.total - self._hashed(place))[rows]):
            words = column[group]
            some = group[-1] if column[group[0]] == 0 else group[0]
            if self.words[some] < 2 or self.tokens.constant[words].any():  # noqa: PLR2004
                continue
            if (words == 0).any() or (self.values and len(group) >= self._needed(some, place)):
                self.holes[group, place] = True

    def _needed(self, row: int, place: int) -> int:
        names = self.tokens.names
        return needed([names[token] for token in self.ids[row, :place].tolist()], place)

    def _two_out(self, first: int, second: int) -> None:
        """Look for patterns that are the same but for these two places."""
        ids, wordy = self.ids, self.tokens.wordy
        rows = np.flatnonzero(wordy[ids[:, first]] & wordy[ids[:, second]])
        keys = self.total - self._hashed(first) - self._hashed(second)
        for group in self._groups(rows, keys[rows]):
            if len(group) < PAIR or self.words[group[0]] < 4:  # noqa: PLR2004
                continue
            enough = all(
                len(np.unique(ids[group, place])) >= max(PAIR, self._needed(group[0], place))
                for place in (first, second)
            )
            if enough:
                self.holes[group[:, None], [first, second]] = True
