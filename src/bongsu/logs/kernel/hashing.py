"""Keyed hashes of bytes, and the table of known ones.

A key is six random numbers. A hash is two numbers of 64 bits each. The table has ``keys``, two
numbers a slot, and ``values``, -1 where there is none; there is always a free slot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from bongsu.logs.kernel.bits import folded, load

ALL, ONE = np.uint64(2**64 - 1), np.uint64(1)
STEP = 16
"""bytes that are hashed at once"""


def compiled(function: Callable[..., Any]) -> Any:
    """Let a function be called from compiled code, and from nowhere else: that halves the work."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return njit(error_model="numpy", **options)(function)


@compiled
def absorbed(place, end, h, g, key):  # type: ignore[no-untyped-def]
    """Hash whole steps."""
    while place < end:
        a, b = load(place), load(place + 8)
        h, g = folded(a ^ key[0], b ^ h), folded(b ^ key[1], a ^ g)
        place += STEP
    return h, g


@compiled
def low(number, size):  # type: ignore[no-untyped-def]
    """Return a number's lowest ``size`` bytes."""
    return number & (ALL >> np.uint64(64 - 8 * min(size, 8))) if size > 0 else np.uint64(0)


@compiled
def finished(a, b, left, size, h, g, key):  # type: ignore[no-untyped-def]
    """Hash what is left after whole steps, the lowest bytes of two numbers, and the whole size."""
    a, b, size = low(a, left), low(b, left - 8), np.uint64(size)
    h, g = folded(a ^ key[0], b ^ h), folded(b ^ key[1], a ^ g)
    return folded(h ^ key[2], g ^ size), folded(g ^ key[3], h ^ size)


@compiled
def slot_of(h, g, keys, values, slots):  # type: ignore[no-untyped-def]
    """Return the slot where a hash is, or else would be put."""
    slot = np.int64(h & np.uint64(slots - 1))
    while values[slot] >= 0 and (keys[2 * slot] != h or keys[2 * slot + 1] != g):
        slot = (slot + 1) & (slots - 1)
    return slot
