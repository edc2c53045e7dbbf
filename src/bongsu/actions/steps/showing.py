"""What a step prints, fit to be shown and kept: masked, readable, bounded.

Lines are shown when they are whole, because half a secret looks like nothing. The beginning is
shown as it comes; of what is more than that, the end follows when the step is over.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from bongsu.actions.output import Stream
from bongsu.actions.programs import KIB
from bongsu.actions.steps.outcome import OnOutput
from bongsu.logs.masking import KEY, SECRET, mask

HEAD, TAIL = 40 * KIB, 20 * KIB
LONGEST_LINE = 16 * KIB
"""a longer one is shown in parts"""
SHORTEST_SECRET = 4
"""a shorter value would take half the words of a text with it"""

_NAMED_SECRET = re.compile(
    r"pass|secret|token|credential|dsn|webhook|(?:^|_)(?:api)?key(?:$|_)", re.IGNORECASE
)
_IN_ADDRESS = re.compile(r"://[^\s/:@]*:([^\s@]+)@")
_BEGIN, _END = (
    re.compile(rb"-----BEGIN [A-Z0-9 ]{1,40}-----"),
    re.compile(rb"-----END [A-Z0-9 ]{1,40}-----"),
)
_CONTROL = {
    code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"
} | {0x7F: "␡"}  # fmt: skip
"""what a terminal would obey is written as what it is"""


def secrets_of(env: Mapping[str, str], named: Iterable[str] = ()) -> list[str]:
    """Return what must not be shown: the values of variables whose names say so, and of ``named``.

    Forms in which programs print them are among them; the longest first.
    """
    asked = frozenset(named)
    values = [value for name, value in env.items() if name in asked or _NAMED_SECRET.search(name)]
    values += [one for value in env.values() for one in _IN_ADDRESS.findall(value)]
    found: set[str] = set()
    for value in values:
        for part in (value.strip(), *value.splitlines()):
            if len(part) >= SHORTEST_SECRET:
                coded = base64.b64encode(part.encode("utf-8", "surrogateescape")).decode()
                escaped = quote(part, safe="", errors="surrogateescape")
                found |= {part, coded.rstrip("="), escaped}
    return sorted(found, key=len, reverse=True)


def _around(text: bytearray, secret: bytes, at: int) -> int:
    """Return where a secret begins that a cut at ``at`` would halve; -1 where there is none."""
    return text.find(secret, max(at - len(secret) + 1, 0), at + len(secret) - 1)


class Shown:
    """Where one step's output goes; `close` gives out what was held back."""

    def __init__(self, on_output: OnOutput, secrets: Sequence[str]) -> None:
        self._on_output = on_output
        self._secrets = secrets
        self._waiting: dict[Stream, bytearray] = {"out": bytearray(), "err": bytearray()}
        self._in_key: dict[Stream, bool] = {"out": False, "err": False}
        self._room = HEAD
        self._tail: deque[tuple[Stream, bytes]] = deque()
        self._tail_size = self._left_out = 0

    def take(self, stream: Stream, block: bytes) -> None:
        """Take what a program printed; whole lines go on."""
        waiting = self._waiting[stream]
        waiting += block
        while (end := waiting.find(b"\n") + 1) or len(waiting) > LONGEST_LINE:
            cut = end if 0 < end <= LONGEST_LINE else self._cut(waiting)
            line = bytes(waiting[:cut])
            del waiting[:cut]
            self._line(stream, line)

    def line(self, text: str) -> None:
        """Show a line of our own."""
        self._line("out", f"{text}\n".encode("utf-8", "surrogateescape"))

    def command(self, argv: Sequence[str]) -> None:
        """Show a command as one would type it."""
        self.line(f"$ {shlex.join(argv)}")

    def hidden(self, text: str) -> str:
        """Return a text without secrets and without what a terminal would obey."""
        for secret in self._secrets:
            text = text.replace(secret, SECRET)
        return mask(text).replace("\r\n", "\n").translate(_CONTROL)

    def close(self) -> None:
        """Give out unfinished lines and the end of what was too much."""
        for stream, waiting in self._waiting.items():
            if waiting:
                self._line(stream, bytes(waiting))
                waiting.clear()
        if self._left_out:
            self._on_output("out", f"[... {self._left_out} bytes ...]\n".encode())
        for stream, line in self._tail:
            self._on_output(stream, self._fit(line))
        self._tail.clear()

    def _cut(self, waiting: bytearray) -> int:
        """Return where a line that is too long may be cut: not within a word, letter or secret."""
        secrets = [one.encode("utf-8", "surrogateescape") for one in self._secrets]
        last = max(LONGEST_LINE - max(map(len, secrets), default=0), LONGEST_LINE // 2)
        at = waiting.rfind(b" ", LONGEST_LINE // 2, last) + 1 or last
        while within := [start for one in secrets if 0 < (start := _around(waiting, one, at)) < at]:
            at = min(within)
        while at > 1 and waiting[at] & 0xC0 == 0x80:  # noqa: PLR2004  in the middle of a letter
            at -= 1
        return at

    def _line(self, stream: Stream, line: bytes) -> None:
        """Mask a line; a key's lines are nothing but a key."""
        if self._in_key[stream]:
            self._in_key[stream] = _END.search(line) is None
            return
        begun = _BEGIN.search(line)
        if begun is not None and _END.search(line, begun.end()) is None:
            self._in_key[stream] = True
            line = line[: begun.start()] + f"{KEY}\n".encode()
        self._out(stream, line)

    def _fit(self, line: bytes) -> bytes:
        shown = self.hidden(line.decode(errors="backslashreplace"))
        return shown.encode("utf-8", "backslashreplace")

    def _out(self, stream: Stream, line: bytes) -> None:
        """Show a line, or keep it for the end: of a flood, only what is shown is worth masking."""
        if len(line) <= self._room:
            self._room -= len(line)
            self._on_output(stream, self._fit(line))
            return
        self._room = 0
        self._tail.append((stream, line))
        self._tail_size += len(line)
        while self._tail_size > TAIL and len(self._tail) > 1:
            _, gone = self._tail.popleft()
            self._tail_size -= len(gone)
            self._left_out += len(gone)
