"""Time limits that are the behaviour itself, and the end of what they ended, on a busy machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import psutil
from tests.waiting import until_true

T = TypeVar("T")
LIMITS_S = (1, 6, 50)


async def limited(
    do: Callable[[int], Awaitable[T]],
    came_so_far: Callable[[T], object],
    limits_s: tuple[int, ...] = LIMITS_S,
) -> T:
    """Do it with a limit of few seconds, again with more where the machine was too busy for that.

    ``came_so_far`` says whether what has to happen before the limit did; the last attempt counts
    whatever it says.
    """
    for limit_s in limits_s[:-1]:
        came = await do(limit_s)
        if came_so_far(came):
            return came
    return await do(limits_s[-1])


async def gone(pid_file: Path) -> bool:
    """Wait until the process that wrote its pid there has ended."""
    pid = int(pid_file.read_text())
    return await until_true(lambda: not runs(pid))


def runs(pid: int) -> bool:
    """Whether a process has not ended, whoever collects it."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
