"""Steps that only a worker of their runner's name may take, and what is done if there is none."""

from __future__ import annotations

import asyncio

import pytest
from tests.engine.house import (
    Build,
    FakeHands,
    House,
    begun,
    command,
    lapsed,
    opened,
    policy,
)

from bongsu.engine import claims, left_over
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.runs import asking
from bongsu.web.api.run_views import state_of


async def test_a_runners_steps_wait_for_that_runner(build: Build):
    house = build(policy(command("scale"), runner="inside")).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    assert not house.stepper._under_way, "what is begun at once is begun by now"
    queues = await house.desk.pool.fetch("SELECT DISTINCT entrypoint FROM jobs.pgqueuer")
    assert "runner:inside" in {row[0] for row in queues}
    inside = build(house.desk.engine.policy, FakeHands(), worker="two", runner="inside")
    await inside.do_pending()
    assert (await inside.run(incident, name)).outcome == "succeeded"
    assert (house.hands.done, inside.hands.done) == ([], ["scale"])


async def looked_after(house: House, **later: float) -> None:
    """Let time pass for what nobody has taken."""
    house.desk.clock.forward(**later)
    await house.desk.pool.execute("UPDATE effects SET look_at = '-infinity'")
    await left_over.look_after(house.desk.engine)


@pytest.mark.parametrize("starts", [False, True])
async def test_people_are_called_for_a_runner_that_is_not_there_and_its_step_is_refused(
    build: Build, starts: bool
):
    house = build(
        policy(command("scale", undo=["back"]), command("look"), runner="inside", lock="b")
    )
    incident = await opened(house)
    name = await house.asks(incident)
    if starts:
        inside = build(house.desk.engine.policy, FakeHands(), worker="two", runner="inside")
        await inside.doers.do((await house.pending())[0])
    await looked_after(house, seconds=20)
    assert (await house.run(incident, name)).needs is None, "it may be starting"
    for _ in range(3):
        await looked_after(house, seconds=20)
    log = [one.body for one in await house.desk.log(incident)]
    (needed,) = [body for body in log if isinstance(body, r.PersonNeeded)]
    assert needed.why.values["runner"] == "inside"
    assert [b.person for b in log if isinstance(b, e.Paged) and b.why == needed.why] == ["pm"]
    jobs = "entrypoint = 'runner:inside'"
    assert await house.desk.count("jobs.pgqueuer", jobs) == (2 if starts else 1), "none piles up"
    await looked_after(house, minutes=6)
    run = await house.run(incident, name)
    assert (run.outcome, run.why and run.why.code) == (
        ("failed", "step_refused") if starts else ("refused", "runner_not_there")
    )
    assert await house.desk.count("runs", "ended_at IS NULL") == 0
    late = build(house.desk.engine.policy, FakeHands(), worker="three", runner="inside")
    assert await late.do_pending() == 0
    assert late.hands.done == []


async def test_a_runner_that_comes_late_does_its_step_and_calls_off_the_search(build: Build):
    house = build(policy(command("scale"), command("look"), runner="inside"))
    incident = await opened(house)
    name = await house.asks(incident)
    inside = build(house.desk.engine.policy, FakeHands(hangs="scale"), worker="t", runner="inside")
    await inside.doers.do((await house.pending())[0])
    await looked_after(house, seconds=40)
    waits = await house.run(incident, name)
    assert waits.needs is not None
    assert state_of(waits, 0) == "worker", "it is not under way"
    doing = asyncio.create_task(inside.do_pending())
    await begun(inside)
    assert (await house.run(incident, name)).needs is None, "nobody need be called any more"
    await looked_after(house, hours=1)
    assert not (await house.run(incident, name)).over, "what somebody does is not refused"
    inside.hands.goes_on.set()
    await doing
    assert (await house.run(incident, name)).outcome == "succeeded"


async def test_a_runner_that_died_at_its_step_and_never_comes_back_leaves_it_to_a_person(
    build: Build,
):
    house = build(policy(command("scale"), runner="inside"))
    incident = await opened(house)
    name = await house.asks(incident)
    inside = build(house.desk.engine.policy, FakeHands(), worker="two", runner="inside")
    await inside.doers.do((await house.pending())[0])
    (effect,) = await house.pending()
    due = (await house.run(incident, name)).due
    assert due is not None
    claim = claims.Claim(house.desk.pool, effect, "dead")
    assert await claim.have(due, house.desk.clock.now(), repeats=False)
    await looked_after(house, minutes=2)
    assert (await house.run(incident, name)).needs is None, "it may be a long step"
    await lapsed(house)
    await looked_after(house, seconds=20)
    assert (await house.run(incident, name)).needs is not None
    await house.desk.pool.execute("UPDATE effects SET claimed_at = claimed_at - interval '5m'")
    await looked_after(house, minutes=6)
    assert (await house.run(incident, name)).stuck == 0, "nobody knows whether it was done"


async def test_a_run_for_a_runner_that_is_not_there_can_be_stopped(build: Build):
    house = build(policy(command("scale"), runner="inside"))
    incident = await opened(house)
    name = await house.asks(incident)
    await house.desk.engine.act(
        incident, "person:pm", lambda _, one, __: asking.stop(one, name, undo=False)
    )
    await looked_after(house, seconds=1)
    assert (await house.run(incident, name)).over
