"""Which process this is, so that another one on the same machine can tell when it is gone.

A pid alone is given out again, and a container's first process always has the same one.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

from bongsu.actions.guarding import MARK


@cache
def me() -> str:
    """Name this process: host, pid, and whatever makes these two unique."""
    return f"{socket.gethostname()}:{os.getpid()}:{_place()}:{_began(os.getpid()) or 0}"


def is_gone(name: str) -> bool:
    """Whether a process is surely gone; of one that can't be seen from here nobody knows."""
    parts = name.rsplit(":", 3)
    if len(parts) != 4 or not _place() or parts[2] != _place():  # noqa: PLR2004  as `me` has it
        return False
    return _began(int(parts[1])) != int(parts[3])


def has_left(name: str) -> bool:
    """Whether programs that a process ran are still there; those of others can't be seen."""
    begins = f"{MARK}={name}.".encode()
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            if entry.name.isdigit() and begins in Path(entry.path, "environ").read_bytes():
                return True
    return False


@cache
def _place() -> str:
    """Name this boot of the machine and the pids that can be seen; "" where the system can't."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"
    return ""


def _began(pid: int) -> int | None:
    """Return when a process began, in ticks since the boot; None where there is none that runs."""
    with suppress(OSError, IndexError):
        state, *rest = (
            Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        )
        return None if state in ("Z", "X") else int(rest[18])
    return None
