"""Claims on steps: had by one worker, renewed while he lives, and over before they lapse."""

from __future__ import annotations

import pytest
from tests.engine.house import (
    Build,
    FakeHands,
    begun,
    command,
    idle,
    lapsed,
    opened,
    policy,
)

from bongsu.engine import claims, step_effects
from bongsu.engine.claims import LEASE
from bongsu.incident import run_events as r


async def test_while_its_worker_lives_nobody_else_takes_a_step(build: Build):
    house = build(policy(command("scale")), FakeHands(hangs="scale")).begins_at_once()
    incident = await opened(house)
    await house.asks(incident)
    effect = await begun(house)
    other = build(house.desk.engine.policy, FakeHands(), worker="two")
    house.desk.engine.takes = lambda _: ()
    await other.doers.do(effect)
    assert other.hands.done == []
    assert await house.pending() == [effect], "it is still the first one's"


async def test_whoever_was_stopped_does_not_record_what_another_took_over(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(claims, "RENEW_EVERY", 3600)
    slow = FakeHands(hangs="scale")
    house = build(policy(command("scale")), slow).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    effect = await begun(house)
    house.desk.engine.takes = lambda _: ()
    await lapsed(house)
    await build(house.desk.engine.policy, FakeHands(), worker="two").doers.do(effect)
    assert (await house.run(incident, name)).stuck == 0
    slow.goes_on.set()
    await idle(house)
    assert (await house.run(incident, name)).done[0].outcome == "unknown"
    ended = [x for x in await house.desk.log(incident) if isinstance(x.body, r.StepEnded)]
    assert len(ended) == 1


async def test_a_claim_whose_answer_was_lost_is_had_by_asking_again(build: Build):
    house = build(policy(command("scale")), worker="one")
    incident = await opened(house)
    run = await house.run(incident, await house.asks(incident))
    (start,) = await house.pending()
    house.desk.engine.hand_over = None
    await house.doers.do(start)
    (effect,) = await house.pending()
    due = (await house.run(incident, run.id)).due
    assert due is not None
    claim = claims.Claim(house.desk.pool, effect, "one")
    for _ in range(2):
        had = await claim.have(due, house.desk.clock.now(), repeats=False)
        assert had is not None
        assert not had.again, "nobody else had it before"


async def test_a_claim_that_was_not_renewed_ends_what_is_done_under_it(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(claims, "RENEW_EVERY", 0.02)
    time_of_the_machine = [1000.0]
    monkeypatch.setattr(claims, "passed", lambda: time_of_the_machine[0])

    async def away(*_: object) -> bool:
        raise ConnectionResetError

    monkeypatch.setattr(step_effects, "renew", away)
    house = build(policy(command("scale")), FakeHands(hangs="scale")).begins_at_once()
    incident = await opened(house)
    await house.asks(incident)
    effect = await begun(house)
    time_of_the_machine[0] += LEASE.total_seconds() - claims.END_WITHIN
    await idle(house)
    assert await house.pending() == [effect], "nobody knows what became of it"


async def test_a_claim_of_a_process_of_this_machine_that_is_gone_need_not_lapse(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    house = build(policy(command("scale", idempotent=True))).begins_at_once()
    house.hands.hangs = "scale"
    incident = await opened(house)
    name = await house.asks(incident)
    effect = await begun(house)
    house.desk.engine.takes = lambda _: ()
    monkeypatch.setattr(claims, "is_gone", lambda worker: worker == "one")
    other = build(house.desk.engine.policy, FakeHands(), worker="two")
    await other.doers.do(effect)
    assert (await other.run(incident, name)).outcome == "succeeded"
    assert other.hands.done == ["scale"]
