"""Times of day without a day, as ``12:34:56 ERROR ...`` has them: what they tell and what not.

They tell how long after one another two records of a source were written, since those are in order:
where times go far back, a midnight was between. They don't tell on which day.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.timeforms import DAY_S, TIME_OF_DAY, UNKNOWN, Seconds

BACK_S = 7200
"""by how much times may go back before they are the next day's"""
LOOKED_AT = 1000
"""records that are looked at to tell whether they begin with such times"""
SOON = 600
"""seconds by which clocks differ at most"""
OPENING = np.frombuffer(b"[(<", np.uint8)


def begin_with_times(view: NDArray[np.uint8], starts: Seconds, ends: Seconds) -> bool:
    """Tell whether most of the first records begin with a time; the others may go on with them."""
    found = times_of_day(view, starts[:LOOKED_AT], ends[:LOOKED_AT])
    return bool(np.count_nonzero(found != UNKNOWN) * 2 > len(found))


def times_of_day(view: NDArray[np.uint8], starts: Seconds, ends: Seconds) -> Seconds:
    """Return the time that each record begins with, ``(n,)`` seconds since midnight or `UNKNOWN`.

    A bracket may stand before it.
    """
    found = np.full(len(starts), UNKNOWN, np.int64)
    rows = np.flatnonzero(starts < ends)
    at = starts[rows] + np.isin(view[starts[rows]], OPENING)
    inside = at + len(TIME_OF_DAY.text) <= ends[rows]
    seconds, good = TIME_OF_DAY.read(view, at[inside])
    found[rows[inside][good]] = seconds
    return found


class Days:
    """Counts the midnights that one source's times of day went past."""

    def __init__(self) -> None:
        self._day = 1
        self._latest: int | None = None

    def unrolled(self, of_day: Seconds) -> Seconds:
        """Return times that go on past midnight, ``(n,)`` seconds since one long ago."""
        found = of_day.copy()
        known = np.flatnonzero(of_day != UNKNOWN)
        if not len(known):
            return found
        times = of_day[known]
        steps = np.diff(times, prepend=times[0] if self._latest is None else self._latest)
        # Two records may be the wrong way round, also where midnight is between them.
        passed = (steps < -BACK_S).astype(np.int64) - (steps > DAY_S - BACK_S)
        days = self._day + np.cumsum(passed)
        self._day, self._latest = int(days[-1]), int(times[-1])
        found[known] += days * DAY_S
        return found


def until_now(last: int, local_now: int) -> int:
    """Return what to add to a source's times so that its last one is the latest not after now."""
    ahead = (last - local_now) % DAY_S
    return local_now + (ahead if ahead <= SOON else ahead - DAY_S) - last
