"""A run that waits for its lock to be taken back: whoever asked for that may call it off."""

from __future__ import annotations

from tests.engine.house import Build, House, command, opened, policy

from bongsu.i18n import translator
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.runs import asking
from bongsu.incident.runs.state import Run
from bongsu.incident.timeline import timeline
from bongsu.store import runs as store
from bongsu.store.runs import RunsWanted

PM = "person:pm"


async def waiting_to_be_taken_back(build: Build) -> tuple[House, int, Run]:
    """A run that succeeded, and is to be taken back while another one has its lock."""
    wait = {"name": "w", "kind": "wait", "duration": "10m"}
    house = build(policy(command("scale", undo=["scale", "--back"]), wait, lock="b"))
    first, second = await opened(house, "1"), await opened(house, "2")
    name = await house.asks(first)
    await house.do_pending()
    house.desk.clock.forward(minutes=11)
    await house.desk.look()
    ended = await house.run(first, name)
    assert ended.outcome == "succeeded"
    house.desk.clock.forward(minutes=1)
    other = await house.asks(second)
    await house.do_pending()
    assert (await house.run(second, other)).phase == "running"
    await said(house, first, name, undo=True)
    await house.do_pending()
    waits = await house.run(first, name)
    assert (waits.phase, waits.waits_until is not None) == ("undo_asked", True)
    return house, first, ended


async def said(house: House, incident: int, name: str, *, undo: bool) -> None:
    await house.desk.engine.act(
        incident,
        PM,
        lambda _p, found, _now: (
            asking.take_back(found, name) if undo else asking.stop(found, name, undo=False)
        ),
    )


async def test_it_waits_no_more_and_stays_as_it_had_ended(build: Build):
    house, incident, before = await waiting_to_be_taken_back(build)
    await said(house, incident, before.id, undo=False)
    after = await house.run(incident, before.id)
    assert (after.phase, after.outcome, after.ended_at) == ("ended", "succeeded", before.ended_at)
    house.desk.clock.forward(minutes=20)
    await house.desk.look()
    await house.do_pending()
    assert house.hands.done.count("scale --back") == 0
    assert (await house.run(incident, before.id)).over
    async with house.desk.pool.acquire() as conn:
        (row,) = await store.history(conn, RunsWanted(incident=incident), None, 9)
    assert (row.outcome, row.ended_at) == ("succeeded", before.ended_at)


async def test_the_timeline_says_so_and_nobody_is_called(build: Build):
    house, incident, before = await waiting_to_be_taken_back(build)
    log = await house.desk.log(incident)
    await said(house, incident, before.id, undo=False)
    more = (await house.desk.log(incident))[len(log) :]
    assert [type(one.body) for one in more] == [r.RunStopping, r.RunEnded]
    manual = house.desk.engine.policy.manual
    told = list(timeline([*log, *more], manual, translator("en")))[-2:]
    assert "is not to be taken back after all" in told[0].text
    assert told[1].why == "it is not taken back after all, and stays as it had ended"
    assert not [one for one in more if isinstance(one.body, e.Paged)]


async def test_it_can_be_taken_back_later(build: Build):
    house, incident, before = await waiting_to_be_taken_back(build)
    await said(house, incident, before.id, undo=False)
    house.desk.clock.forward(minutes=20)
    await house.desk.look()
    await said(house, incident, before.id, undo=True)
    await house.do_pending()
    assert (await house.run(incident, before.id)).outcome == "undone"


async def test_one_whose_worker_comes_just_then_takes_nothing_back_and_frees_its_lock(build: Build):
    house, incident, before = await waiting_to_be_taken_back(build)
    await said(house, incident, before.id, undo=False)
    await said(house, incident, before.id, undo=True)
    asked_again = await house.run(incident, before.id)
    assert (asked_again.phase, asked_again.starting) == ("undo_asked", True)
    await said(house, incident, before.id, undo=False)
    assert (await house.run(incident, before.id)).phase == "undo_asked", "a worker takes the lock"
    house.desk.clock.forward(minutes=20)
    await house.desk.look()
    await house.do_pending()
    assert (await house.run(incident, before.id)).outcome == "succeeded"
    third = await opened(house, "3")
    name = await house.asks(third)
    await house.do_pending()
    assert (await house.run(third, name)).phase == "running", "the lock is free"
