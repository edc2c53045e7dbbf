"""What is asked for while something is being done is done together, and everybody is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bongsu.engine.together import Together


class Work:
    """Answers each number with its double, once it is let."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.let = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        await self.let.wait()
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


async def asked(together: Together[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(together.do(number)) for number in numbers]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_what_comes_alone_is_done_at_once():
    work = Work()
    work.let.set()
    assert await Together(work, 9).do(4) == 8
    assert work.groups == [[4]]


async def test_what_comes_meanwhile_is_done_together_in_its_order_and_within_bounds():
    work = Work()
    together = Together(work, 3)
    tasks = await asked(together, 1)
    tasks += await asked(together, 5, 4, 3, 2)
    work.let.set()
    assert await asyncio.gather(*tasks) == [2, 10, 8, 6, 4]
    assert work.groups == [[1], [5, 4, 3], [2]]


async def test_a_failure_is_told_to_those_whom_it_concerns():
    work = Work()
    together = Together(work, 2)
    tasks = await asked(together, 1) + await asked(together, 13, 2, 3)
    work.let.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [results[0], results[3]] == [2, 6]
    assert all(isinstance(one, ValueError) for one in results[1:3])


async def test_who_no_longer_waits_is_left_out_and_holds_up_nobody():
    work = Work()
    together = Together(work, 9)
    tasks = await asked(together, 1) + await asked(together, 2, 3)
    tasks[1].cancel()
    await asyncio.sleep(0)
    work.let.set()
    assert await tasks[2] == 6
    assert work.groups == [[1], [3]]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]


async def test_it_goes_on_after_a_rest():
    work = Work()
    work.let.set()
    together = Together(work, 9)
    assert [await together.do(number) for number in (1, 2)] == [2, 4]


async def test_what_comes_until_it_is_ready_is_done_at_once():
    work, ready = Work(), asyncio.Event()
    work.let.set()

    async def until_ready() -> None:
        await ready.wait()

    together = Together(work, 9, until_ready)
    tasks = await asked(together, 1) + await asked(together, 2)
    assert not work.groups
    ready.set()
    assert await asyncio.gather(*tasks) == [2, 4]
    assert work.groups == [[1, 2]]
