"""How often each shape was seen when: sparse counts by shape and step of time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

STEPS_A_WINDOW = 60
"""steps of time that the incident's window is counted in, so it is cut to a 60th of its length"""
KEPT = 1 << 20
"""cells that are held before they are put together, about 16 MiB"""
SPARSE = 8
"""cells by record, up to which all cells are counted rather than those that occur"""
_STEP_BITS = 40


class Span(NamedTuple):
    """The incident's window and the baseline before it, in the unit that records are counted by."""

    base: int
    begin: int
    end: int
    """exclusive; the window is from ``begin`` to here, the baseline from ``base`` to ``begin``"""

    @property
    def ratio(self) -> float:
        """The window's length by the baseline's; 0.0 where there is no baseline."""
        length = self.begin - self.base
        return (self.end - self.begin) / length if length > 0 else 0.0


class Cells(NamedTuple):
    """``n`` counts: how many records of a shape in a step of time."""

    shapes: Integers
    """(n,) shape numbers"""
    steps: Integers
    """(n,) step numbers; a step begins at its number times the width"""
    counts: Integers
    """(n,) records"""


class Counts:
    """Counts of shapes by time.

    ``width`` is a step's length; ``kept``, in the same unit, how far back from the latest record
    counts are needed, or None for ever: then steps grow wider where memory has no room for more.
    """

    def __init__(self, width: int, kept: int | None) -> None:
        self.width = max(1, width)
        self.first: int | None = None
        self.last = -1
        self._kept = kept
        self._keys: list[Integers] = []
        self._counts: list[Integers] = []
        self._held = 0

    def add(self, shapes: NDArray[np.int32], times: Integers) -> None:
        """Count ``n`` records; ``times`` (n,) must not be negative."""
        if not len(times):
            return
        first = int(times.min())
        self.first = first if self.first is None else min(self.first, first)
        self.last = max(self.last, int(times.max()))
        cells, counts = _counted(shapes, times // self.width)
        self._keys.append(cells)
        self._counts.append(counts)
        self._held += len(cells)
        if self._held > KEPT:
            self._compact()

    def cells(self) -> Cells:
        """Return all counts that are kept."""
        self._compact()
        keys, counts = self._keys[0], self._counts[0]
        return Cells(keys >> _STEP_BITS, keys & ((1 << _STEP_BITS) - 1), counts)

    def _compact(self) -> None:
        empty = np.zeros(0, np.int64)
        keys, counts = _summed(
            np.concatenate([empty, *self._keys]), np.concatenate([empty, *self._counts])
        )
        if self._kept is not None:
            recent = (keys & ((1 << _STEP_BITS) - 1)) >= (self.last - self._kept) // self.width
            keys, counts = keys[recent], counts[recent]
        while len(keys) > KEPT // 2 and self.width < 1 << 30:
            self.width *= 2
            steps = (keys & ((1 << _STEP_BITS) - 1)) >> 1
            before = len(keys)
            keys, counts = _summed((keys >> _STEP_BITS << _STEP_BITS) | steps, counts)
            if len(keys) > before * 0.9:
                break  # It is the shapes that are many, not the steps.
        self._keys, self._counts, self._held = [keys], [counts], len(keys) // 2


def _counted(shapes: NDArray[np.int32], steps: Integers) -> tuple[Integers, Integers]:
    """Count equal pairs; the keys are sorted."""
    first, several = int(steps.min()), int(steps.max() - steps.min()) + 1
    cells = shapes.astype(np.int64) * several + (steps - first)
    if int(shapes.max() + 1) * several > SPARSE * len(cells):
        found, counts = np.unique(cells, return_counts=True)
    else:
        # As most often: a block has few shapes and few steps, so sorting is the longer way.
        counts = np.bincount(cells)
        found = np.flatnonzero(counts)
        counts = counts[found]
    keys = (found // several << _STEP_BITS) | (found % several + first)
    return keys, counts.astype(np.int64)


def _summed(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    unique, where = np.unique(keys, return_inverse=True)
    return unique, np.bincount(where, counts, len(unique)).astype(np.int64)


class Tally(NamedTuple):
    """Counts by template: ``m`` templates, ``r`` steps of the rate picture."""

    window: Integers
    """(m,) records in the incident's window"""
    before: Integers
    """(m,) records in the baseline"""
    expected: NDArray[np.float64]
    """(m,) records that the baseline's rate would have given in the window"""
    rates: Integers
    """(m, r) records by time, from the baseline's beginning to the window's end"""


def nothing(templates: int, rates: int) -> Tally:
    """Return the tally of no records."""
    none = np.zeros(templates, np.int64)
    picture = np.zeros((templates, rates), np.int64)
    return Tally(none, none, np.zeros(templates, np.float64), picture)


def both(one: Tally, other: Tally) -> Tally:
    """Add up two tallies of the same templates."""
    return Tally(
        one.window + other.window,
        one.before + other.before,
        one.expected + other.expected,
        one.rates + other.rates,
    )


def tally(cells: Cells, of_shape: NDArray[np.int32], span: Span, width: int, rates: int) -> Tally:
    """Add up the cells that lie in the span, by template."""
    templates = int(of_shape.max()) + 1 if len(of_shape) else 0
    # What lies in a step counts as at its middle.
    middle = cells.steps * width + width // 2
    inside = (middle >= span.base) & (middle < span.end)
    template = of_shape[cells.shapes[inside]].astype(np.int64)
    counts, middle = cells.counts[inside], middle[inside]
    late = middle >= span.begin
    window = _by(template[late], counts[late], templates)
    before = _by(template[~late], counts[~late], templates)
    column = (middle - span.base) * rates // max(1, span.end - span.base)
    picture = _by(template * rates + column, counts, templates * rates).reshape(templates, rates)
    expected: NDArray[np.float64] = before.astype(np.float64) * span.ratio
    return Tally(window, before, expected, picture)


def _by(numbers: Integers, counts: Integers, size: int) -> Integers:
    return np.bincount(numbers, counts, size).astype(np.int64)
