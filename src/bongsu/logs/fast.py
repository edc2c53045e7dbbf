"""The fast path's table of shapes: slices are scanned in threads and settled in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bongsu.logs import kernel

SLICE = 4 << 20
"""bytes that a thread takes at a time, at most"""
LEAST = 1 << 18
"""and at least, where there is as much"""
SCRATCH = 1 << 12
"""bytes that are classed at once; a multiple of 64"""
THREADS = max(1, len(os.sched_getaffinity(0)))


class Slice(NamedTuple):
    """What scanning a slice gave: its lines."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    shapes: NDArray[np.int32]
    lines: NDArray[np.uint8]


class Records(NamedTuple):
    """Lines joined into records; the hashes are those of their first lines."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    shapes: NDArray[np.int32]


class ShapeTable:
    """Known shapes by their hashes; grows as needed, up to a number of shapes."""

    def __init__(self, most: int, *, stacks: bool) -> None:
        self.most = most
        self.stacks = stacks
        self.known = 0
        self.secret = np.random.default_rng().integers(1, 2**63, 6, np.uint64) | np.uint64(1)
        self._room(1 << 12)
        self.line_length = 64.0
        self._pool: ThreadPoolExecutor | None = None

    def _room(self, slots: int) -> None:
        self.keys = np.zeros((slots, 2), np.uint64)
        self.values = np.full(slots, -1, np.int32)

    def _grow(self) -> None:
        keys, values = self.keys, self.values
        new_keys = np.zeros((2 * len(values), 2), np.uint64)
        new_values = np.full(2 * len(values), -1, np.int32)
        kernel.rehash(new_keys, new_values, keys, values)
        self.keys, self.values = new_keys, new_values

    def scan(self, data: NDArray[np.uint8]) -> Iterator[Slice]:
        """Give the data's lines, slice by slice, in order."""
        cuts = _cuts(data)
        if len(cuts) == 1:
            yield from self._scan(data, *cuts[0])
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS)
        waiting: deque[Future[list[Slice]]] = deque()
        for cut in cuts:
            waiting.append(self._pool.submit(self._scan, data, *cut))
            if len(waiting) > THREADS + 1:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()

    def records(self, data: NDArray[np.uint8]) -> Iterator[Records]:
        """Give the data's records in order, batch by batch.

        A batch comes once it is known where its last record ends.
        """
        state = np.zeros(1, np.int64)
        waiting: Records | None = None
        for starts, ends, hashes, shapes, lines in self.scan(data):
            count, longer = len(starts), -1
            if self.stacks:
                count, longer = kernel.join(count, starts, ends, hashes, shapes, lines, state)
            if waiting is not None and longer >= 0:
                waiting.ends[-1] = longer
            if not count:
                continue
            if waiting is not None:
                yield waiting
            waiting = Records(starts[:count], ends[:count], hashes[:count], shapes[:count])
        if waiting is not None:
            yield waiting

    def _scan(self, data: NDArray[np.uint8], begin: int, end: int) -> list[Slice]:
        found = []
        while begin < end:
            most = int((end - begin) / self.line_length * 1.2) + 64
            starts, ends = np.empty(most, np.int64), np.empty(most, np.int64)
            hashes = np.empty((most, 2), np.uint64)
            shapes, lines = np.empty(most, np.int32), np.zeros(most, np.uint8)
            scratch = np.empty((2, SCRATCH), np.uint8)
            count, after = kernel.scan(
                data, begin, end, self.secret, scratch, self.keys, self.values,
                starts, ends, hashes, shapes, lines, self.stacks,
            )  # fmt: skip
            self.line_length = max(1.0, (after - begin) / count)
            found.append(
                Slice(starts[:count], ends[:count], hashes[:count], shapes[:count], lines[:count])
            )
            begin = after
        return found

    def settle(self, hashes: NDArray[np.uint64], shapes: NDArray[np.int32]) -> Iterator[int]:
        """Number the unknown shapes among these; give each record that there is no room for."""
        unknown = np.flatnonzero(shapes < 0)
        place = 0
        while place < len(unknown):
            room = min(self.most, len(self.values) // 2)
            place, self.known = kernel.settle(
                unknown, place, hashes, shapes, self.keys, self.values, self.known, room
            )
            if place == len(unknown):
                return
            if self.known < self.most:
                self._grow()
                continue
            yield int(unknown[place])
            place += 1


def _cuts(data: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Cut into slices of whole lines."""
    cuts, begin, size = [], 0, len(data)
    length = min(SLICE, max(LEAST, -(-size // THREADS)))
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
