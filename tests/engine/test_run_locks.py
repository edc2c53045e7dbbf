"""The locks of runs: had by one at a time, free with its end, waited for in the database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.engine.house import (
    Build,
    FakeHands,
    begun,
    command,
    opened,
    policy,
    until_it,
)

from bongsu.engine.step_records import Came
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.runs import asking


async def test_of_one_target_only_one_run_at_a_time_changes_anything(build: Build):
    house = build(
        policy(command("scale"), {"name": "w", "kind": "wait", "duration": "1m"}, lock="b")
    )
    first, second = await opened(house, "1"), await opened(house, "2")
    one = await house.asks(first)
    await house.do_pending()
    other = await house.asks(second)
    await house.do_pending()
    waits = await house.run(second, other)
    assert (waits.phase, house.hands.done) == ("asked", ["scale"])
    house.desk.clock.forward(minutes=2)
    await house.desk.look()
    assert (await house.run(first, one)).outcome == "succeeded"
    await house.do_pending()
    assert house.hands.done == ["scale", "scale"], "the lock is free with the end of the run"


async def test_a_lock_that_comes_free_lets_the_next_run_begin_at_once(build: Build):
    """No clock is moved here, and nobody looks: the end of the one begins the other."""
    house = build(policy(command("scale"), lock="b"), FakeHands(hangs="scale")).begins_at_once()
    first, second = await opened(house, "1"), await opened(house, "2")
    one = await house.asks(first)
    await begun(house)
    other = await house.asks(second)
    await until_it(house, second, other, lambda run: run.waits_until is not None)
    log = [type(x.body) for x in await house.desk.log(second)]
    assert log.count(r.RunWaits) == 1
    house.hands.hangs = None
    house.hands.goes_on.set()
    assert (await house.over(first, one)).outcome == "succeeded"
    assert (await house.over(second, other)).outcome == "succeeded"
    assert house.hands.done == ["scale", "scale"]
    log = [type(x.body) for x in await house.desk.log(second)]
    assert (log.count(r.StartDue), log.count(r.RunWaits)) == (1, 1), "it asked once"


async def test_a_lock_that_comes_free_just_when_it_begins_to_be_waited_for_is_not_missed(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    house = build(policy(command("scale"), lock="b"), FakeHands(hangs="scale")).begins_at_once()
    first, second = await opened(house, "1"), await opened(house, "2")
    one = await house.asks(first)
    await begun(house)
    transact, waits, goes_on = house.desk.engine.transact, asyncio.Event(), asyncio.Event()

    async def is_slow_to_return(work: Any) -> Any:
        written = await transact(work)
        task = asyncio.current_task()
        if task is not None and task.get_name().startswith("step") and not waits.is_set():
            waits.set()
            await goes_on.wait()
        return written

    monkeypatch.setattr(house.desk.engine, "transact", is_slow_to_return)
    other = await house.asks(second)
    await waits.wait()
    assert (await house.run(second, other)).waits_until is not None
    house.hands.hangs = None
    house.hands.goes_on.set()
    assert (await house.over(first, one)).outcome == "succeeded"
    goes_on.set()
    assert (await house.over(second, other)).outcome == "succeeded"


async def test_a_run_that_is_stopped_while_it_waits_takes_no_lock_later(build: Build):
    house = build(policy(command("scale"), lock="b"), FakeHands(hangs="scale")).begins_at_once()
    first, second = await opened(house, "1"), await opened(house, "2")
    one = await house.asks(first)
    await begun(house)
    other = await house.asks(second)
    await until_it(house, second, other, lambda run: run.waits_until is not None)
    await house.desk.engine.act(
        second, "person:pm", lambda _, found, __: asking.stop(found, other, undo=False)
    )
    house.hands.goes_on.set()
    await house.over(first, one)
    assert (await house.run(second, other)).outcome == "stopped"
    await house.do_pending()
    assert house.hands.done == ["scale"]
    assert await house.desk.count("runs", "ended_at IS NULL") == 0
    assert await house.desk.count("effects", "done_at IS NULL AND waits_for IS NOT NULL") == 0


async def test_a_run_gives_up_on_a_lock_that_never_comes_free(build: Build):
    house = build(policy(command("scale"), lock="b"), FakeHands(hangs="scale")).begins_at_once()
    first, second = await opened(house, "1"), await opened(house, "2")
    await house.asks(first)
    await begun(house)
    other = await house.asks(second)
    await until_it(house, second, other, lambda run: run.waits_until is not None)
    house.desk.clock.forward(minutes=31)
    await house.desk.look()
    run = await house.over(second, other)
    assert (run.outcome, run.why and run.why.code) == ("refused", "lock_lost")
    called = [x.body.why.code for x in await house.desk.log(second) if isinstance(x.body, e.Paged)]
    assert "run_failed" in called, "who asked for it is told"


async def test_of_many_that_wait_for_one_lock_each_has_it_once(build: Build):
    house = build(policy(command("scale"), lock="b"), FakeHands(hangs="scale")).begins_at_once()
    incident = await opened(house)
    first = await house.asks(incident)
    await begun(house)
    names = [await house.asks(incident) for _ in range(6)]
    await until_it(house, incident, names[-1], lambda run: run.waits_until is not None)
    house.hands.hangs = None
    house.hands.goes_on.set()
    for name in [first, *names]:
        assert (await house.over(incident, name)).outcome == "succeeded"
    assert house.hands.done == ["scale"] * 7
    log = [one.body for one in await house.desk.log(incident)]
    course = [type(b).__name__ for b in log if isinstance(b, r.RunStarted | r.RunEnded)]
    assert course == ["RunStarted", "RunEnded"] * 7, "never two at once"


async def test_a_run_without_a_lock_waits_for_nobody(build: Build):
    house = build(policy(command("scale"), {"name": "w", "kind": "wait", "duration": "1m"}))
    first, second = await opened(house, "1"), await opened(house, "2")
    await house.asks(first)
    await house.asks(second)
    await house.do_pending()
    assert house.hands.done == ["scale", "scale"]


async def test_a_dry_run_holds_no_lock(build: Build):
    house = build(
        policy(command("scale"), {"name": "h", "kind": "human", "instruction": "x"}, lock="b")
    )
    incident = await opened(house)
    await house.asks(incident, dry=True)
    await house.do_pending()
    assert await house.desk.count("runs", "lock IS NOT NULL") == 0


async def test_every_lock_is_released_when_its_run_ends_however_it_ends(build: Build):
    fate = {"scale": Came("failed", exit_code=1)}
    house = build(policy(command("scale"), lock="b"), FakeHands(fate=fate)).begins_at_once()
    incident = await opened(house)
    assert (await house.over(incident, await house.asks(incident))).outcome == "failed"
    assert await house.desk.count("runs", "ended_at IS NULL") == 0
    run = await house.over(incident, await house.asks(incident))
    assert run.started_at is not None
