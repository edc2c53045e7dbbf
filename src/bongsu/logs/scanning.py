"""Finds the lines with ``error`` in them; the kernel's `searching` is the same, compiled."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterator

Data = bytes | mmap.mmap

WORD = b"error"
BLOCK = 1 << 20
BATCH = 1 << 16
"""lines that are passed on at once"""


def found(block: bytes) -> Iterator[tuple[int, int]]:
    """Give where each line begins and ends that has the word in it, in whichever ASCII case."""
    small, size = block.lower(), len(block)
    at = small.find(WORD)
    while at >= 0:
        end = small.find(b"\n", at)
        end = size if end < 0 else end
        yield small.rfind(b"\n", 0, at) + 1, end
        at = small.find(WORD, end)


def scan(data: Data, start: int, end: int) -> Iterator[tuple[array[int], array[int]]]:
    """Give hashes and offsets of the lines with the word that begin between two offsets."""
    hashes, offsets = array("q"), array("q")
    at = line_from(data, start)
    while at < end:
        stop = line_from(data, min(at + BLOCK, end))
        block = data[at:stop]
        # As `found`, written out: a generator would cost a third of the whole.
        small, size = block.lower(), len(block)
        here = small.find(WORD)
        while here >= 0:
            last = small.find(b"\n", here)
            last = size if last < 0 else last
            first = small.rfind(b"\n", 0, here) + 1
            hashes.append(hash(block[first:last]))
            offsets.append(at + first)
            here = small.find(WORD, last)
        at = stop
        if len(hashes) >= BATCH:
            yield hashes, offsets
            hashes, offsets = array("q"), array("q")
    yield hashes, offsets


def line_from(data: Data, at: int) -> int:
    """Return where the first line begins that does so at ``at`` or after."""
    if at == 0 or at >= len(data):
        return min(at, len(data))
    feed = data.find(b"\n", at - 1)
    return len(data) if feed < 0 else feed + 1
