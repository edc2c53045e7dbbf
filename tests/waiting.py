"""Waiting until something is so: the one way in which tests wait for what others do.

The patience is long, because a busy machine is no failure, and what is so at once costs no time;
behind it stands pytest's timeout for the test. Never sleep and hope instead, and never count the
turns of a loop of your own.

    await until(lambda: desk.log(incident), lambda log: len(log) > 3)
    await until_true(lambda: channel.sent)
    until_true_blocking(path.exists)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 60.0


async def until(
    look: Callable[[], Awaitable[T | None]],
    holds: Callable[[T], object] = bool,
    *,
    within: float = PATIENCE,
    every: float = 0.01,
) -> T:
    """Look, `every` so many seconds, until an answer is there that `holds`, and return it.

    Raises:
        AssertionError: There was none `within` that many seconds; shows the last answer. A look
            that has begun is never broken off, and there is always one after the time is over.

    """
    answer: T | None = None
    for _ in _turns(within):
        answer = await look()
        if answer is not None and holds(answer):
            return answer
        await asyncio.sleep(every)
    raise _never(look, answer, within)


async def until_true(
    look: Callable[[], T | None], *, within: float = PATIENCE, every: float = 0.01
) -> T:
    """Do the same with a plain function, while the loop turns."""
    answer: T | None = None
    for _ in _turns(within):
        if answer := look():
            return answer
        await asyncio.sleep(every)
    raise _never(look, answer, within)


def until_true_blocking(
    look: Callable[[], T | None], *, within: float = PATIENCE, every: float = 0.01
) -> T:
    """Do the same where no loop turns: threads, programs, browsers."""
    answer: T | None = None
    for _ in _turns(within):
        if answer := look():
            return answer
        time.sleep(every)
    raise _never(look, answer, within)


def _turns(within: float) -> Iterator[None]:
    end = time.monotonic() + within
    while time.monotonic() < end:
        yield
    yield


def _never(look: Callable[..., object], answer: object, within: float) -> AssertionError:
    named = getattr(look, "__qualname__", repr(look))
    return AssertionError(f"not so within {within:g} s: {named} last answered {answer!r}")
