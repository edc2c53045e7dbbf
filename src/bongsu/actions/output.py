"""What came of a program, and how much of what it printed is kept."""

from __future__ import annotations

from typing import Literal

import msgspec

Stream = Literal["out", "err"]
Ended = Literal["exited", "signalled", "timed_out", "not_found", "not_allowed"]
"""``signalled``: somebody else ended it; ``not_found``, ``not_allowed``: it never ran"""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one program."""

    ended: Ended
    exit_code: int | None
    """128 + the signal's number where a signal ended it; None if it never ran or ran out of time"""
    out: bytes = b""
    err: bytes = b""
    """where it never ran: why not"""
    took_s: float = 0.0
    truncated: bool = False
    """whether the middle of ``out`` or ``err`` was left out"""

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and returned 0."""
        return self.ended == "exited" and self.exit_code == 0

    @property
    def text(self) -> str:
        """Return what it printed as text; what is no UTF-8 is shown as such."""
        return self.out.decode(errors="backslashreplace")

    @property
    def complaint(self) -> str:
        """Return what it printed to standard error as text, without white space around it."""
        return self.err.decode(errors="backslashreplace").strip()


class Kept:
    """The first and the last half of at most ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    @property
    def truncated(self) -> bool:
        """Whether the middle is left out by now."""
        return self._left_out > 0

    def add(self, block: bytes) -> None:
        """Take the next block."""
        room = self._limit // 2 - len(self._head)
        self._head += block[:room]
        self._tail += block[room:]
        # Cut seldom: each cut moves the whole tail.
        if len(self._tail) > 2 * self._limit:
            self._cut()

    def bytes(self) -> bytes:
        """Return both halves; a line between them says how many bytes are missing."""
        self._cut()
        if not self._left_out:
            return bytes(self._head + self._tail)
        between = f"\n[... {self._left_out} bytes ...]\n".encode()
        return bytes(self._head + between + self._tail)

    def _cut(self) -> None:
        over = len(self._tail) - (self._limit - self._limit // 2)
        if over > 0:
            del self._tail[:over]
            self._left_out += over
