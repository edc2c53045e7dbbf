"""Ends the programs of a process that is gone, or that gives no sign of life any more.

`bongsu.actions.guard` runs this as a program of its own, by a bare Python: it imports nothing of
Bongsu. It reads lines: ``hold MARK GROUP``, ``drop MARK``, and empty ones as signs of life.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

MARK = "STARTED_BY_BONGSU"
PATIENCE_S = 6.0
"""without a sign of life, after which programs are ended: well before their claims end"""
GRACE_S = 2.0
"""between SIGTERM and SIGKILL"""
_EVERY_S = 0.5


def passed() -> float:
    """Return seconds that go on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def watch(pipe: int) -> None:
    """Follow what is held until whoever holds it is gone; then end all of it."""
    held: dict[str, int] = {}
    rest, heard = b"", passed()
    while True:
        if select.select([pipe], [], [], _EVERY_S)[0]:
            data = os.read(pipe, 65536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            heard = passed()
            for line in lines:
                note(held, line.decode().split())
        elif held and passed() - heard > PATIENCE_S:
            end(held)
            held.clear()
    end(held)


def note(held: dict[str, int], words: list[str]) -> None:
    """Take one line."""
    match words:
        case ["hold", mark, group]:
            held[mark] = int(group)
        case ["drop", mark]:
            held.pop(mark, None)


def end(held: Mapping[str, int]) -> None:
    """End these programs with all that they started: SIGTERM, a grace, SIGKILL."""
    if not held:
        return
    until = passed() + GRACE_S
    _signal(held, signal.SIGTERM)
    while passed() < until and any(True for _ in marked(held)):
        time.sleep(0.05)
    _signal(held, signal.SIGKILL)


def marked(held: Mapping[str, int]) -> Iterator[int]:
    """Yield the processes that carry one of the marks in their environment."""
    wanted = {f"{MARK}={mark}".encode() for mark in held}
    for entry in os.scandir("/proc") if Path("/proc/self").exists() else ():
        with suppress(OSError):
            if entry.name.isdigit() and wanted.intersection(
                Path(entry.path, "environ").read_bytes().split(b"\0")
            ):
                yield int(entry.name)


def _signal(held: Mapping[str, int], number: signal.Signals) -> None:
    for group in held.values():
        with suppress(OSError):
            if group > 1:
                os.killpg(group, number)
    for pid in marked(held):
        with suppress(OSError):
            os.kill(pid, number)


if __name__ == "__main__":
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # it ends with the process that it watches
    watch(0)
