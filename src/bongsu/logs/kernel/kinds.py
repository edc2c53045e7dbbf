"""What a line is within a stack trace, as `shapes` has it, and lines joined into records."""

from __future__ import annotations

import numpy as np

from bongsu.logs.kernel.bits import byte
from bongsu.logs.kernel.hashing import compiled

BLANK, CONTINUES, RAISES, THROWN = 1, 2, 4, 8
"""what a line is, bits: nothing on it; goes on with the record before; begins a Python traceback;
says what Java has thrown"""
NOTHING, RECORD, RAISED, LINE = 0, 1, 2, 3
"""what is before a line: nothing or a blank one; a record; a Python traceback; a record that has
one line so far and is no stack trace"""
TRACEBACK, CAUSED = tuple(b"Traceback ("), tuple(b"Caused by: ")
DOTS, MORE = tuple(b"... "), tuple(b" more")
EXCEPTION, THROWABLE, ERROR = tuple(b"Exception"), tuple(b"Throwable"), tuple(b"Error")
SPACE, TAB, RETURN, DOT, COLON, ZERO, NINE, DOLLAR, UNDERSCORE, A, Z = tuple(b" \t\r.:09$_az")
CASE = 0x20


@compiled
def stands(text, place, end):  # type: ignore[no-untyped-def]
    """Tell whether a text stands at a place."""
    if end - place < len(text):
        return False
    same = 0
    while same < len(text) and byte(place + same) == text[same]:
        same += 1
    return same == len(text)


@compiled
def in_name(letter):  # type: ignore[no-untyped-def]
    """Tell whether a dotted name may have this letter."""
    sign = letter in (DOT, UNDERSCORE, DOLLAR)
    return sign or A <= letter | CASE <= Z or ZERO <= letter <= NINE


@compiled
def is_thrown(start, end):  # type: ignore[no-untyped-def]
    """Tell whether a line is the dotted name of something thrown, with nothing or ``:`` after."""
    place, dotted = start, False
    while place < end and in_name(byte(place)):
        dotted = dotted or byte(place) == DOT
        place += 1
    bare = place == end or (place + 1 == end and byte(place) == RETURN)
    if not dotted or not (bare or byte(place) == COLON):
        return False
    for_error, for_longer = place - len(ERROR), place - len(EXCEPTION)
    if for_error > start and stands(ERROR, for_error, place):
        return True
    if for_longer <= start:
        return False
    return stands(EXCEPTION, for_longer, place) or stands(THROWABLE, for_longer, place)


@compiled
def is_more(place, end):  # type: ignore[no-untyped-def]
    """Tell whether a line begins as ``... 12 more``."""
    if not stands(DOTS, place, end):
        return False
    first = place = place + len(DOTS)
    while place < end and ZERO <= byte(place) <= NINE:
        place += 1
    return place > first and stands(MORE, place, end)


@compiled
def is_blank(place, end):  # type: ignore[no-untyped-def]
    """Tell whether there is nothing but white space."""
    while place < end and byte(place) in (SPACE, TAB, RETURN):
        place += 1
    return place == end


@compiled
def kind_of(place, end):  # type: ignore[no-untyped-def]
    """Tell what a line is."""
    first = byte(place) if place < end else RETURN
    if first > Z or ZERO <= first <= NINE:
        return 0
    if first >= A:
        return THROWN if is_thrown(place, end) else 0
    if first in (SPACE, TAB, RETURN):
        return BLANK if is_blank(place, end) else (0 if first == RETURN else CONTINUES)
    if stands(TRACEBACK, place, end):
        return CONTINUES | RAISES
    return CONTINUES if stands(CAUSED, place, end) or is_more(place, end) else 0


@compiled
def belongs(kind, before):  # type: ignore[no-untyped-def]
    """Tell whether a line belongs to the record before."""
    if before == NOTHING or kind & BLANK:
        return False
    return kind & CONTINUES or before == RAISED or (before == LINE and kind & THROWN)


@compiled
def left_behind(kind, before, belonged):  # type: ignore[no-untyped-def]
    """Return what is before the next line."""
    if belonged:
        return RAISED if kind & RAISES or (before == RAISED and kind & CONTINUES) else RECORD
    if kind & BLANK:
        return NOTHING
    return RAISED if kind & RAISES else (RECORD if kind & THROWN else LINE)


def join(lines, starts, ends, shapes, kinds, unknowns, unknown, state):  # type: ignore[no-untyped-def]
    """Join lines into records, in place, and keep those of the unknown that begin one.

    ``state`` has what is before the first line, and gets what is before the next; where the record
    before these ends if lines belong to it, else -1; and how many unknown ones are left. Returns
    how many records there are.
    """
    records = at = kept = 0
    before, longer = state[0], -1
    for line in range(lines):
        new = at < unknowns and np.int64(unknown[3 * at]) == line
        at += new
        belonged = belongs(kinds[line], before)
        before = left_behind(kinds[line], before, belonged)
        if belonged:
            if records > 0:
                ends[records - 1] = ends[line]
            else:
                longer = ends[line]
            continue
        if new:
            unknown[3 * kept] = records
            unknown[3 * kept + 1] = unknown[3 * at - 2]
            unknown[3 * kept + 2] = unknown[3 * at - 1]
            kept += 1
        starts[records] = starts[line]
        ends[records] = ends[line]
        shapes[records] = shapes[line]
        records += 1
    state[0], state[1], state[2] = before, longer, kept
    return records
