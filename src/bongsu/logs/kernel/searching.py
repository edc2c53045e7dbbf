"""Lines with ``error`` in them, in any ASCII case, and their hashes."""

from __future__ import annotations

import numpy as np

from bongsu.logs.kernel.bits import WIDTH, after_last, before_first, errors, feeds, load
from bongsu.logs.kernel.hashing import ALL, STEP, absorbed, compiled, finished
from bongsu.logs.kernel.scanning import first, window


@compiled
def next_feed(data, size, at, spare):  # type: ignore[no-untyped-def]
    """Return where the line ends that goes on at an offset."""
    while True:
        place = before_first(feeds(window(data, size, at, spare)))
        if place < WIDTH:
            return min(at + place, size)
        at += WIDTH


@compiled
def tail_of(data, size, at, spare):  # type: ignore[no-untyped-def]
    """Return where the two numbers from an offset on can be read."""
    return data + at if at + STEP <= size else window(data, size, at, spare)


def search(data, size, begin, end, key, spare, most, starts, hashes, state):  # type: ignore[no-untyped-def]
    """Write where the lines of ``data[begin:end]`` with the word begin, and their hashes.

    Returns how many there are, ``most`` or less; ``state`` gets where to go on.
    """
    found, at, line = 0, begin, begin
    while at < end and found < most:
        block = window(data, size, at, spare)
        inside = first(min(WIDTH, end - at))
        hit = before_first(errors(block) & inside)
        before = feeds(block) & inside
        if hit < WIDTH:
            before &= ~(ALL << np.uint64(hit))
        if before != 0:
            line = at + WIDTH - after_last(before)
        if hit == WIDTH:
            at += WIDTH
            continue
        line_end = next_feed(data, size, at + hit, spare)
        left = (line_end - line) & (STEP - 1)
        tail = tail_of(data, size, line_end - left, spare)
        h, g = absorbed(data + line, data + line_end - left, key[4], key[5], key)
        h, g = finished(load(tail), load(tail + 8), left, line_end - line, h, g, key)
        starts[found], hashes[found] = line, h
        found += 1
        at = line = line_end + 1
    state[0] = min(at, end)
    return found
