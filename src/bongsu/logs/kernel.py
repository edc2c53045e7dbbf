"""The fast path: one pass over the bytes, compiled, without the interpreter's lock.

Each line is reduced to two independent 64-bit hashes of its shape (`shapes`), salted anew in each
process, and looked up in a table of known shapes. Lines of a shape not yet known are settled
afterwards, in order, by one thread. Importing this module imports numba and loads the compiled code
from its cache, or compiles it, which takes some seconds once.

A table may be read by one thread while another puts a shape in: whoever reads too early finds
nothing, and its line is settled again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import boolean, int32, int64, njit, types, uint8, uint64
from numba.extending import intrinsic
from numpy.typing import NDArray

BLANK, CONTINUES, RAISES, THROWN = 1, 2, 4, 8
"""what a line is, bits: nothing on it; goes on with the record before; begins a Python traceback;
says what Java has thrown"""
GATHER = np.uint64(0x0102040810204080)
"""times eight bytes of 0 or 1: the top byte has them as bits"""
TOP, LAST = np.uint64(56), np.uint64(63)
ALL, HIGH, LOW = (
    np.uint64(2**64 - 1),
    np.uint64(0x80 * 0x0101010101010101),
    np.uint64(0x7F * 0x0101010101010101),
)
ZEROS, OVER_NINE = np.uint64(0x30 * 0x0101010101010101), np.uint64(0x76 * 0x0101010101010101)
"""a byte that is a digit, xor 0x30 and plus 0x76, stays below 0x80; any other doesn't"""
LEFT, RIGHT = np.uint64(13), np.uint64(51)
ONE, TWO, EIGHT = np.uint64(1), np.uint64(2), np.uint64(8)
ZERO, PAST_FIRST = np.uint64(ord("0")), np.uint64(2**64 - 256)
SPREAD = np.uint64(32)

PAIR = types.UniTuple(int64, 2)  # type: ignore[no-untyped-call]
Bytes = NDArray[np.uint8]
BYTES = types.Array(uint8, 1, "C", readonly=True)
Compile = Callable[..., Any]


def _intrinsic(function: Compile) -> Any:
    """Give a function that writes its own machine code; called with the rest of its arguments."""
    return intrinsic(function)


def _compiled(signature: Any) -> Compile:
    """Compile for one signature, now; kept on disk wherever numba finds a place for it."""

    def compile_(function: Callable[..., Any]) -> Any:
        try:
            return njit(signature, nogil=True, cache=True)(function)
        except RuntimeError:  # There is no folder that can be written to.
            return njit(signature, nogil=True)(function)

    return compile_


@_compiled(uint8(BYTES, int64, int64))
def thrown(data, start, end):  # type: ignore[no-untyped-def]
    """Tell whether a line says what was thrown; as `shapes.THROWN` says it."""
    place = start
    dotted = False
    while place < end:
        byte = data[place]
        letter = 97 <= byte <= 122 or 65 <= byte <= 90 or 48 <= byte <= 57
        if not letter and byte != 95 and byte != 36 and byte != 46:
            break
        dotted = dotted or byte == 46
        place += 1
    if not dotted or not (
        place == end or data[place] == 58 or (data[place] == 13 and place + 1 == end)
    ):
        return 0
    for suffix in (
        (69, 120, 99, 101, 112, 116, 105, 111, 110),  # "Exception"
        (84, 104, 114, 111, 119, 97, 98, 108, 101),  # "Throwable"
    ):
        if place - start > 9:
            same = 0
            while same < 9 and data[place - 9 + same] == suffix[same]:
                same += 1
            if same == 9:
                return 0 + THROWN
    error = (69, 114, 114, 111, 114)  # "Error"
    if place - start > 5:
        same = 0
        while same < 5 and data[place - 5 + same] == error[same]:
            same += 1
        if same == 5:
            return 0 + THROWN
    return 0


@_compiled(uint8(BYTES, int64, int64))
def line_kind(data, start, end):  # type: ignore[no-untyped-def]
    """Tell what a line is; as `shapes.CONTINUATION` and `shapes.TRACEBACK` say it."""
    size = end - start
    if size == 0:
        return 0 + BLANK
    first = data[start]
    if first == 32 or first == 9 or first == 13:
        for place in range(start, end):
            if data[place] != 32 and data[place] != 9 and data[place] != 13:
                return 0 + CONTINUES if first != 13 else 0
        return 0 + BLANK
    if 97 <= first <= 122:
        return thrown(data, start, end)
    if first == 84 and size >= 11:  # "Traceback ("
        word = (84, 114, 97, 99, 101, 98, 97, 99, 107, 32, 40)
        for place in range(11):
            if data[start + place] != word[place]:
                return 0
        return CONTINUES + RAISES
    if first == 67 and size >= 11:  # "Caused by: "
        cause = (67, 97, 117, 115, 101, 100, 32, 98, 121, 58, 32)
        for place in range(11):
            if data[start + place] != cause[place]:
                return 0
        return 0 + CONTINUES
    if first == 46 and size >= 10:  # "... 12 more"
        if data[start + 1] != 46 or data[start + 2] != 46 or data[start + 3] != 32:
            return 0
        place = start + 4
        while place < end and 48 <= data[place] <= 57:
            place += 1
        if place == start + 4 or end - place < 5:
            return 0
        more = (32, 109, 111, 114, 101)
        for letter in range(5):
            if data[place + letter] != more[letter]:
                return 0
        return 0 + CONTINUES
    return 0


@_intrinsic
def load(context, data, place):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Load eight bytes from anywhere, as one number."""

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        at = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(at, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(data, place), codegen


@_intrinsic
def highest(context, bits):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Return the place of the highest bit that is set; there must be one."""

    def codegen(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.sub(ir.Constant(ir.IntType(64), 63), zeros)

    return types.uint64(bits), codegen


@_intrinsic
def lowest(context, bits):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Return the place of the lowest bit that is set; there must be one."""

    def codegen(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(bits), codegen


@_compiled(types.UniTuple(uint64, 2)(BYTES, int64, int64, int64, uint64, uint64, uint64[::1]))  # type: ignore[no-untyped-call]
def long_run(data, start, word, end, h, g, secret):  # type: ignore[no-untyped-def]
    """Hash a run of any length anywhere, as `scan` does short ones; its word ends at ``word``."""
    times, times2, spread = secret[2], secret[3], secret[4]
    safe = end <= len(data) - 8
    digits = uint64(0)
    for place in range(start, word, 8):
        length = min(8, word - place)
        if safe:
            y = (load(data, place) & (ALL >> uint64(64 - 8 * length))) ^ ZEROS
            digits |= ~(((y & LOW) + OVER_NINE) | y) & HIGH
        else:
            for at in range(place, place + length):
                if 48 <= data[at] <= 57:
                    digits = ONE
    # What is hashed is the run's shape: where the word has digits, 0 stands for it.
    place = word - 1 if digits != 0 else start
    first = digits != 0
    while place < end:
        length = min(8, end - place)
        x = uint64(0)
        if safe:
            x = load(data, place) & (ALL >> uint64(64 - 8 * length))
        else:
            for at in range(length):
                x |= uint64(data[place + at]) << uint64(8 * at)
        if first:
            x = (x & PAST_FIRST) | ZERO
            first = False
        mixed = x * spread
        h = (h ^ ((mixed << SPREAD) | (mixed >> SPREAD)) ^ uint64(length)) * times
        g += x
        g = ((g << LEFT) | (g >> RIGHT)) * times2
        place += length
    return h, g


@_compiled(
    PAIR(
        BYTES, int64, int64, uint64[::1], uint8[:, ::1],
        uint64[:, ::1], int32[::1],
        int64[::1], int64[::1], uint64[:, ::1], int32[::1], uint8[::1], boolean,
    )
)  # fmt: skip
def scan(  # type: ignore[no-untyped-def]
    data, begin, end, secret, scratch, keys, values, starts, ends, hashes, shapes, lines, stacks
):
    """Split into lines, hash each one's shape, look it up; stop when the answer's arrays are full.

    Bytes are classed in bulk; where the class changes a run ends, and runs are hashed eight bytes
    at a time. A word with a digit counts as one fixed number. ``keys`` and ``values`` are the
    table; shape -1 in the answer means not found. Returns how many lines there were, and where the
    next begins. The hashes are the same for a line and for its shape.
    """
    most = len(starts)
    mask = len(values) - 1
    words, feeds = scratch[0], scratch[1]
    room = len(words)
    safe = len(data) - 8
    times, times2, spread = secret[2], secret[3], secret[4]
    h, g = secret[0], secret[1]
    count = 0
    start = begin
    run = begin
    base = begin
    word_before = uint64(0)
    word_end = int64(-1)
    while base < end:
        size = min(room, end - base)
        piece = data[base : base + size]  # An index that can't be negative lets it be vectorised.
        for place in range(size):
            b = piece[place]
            words[place] = (
                ((b >= 97) & (b <= 122)) | ((b >= 65) & (b <= 90)) | ((b >= 48) & (b <= 57))
                | (b == 95) | (b >= 128)
            )  # fmt: skip
            feeds[place] = b == 10
        for place in range(size, (size + 63) & ~63):
            words[place] = 0
            feeds[place] = 0
        for block in range(0, size, 64):
            w = uint64(0)
            f = uint64(0)
            for eight in range(8):
                shift = uint64(8 * eight)
                w |= ((load(words, block + 8 * eight) * GATHER) >> TOP) << shift
                f |= ((load(feeds, block + 8 * eight) * GATHER) >> TOP) << shift
            shifted = (w << ONE) | word_before
            word_ends = shifted & ~w
            changes = (w & ~shifted) | f
            word_before = w >> LAST
            while changes != 0:
                bit = lowest(changes)
                place = base + block + int64(bit)
                changes &= changes - ONE
                if place >= base + size:
                    break
                length = place - run
                if length > 0:
                    passed = word_ends & ((TWO << bit) - ONE)
                    if passed != 0:
                        word_end = base + block + int64(highest(passed))
                    word = max(0, word_end - run)
                    if length <= 8 and run <= safe:
                        x = load(data, run) & (ALL >> uint64(64 - 8 * length))
                        y = x ^ ZEROS
                        digits = ~(((y & LOW) + OVER_NINE) | y) & HIGH
                        rest = uint64(8 * max(0, word - 1))
                        if digits != 0:
                            x = ((x >> rest) & PAST_FIRST) | ZERO
                            length -= word - 1
                        mixed = x * spread
                        h = (h ^ ((mixed << SPREAD) | (mixed >> SPREAD)) ^ uint64(length)) * times
                        g += x
                        g = ((g << LEFT) | (g >> RIGHT)) * times2
                    else:
                        h, g = long_run(data, run, run + word, place, h, g, secret)
                    run = place
                if (f >> bit) & ONE:
                    h ^= h >> SPREAD
                    shape = int32(-1)
                    slot = int64(h & uint64(mask))
                    while values[slot] >= 0:
                        if keys[slot, 0] == h and keys[slot, 1] == g:
                            shape = values[slot]
                            break
                        slot = (slot + 1) & mask
                    starts[count] = start
                    ends[count] = place
                    hashes[count, 0] = h
                    hashes[count, 1] = g
                    shapes[count] = shape
                    if stacks:
                        lines[count] = line_kind(data, start, place)
                    count += 1
                    start = place + 1
                    run = start
                    if count == most:
                        return count, start
                    h, g = secret[0], secret[1]
            if word_ends != 0:
                word_end = max(word_end, base + block + int64(highest(word_ends)))
        base += size
    if start < end:
        if run < end:
            # A word that the end cuts has no end yet.
            word = end if word_before != 0 else max(run, word_end)
            h, g = long_run(data, run, word, end, h, g, secret)
        h ^= h >> SPREAD
        starts[count] = start
        ends[count] = end
        hashes[count, 0] = h
        hashes[count, 1] = g
        shapes[count] = -1
        if stacks:
            lines[count] = line_kind(data, start, end)
        count += 1
    return count, end


@_compiled(int64(uint64[:, ::1], int32[::1], uint64, uint64, int32))
def put(keys, values, h, g, shape):  # type: ignore[no-untyped-def]
    """Return the shape of these hashes, or put it in."""
    mask = len(values) - 1
    slot = int64(h & uint64(mask))
    while values[slot] >= 0:
        if keys[slot, 0] == h and keys[slot, 1] == g:
            return values[slot]
        slot = (slot + 1) & mask
    keys[slot, 0] = h
    keys[slot, 1] = g
    values[slot] = shape
    return shape


@_compiled(int64(uint64[:, ::1], int32[::1], uint64[:, ::1], int32[::1]))
def rehash(keys, values, old_keys, old_values):  # type: ignore[no-untyped-def]
    """Put all of one table into another."""
    moved = 0
    for slot in range(len(old_values)):
        if old_values[slot] >= 0:
            put(keys, values, old_keys[slot, 0], old_keys[slot, 1], old_values[slot])
            moved += 1
    return moved


@_compiled(PAIR(int64, int64[::1], int64[::1], uint64[:, ::1], int32[::1], uint8[::1], int64[::1]))
def join(count, starts, ends, hashes, shapes, lines, state):  # type: ignore[no-untyped-def]
    """Join lines into records, in place.

    ``state[0]`` is 0 after nothing or a blank line, 1 within a record, 2 within a Python traceback,
    3 after the one line of a record that is no stack trace; it is carried on. Returns how many
    records there are, and where the record before ends if lines belong to it, else -1.
    """
    records = 0
    longer = int64(-1)
    within = state[0]
    for line in range(count):
        kind = lines[line]
        blank = (kind & BLANK) != 0
        goes_on = (kind & CONTINUES) != 0 or within == 2 or (within == 3 and (kind & THROWN) != 0)
        joins = within > 0 and not blank and goes_on
        if joins:
            within = 2 if (kind & RAISES) or (within == 2 and (kind & CONTINUES)) else 1
            if records == 0:
                longer = ends[line]
            else:
                ends[records - 1] = ends[line]
            continue
        within = 0 if blank else (2 if kind & RAISES else (1 if kind & THROWN else 3))
        starts[records] = starts[line]
        ends[records] = ends[line]
        hashes[records, 0] = hashes[line, 0]
        hashes[records, 1] = hashes[line, 1]
        shapes[records] = shapes[line]
        records += 1
    state[0] = within
    return records, longer


@_compiled(
    PAIR(int64[::1], int64, uint64[:, ::1], int32[::1], uint64[:, ::1], int32[::1], int64, int64)
)
def settle(unknown, first, hashes, shapes, keys, values, known, most):  # type: ignore[no-untyped-def]
    """Give a number to each unknown record's shape, in order, from ``unknown[first]`` on.

    Stops at the first new shape that there is no room for (``known`` is ``most``). Returns where it
    stopped, and how many are known now.
    """
    place = first
    while place < len(unknown):
        record = unknown[place]
        if known == most:
            h = hashes[record, 0]
            g = hashes[record, 1]
            mask = len(values) - 1
            slot = int64(h & uint64(mask))
            found = int32(-1)
            while values[slot] >= 0:
                if keys[slot, 0] == h and keys[slot, 1] == g:
                    found = values[slot]
                    break
                slot = (slot + 1) & mask
            if found < 0:
                return place, known
            shapes[record] = found
        else:
            shape = put(keys, values, hashes[record, 0], hashes[record, 1], int32(known))
            shapes[record] = shape
            if shape == known:
                known += 1
        place += 1
    return place, known
