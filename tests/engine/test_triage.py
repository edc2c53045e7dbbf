"""From changed alerts to incidents: grouped, joined, reopened, and never held up by one another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from bongsu.engine.engine import Engine
from bongsu.engine.policy import compile_policy
from bongsu.engine.triage import Triage
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.alert import Alert, AlertStatus, ChangedAlert
from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident
from bongsu.manual.load import load
from bongsu.signals.alert import labels_json
from bongsu.store import alerts, incidents
from bongsu.store.alert_writer import AlertWriter
from bongsu.store.database import Pool
from bongsu.store.signals import Signal

SEED = Path(__file__).parents[2] / "manuals" / "korea-public-data"
NOW = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class House:
    """An engine and its triage on a real database, with a way in for alerts."""

    def __init__(self, pool: Pool, writer: AlertWriter, changed: list[ChangedAlert]) -> None:
        self.pool, self.writer, self.changed = pool, writer, changed
        self.clock = Clock()
        self.engine = Engine(pool, compile_policy(load(SEED)), self.clock)
        self.triage = Triage(self.engine)

    async def hears(self, *told: Alert) -> None:
        """Make alerts durable, without triaging them."""
        signal = Signal(self.clock.at, "generic", "generic", b"{}")
        await self.writer.write(signal, told)

    async def sorts(self) -> None:
        """Triage everything that was heard."""
        batch, self.changed[:] = list(self.changed), []
        await self.triage.triage(batch)

    async def incidents(self) -> list[Incident]:
        async with self.pool.acquire() as conn:
            ids = [r["id"] for r in await conn.fetch("SELECT id FROM incidents ORDER BY id")]
            return list((await incidents.lock(conn, ids)).values())

    async def log(self, incident: Incident) -> list[e.AnyBody]:
        async with self.pool.acquire() as conn:
            return [one.body for one in await incidents.log(conn, int(incident.id))]

    async def pending(self) -> list[ChangedAlert]:
        async with self.pool.acquire() as conn:
            return await alerts.pending(conn, self.clock.at + timedelta(days=9), 99)

    async def does(self, incident: Incident, *bodies: e.AnyBody) -> Incident:
        return await self.engine.act(int(incident.id), "person:pm", lambda *_: bodies)


def alert(name: str, status: AlertStatus = "firing", key: str = "", **labels: str) -> Alert:
    named = {"alertname": name, **labels}
    return Alert(
        key=key or f"{name}{sorted(labels.items())}", status=status, labels=named,
        labels_json=labels_json(named).decode(), summary=f"{name} fires", starts_at=NOW,
    )  # fmt: skip


DOWN = partial(alert, "ServiceDown", severity="critical", service="korea-backend")
CPU = partial(alert, "HighCpu", severity="warning", service="korea-backend")


@pytest.fixture
async def house(pool: Pool, database_url: str) -> AsyncIterator[House]:
    changed: list[ChangedAlert] = []
    writer = AlertWriter(partial(asyncpg.connect, database_url), changed.extend)
    await writer.start()
    yield House(pool, writer, changed)
    await writer.close()


async def test_an_alert_opens_an_incident_by_the_manuals_route(house: House):
    await house.hears(DOWN())
    await house.sorts()
    (incident,) = await house.incidents()
    assert (incident.severity, incident.type) == ("P0", "server_down")
    assert incident.service == "korea-backend"
    assert incident.number.startswith("INC-20250814-143000-")


async def test_alerts_of_one_group_are_one_incident_that_counts_them(house: House):
    await house.hears(*(CPU(instance=f"h{i}") for i in range(300)))
    await house.sorts()
    (incident,) = await house.incidents()
    assert incident.alerts == incident.firing == 300
    added = [b for b in await house.log(incident) if isinstance(b, e.AlertsAdded)]
    assert [b.added for b in added] == [300]


async def test_an_alert_that_resolves_twice_is_counted_once(house: House):
    await house.hears(CPU(instance="a"), CPU(instance="b"))
    await house.sorts()
    for _ in range(2):
        await house.hears(CPU("resolved", instance="a"))
        await house.sorts()
    (incident,) = await house.incidents()
    assert incident.firing == 1


async def test_an_alert_that_fires_again_soon_reopens_its_incident(house: House):
    await house.hears(DOWN())
    await house.sorts()
    (incident,) = await house.incidents()
    await house.hears(DOWN("resolved"))
    await house.sorts()
    await house.does(incident, e.Resolved())
    house.clock.at += timedelta(minutes=20)
    await house.hears(DOWN())
    await house.sorts()
    (incident,) = await house.incidents()
    assert incident.phase is Phase.DETECTED


async def test_an_alert_that_fires_again_later_opens_a_new_incident(house: House):
    await house.hears(DOWN())
    await house.sorts()
    (first,) = await house.incidents()
    await house.hears(DOWN("resolved"))
    await house.sorts()
    await house.does(first, e.Resolved())
    house.clock.at += timedelta(minutes=31)
    await house.hears(DOWN())
    await house.sorts()
    assert [one.open for one in await house.incidents()] == [False, True]


async def test_a_firing_that_was_acknowledged_before_it_was_triaged_still_opens(house: House):
    await house.hears(DOWN())
    await house.hears(DOWN("acknowledged"))
    await house.sorts()
    (incident,) = await house.incidents()
    assert incident.acknowledged_by == "integration:generic"
    assert incident.firing == 1


async def test_a_firing_that_ended_before_it_was_triaged_is_on_record(house: House):
    await house.hears(DOWN())
    await house.hears(DOWN("resolved"))
    await house.sorts()
    (incident,) = await house.incidents()
    assert (incident.alerts, incident.firing) == (1, 0)
    assert any(isinstance(body, e.Paged) for body in await house.log(incident))


async def test_an_alert_of_a_merged_incident_goes_on_where_that_ended_up(house: House):
    await house.hears(DOWN(), CPU())
    await house.sorts()
    down, cpu = await house.incidents()
    await house.engine.merge(int(cpu.id), int(down.id), "person:pm")
    await house.hears(CPU(instance="another"))
    await house.sorts()
    down, cpu = await house.incidents()
    assert not cpu.open
    assert down.alerts == 3


async def test_a_merged_incident_does_not_reopen_one_whose_group_has_a_newer(house: House):
    await house.hears(DOWN(), CPU())
    await house.sorts()
    down, cpu = await house.incidents()
    await house.engine.merge(int(cpu.id), int(down.id), "person:pm")
    await house.does(down, e.Resolved())
    async with house.pool.acquire() as conn:
        await conn.execute("UPDATE incidents SET group_key = 'gone' WHERE id = $1", int(down.id))
    await house.hears(CPU("resolved"), DOWN("resolved"))
    await house.sorts()
    await house.hears(DOWN())
    await house.sorts()
    await house.hears(CPU(), alert("PaymentDown", severity="critical"))
    await house.sorts()
    assert await house.pending() == []
    assert [one.open for one in await house.incidents()].count(True) == 3


async def test_one_alert_that_cannot_be_triaged_holds_up_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    router, title = house.engine.policy.router, house.engine.policy.router.title

    def broken(told: ChangedAlert) -> str:
        if told.labels["alertname"] == "HighCpu":
            raise ArithmeticError("poison")
        return title(told)

    monkeypatch.setattr(router, "title", broken)
    await house.hears(DOWN(), CPU(), alert("DiskFull", severity="warning"))
    await house.sorts()
    assert {one.type for one in await house.incidents()} == {"server_down", "storage_full"}
    (left,) = await house.pending()
    assert left.labels["alertname"] == "HighCpu"
    async with house.pool.acquire() as conn:
        assert await alerts.pending(conn, house.clock.at + timedelta(seconds=30), 9) == []


async def test_what_a_dead_process_left_is_swept_while_others_keep_coming(house: House):
    await house.hears(DOWN())
    house.changed.clear()  # the process that was told of it is dead
    house.clock.at += timedelta(seconds=5)
    stopping = asyncio.Event()
    tasks = [
        asyncio.create_task(house.triage.run(stopping)),
        asyncio.create_task(house.triage.keep_sweeping(stopping)),
    ]
    for number in range(200):
        await house.hears(CPU(instance=f"h{number}"))
        house.triage.take(house.changed)
        house.changed.clear()
        if any(one.type == "server_down" for one in await house.incidents()):
            break
        await asyncio.sleep(0.02)
    stopping.set()
    house.triage.stop()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert "server_down" in {one.type for one in await house.incidents()}


async def test_a_p0_comes_before_whatever_else_waits(house: House):
    await house.hears(*(alert("HighCpu", severity="warning", service=f"s{i}") for i in range(200)))
    await house.hears(DOWN())
    house.triage.take(house.changed)
    first = house.triage._next_batch()
    assert first[0].labels["alertname"] == "ServiceDown"
    assert len(first) <= 50


async def test_two_replicas_that_open_one_group_at_once_share_one_incident(house: House):
    other = Triage(Engine(house.pool, house.engine.policy, house.clock))
    await house.hears(*(CPU(instance=f"h{i}") for i in range(40)))
    batch: Sequence[ChangedAlert] = list(house.changed)
    await asyncio.gather(*(t.triage(batch[i::8]) for i in range(8) for t in (house.triage, other)))
    (incident,) = await house.incidents()
    assert incident.firing == incident.alerts == 40


async def test_reopening_beside_a_newer_incident_of_the_group_is_refused_in_words(house: House):
    await house.hears(DOWN())
    await house.sorts()
    (first,) = await house.incidents()
    await house.hears(DOWN("resolved"))
    await house.sorts()
    await house.does(first, e.Resolved())
    house.clock.at += timedelta(hours=1)
    await house.hears(DOWN())
    await house.sorts()
    with pytest.raises(commands.RefusedError, match="group_goes_on"):
        await house.does(first, e.Reopened())
