"""What becomes of steps whose worker died, stopped, or could not write down what it did."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from tests.engine.house import (
    Build,
    FakeHands,
    House,
    begun,
    command,
    killed,
    lapsed,
    opened,
    policy,
    settled_server,
)

from bongsu.engine import claims, effects, step_records


async def died_at_its_step(
    build: Build, step: dict[str, Any], hands: FakeHands
) -> tuple[House, int, str]:
    """A worker that was killed in the middle of the only step, and another one."""
    house = build(policy(step), FakeHands(hangs=step["name"])).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    await begun(house)
    await killed(house)
    await lapsed(house)
    return build(policy(step), hands, worker="two"), incident, name


async def test_a_step_that_its_worker_died_at_is_not_run_again_blindly(build: Build):
    other, incident, name = await died_at_its_step(build, command("scale"), FakeHands())
    await other.do_pending()
    run = await other.run(incident, name)
    assert other.hands.done == []
    assert run.stuck == 0


async def test_its_own_checks_may_say_that_it_was_done(build: Build):
    hands = FakeHands(settles=True)
    other, incident, name = await died_at_its_step(build, command("scale"), hands)
    await other.do_pending()
    assert (await other.run(incident, name)).outcome == "succeeded"
    assert hands.done == []


async def test_an_idempotent_step_is_simply_run_again(build: Build):
    step = command("scale", idempotent=True)
    other, incident, name = await died_at_its_step(build, step, FakeHands())
    await other.do_pending()
    assert other.hands.done == ["scale"]
    assert (await other.run(incident, name)).outcome == "succeeded"


async def test_a_step_that_is_done_is_not_done_again_by_its_job(build: Build):
    house = build(policy(command("scale"))).begins_at_once()
    incident = await opened(house)
    await house.over(incident, await house.asks(incident))
    for row in await house.desk.pool.fetch("SELECT incident, seq FROM effects"):
        async with house.desk.pool.acquire() as conn:
            wanted = await effects.load(conn, effects.Effect(*row))
        assert not isinstance(wanted, effects.StepWork | effects.Start)
    assert house.hands.done == ["scale"]


async def test_what_is_known_of_a_step_waits_for_a_database_that_is_away(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    house = build(policy(command("scale"))).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    transact, away = house.desk.engine.transact, 3

    async def sometimes(work: Any) -> Any:
        nonlocal away
        away -= 1
        if away >= 0:
            raise ConnectionResetError
        return await transact(work)

    monkeypatch.setattr(house.desk.engine, "transact", sometimes)
    assert (await house.over(incident, name)).outcome == "succeeded"
    assert house.hands.done == ["scale"]


async def test_what_the_database_refuses_for_a_while_is_recorded_later(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    house = build(policy(command("scale"))).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    monkeypatch.setattr(step_records, "REFUSED_PAUSE", 0.05)
    transact, refuses = house.desk.engine.transact, 3

    async def sometimes(work: Any) -> Any:
        nonlocal refuses
        refuses -= bool(house.hands.done)
        if house.hands.done and refuses >= 0:
            raise asyncpg.ReadOnlySQLTransactionError("a standby has taken over")
        return await transact(work)

    monkeypatch.setattr(house.desk.engine, "transact", sometimes)
    assert (await house.over(incident, name)).outcome == "succeeded"
    assert refuses < 0
    assert house.hands.done == ["scale"]


async def test_what_a_process_leaves_behind_when_it_stops_is_taken_over_at_once(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(claims, "RELEASE_WITHIN", 60)
    house = build(policy(command("scale")), FakeHands(hangs="scale")).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    effect = await begun(house)
    await killed(house)
    other = build(house.desk.engine.policy, FakeHands(), worker="two")
    await settled_server(house)
    await other.doers.do(effect)
    assert (await other.run(incident, name)).stuck == 0
