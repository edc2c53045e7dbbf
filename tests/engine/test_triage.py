"""How alerts become incidents: joined, opened, reopened, never twice, the worst first."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path
from unittest import mock

import msgspec
import pytest
from tests.engine.desk import Desk, alert
from tests.waiting import until

from bongsu.engine.policy import compile_policy
from bongsu.engine.triage_lines import INCIDENTS, Courtesy, Line
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.phases import Phase
from bongsu.manual.load import load
from bongsu.signals.alert import labels_json
from bongsu.store import alerts

SEED = Path(__file__).parents[2] / "manuals" / "korea-public-data"


async def test_an_alert_opens_an_incident_by_the_manuals_route(desk: Desk, database_url: str):
    by_the_seed = Desk(desk.pool, database_url, compile_policy(load(SEED)))
    labels = {"alertname": "ServiceDown", "severity": "critical", "service": "korea-backend"}
    told = msgspec.structs.replace(
        alert("down", severity=""), labels=labels, labels_json=labels_json(labels).decode()
    )
    await by_the_seed.receive(told)
    incident = await by_the_seed.only()
    assert (incident.severity, incident.type) == ("P0", "server_down")
    assert incident.service == "korea-backend"
    assert incident.number.startswith("INC-20250814-143000-")


async def test_what_comes_at_once_is_one_entry_of_the_log(desk: Desk):
    await desk.receive(*(alert(f"a{n}") for n in range(300)))
    incident = await desk.only()
    assert incident.alerts == incident.firing == 300
    added = [one.body for one in await desk.log(1) if isinstance(one.body, e.AlertsAdded)]
    assert [body.added for body in added] == [300]


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
    await desk.engine.act(1, "kim", lambda p, one, _n: commands.resolve(p.manual, one, "kim"))
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
    assert (await desk.incident(2)).alerts == 3
    assert not (await desk.incident(1)).open


async def test_a_merged_incident_does_not_reopen_one_whose_group_has_a_newer(desk: Desk):
    await desk.receive(alert("down", group="down"))
    await desk.receive(alert("cpu", group="cpu"))
    down, cpu = 1, 2
    await desk.engine.merge(cpu, down, "kim")
    await desk.engine.act(down, "kim", lambda *_: [e.Resolved()])
    await desk.receive(alert("cpu", "resolved", "cpu"), alert("down", "resolved", "down"))
    await desk.pool.execute("UPDATE incidents SET group_key = 'gone' WHERE id = $1", down)
    await desk.receive(alert("down", group="down"))
    await desk.receive(alert("cpu", group="cpu"), alert("payment", group="payment"))
    assert await desk.count("alerts", "pending") == 0
    assert await desk.count("incidents", "open") == 3


async def test_reopening_beside_a_newer_incident_of_the_group_is_refused_in_words(desk: Desk):
    await ended(desk)
    desk.clock.forward(hours=1)
    await desk.receive(alert("a"))
    with pytest.raises(commands.RefusedError, match="group_goes_on"):
        await desk.engine.act(1, "kim", lambda *_: [e.Reopened()])


async def test_a_firing_that_was_acknowledged_before_it_was_triaged_still_opens(desk: Desk):
    changed = [*await desk.write(alert("a")), *await desk.write(alert("a", "acknowledged"))]
    await desk.triage.triage(changed)
    incident = await desk.only()
    assert incident.acknowledged_by == "integration:prometheus"
    assert incident.firing == 1


async def test_a_firing_that_ended_before_it_was_triaged_is_on_record(desk: Desk):
    changed = [*await desk.write(alert("a")), *await desk.write(alert("a", "resolved"))]
    await desk.triage.triage(changed)
    incident = await desk.only()
    assert (incident.alerts, incident.firing) == (1, 0)
    assert any(isinstance(one.body, e.Paged) for one in await desk.log(1))


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


async def test_many_processes_that_bring_alerts_into_one_group_at_once_count_each(
    desk: Desk, database_url: str
):
    other = Desk(desk.pool, database_url)
    batch = await desk.write(*(alert(f"a{n}") for n in range(40)))
    await asyncio.gather(
        *(one.triage.triage(batch[n::8]) for n in range(8) for one in (desk, other))
    )
    incident = await desk.only()
    assert incident.firing == incident.alerts == 40


async def test_what_a_dead_process_left_is_found_by_the_sweep(desk: Desk, database_url: str):
    await desk.write(alert("a"))  # and then its process dies
    other = Desk(desk.pool, database_url)
    other.clock.forward(seconds=2)
    assert await other.triage.sweep() == 0, "its process may still be at it"
    other.clock.forward(seconds=2)
    assert await other.triage.sweep() == 1
    await run_until_quiet(other)
    assert (await desk.only()).firing == 1


async def test_what_waits_in_this_process_is_not_swept(desk: Desk):
    desk.triage.take(await desk.write(*(alert(f"a{n}") for n in range(9))))
    desk.clock.forward(seconds=9)
    before = await desk.pool.fetch("SELECT id, look_at FROM alerts ORDER BY id")
    assert await desk.triage.sweep() == 0
    assert await desk.pool.fetch("SELECT id, look_at FROM alerts ORDER BY id") == before
    assert desk.triage.waiting == 9


async def test_of_what_has_no_place_in_memory_the_urgent_is_swept_up_and_the_rest_read_once(
    desk: Desk,
):
    await desk.write(*(alert(f"a{n}", severity="quiet") for n in range(8)), alert("urgent"))
    desk.clock.forward(seconds=4)
    with mock.patch("bongsu.engine.triage.MOST_WAITING", 2):
        assert await desk.triage.sweep() == 9
        assert desk.triage.waiting == 3
        desk.clock.forward(seconds=9)
        assert await desk.triage.sweep() == 0
    assert await desk.triage.sweep() == 6, "there is room again"
    await run_until_quiet(desk)
    assert (await desk.only()).firing == 9


async def test_what_a_dead_process_left_is_swept_while_others_keep_coming(desk: Desk):
    await desk.write(alert("left", group="left"))  # and then its process dies
    desk.clock.forward(seconds=5)
    stopping = asyncio.Event()
    tasks = [
        asyncio.create_task(desk.triage.run(stopping)),
        asyncio.create_task(desk.triage.keep_sweeping(stopping)),
    ]
    numbers = itertools.count()

    async def swept_while_one_more_comes() -> bool:
        desk.triage.take(await desk.write(alert(f"a{next(numbers)}")))
        return not await desk.count("alerts", "pending AND key = 'left'")

    await until(swept_while_one_more_comes)
    stopping.set()
    desk.triage.stop()
    await asyncio.gather(*tasks)


async def test_it_stops_although_something_urgent_still_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    stopping, triage = asyncio.Event(), desk.triage
    more = await desk.write(alert("more", group="more"))

    async def told_to_stop(_batch: object) -> None:
        await asyncio.sleep(0)  # the other line gives way by now
        triage.take(more)
        stopping.set()
        triage.stop()

    monkeypatch.setattr(triage, "triage", told_to_stop)
    triage.take(await desk.write(alert("slow", severity="quiet"), alert("fire", group="fire")))
    await triage.run(stopping)
    assert triage.waiting, "it is left to the sweep of another process"


async def run_until_quiet(desk: Desk) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(desk.triage.run(stopping))
    await until(lambda: desk.count("alerts", "pending"), lambda count: count == 0)
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


async def test_no_transaction_opens_so_many_incidents_that_the_next_waits_long(desk: Desk):
    storm = [alert(f"s{n}", group=f"s{n}", severity="quiet") for n in range(200)]
    desk.triage.take(await desk.write(*storm))
    assert len(desk.triage._other.next_batch()) == INCIDENTS
    desk.triage.take(await desk.write(alert("fire", group="fire")))
    assert [one.key for one in desk.triage._urgent.next_batch()] == ["fire"]


async def test_what_is_not_urgent_waits_for_a_flood_but_not_for_ever():
    courtesy, asked = Courtesy(), 0

    def flood() -> bool:
        nonlocal asked
        asked += 1
        return True

    await courtesy.give_way(Line(), flood)
    first, asked = asked, 0
    await courtesy.give_way(Line(), flood)
    assert asked <= 2 < first, "a flood that does not end is waited for once"


async def test_a_line_is_quiet_only_when_what_was_taken_from_it_is_triaged(desk: Desk):
    line = Line()
    (changed,) = await desk.write(alert("a"))
    line.put("P0", "g", changed)
    waiting = asyncio.create_task(line.quiet())
    line.next_batch()
    await asyncio.sleep(0)
    assert not waiting.done()
    line.triaged()
    await waiting


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
    async with desk.pool.acquire() as conn:
        soon = desk.clock.now() + timedelta(seconds=30)
        assert await alerts.pending(conn, soon, 9) == [], "it is not tried again at once"
    desk.clock.forward(minutes=2)
    await desk.triage.sweep()
    await run_until_quiet(desk)
    assert (await desk.only()).firing == 8
