"""Runs in the engine: begun, printed, stopped, taken back."""

from __future__ import annotations

from typing import Any

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
    renewed,
    until_it,
)
from tests.waiting import until_true

from bongsu.engine import claims
from bongsu.engine.step_records import Came
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.runs import asking
from bongsu.store import runs


async def test_a_playbook_that_a_person_asks_for_runs_to_its_end(build: Build):
    house = build(policy(command("scale"), command("look"))).begins_at_once()
    incident = await opened(house)
    run = await house.over(incident, await house.asks(incident))
    assert run.outcome == "succeeded"
    assert house.hands.done == ["scale", "look"]
    assert await house.desk.count("runs", "ended_at IS NULL") == 0


async def test_what_a_step_prints_is_kept_and_its_secrets_are_not(build: Build):
    house = build(policy(command("scale"))).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    run = await house.over(incident, name)
    async with house.desk.pool.acquire() as conn:
        kept = await runs.outputs(conn, incident, name)
    assert run.done[0].output == kept[0].id
    assert "scale: 완료" in kept[0].body
    assert "hunter2" not in kept[0].body


async def test_a_playbook_runs_by_itself_only_as_often_as_the_manual_lets_it(build: Build):
    automatic = {"when": "checks.cpu == 'unhealthy'", "at_most": 1, "per": "1h"}
    house = build(policy(command("scale"), automatic=automatic))
    for group in ("1", "2"):
        incident = await opened(house, group)
        report = e.Diagnosed(1, "unhealthy", checks=["cpu=unhealthy"])
        await house.desk.engine.act(incident, "system", lambda *_, said=report: [said])
        await house.do_pending()
    assert house.hands.done == ["scale"]
    second = await house.desk.incident(incident)
    (run,) = second.runs.values()
    assert (run.outcome, run.why and run.why.code) == ("refused", "automation_bound")
    called = [one.body for one in await house.desk.log(incident) if isinstance(one.body, e.Paged)]
    assert called[-1].why.code == "run_bounded", "then a person has to decide"


async def test_steps_that_raise_fail_and_the_process_goes_on(build: Build):
    class Broken(FakeHands):
        async def perform(self, *args: object, **more: object) -> Came:
            raise LookupError("no such tool")

    house = build(policy(command("scale")), Broken()).begins_at_once()
    incident = await opened(house)
    run = await house.over(incident, await house.asks(incident))
    assert run.outcome == "failed"
    assert "no such tool" in run.done[0].values["error"]


async def stopped(house: House, incident: int, name: str, **how: Any) -> None:
    await house.desk.engine.act(
        incident, "person:pm", lambda _, one, __: asking.stop(one, name, **how)
    )


async def test_a_step_under_way_can_be_ended_and_what_was_done_is_taken_back(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(claims, "RENEW_EVERY", 0.05)
    steps = command("scale", undo=["back"]), command("look")
    house = build(policy(*steps), FakeHands(hangs="scale")).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    effect = await begun(house)
    await stopped(house, incident, name, undo=True)
    await renewed(house, effect)
    assert not (await house.run(incident, name)).over, "the step under way goes on"
    await stopped(house, incident, name, undo=False, at_once=True)
    run = await house.over(incident, name)
    assert house.hands.done == ["scale", "undo scale"]
    assert (run.outcome, run.done[0].outcome) == ("undone", "failed")


async def test_what_ends_one_run_at_once_ends_no_other(
    build: Build, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(claims, "RENEW_EVERY", 0.05)
    house = build(policy(command("scale")), FakeHands(hangs="scale")).begins_at_once()
    incident = await opened(house)
    one, other = await house.asks(incident), await house.asks(incident)
    await until_true(lambda: len(house.hands.done) == 2)
    await stopped(house, incident, one, undo=False, at_once=True)
    assert (await house.over(incident, one)).outcome == "stopped"
    (effect,) = await house.pending()
    await renewed(house, effect)
    assert not (await house.run(incident, other)).over


async def test_a_person_takes_back_a_run_that_is_over(build: Build):
    house = build(policy(command("scale", undo=["back"]), lock="b")).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    await house.over(incident, name)
    await house.desk.engine.act(
        incident, "person:pm", lambda _, one, __: asking.take_back(one, name)
    )
    await until_it(house, incident, name, lambda run: run.outcome == "undone")
    assert house.hands.done == ["scale", "undo scale"]
    assert await house.desk.count("runs", "ended_at IS NULL") == 0
    assert r.RunEnded in {type(one.body) for one in await house.desk.log(incident)}


async def test_a_notice_whose_sender_died_goes_out_once_and_asks_nobody(build: Build):
    step = {"name": "say", "kind": "notify", "audience": "immediate_team",
            "template": "incident_notification"}  # fmt: skip
    house = build(policy(step))
    incident = await opened(house)
    name = await house.asks(incident)
    (start,) = await house.pending()
    await house.doers.do(start)
    (effect,) = await house.pending()
    due = (await house.run(incident, name)).due
    assert due is not None
    dead = claims.Claim(house.desk.pool, effect, "dead")
    await dead.have(due, house.desk.clock.now(), repeats=True)
    await lapsed(house)
    await house.do_pending()
    assert (await house.run(incident, name)).outcome == "succeeded"
