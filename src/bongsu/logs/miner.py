"""Log lines in, templates out, without configuration: the way in to template mining."""

from __future__ import annotations

import os
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from mmap import mmap
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.shapes import (
    WITH_DIGIT,
    lines_of,
    records_of,
    shape_of,
)
from bongsu.logs.templates import Templates, templates_of
from bongsu.logs.tokens import HOLE

if TYPE_CHECKING:
    from bongsu.logs.fast import ShapeTable, Slice, Waiting

__all__ = ["Block", "Miner", "Templates"]

Data = bytes | bytearray | memoryview | mmap

SMALL = 2 << 20
"""bytes up to which the fast path isn't worth its start-up; less than a block of a large file"""
SHAPES = 1 << 17
"""shapes that are told apart exactly; later ones by the words that are common"""
ROUGH = 1 << 15
"""later shapes that are told apart; all further ones are one shape, of which nothing is known"""
EXEMPLAR = 8192
"""bytes of a record that are kept; templates are made of no more of it"""
SHORT = 512
"""bytes that are kept of one after `PLENTY`"""
PLENTY = 16 << 20
"""bytes of exemplars"""
THREADS = max(1, len(os.sched_getaffinity(0)))
AHEAD = THREADS + 1
"""pieces that are looked through while an answer is used"""
COMMON = 1000
"""a word that one in so many shapes has is common"""
WORD = re.compile(rb"[0-9A-Za-z_\x80-\xff]+")


class Block(NamedTuple):
    """What feeding gives back: ``n`` records, in order."""

    starts: NDArray[np.int64]
    """(n,) byte offset in the block where each record begins"""
    ends: NDArray[np.int64]
    """(n,) offset past each record's last byte, line feed excluded"""
    shapes: NDArray[np.int32]
    """(n,) shape number of each record, stable over the miner's life"""


class Begun(NamedTuple):
    """A piece that is being looked through, or that was, at once."""

    data: Data
    answer: Block | Waiting


class Miner:
    """Reduces records to shapes as they are fed, and merges the shapes into templates when asked.

    With ``stacks``, continuation lines (indented, ``Traceback``, ``Caused by:``, ``... 12 more``)
    belong to the record before; a record's shape is that of its first line. Memory depends on how
    many different shapes there are, not on how much is fed, and is bounded.

    It is not for several threads at once: it uses all cores by itself.
    """

    def __init__(self, *, stacks: bool = True, small: int = SMALL) -> None:
        self.stacks = stacks
        self._small = small
        self._slow: dict[bytes, int] = {}
        self._table: ShapeTable | None = None
        self._exemplars: list[bytes] = []
        self._kept = 0
        self._cut: set[int] = set()
        self._common: frozenset[bytes] | None = None
        self._rough: dict[bytes, int] = {}

    def feed(self, data: Data) -> Block:
        """Take whole lines; a last one without line feed counts as whole.

        May be called any number of times. The answer takes 20 bytes a record: feed what is large in
        blocks of some megabytes that end where a record does (`files.blocks`).
        """
        return self.finish(self.begin(data, THREADS))

    def feed_all(self, pieces: Iterable[Data]) -> Iterator[Block]:
        """Feed one after the other; the next ones are looked through while an answer is used."""
        begun: deque[Begun] = deque()
        for data in pieces:
            begun.append(self.begin(data))
            if len(begun) > AHEAD:
                yield self.finish(begun.popleft())
        while begun:
            yield self.finish(begun.popleft())

    def begin(self, data: Data, shares: int = 1) -> Begun:
        """Begin to look through whole lines, in other threads, so many at once.

        What was begun must be finished in the same order; the data must stay as it is until then.
        """
        if self._table is None:
            self._small -= len(data)
            if self._small >= 0:
                return Begun(data, self._feed_slowly(bytes(data)))
            self._table = self._promoted()
        return Begun(data, self._table.scan(np.frombuffer(data, np.uint8), shares))

    def finish(self, begun: Begun) -> Block:
        """Return what feeding would have."""
        if isinstance(begun.answer, Block) or self._table is None:
            return cast("Block", begun.answer)
        return self._finished(begun.data, self._table, begun.answer)

    def exemplar(self, shape: int) -> bytes:
        """Return the first record of a shape, with its continuation lines; at most 8 KiB of it.

        Raises:
            IndexError: no such shape.
        """
        return self._exemplars[shape]

    def templates(self) -> Templates:
        """Merge the shapes seen so far into templates."""
        lines = [self._line(number) for number in range(len(self._exemplars))]
        for masked, number in self._rough.items():
            lines[number] = masked.decode("utf-8", "replace")
        return templates_of(lines)

    def _line(self, number: int) -> str:
        head = self._exemplars[number].partition(b"\n")[0].decode("utf-8", "replace")
        return head.rstrip("\ufffd").rstrip() + HOLE if number in self._cut else head.rstrip()

    def _feed_slowly(self, data: bytes) -> Block:
        if self.stacks:
            records = list(records_of(data))
        else:
            records = [(start, end, end) for start, end in lines_of(data)]
        shapes = [self._number(data, *record) for record in records]
        return Block(
            np.array([record[0] for record in records], np.int64),
            np.array([record[2] for record in records], np.int64),
            np.array(shapes, np.int32),
        )

    def _number(self, data: bytes, start: int, head: int, end: int) -> int:
        shape = shape_of(data[start:head])
        number = self._slow.get(shape)
        if number is None:
            if len(self._slow) >= SHAPES:
                return self._number_roughly(data[start:end])
            number = self._slow[shape] = len(self._exemplars)
            self._keep(data[start : min(end, start + EXEMPLAR + 1)])
        return number

    def _keep(self, record: bytes) -> None:
        most = EXEMPLAR if self._kept < PLENTY else SHORT
        if len(record) > most:
            record = record[:most]
            if b"\n" not in record:
                self._cut.add(len(self._exemplars))
        self._kept += len(record)
        self._exemplars.append(record)

    def _promoted(self) -> ShapeTable:
        """Move to the fast path all that the slow one has learned."""
        from bongsu.logs.fast import ShapeTable  # noqa: PLC0415 - numba takes its time to load

        table = ShapeTable(SHAPES, stacks=self.stacks)
        known = b"".join(shape + b"\n" for shape in self._slow)
        # As lines: one that goes on with a record may well have begun one.
        for part in table.scan(np.frombuffer(known, np.uint8), 1):
            for found in part.result():
                deque(table.settle(found), 0)
        self._slow.clear()
        return table

    def _finished(self, data: Data, table: ShapeTable, waiting: Waiting) -> Block:
        view = np.frombuffer(data, np.uint8)
        parts = []
        for found in table.records(waiting):
            before = table.known
            for record in table.settle(found):
                # Those before it come first, since numbers are given in order.
                self._learn(view, found, range(before, table.known))
                before = table.known
                start, end = found.starts[record], found.ends[record]
                found.shapes[record] = self._number_roughly(view[start:end].tobytes())
            self._learn(view, found, range(before, table.known))
            parts.append((found.starts, found.ends, found.shapes))
        return _joined(parts)

    def _learn(self, view: NDArray[np.uint8], found: Slice, new: range) -> None:
        """Keep the first record of each new shape."""
        if not new:
            return
        records = found.unknown[:, 0].astype(np.int64)
        shapes = found.shapes[records]
        among = np.flatnonzero((shapes >= new.start) & (shapes < new.stop))
        _, first = np.unique(shapes[among], return_index=True)
        for record in records[among[first]].tolist():
            start, end = int(found.starts[record]), int(found.ends[record])
            self._keep(view[start : min(end, start + EXEMPLAR + 1)].tobytes())

    def _number_roughly(self, record: bytes) -> int:
        """Number a record by its common words, since there are too many shapes."""
        if self._common is None:
            self._common = self._common_words()
        common = self._common
        hole = HOLE.encode()
        head = record.partition(b"\n")[0]
        line = WITH_DIGIT.sub(hole, head[:EXEMPLAR]).rstrip()
        masked = WORD.sub(lambda word: word[0] if word[0] in common else hole, line)
        if len(head) > EXEMPLAR or len(masked) > SHORT or len(self._rough) >= ROUGH:
            masked = hole
        number = self._rough.get(masked)
        if number is None:
            number = self._rough[masked] = len(self._exemplars)
            self._keep(record)
        return number

    def _common_words(self) -> frozenset[bytes]:
        seen = Counter[bytes]()
        for record in self._exemplars:
            seen.update(set(WORD.findall(record.partition(b"\n")[0])))
        enough = max(2, len(self._exemplars) // COMMON)
        return frozenset(word for word, count in seen.items() if count >= enough)


def _joined(parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]]) -> Block:
    if len(parts) == 1:
        return Block(*parts[0])
    return Block(
        np.concatenate([part[0] for part in parts] or [np.empty(0, np.int64)]),
        np.concatenate([part[1] for part in parts] or [np.empty(0, np.int64)]),
        np.concatenate([part[2] for part in parts] or [np.empty(0, np.int32)]),
    )
