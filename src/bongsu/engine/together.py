"""Does what came in while it was busy all at once: the more there is, the less each costs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Asked(NamedTuple, Generic[T, R]):
    what: T
    answer: asyncio.Future[R]


class Together(Generic[T, R]):
    """Gathers what is asked for while ``work`` is doing what was asked for before.

    ``work`` is given at most ``most`` things, oldest first, and answers each in the same order.
    There is no timer: on a quiet system nothing waits. Before each group ``ready`` is awaited, and
    what is asked for meanwhile joins it.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        most: int,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._work = work
        self._most = most
        self._ready = ready
        self._asked: deque[_Asked[T, R]] = deque()
        self._working: asyncio.Task[None] | None = None

    async def do(self, what: T) -> R:
        """Have it done with others; what ``work`` raises, each of them is told."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(what, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._do_all(), name="together")
        return await answer

    async def _do_all(self) -> None:
        try:
            while self._asked:
                if self._ready is not None:
                    await self._ready()
                count = min(self._most, len(self._asked))
                await self._do([self._asked.popleft() for _ in range(count)])
        finally:
            self._working = None

    async def _do(self, group: Sequence[_Asked[T, R]]) -> None:
        waiting = [one for one in group if not one.answer.done()]
        try:
            answers = await self._work([one.what for one in waiting])
            for one, answer in zip(waiting, answers, strict=True):
                _tell(one.answer, answer)
        except Exception as error:  # noqa: BLE001  the edge of the work: who asked for it is told
            for one in waiting:
                if not one.answer.done():
                    one.answer.set_exception(error)
        finally:
            for one in waiting:
                one.answer.cancel()  # only where this task itself was cancelled


def _tell(future: asyncio.Future[R], answer: R) -> None:
    if not future.done():
        future.set_result(answer)
