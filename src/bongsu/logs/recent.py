"""The latest records themselves, to quote from: bounded, since an input may be without end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.miner import Block
from bongsu.logs.timeforms import Bytes

HELD = 32 << 20
"""bytes of records that are held, over all sources"""


class Page(NamedTuple):
    """One block, and when its ``n`` records were written."""

    data: Bytes
    block: Block
    times: NDArray[np.int64]
    """(n,) in the unit of its source's counts"""


class Recent:
    """The latest blocks of each source."""

    def __init__(self) -> None:
        self._pages: dict[str, deque[Page]] = {}
        self._held: dict[str, int] = {}

    def add(self, source: str, page: Page) -> None:
        """Hold a block, and let go of the oldest ones of its source that there is no room for."""
        pages = self._pages.setdefault(source, deque())
        pages.append(page)
        held = self._held.get(source, 0) + len(page.data)
        while len(pages) > 1 and held > HELD // len(self._pages):
            held -= len(pages.popleft().data)
        self._held[source] = held

    def records(
        self, wanted: NDArray[np.bool_], begins: dict[str, int], limit: int
    ) -> Iterator[bytes]:
        """Give the earliest records since ``begins`` of each source whose shape is ``wanted``."""
        for source, pages in self._pages.items():
            for page in pages:
                yield from _matching(page, wanted, begins.get(source, 0), limit)


def _matching(page: Page, wanted: NDArray[np.bool_], begin: int, limit: int) -> Iterator[bytes]:
    rows = np.flatnonzero(wanted[page.block.shapes] & (page.times >= begin))
    for row in rows[:limit].tolist():
        start, end = int(page.block.starts[row]), int(page.block.ends[row])
        yield bytes(page.data[start : min(end, start + 8192)])
