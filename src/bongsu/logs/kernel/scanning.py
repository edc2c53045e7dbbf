"""One pass over the bytes: lines, and the hash of each one's shape, looked up in a table."""

from __future__ import annotations

import numpy as np

from bongsu.logs.kernel.bits import (
    WIDTH,
    after_last,
    before_first,
    byte,
    count,
    digits,
    feeds,
    gather,
    load,
    store,
    store_byte,
    words,
)
from bongsu.logs.kernel.hashing import ALL, ONE, STEP, absorbed, compiled, finished, slot_of
from bongsu.logs.kernel.kinds import kind_of

FEED, ZERO = tuple(b"\n0")
NONE = np.uint64(0)
SPARE = 2 * WIDTH
ROOM = 1 << 12
"""bytes of shapes that are gathered before those that are hashed make room"""
SCRATCH = SPARE + ROOM + 2 * WIDTH


@compiled
def window(data, size, at, spare):  # type: ignore[no-untyped-def]
    """Return where the block of an offset can be read; beyond the data are line feeds."""
    if at + SPARE <= size:
        return data + at
    for k in range(SPARE):
        store_byte(spare + k, byte(data + at + k) if at + k < size else FEED)
    return spare


@compiled
def first(length):  # type: ignore[no-untyped-def]
    """Return the bits of a block's first bytes; ``length`` is not 0."""
    return ALL >> np.uint64(WIDTH - length)


@compiled
def with_digits(word, digit):  # type: ignore[no-untyped-def]
    """Return the last byte of each word that has a digit."""
    last = word & ~(word >> ONE)
    # Adding any of its other digits to a word carries into its last bit.
    return (((word & ~last) + (digit & ~last)) | digit) & last


@compiled
def whole(last, word):  # type: ignore[no-untyped-def]
    """Return all bytes of the words that end with ``last``."""
    for shift in (1, 2, 4, 8, 16, 32):
        last |= word & (last >> np.uint64(shift))
        word &= word >> np.uint64(shift)
    return last


@compiled
def told(block, length):  # type: ignore[no-untyped-def]
    """Return how much of a block is whole words; what of it is kept, is ``0``, and is line feeds.

    0 if one word fills it. Of a word with digits the last byte is kept, as ``0``.
    """
    word = words(block) & first(length)
    length = min(length, WIDTH - after_last(~word))
    if length == 0:
        return 0, NONE, NONE, NONE
    inside = first(length)
    word &= inside
    last = with_digits(word, digits(block) & inside)
    return length, (inside & ~whole(last, word)) | last, last, feeds(block) & inside


@compiled
def long_word(data, size, at, spare):  # type: ignore[no-untyped-def]
    """Return where a word ends that fills a block, and whether it has a digit."""
    digit = False
    while True:
        block = window(data, size, at, spare)
        length = before_first(~words(block))
        digit |= length > 0 and (digits(block) & first(max(1, length))) != 0
        at += length
        if length < WIDTH:
            return at, digit


@compiled
def hashed(text, begin, end, before, h, g, key):  # type: ignore[no-untyped-def]
    """Return the hash of a text of whose beginning so many bytes were absorbed before."""
    left = (end - begin) & (STEP - 1)
    tail = text + end - left
    h, g = absorbed(text + begin, tail, h, g, key)
    return finished(load(tail), load(tail + 8), left, before + end - begin, h, g, key)


@compiled
def moved(text, begin, end):  # type: ignore[no-untyped-def]
    """Move what is left of a text, less than a step, to the beginning."""
    store(text, load(text + begin))
    store(text + 8, load(text + begin + 8))
    return end - begin


def scan(  # type: ignore[no-untyped-def]
    data, size, begin, end, key, scratch, keys, values, slots, stacks,
    most, starts, ends, shapes, kinds, unknown, state,
):  # fmt: skip
    """Split ``data[begin:end]`` into ``most`` lines or less, and look up each one's shape.

    Block by block, the text of the shapes is gathered: what is outside of words, words without a
    digit, and ``0`` for the others. A block is cut where a word would go beyond it, so that it can
    be told of each word; a word that fills one is looked at as a whole.

    A shape that isn't known is -1, and ``unknown`` has its line and hash. Returns how many lines
    there are; ``state`` gets where the next one begins, how many shapes are unknown, and the kinds
    of all lines.
    """
    spare, text = scratch, scratch + SPARE
    stop = end + 1 if end == size and byte(data + end - 1) != FEED else end
    lines = unknowns = all_kinds = 0
    h, g = key[4], key[5]
    at = line = begin
    plain = begin
    out = shape_at = absorbed_before = 0
    while at < stop:
        if out > ROOM:
            steps = (out - shape_at) & ~(STEP - 1)
            h, g = absorbed(text + shape_at, text + shape_at + steps, h, g, key)
            absorbed_before += steps
            out = moved(text, shape_at + steps, out)
            shape_at = 0
        block = window(data, size, at, spare)
        length = min(WIDTH, stop - at)
        if at < plain:
            length = min(length, plain - at)
            kept, zeros, feed = first(length), NONE, NONE
        else:
            length, kept, zeros, feed = told(block, length)
        if length == 0:
            word_end, has_digit = long_word(data, size, at, spare)
            if has_digit:
                store_byte(text + out, ZERO)
                out += 1
                at = word_end
            else:
                plain = word_end
            continue
        gather(block, text + out, kept, zeros)
        while feed != 0 and lines < most:
            place = before_first(feed)
            shape_end = out + count(kept & ~(ALL << np.uint64(place)))
            h, g = hashed(text, shape_at, shape_end, absorbed_before, h, g, key)
            shape = values[slot_of(h, g, keys, values, slots)]
            starts[lines], ends[lines], shapes[lines] = line, at + place, shape
            if shape < 0:
                unknown[3 * unknowns] = lines
                unknown[3 * unknowns + 1] = h
                unknown[3 * unknowns + 2] = g
                unknowns += 1
            if stacks:
                kinds[lines] = kind_of(data + line, data + at + place)
                all_kinds |= kinds[lines]
            lines += 1
            line = at + place + 1
            shape_at = shape_end + 1
            absorbed_before = 0
            h, g = key[4], key[5]
            feed &= feed - ONE
        if lines == most:
            break
        out += count(kept)
        at += length
    state[0], state[1], state[2] = min(line, end), unknowns, all_kinds
    return lines


def settle(begin, unknowns, unknown, shapes, known, room, keys, values, slots, state):  # type: ignore[no-untyped-def]
    """Give a number to the shape of each unknown record, in order, from ``begin`` on.

    Returns where there is no room for a new shape; ``state`` gets how many are known.
    """
    place = begin
    while place < unknowns:
        h, g = unknown[3 * place + 1], unknown[3 * place + 2]
        slot = slot_of(h, g, keys, values, slots)
        if values[slot] < 0:
            if known == room:
                break
            keys[2 * slot] = h
            keys[2 * slot + 1] = g
            values[slot] = known
            known += 1
        shapes[np.int64(unknown[3 * place])] = values[slot]
        place += 1
    state[0] = known
    return place


def rehash(old_slots, old_keys, old_values, keys, values, slots):  # type: ignore[no-untyped-def]
    """Put all of one table into another; returns how many there were."""
    moved_over = 0
    for slot in range(old_slots):
        if old_values[slot] >= 0:
            h, g = old_keys[2 * slot], old_keys[2 * slot + 1]
            new = slot_of(h, g, keys, values, slots)
            keys[2 * new] = h
            keys[2 * new + 1] = g
            values[new] = old_values[slot]
            moved_over += 1
    return moved_over
