"""What a line's shape is: the line with every word that has a digit in it written as ``0``.

A word is a run of ASCII letters, digits, ``_`` and bytes from 0x80 on, so that Korean text is
words, too, and broken UTF-8 is just bytes. Shapes are what the fast path (`kernel`) hashes without
ever writing them down; this module is the same in plain Python, for small inputs and as the
definition. A shape's shape is itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

WITH_DIGIT = re.compile(
    rb"(?<![0-9A-Za-z_\x80-\xff])[A-Za-z_\x80-\xff]*[0-9][0-9A-Za-z_\x80-\xff]*"
)
CONTINUATION = re.compile(rb"[ \t][ \t\r]*[^ \t\r\n]|Traceback \(|Caused by: |\.\.\. [0-9]+ more")
"""how a line begins that goes on with the record before: indented, or as stack traces go on"""
THROWN = re.compile(
    rb"(?=[A-Za-z0-9_$]*\.)[a-z][A-Za-z0-9_$.]*(?:Exception|Error|Throwable)(?=:|\r?\Z)"
)
"""what Java has thrown, on the line after the one that logs it: ``java.io.IOException: no``"""
BLANK = re.compile(rb"[ \t\r]*")
TRACEBACK = b"Traceback ("
"""after it and its indented lines comes one that isn't indented and says what was raised"""


def shape_of(line: bytes) -> bytes:
    """Return a line's shape. It takes time linear in the line's length."""
    return WITH_DIGIT.sub(b"0", line)


def lines_of(data: bytes) -> Iterator[tuple[int, int]]:
    """Give where each line begins and ends, its line feed excluded."""
    start, size = 0, len(data)
    while start < size:
        end = data.find(b"\n", start)
        end = size if end < 0 else end
        yield start, end
        start = end + 1


def records_of(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Give where each record begins, where its first line ends, and where it ends.

    Continuation lines belong to the record before; at the data's beginning and after a blank line
    there is none, so that there they begin one. What was thrown belongs to a record that has one
    line so far, and not to another stack trace.
    """
    begin = head = stop = -1
    within = raising = logged = False
    for start, end in lines_of(data):
        goes_on = CONTINUATION.match(data, start, end) is not None
        blank = BLANK.fullmatch(data, start, end) is not None
        raises = data.startswith(TRACEBACK, start, end)
        thrown = THROWN.match(data, start, end) is not None
        if within and not blank and (goes_on or raising or (thrown and logged)):
            raising = raises or (raising and goes_on)
            stop, logged = end, False
            continue
        if begin >= 0:
            yield begin, head, stop
        within, raising = not blank, raises
        logged = within and not raises and not thrown
        begin, head, stop = start, end, end
    if begin >= 0:
        yield begin, head, stop
