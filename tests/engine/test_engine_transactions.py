"""Events, effects and the jobs that promise them are written together, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest import mock

import pytest
from tests.engine.desk import Desk, alert

from bongsu.engine import advance as advancing
from bongsu.engine import effects, left_over
from bongsu.engine.advance import Step
from bongsu.engine.effects import Effect
from bongsu.engine.policy import Policy
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.decide import Settled, settle
from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts
from bongsu.store.database import PoolConnection


class CrashError(Exception):
    """Stands for a process that dies before its commit."""


async def test_an_effect_and_its_job_come_with_the_event_that_asks_for_it(desk: Desk):
    await desk.receive(alert("a"))
    due = [one for one in await desk.log(1) if isinstance(one.body, e.DeliveryDue)]
    assert due
    assert await desk.count("effects") == len(due)
    assert await desk.count("jobs.pgqueuer") == len(due)


async def test_a_transaction_that_does_not_commit_leaves_no_event_no_effect_and_no_job(desk: Desk):
    changed = await desk.write(alert("a"))
    with (
        mock.patch("bongsu.store.alerts.settle", side_effect=CrashError),
        mock.patch("bongsu.engine.jobs.defer", side_effect=CrashError),
    ):
        await desk.triage.triage(changed)
    for table in ("incidents", "events", "effects", "jobs.pgqueuer"):
        assert await desk.count(table) == 0
    assert await desk.count("alerts", "pending") == 1


OLD_ENOUGH = """
SELECT pg_sleep(greatest(0, 1.6 - extract(epoch FROM age)))
  FROM (SELECT clock_timestamp() - pg_postmaster_start_time() AS age) AS server
"""
"""a claim is not taken over just after the server has started"""


async def test_of_two_workers_only_one_gets_the_claim(desk: Desk):
    await desk.receive(alert("a"))
    effect = await first_effect(desk)
    async with desk.pool.acquire() as one, desk.pool.acquire() as other:
        got = await asyncio.gather(
            effects.claim(one, effect, "one"), effects.claim(other, effect, "other")
        )
    assert sorted(got) == [False, True]


async def test_a_claim_lapses_with_its_lease_and_is_gone_once_done(desk: Desk):
    await desk.receive(alert("a"))
    effect = await first_effect(desk)
    async with desk.pool.acquire() as conn:
        assert await effects.claim(conn, effect, "one")
        late = effects.LEASE + timedelta(seconds=1)
        await conn.execute("UPDATE effects SET claimed_at = claimed_at - $1::interval", late)
        await conn.execute(OLD_ENOUGH)
        assert await effects.claim(conn, effect, "other")
        assert await effects.done(conn, effect)
        assert not await effects.done(conn, effect), "it is done once"
        await conn.execute("UPDATE effects SET claimed_at = claimed_at - $1::interval", late)
        assert not await effects.claim(conn, effect, "one"), "what is done is never claimed"


async def test_what_is_due_is_decided_at_its_time_and_not_before(desk: Desk):
    await desk.receive(alert("a"))
    assert await desk.engine.look() == 0
    desk.clock.forward(minutes=2, seconds=59)
    await desk.engine.look()
    assert await desk.count("events", "kind = 'paged'") == 1
    desk.clock.forward(seconds=1)
    assert await desk.engine.look() == 1
    assert await desk.engine.look() == 0
    paged = [one.body.person for one in await desk.log(1) if isinstance(one.body, e.Paged)]
    assert paged == ["backend-a", "frontend-a"]


async def test_two_processes_that_look_at_once_call_nobody_twice(desk: Desk, database_url: str):
    for n in range(20):
        await desk.receive(alert(f"a{n}", group=f"g{n}"))
    other = Desk(desk.pool, database_url)
    for one in (desk, other):
        one.clock.forward(minutes=3)
    await asyncio.gather(*(one.engine.look() for one in (desk, other, desk, other)))
    assert await desk.count("events", "kind = 'paged'") == 40


@contextmanager
def undecidable(incident_id: str) -> Iterator[None]:
    """Let deciding one incident fail, as a fault of the core would."""

    def broken(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> Settled:
        if incident.id == incident_id:
            raise RuntimeError("this one can't be decided")
        return settle(manual, incident, shifts, now)

    with mock.patch.object(advancing, "settle", broken):
        yield


async def test_an_incident_that_cannot_be_decided_is_put_off_and_shown_and_the_others_go_on(
    desk: Desk,
):
    for n in range(3):
        await desk.receive(alert(f"a{n}", group=f"g{n}"))
    desk.clock.forward(minutes=3)
    with undecidable("2"):
        assert await desk.engine.look() == 3
    rows = await desk.pool.fetch("SELECT id, trouble, look_at FROM incidents ORDER BY id")
    assert [row["trouble"] is not None for row in rows] == [False, True, False]
    assert rows[1]["look_at"] == desk.clock.now() + advancing.POISON_PAUSE
    assert await desk.count("events", "kind = 'paged'") == 3 + 2

    desk.clock.forward(minutes=1)  # and once it can be decided, it goes on
    await desk.engine.look()
    assert await desk.count("events", "kind = 'paged'") == 3 + 3
    assert await desk.count("incidents", "trouble IS NOT NULL") == 0


async def test_what_happens_to_an_incident_that_cannot_be_decided_is_written_all_the_same(
    desk: Desk,
):
    await desk.receive(alert("a"))
    with undecidable("1"):
        await desk.receive(alert("b"))
        await desk.engine.act(1, "kim", lambda _p, one, _n: commands.acknowledge(one, "kim"))
    incident = await desk.only()
    assert (incident.firing, incident.acknowledged_by) == (2, "kim")
    assert await desk.count("alerts", "pending") == 0


async def test_a_state_that_cannot_be_read_stops_nobody_else(desk: Desk):
    for n in range(3):
        await desk.receive(alert(f"a{n}", group=f"g{n}"))
    await desk.pool.execute("UPDATE incidents SET state = 'x' WHERE id = 2")
    desk.clock.forward(minutes=3)
    assert await desk.engine.look() == 3
    assert await desk.count("events", "kind = 'paged'") == 3 + 2
    assert await desk.count("incidents", "id = 2 AND trouble IS NOT NULL") == 1


async def test_a_command_that_is_refused_writes_nothing(desk: Desk):
    await desk.receive(alert("a"))
    before = await desk.log(1)
    with pytest.raises(commands.RefusedError):
        await desk.engine.act(1, "kim", lambda _p, one, _n: commands.reopen(one))
    assert await desk.log(1) == before


async def test_a_changed_manual_is_noted_by_every_open_incident_once(desk: Desk):
    await desk.receive(alert("a"))
    former = desk.engine.policy
    changed = former.manual.model_copy(update={"sha": "f" * 64})
    desk.engine.policy = former._replace(manual=changed)
    for minutes in (3, 3):
        desk.clock.forward(minutes=minutes)
        await desk.engine.look()
    noted = [one.body for one in await desk.log(1) if isinstance(one.body, e.ManualAdopted)]
    assert noted == [e.ManualAdopted(changed.sha, former.manual.sha)]


async def first_effect(desk: Desk) -> Effect:
    row = await desk.pool.fetchrow("SELECT incident, seq FROM effects ORDER BY seq LIMIT 1")
    assert row is not None
    return Effect(row["incident"], row["seq"])


async def test_an_effect_whose_job_was_lost_is_queued_again(desk: Desk):
    await desk.receive(alert("a"))
    await desk.pool.execute("DELETE FROM jobs.pgqueuer")
    await left_over.look_after(desk.engine)
    assert await desk.count("jobs.pgqueuer") == 0, "it may still be under way"
    await desk.pool.execute("UPDATE effects SET look_at = look_at - interval '16 seconds'")
    for _ in range(2):
        await left_over.look_after(desk.engine)
        await desk.pool.execute("UPDATE effects SET look_at = look_at - interval '16 seconds'")
    assert await desk.count("jobs.pgqueuer") == await desk.count("effects"), "and only once"


async def test_steps_of_one_transaction_are_handed_over_only_after_its_commit(desk: Desk):
    seen: list[int] = []

    def begin(asked: object) -> None:
        seen.append(1)

    desk.engine.hand_over, desk.engine.takes = begin, lambda asked: asked

    async def work(conn: PoolConnection, policy: Policy, now: datetime) -> list[Step]:
        raise CrashError

    with pytest.raises(CrashError):
        await desk.engine.transact(work)
    assert not seen
    await desk.receive(alert("a"))
    assert seen
