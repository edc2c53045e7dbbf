"""Runs in the engine: locks, claims, crashes, and what their steps print."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.engine.desk import Desk, alert
from tests.incident.manuals import manual

from bongsu.channels.message import Message, Receipt
from bongsu.engine import claims, effects, left_over, step_effects, step_records
from bongsu.engine.claims import LEASE
from bongsu.engine.courier import Courier
from bongsu.engine.diagnosis import Diagnostician
from bongsu.engine.doers import Doers
from bongsu.engine.messages import Writer
from bongsu.engine.policy import Policy, compile_policy
from bongsu.engine.reporter import Reporter
from bongsu.engine.step_records import Came
from bongsu.engine.stepper import Stepper
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.runs import asking
from bongsu.incident.runs.state import Run
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Step
from bongsu.store import incidents, runs
from bongsu.store.database import Pool
from bongsu.web.api.run_views import state_of


def command(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "command", "argv": [name], **more}


def policy(*steps: dict[str, Any], **more: Any) -> Policy:
    words = {"severity_words": {"critical": "P0"}, "default": {"group_by": ["group"]}}
    mend = {"name": "Mend", "steps": list(steps), **more}
    return compile_policy(manual(signals=words, playbooks={"mend": mend}))


@dataclass
class FakeHands:
    """Does nothing but say that it did, and what a test has told it to say instead."""

    done: list[str] = field(default_factory=list)
    fate: dict[str, Came] = field(default_factory=dict)
    settles: bool | None = None
    hangs: str | None = None
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def perform(
        self, manual: Manual, step: Step, *, undo: bool, dry: bool,
        output: Callable[[str, bytes], None],
    ) -> Came:  # fmt: skip
        name = f"{'undo ' if undo else ''}{step.name.en}"
        self.done.append(name)
        output("out", f"{name}: 완료, password=hunter2\n".encode())
        if name == self.hangs:
            await self.goes_on.wait()
        return self.fate.get(name, Came("done", exit_code=0))

    async def settled(self, manual: Manual, step: Step) -> bool | None:
        return self.settles


class Silent:
    name = "slack"

    async def warm(self) -> None: ...

    async def send(self, message: Message, to: str) -> Receipt:
        return Receipt("1")

    async def close(self) -> None: ...


class House:
    """One process; its jobs are done only when a test says so, unless it begins them at once."""

    def __init__(
        self, desk: Desk, hands: FakeHands, worker: str = "one", runner: str | None = None
    ) -> None:
        self.desk, self.hands = desk, hands
        engine = desk.engine
        channels = dict.fromkeys(("slack", "email", "sms", "kakao", "call"), Silent())
        courier = Courier(engine, channels, Writer("http://b", b"s" * 32), worker, desk.pool)
        doctor = Diagnostician(desk.pool, lambda: engine.policy.manual, desk.clock, None)  # type: ignore[arg-type]
        self.stepper = Stepper(engine, hands, worker, runner)
        self.doers = Doers(desk.pool, courier, Reporter(engine, doctor, worker), None, self.stepper)

    def begins_at_once(self) -> House:
        self.desk.engine.takes = self.doers.takes
        self.desk.engine.hand_over = self.doers.hand_over
        return self

    async def asks(self, incident: int, **options: Any) -> str:
        """Ask for the playbook as a person does; returns the run's name."""
        written = await self.desk.engine.act(
            incident, "person:pm",
            lambda policy, one, _: asking.ask(policy.manual, one, "mend", {}, **options),
        )  # fmt: skip
        return list(written.runs)[-1]

    async def run(self, incident: int, name: str) -> Run:
        return (await self.desk.incident(incident)).runs[name]

    async def over(self, incident: int, name: str) -> Run:
        """Wait for a run's end."""
        for _ in range(600):
            run = await self.run(incident, name)
            if run.over:
                return run
            await asyncio.sleep(0.01)
        raise AssertionError(f"not over: {run}")

    async def pending(self) -> list[effects.Effect]:
        """The steps that are due and not done."""
        rows = await self.desk.pool.fetch(
            "SELECT incident, seq FROM effects JOIN events USING (incident, seq)"
            " WHERE done_at IS NULL AND waits_for IS NULL"
            "   AND kind IN ('start_due', 'step_due') ORDER BY 1, 2"
        )
        return [effects.Effect(*row) for row in rows]

    async def do_pending(self) -> int:
        """Do what is due as its jobs would, until nothing more is."""
        count = 0
        while found := await self.pending():
            for effect in found:
                await self.doers.do(effect)
                count += 1
        return count


Build = Callable[..., House]


@pytest.fixture
async def build(pool: Pool, database_url: str) -> AsyncIterator[Build]:
    made: list[House] = []

    def one(policy: Policy, hands: FakeHands | None = None, **options: Any) -> House:
        desk = made[0].desk if made and "worker" in options else Desk(pool, database_url, policy)
        made.append(House(desk, hands or FakeHands(), **options))
        return made[-1]

    yield one
    for house in made:
        await house.doers.drain()


async def until_it(house: House, incident: int, name: str, holds: Callable[[Run], bool]) -> Run:
    """Wait until something holds of a run."""
    for _ in range(600):
        if holds(run := await house.run(incident, name)):
            return run
        await asyncio.sleep(0.01)
    raise AssertionError(f"never so: {run}")


async def opened(house: House, group: str = "g") -> int:
    await house.desk.receive(alert(f"Down{group}", group=group))
    return int(await house.desk.pool.fetchval("SELECT max(id) FROM incidents"))


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


# ── crashes ──────────────────────────────────────────────────────────────────────────────


async def died_at_its_step(
    build: Build, step: dict[str, Any], hands: FakeHands
) -> tuple[House, int, str]:
    """A worker that was killed in the middle of the only step, and another one."""
    house = build(policy(step), FakeHands(hangs=step["name"])).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    for _ in range(300):
        if house.hands.done:
            break
        await asyncio.sleep(0.01)
    house.desk.engine.takes = lambda _: ()
    for task in house.stepper._under_way.values():
        task.cancel()
    await asyncio.sleep(0.05)
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


async def test_while_its_worker_lives_nobody_else_takes_a_step(build: Build):
    house = build(policy(command("scale")), FakeHands(hangs="scale")).begins_at_once()
    incident = await opened(house)
    await house.asks(incident)
    for _ in range(300):
        if house.hands.done:
            break
        await asyncio.sleep(0.01)
    other = build(house.desk.engine.policy, FakeHands(), worker="two")
    house.desk.engine.takes = lambda _: ()
    (effect,) = await house.pending()
    await other.doers.do(effect)
    assert other.hands.done == []
    assert await house.pending() == [effect], "it is still the first one's"


async def test_a_step_that_is_done_is_not_done_again_by_its_job(build: Build):
    house = build(policy(command("scale"))).begins_at_once()
    incident = await opened(house)
    await house.over(incident, await house.asks(incident))
    for row in await house.desk.pool.fetch("SELECT incident, seq FROM effects"):
        async with house.desk.pool.acquire() as conn:
            wanted = await effects.load(conn, effects.Effect(*row))
        assert not isinstance(wanted, effects.StepWork | effects.Start)
    assert house.hands.done == ["scale"]


# ── by itself ────────────────────────────────────────────────────────────────────────────


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


async def test_a_runners_steps_wait_for_that_runner(build: Build):
    house = build(policy(command("scale"), runner="inside")).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    await asyncio.sleep(0.1)
    assert house.hands.done == []
    queues = await house.desk.pool.fetch("SELECT DISTINCT entrypoint FROM jobs.pgqueuer")
    assert "runner:inside" in {row[0] for row in queues}
    inside = build(house.desk.engine.policy, FakeHands(), worker="two", runner="inside")
    await inside.do_pending()
    assert (await inside.run(incident, name)).outcome == "succeeded"


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


async def test_steps_that_raise_fail_and_the_process_goes_on(build: Build):
    class Broken(FakeHands):
        async def perform(self, *args: object, **more: object) -> Came:
            raise LookupError("no such tool")

    house = build(policy(command("scale")), Broken()).begins_at_once()
    incident = await opened(house)
    run = await house.over(incident, await house.asks(incident))
    assert run.outcome == "failed"
    assert "no such tool" in run.done[0].values["error"]


async def test_a_dry_run_holds_no_lock(build: Build):
    house = build(
        policy(command("scale"), {"name": "h", "kind": "human", "instruction": "x"}, lock="b")
    )
    incident = await opened(house)
    await house.asks(incident, dry=True)
    await house.do_pending()
    assert await house.desk.count("runs", "lock IS NOT NULL") == 0


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
    await begun(house)
    await stopped(house, incident, name, undo=True)
    await asyncio.sleep(0.3)
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
    while len(house.hands.done) < 2:
        await asyncio.sleep(0.01)
    await stopped(house, incident, one, undo=False, at_once=True)
    assert (await house.over(incident, one)).outcome == "stopped"
    await asyncio.sleep(0.3)
    assert not (await house.run(incident, other)).over


async def test_every_lock_is_released_when_its_run_ends_however_it_ends(build: Build):
    fate = {"scale": Came("failed", exit_code=1)}
    house = build(policy(command("scale"), lock="b"), FakeHands(fate=fate)).begins_at_once()
    incident = await opened(house)
    assert (await house.over(incident, await house.asks(incident))).outcome == "failed"
    assert await house.desk.count("runs", "ended_at IS NULL") == 0
    run = await house.over(incident, await house.asks(incident))
    assert run.started_at is not None


async def test_a_person_takes_back_a_run_that_is_over(build: Build):
    house = build(policy(command("scale", undo=["back"]), lock="b")).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    await house.over(incident, name)
    await house.desk.engine.act(
        incident, "person:pm", lambda _, one, __: asking.take_back(one, name)
    )
    for _ in range(300):
        run = await house.run(incident, name)
        if run.outcome == "undone":
            break
        await asyncio.sleep(0.01)
    assert house.hands.done == ["scale", "undo scale"]
    assert await house.desk.count("runs", "ended_at IS NULL") == 0
    assert r.RunEnded in {type(one.body) for one in await house.desk.log(incident)}
    assert incidents.STATE_FORM


# ── claims ───────────────────────────────────────────────────────────────────────────────


async def begun(house: House) -> effects.Effect:
    """Wait until the only step has begun; returns its effect."""
    for _ in range(300):
        if house.hands.done:
            break
        await asyncio.sleep(0.01)
    (effect,) = await house.pending()
    return effect


async def lapsed(house: House) -> None:
    """Let every claim end, as if its holder had been stopped for long."""
    late = LEASE + timedelta(seconds=1)
    await house.desk.pool.execute("UPDATE effects SET claimed_at = claimed_at - $1::interval", late)
    await settled_server(house)


async def settled_server(house: House) -> None:
    """Wait until the server has been up for as long as those have who record what they did."""
    await house.desk.pool.execute(
        "SELECT pg_sleep(greatest(0, 1.6 - extract(epoch FROM age)))"
        "  FROM (SELECT clock_timestamp() - pg_postmaster_start_time() AS age) AS server"
    )


async def test_whoever_was_stopped_does_not_record_what_another_took_over(build: Build):
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
    await asyncio.wait(house.stepper._under_way.values())
    assert (await house.run(incident, name)).done[0].outcome == "unknown"
    ended = [x for x in await house.desk.log(incident) if isinstance(x.body, r.StepEnded)]
    assert len(ended) == 1


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


async def test_what_a_process_leaves_behind_when_it_stops_is_taken_over_at_once(build: Build):
    house = build(policy(command("scale")), FakeHands(hangs="scale")).begins_at_once()
    incident = await opened(house)
    name = await house.asks(incident)
    effect = await begun(house)
    house.desk.engine.takes = lambda _: ()
    for task in house.stepper._under_way.values():
        task.cancel()
    await asyncio.wait(house.stepper._under_way.values())
    other = build(house.desk.engine.policy, FakeHands(), worker="two")
    await settled_server(house)
    await other.doers.do(effect)
    assert (await other.run(incident, name)).stuck == 0


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
    monkeypatch.setattr(claims, "END_WITHIN", 0.5)
    monkeypatch.setattr(claims, "RENEW_EVERY", 0.1)

    async def away(*_: object) -> bool:
        raise ConnectionResetError

    monkeypatch.setattr(step_effects, "renew", away)
    house = build(policy(command("scale")), FakeHands(hangs="scale")).begins_at_once()
    house.stepper._lease = timedelta(seconds=1)
    incident = await opened(house)
    await house.asks(incident)
    effect = await begun(house)
    await asyncio.wait(house.stepper._under_way.values(), timeout=5)
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
