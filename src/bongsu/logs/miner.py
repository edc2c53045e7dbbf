"""Log lines in, templates out, without configuration: the way in to template mining."""

from __future__ import annotations

from mmap import mmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.shapes import lines_of, records_of, shape_of
from bongsu.logs.templates import Templates, templates_of

EXEMPLAR = 8192
"""bytes of a record that are kept; templates are made of no more of it"""


class Block(NamedTuple):
    """What feeding gives back: ``n`` records, in order."""

    starts: NDArray[np.int64]
    """(n,) byte offset in the block where each record begins"""
    ends: NDArray[np.int64]
    """(n,) offset past each record's last byte, line feed excluded"""
    shapes: NDArray[np.int32]
    """(n,) shape number of each record, stable over the miner's life"""


class Miner:
    """Reduces records to shapes as they are fed, and merges the shapes into templates when asked.

    With ``stacks``, continuation lines (indented, ``Traceback``, ``Caused by:``, ``... 12 more``) belong to the
    record before; a record's shape is that of its first line.
    """

    def __init__(self, *, stacks: bool = True) -> None:
        self.stacks = stacks
        self._numbers: dict[bytes, int] = {}
        self._exemplars: list[bytes] = []

    def feed(self, data: bytes | bytearray | memoryview | mmap) -> Block:
        """Take whole lines; a last one without line feed counts as whole.

        May be called any number of times. The answer takes 20 bytes a record: feed large files in blocks,
        cut where a record begins (`cut`).
        """
        text = bytes(data)
        if self.stacks:
            records = list(records_of(text))
        else:
            records = [(start, end, end) for start, end in lines_of(text)]
        shapes = [self._number(text, *record) for record in records]
        return Block(
            np.array([record[0] for record in records], np.int64),
            np.array([record[2] for record in records], np.int64),
            np.array(shapes, np.int32),
        )

    def _number(self, data: bytes, start: int, head: int, end: int) -> int:
        shape = shape_of(data[start:head])
        number = self._numbers.setdefault(shape, len(self._exemplars))
        if number == len(self._exemplars):
            self._exemplars.append(data[start : min(end, start + EXEMPLAR)])
        return number

    def exemplar(self, shape: int) -> bytes:
        """Return the first record of a shape, with its continuation lines, at most 8 KiB of it.

        Raises:
            IndexError: no such shape.
        """
        return self._exemplars[shape]

    def templates(self) -> Templates:
        """Merge the shapes seen so far into templates."""
        lines = [
            record.partition(b"\n")[0].rstrip().decode("utf-8", "replace")
            for record in self._exemplars
        ]
        return templates_of(lines)
