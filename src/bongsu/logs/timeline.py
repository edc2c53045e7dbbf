"""What was written when, by one clock: counts of shapes, and when each was first and last seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.counting import Counts, Span
from bongsu.logs.timeforms import UNKNOWN, Seconds

NEVER = np.iinfo(np.int64).max


class Seen(NamedTuple):
    """First and last time of some shapes."""

    first: int
    last: int


class Timeline:
    """The records of all sources that share a clock; grows with the shapes, not with the records.

    ``width`` and ``kept`` are those of `Counts`, in seconds.
    """

    def __init__(self, width: int, kept: int) -> None:
        self.counts = Counts(width, kept)
        self._first = np.zeros(0, np.int64)
        self._last = np.zeros(0, np.int64)

    def add(self, shapes: NDArray[np.int32], times: Seconds) -> None:
        """Count ``n`` records; ``times`` (n,) must not be negative."""
        self.counts.add(shapes, times)
        missing = int(shapes.max()) + 1 - len(self._first)
        if missing > 0:
            room = max(missing, len(self._first))
            self._first = np.concatenate([self._first, np.full(room, NEVER)])
            self._last = np.concatenate([self._last, np.full(room, UNKNOWN)])
        np.minimum.at(self._first, shapes, times)
        np.maximum.at(self._last, shapes, times)

    def span(self, since: int, baseline: int, until: int) -> Span:
        """Return the window of ``since`` seconds up to ``until``, and the baseline before it."""
        first, width = self.counts.first or 0, self.counts.width
        end = (until // width + 1) * width
        begin = end - since
        return Span(min(begin, max(begin - baseline, first // width * width)), begin, end)

    def seen(self, shapes: NDArray[np.intp]) -> Seen | None:
        """Return when the first and the last record of these shapes were written, if any was."""
        known = shapes[shapes < len(self._first)]
        known = known[self._last[known] > UNKNOWN]
        if not len(known):
            return None
        return Seen(int(self._first[known].min()), int(self._last[known].max()))

    def before(self, begin: int) -> NDArray[np.intp]:
        """Return the shapes that were seen before a time, however long."""
        return np.flatnonzero((self._last > UNKNOWN) & (self._first < begin))
