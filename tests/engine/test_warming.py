"""A page finds its connections prepared, however long nothing has happened."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.engine.desk import Desk, alert
from tests.engine.test_courier import House

from bongsu.engine import warming
from bongsu.engine.effects import Asked
from bongsu.engine.warming import rehearse
from bongsu.store.database import Pool, connect_pool

TABLES = ("incidents", "events", "effects", "alerts", "jobs.pgqueuer")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "PATIENCE", 60.0)


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[Pool]:
    """A pool of just the connections that are rehearsed."""
    pool = await connect_pool(database_url, size=2)
    yield pool
    await pool.close()


async def learnt(pool: Pool) -> dict[int, int]:
    """Count the statements that each connection has prepared."""
    async with pool.acquire() as one, pool.acquire() as other:
        counting = "SELECT count(*) FROM pg_prepared_statements"
        return {conn.get_server_pid(): await conn.fetchval(counting) for conn in (one, other)}


async def test_a_page_after_a_rehearsal_has_nothing_left_to_learn(small: Pool, database_url: str):
    house = House(Desk(small, database_url))
    await learnt(small)
    await rehearse(small, small)
    before = await learnt(small)
    asked: list[Asked] = []
    house.desk.engine.takes, house.desk.engine.hand_over = list, asked.extend
    await house.desk.receive(alert("a"))
    await house.deliver(asked)
    assert house.post.sent == ["1"]
    assert await learnt(small) == before


async def test_a_rehearsal_writes_nothing(desk: Desk):
    await rehearse(desk.pool, desk.pool)
    for table in TABLES:
        assert await desk.count(table) == 0
    last = "SELECT is_called FROM incident_ids"
    assert not await desk.pool.fetchval(last), "nor does it use up an incident's number"


async def test_a_rehearsal_without_a_database_is_no_failure(small: Pool):
    await small.close()
    with pytest.raises(asyncpg.InterfaceError):
        await small.acquire()
    await rehearse(small, small)
