"""Finds the lines with ``error`` in them, compiled and without the interpreter's lock.

Importing this module imports numba and loads the compiled code from its cache, or compiles it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import int64, njit, types, uint8, uint64

CHUNK = 32
"""words of 8 bytes that are looked through at once, so that vector instructions can be used"""
CASE = np.uint8(0x20)
E, R, O = np.uint8(ord("e")), np.uint8(ord("r")), np.uint8(ord("o"))  # noqa: E741  the letter
FEED = np.uint8(ord("\n"))
PRIME, MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)
ONES, HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
CASES, RS, OS = (np.uint64(0x0101010101010101 * letter) for letter in (0x20, ord("r"), ord("o")))
U8, U16, U48, U56 = np.uint64(8), np.uint64(16), np.uint64(48), np.uint64(56)
WORDS = types.Array(uint64, 1, "C", readonly=True)
BYTES = types.Array(uint8, 1, "C", readonly=True)
PLACES, HASHES = types.Array(int64, 1, "C"), types.Array(uint64, 1, "C")
PAIR = types.UniTuple(int64, 2)  # type: ignore[no-untyped-call]


def _compiled(signature: Any) -> Callable[..., Any]:
    def compile_(function: Callable[..., Any]) -> Any:
        try:
            return njit(signature, nogil=True, cache=True)(function)
        except RuntimeError:  # There is no folder that can be written to.
            return njit(signature, nogil=True)(function)

    return compile_


@_compiled(int64(WORDS, int64, int64))
def _candidate(words, at, end):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the beginning of the first chunk from ``at`` that may have the word in it."""
    number, last = at // 8, min(end // 8, len(words) - CHUNK - 1)
    while number <= last:
        # A byte of `wrong` is 0 where "rro" stands, eight places in a step; `some` notes any.
        some = np.uint64(0)
        for k in range(number, number + CHUNK):
            here, after = words[k] | CASES, words[k + 1] | CASES
            r, r_after = here ^ RS, after ^ RS
            o, o_after = here ^ OS, after ^ OS
            wrong = r | (r >> U8) | (r_after << U56) | (o >> U16) | (o_after << U48)
            some |= (wrong - ONES) & ~wrong & HIGHS
        if some != 0:
            break
        number += CHUNK
    # The "e" may be the last byte of the chunk before.
    return max(at, number * 8 - 1)


@_compiled(int64(BYTES, int64, int64))
def _hit(data, at, end):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return where the word first stands from ``at``; -1 if nowhere before ``end``."""
    for p in range(at, end):
        if (
            (data[p + 1] | CASE) == R
            and (data[p] | CASE) == E
            and (data[p + 2] | CASE) == R
            and (data[p + 3] | CASE) == O
            and (data[p + 4] | CASE) == R
        ):
            return p
    return -1


@_compiled(PAIR(BYTES, WORDS, int64, int64, uint64, PLACES, HASHES))
def scan(data, words, start, end, salt, places, hashes):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, PLR0917
    """Write where the lines with the word begin, and their hashes, for the lines of a range.

    ``start`` and ``end`` must be where lines begin. Returns how many were found, and where to go
    on: ``end``, or less if ``places`` is full.
    """
    found, at, line = 0, start, start
    while at < end:
        if found == len(places):
            return found, line
        at = _candidate(words, at, end)
        stop = max(at, min(at + 8 * CHUNK, end - 4))
        hit = _hit(data, at, stop)
        if hit < 0:
            at = stop if stop < end - 4 else end
            continue
        begin = hit
        while begin > line and data[begin - 1] != FEED:
            begin -= 1
        value, p = salt, begin
        while p < end and data[p] != FEED:
            value = (value ^ uint64(data[p])) * PRIME
            value ^= value >> MIX
            p += 1
        places[found], hashes[found] = begin, value
        found += 1
        at = line = p + 1
    return found, end
