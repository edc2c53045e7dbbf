"""Deliveries: claimed once, looked at again, sent, and recorded many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from unittest import mock

import asyncpg
import msgspec
import pytest
from tests.engine.desk import Desk, alert
from tests.waiting import until_true

from bongsu.channels.message import DeliveryError, Message, Receipt
from bongsu.engine import courier, effects, jobs
from bongsu.engine.advance import Step, advance
from bongsu.engine.courier import Courier
from bongsu.engine.effects import Asked, Delivery, Effect
from bongsu.engine.engine import Work
from bongsu.engine.messages import Writer
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.state import Incident


class Post:
    """A channel that keeps what it is given, and refuses or waits as it is told."""

    name = "slack"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.refuses: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()

    async def warm(self) -> None: ...

    async def send(self, message: Message, to: str) -> Receipt:
        self.sent.append(message.incident_id)
        await self.open.wait()
        if message.incident_id in self.refuses:
            raise DeliveryError("no", permanent=True)
        return Receipt("C1:1.1")

    async def close(self) -> None: ...


class House:
    """One process's desk and courier; deliveries are begun only when a test says so."""

    def __init__(self, desk: Desk, worker: str = "one") -> None:
        self.desk, self.post = desk, Post()
        channels = dict.fromkeys(("slack", "email", "sms", "kakao", "call"), self.post)
        writer = Writer("http://b", b"s" * 32)
        self.courier = Courier(desk.engine, channels, writer, worker, desk.pool)
        self.transactions = 0

        def committed(_: Sequence[Step]) -> None:
            self.transactions += 1

        desk.engine.committed = committed

    async def opened(self, count: int) -> list[Asked]:
        """Open incidents, each with its first delivery due."""
        await self.desk.receive(*(alert(f"a{n}", group=f"g{n}") for n in range(count)))
        self.transactions = 0
        return await self.due()

    async def due(self) -> list[Asked]:
        async with self.desk.pool.acquire() as conn:
            rows = await conn.fetch("SELECT incident, seq FROM effects WHERE done_at IS NULL")
            found = [(one := Effect(*row), await effects.load(conn, one)) for row in rows]
        return [Asked(one, what) for one, what in found if isinstance(what, Delivery)]

    async def deliver(self, asked: Sequence[Asked]) -> None:
        for effect, wanted in asked:
            assert isinstance(wanted, Delivery)
            self.courier.begin(effect, wanted)
        await self.idle()

    async def idle(self) -> None:
        """Wait for what is under way, without the bound of a process that ends."""
        await until_true(lambda: not self.courier._under_way)

    async def outcomes(self, incident: int) -> list[e.AnyBody]:
        ends = (e.Delivered, e.DeliveryFailed, e.DeliveryWithdrawn)
        return [one.body for one in await self.desk.log(incident) if isinstance(one.body, ends)]

    async def jobs(self) -> set[str]:
        rows = await self.desk.pool.fetch("SELECT dedupe_key FROM jobs.pgqueuer")
        return {row[0] for row in rows}


@pytest.fixture
async def house(desk: Desk) -> AsyncIterator[House]:
    made = House(desk)
    yield made
    made.post.open.set()
    await made.idle()


async def test_many_deliveries_are_recorded_in_few_transactions_and_each_on_its_log(house: House):
    asked = await house.opened(30)
    house.post.refuses = {"7"}
    await house.deliver(asked)
    assert sorted(house.post.sent, key=int) == [str(n) for n in range(1, 31)]
    for n in range(1, 31):
        (outcome,) = await house.outcomes(n)
        assert isinstance(outcome, e.DeliveryFailed if n == 7 else e.Delivered)
    assert house.transactions < 15, "16 are sent side by side"


async def test_one_outcome_that_cannot_be_recorded_does_not_hold_up_the_others(house: House):
    asked = await house.opened(8)

    def broken(_policy: object, incident: object, *more: object) -> Step:
        if getattr(incident, "id", "") == "3":
            raise RuntimeError("this one can't be decided")
        return real(_policy, incident, *more)  # type: ignore[arg-type]  # as it was called

    real = advance
    with mock.patch("bongsu.engine.recorder.advance", broken):
        await house.deliver(asked)
    assert not await house.outcomes(3)
    for n in (1, 2, 4, 5, 6, 7, 8):
        assert [type(one) for one in await house.outcomes(n)] == [e.Delivered]
    assert not await house.due(), "nor is it sent for ever"


async def test_what_was_sent_while_the_database_was_away_is_recorded_at_once_when_it_is_back(
    house: House,
):
    asked = await house.opened(12)
    real, tries = house.desk.engine.transact, 0

    async def away(work: Work) -> list[Incident]:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise asyncpg.CannotConnectNowError("the database system is starting up")
        return await real(work)

    with mock.patch.object(house.desk.engine, "transact", away):
        await house.deliver(asked)
    assert len(house.post.sent) == 12, "none is sent again"
    for n in range(1, 13):
        assert [type(one) for one in await house.outcomes(n)] == [e.Delivered]


async def test_whoever_has_answered_meanwhile_is_not_called(house: House):
    asked = await house.opened(2)
    await house.desk.engine.act(1, "kim", lambda _p, one, _n: commands.acknowledge(one, "kim"))
    await house.deliver(asked)
    assert house.post.sent == ["2"]
    assert [type(one) for one in await house.outcomes(1)] == [e.DeliveryWithdrawn]


async def test_what_another_worker_has_claimed_is_left_to_it(house: House):
    asked = await house.opened(2)
    async with house.desk.pool.acquire() as conn:
        assert await effects.claim(conn, asked[0].effect, "another")
    await house.deliver(asked)
    assert house.post.sent == [str(asked[1].effect.incident)]
    wanted = asked[0].wanted
    assert isinstance(wanted, Delivery)
    with pytest.raises(jobs.BusyElsewhereError):
        await house.courier.deliver(asked[0].effect, wanted)


async def test_of_two_workers_that_begin_the_same_deliveries_each_is_made_by_one(
    house: House, database_url: str
):
    asked = await house.opened(20)
    other = House(Desk(house.desk.pool, database_url), "other")
    await asyncio.gather(house.deliver(asked), other.deliver(asked))
    assert sorted(house.post.sent + other.post.sent, key=int) == [str(n) for n in range(1, 21)]


async def test_what_is_out_already_is_recorded_and_not_sent_again(house: House):
    (asked,) = await house.opened(1)
    async with house.desk.pool.acquire() as conn:
        await effects.sent(conn, {asked.effect: "C1:2.2"})
    await house.deliver(await house.due())
    assert not house.post.sent
    assert await house.outcomes(1) == [e.Delivered(asked.wanted.due.delivery, "C1:2.2")]  # type: ignore[union-attr]  # a delivery's


async def test_the_job_of_a_delivery_goes_with_its_outcome_and_no_other_does(house: House):
    asked = await house.opened(3)
    assert len(await house.jobs()) == 3
    await house.deliver(asked[:2])
    assert await house.jobs() == {asked[2].effect.encode().decode()}


async def test_a_delivery_whose_job_is_lost_is_found_and_one_that_only_waits_is_not(house: House):
    asked = await house.opened(2)
    lost = asked[0].effect
    name = lost.encode().decode()
    await house.desk.pool.execute("DELETE FROM jobs.pgqueuer WHERE dedupe_key = $1", name)
    await house.desk.pool.execute("UPDATE effects SET look_at = now() - interval '1 second'")
    async with house.desk.pool.acquire() as conn:
        assert [one.effect for one in await effects.overdue(conn, 9)] == [lost]
        assert not await effects.overdue(conn, 9), "nor is it found again at once"


async def test_a_delivery_is_queued_once(house: House):
    asked = await house.opened(2)
    async with house.desk.pool.acquire() as conn:
        await jobs.defer(conn, asked)
    assert await house.desk.count("jobs.pgqueuer") == 2


async def test_a_channel_that_is_full_leaves_room_for_others_and_for_what_is_urgent(house: House):
    (asked,) = await house.opened(1)
    slack = asked.wanted
    assert isinstance(slack, Delivery)
    calm = slack._replace(incident=msgspec.structs.replace(slack.incident, severity="P2"))
    email = calm._replace(due=msgspec.structs.replace(slack.due, channel="email"))
    house.post.open.clear()
    for n in range(courier.ROOM):
        house.courier.begin(Effect(1, 1000 + n), calm)
    assert not house.courier.takes([calm])
    assert house.courier.takes([email])
    assert house.courier.takes([slack])
    assert not house.courier.takes([email, calm]), "all that one transaction asks for, or none"
    house.post.open.set()
    await house.idle()
    assert house.courier.takes([calm])
