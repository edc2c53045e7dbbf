"""Ports for programs that must be told one before they listen on it."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator

FIRST, LAST = 10_000, 32_000
"""below those that the kernel gives to whoever asks for any: one of these stays free"""


def _numbers() -> Iterator[int]:
    """Yield each number once, and none that another worker of this session yields."""
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    numbers = range(FIRST + mine, LAST, workers)
    yield from random.sample(numbers, len(numbers))


_LEFT = _numbers()


def free_port() -> int:
    """Return a port that nobody listens on, and that nobody is given by chance meanwhile."""
    for port in _LEFT:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no port is left")
