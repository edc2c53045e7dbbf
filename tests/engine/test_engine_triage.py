"""How alerts become incidents: joined, opened, reopened, never twice, the worst first."""

from __future__ import annotations

import asyncio
from unittest import mock

from tests.engine.desk import Desk, alert

from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.phases import Phase


async def test_alerts_of_one_group_are_one_incident(desk: Desk):
    await desk.receive(alert("a"), alert("b"))
    await desk.receive(alert("c"), alert("d", group="other"))
    assert await desk.count("incidents") == 2
    first = await desk.incident(1)
    assert (first.alerts, first.firing) == (3, 3)


async def test_a_repeat_changes_nothing(desk: Desk):
    await desk.receive(alert("a"))
    before = await desk.log(1)
    assert await desk.write(alert("a")) == []
    assert await desk.log(1) == before


async def test_a_resolved_alert_is_counted_once(desk: Desk):
    await desk.receive(alert("a"), alert("b"))
    await desk.receive(alert("a", "resolved"))
    await desk.receive(alert("a", "resolved"))
    assert (await desk.only()).firing == 1


async def test_a_change_that_is_triaged_twice_counts_once(desk: Desk):
    changed = await desk.write(alert("a"))
    await asyncio.gather(desk.triage.triage(changed), desk.triage.triage(changed))
    await desk.triage.triage(changed)
    assert (await desk.only()).firing == 1


async def ended(desk: Desk) -> None:
    await desk.receive(alert("a"))
    await desk.engine.act(1, "kim", lambda _p, one, _n: commands.acknowledge(one, "kim"))
    await desk.engine.act(1, "kim", lambda _p, one, _n: commands.confirm(one, "kim"))
    await desk.receive(alert("a", "resolved"))
    await desk.engine.act(1, "kim", lambda _p, one, _n: commands.resolve(one, "kim"))
    assert not (await desk.only()).open


async def test_what_fires_again_within_the_manuals_time_reopens_its_incident(desk: Desk):
    await ended(desk)
    desk.clock.forward(minutes=29)
    await desk.receive(alert("a"))
    incident = await desk.only()
    assert incident.open
    assert incident.phase is Phase.DETECTED


async def test_what_fires_again_later_is_a_new_incident(desk: Desk):
    await ended(desk)
    desk.clock.forward(minutes=31)
    await desk.receive(alert("a"))
    assert await desk.count("incidents", "open") == 1
    assert (await desk.incident(2)).open


async def test_alerts_of_a_merged_incident_go_on_where_it_went(desk: Desk):
    await desk.receive(alert("a", group="one"))
    await desk.receive(alert("b", group="two"))
    await desk.engine.merge(1, 2, "kim")
    await desk.receive(alert("c", group="one"))
    await desk.receive(alert("a", "resolved", group="one"))
    assert await desk.count("incidents") == 2
    assert (await desk.incident(2)).firing == 2
    assert not (await desk.incident(1)).open


async def test_two_processes_that_open_one_group_at_once_open_one_incident(
    desk: Desk, database_url: str
):
    other = Desk(desk.pool, database_url)
    for n in range(5):
        one = await desk.write(alert(f"a{n}", group=f"g{n}"))
        two = await desk.write(alert(f"b{n}", group=f"g{n}"))
        await asyncio.gather(desk.triage.triage(one), other.triage.triage(two))
    assert await desk.count("incidents") == 5
    assert await desk.pool.fetchval("SELECT min(firing) FROM incidents") == 2


async def test_what_a_dead_process_left_is_found_by_the_sweep(desk: Desk, database_url: str):
    await desk.write(alert("a"))  # and then its process dies
    other = Desk(desk.pool, database_url)
    other.clock.forward(seconds=2)
    assert await other.triage.sweep() == 0, "its process may still be at it"
    other.clock.forward(seconds=2)
    assert await other.triage.sweep() == 1
    await run_until_quiet(other)
    assert (await desk.only()).firing == 1


async def run_until_quiet(desk: Desk) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(desk.triage.run(stopping))
    while await desk.count("alerts", "pending"):
        await asyncio.sleep(0.01)
    stopping.set()
    desk.triage.stop()
    await running


async def test_a_p0_comes_before_a_storm_that_was_there_first(desk: Desk):
    storm = [alert(f"s{n}", group=f"s{n}", severity="quiet") for n in range(600)]
    desk.triage.take(await desk.write(*storm))
    desk.triage.take(await desk.write(alert("fire", group="fire")))
    await run_until_quiet(desk)
    written = "SELECT severity FROM incidents ORDER BY xmin::text::bigint, severity LIMIT 1"
    assert await desk.pool.fetchval(written) == "P0", "it was in the first transaction"
    assert await desk.count("incidents") == 601


async def test_a_storm_of_5000_alerts_is_one_incident_with_a_log_that_can_be_read(desk: Desk):
    changed = await desk.write(*(alert(f"a{n}") for n in range(5000)))
    desk.triage.take(changed)
    await run_until_quiet(desk)
    incident = await desk.only()
    assert (incident.alerts, incident.firing) == (5000, 5000)
    added = [one.body for one in await desk.log(1) if isinstance(one.body, e.AlertsAdded)]
    assert sum(one.added for one in added) == 5000
    assert len(await desk.log(1)) < 40


async def test_one_alert_that_cannot_be_triaged_does_not_hold_up_the_others(desk: Desk):
    router = type(desk.engine.policy.router)
    true_route = router.route

    def broken(self: object, one: object, **more: object) -> object:
        if getattr(one, "key", "") == "a3":
            raise RuntimeError("this one can't be routed")
        return true_route(self, one, **more)  # type: ignore[arg-type]  # as it was called

    with mock.patch.object(router, "route", broken):
        await desk.receive(*(alert(f"a{n}") for n in range(8)))
    assert (await desk.only()).firing == 7
    assert await desk.count("alerts", "pending") == 1
    desk.clock.forward(minutes=2)
    await desk.triage.sweep()
    await run_until_quiet(desk)
    assert (await desk.only()).firing == 8
