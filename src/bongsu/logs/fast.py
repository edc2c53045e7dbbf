"""The fast path's table of shapes: slices are scanned in threads and settled in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.machine import address, kernel

SLICE = 4 << 20
"""bytes that a thread takes at a time, at most; a block of a file or more"""
LEAST = 1 << 18
"""and at least, where there is as much"""
SCRATCH = 1 << 13
"""bytes that a scan works in; the kernel's `SCRATCH` or more"""
NOTHING, RAISED, LINE = 0, 2, 3
"""what is before a line, as the kernel has it: nothing; a Python traceback; any other line"""

Bytes = NDArray[np.uint8]


class Slice(NamedTuple):
    """Lines, or the records that they were joined into."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    shapes: NDArray[np.int32]
    """-1 where it isn't known yet"""
    unknown: NDArray[np.uint64]
    """(k, 3) of those: the index here, and two hashes"""
    kinds: NDArray[np.uint8]
    stacked: bool
    """whether any line is of a kind that stack traces have"""


Waiting = list[Future[list[Slice]]]


class ShapeTable:
    """Known shapes by their hashes; grows as needed, up to a number of shapes."""

    def __init__(self, most: int, *, stacks: bool) -> None:
        self.most = most
        self.stacks = stacks
        self.known = 0
        self.line_length = 64.0
        self._kernel = kernel()
        self._key = np.random.default_rng().integers(1, 2**63, 6, np.uint64) | np.uint64(1)
        self._pool: ThreadPoolExecutor | None = None
        self._keys, self._values = _room(1 << 12)

    def _grow(self) -> None:
        keys, values = _room(2 * len(self._values))
        old = len(self._values), address(self._keys), address(self._values)
        self._kernel["rehash"](*old, address(keys), address(values), len(values))
        # Whoever is scanning still reads the old ones, and holds them.
        self._keys, self._values = keys, values

    def scan(self, data: Bytes, shares: int) -> Waiting:
        """Begin to split into lines, in so many shares or more."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        return [self._pool.submit(self._scan, data, *cut) for cut in _cuts(data, shares)]

    def records(self, waiting: Waiting) -> Iterator[Slice]:
        """Give what was begun, as records in order; the last ends where it is known to end."""
        state = np.full(3, NOTHING, np.int64)
        held: Slice | None = None
        for lines in (lines for future in waiting for lines in future.result()):
            found, longer = self._joined(lines, state)
            if held is not None and longer >= 0:
                held.ends[-1] = longer
            if not len(found.starts):
                continue
            if held is not None:
                yield held
            held = found
        if held is not None:
            yield held

    def _joined(self, lines: Slice, state: NDArray[np.int64]) -> tuple[Slice, int]:
        """Join lines into records, and say where the record before ends if lines belong to it."""
        if not self.stacks or not (lines.stacked or state[0] == RAISED):
            state[0] = LINE
            return lines, -1
        count = self._kernel["join"](
            len(lines.starts), address(lines.starts), address(lines.ends), address(lines.shapes),
            address(lines.kinds), len(lines.unknown), address(lines.unknown), address(state),
        )  # fmt: skip
        return lines._replace(
            starts=lines.starts[:count],
            ends=lines.ends[:count],
            shapes=lines.shapes[:count],
            unknown=lines.unknown[: state[2]],
        ), int(state[1])

    def _scan(self, data: Bytes, begin: int, end: int) -> list[Slice]:
        found = []
        keys, values = self._keys, self._values
        while begin < end:
            most = int((end - begin) / self.line_length * 1.2) + 64
            starts, ends = np.empty(most, np.int64), np.empty(most, np.int64)
            shapes, kinds = np.empty(most, np.int32), np.empty(most, np.uint8)
            unknown, state = np.empty((most, 3), np.uint64), np.zeros(3, np.int64)
            scratch = np.empty(SCRATCH, np.uint8)
            count = self._kernel["scan"](
                address(data), len(data), begin, end, address(self._key), address(scratch),
                address(keys), address(values), len(values), self.stacks,
                most, address(starts), address(ends), address(shapes), address(kinds),
                address(unknown), address(state),
            )  # fmt: skip
            after, unknowns, seen = state.tolist()
            self.line_length = max(1.0, (after - begin) / count)
            found.append(
                Slice(
                    starts[:count], ends[:count], shapes[:count], unknown[:unknowns],
                    kinds[:count], seen != 0,
                )
            )  # fmt: skip
            begin = after
        return found

    def settle(self, found: Slice) -> Iterator[int]:
        """Number the unknown shapes; give each record that there is no room for."""
        place, state = 0, np.zeros(1, np.int64)
        while place < len(found.unknown):
            room = min(self.most, len(self._values) // 2)
            place = self._kernel["settle"](
                place, len(found.unknown), address(found.unknown), address(found.shapes),
                self.known, room, address(self._keys), address(self._values), len(self._values),
                address(state),
            )  # fmt: skip
            self.known = int(state[0])
            if place == len(found.unknown):
                return
            if self.known < self.most:
                self._grow()
                continue
            yield int(found.unknown[place, 0])
            place += 1


def _room(slots: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    return np.zeros((slots, 2), np.uint64), np.full(slots, -1, np.int32)


def _cuts(data: Bytes, shares: int) -> list[tuple[int, int]]:
    """Cut into slices of whole lines."""
    cuts, begin, size = [], 0, len(data)
    length = min(SLICE, max(LEAST, -(-size // shares)))
    while begin < size:
        end = min(size, begin + length)
        while end < size:
            found = np.flatnonzero(data[end - 1 : end + 65536] == ord("\n"))
            if len(found):
                end = min(size, end + int(found[0]))
                break
            end = min(size, end + 65536)
        cuts.append((begin, end))
        begin = end
    return cuts
