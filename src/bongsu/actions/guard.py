"""What a process leaves behind when it is killed: a guard ends the programs that it ran.

A step is only ever under way while somebody holds its claim. Whoever is killed can end nothing, and
whoever is stopped does not know that its claim has ended; so a small process beside it is told of
each program before it starts, and ends them when it hears nothing more.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar

from bongsu.actions import guarding

BEAT_S = 1.0
ENDS_WITHIN_S = 1.0
"""seconds that the end of a guard is waited for; with nothing left to end it takes none"""

CLAIM_HOLDS: ContextVar[Callable[[], bool] | None] = ContextVar("claim_holds", default=None)
"""set where programs are run under a claim: says whether it still holds. Elsewhere a program only
reads, and may live on by itself."""


class ClaimLostError(Exception):
    """The claim ended before the program was started; somebody else may have taken it over."""


class Guard:
    """The guard of this process, started with the first program that it is to watch."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._beat: asyncio.TimerHandle | None = None

    def hold(self, mark: str, group: int = 0) -> None:
        """Watch whatever carries this mark, and its process group once that is known.

        On return the guard will hear of it, whatever becomes of this process.
        """
        self._held[mark] = group
        self._tell(f"hold {mark} {group}\n")
        if self._beat is None:
            self._keep_beating()

    def drop(self, mark: str) -> None:
        """Watch it no longer: it has ended."""
        if self._held.pop(mark, None) is not None:
            self._tell(f"drop {mark}\n")
        if not self._held and self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _keep_beating(self) -> None:
        self._beat = asyncio.get_running_loop().call_later(BEAT_S, self._keep_beating)
        self._tell("\n")

    def _tell(self, line: str) -> None:
        """Write a line; a guard that was killed, or reads no more, is followed by a new one."""
        if not self._told(line):
            self._start()
            for mark, group in self._held.items():
                self._told(f"hold {mark} {group}\n")

    def _told(self, line: str) -> bool:
        if self._process is None or self._process.stdin is None:
            return False
        try:
            return os.write(self._process.stdin.fileno(), line.encode()) > 0
        except OSError:
            return False

    def _start(self) -> None:
        if self._process is not None:
            self._process.kill()
            self.close()
        self._process = subprocess.Popen(  # noqa: S603  our own file
            [sys.executable, "-I", "-S", guarding.__file__], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
        )  # fmt: skip
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)

    def close(self) -> None:
        """Let the guard end, and what it still holds with it; waits a moment for that."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=ENDS_WITHIN_S)


GUARD = Guard()
atexit.register(GUARD.close)
