"""What a flood of requests may hold: the faces' connections, and never the engine's."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from tests.waiting import PATIENCE
from tests.web.site import BASE, SECRET, Site

from bongsu.engine.messages import Writer
from bongsu.store.database import connect_pool
from bongsu.web.access.door import AT_ONCE
from bongsu.web.app import create_app
from bongsu.web.console import Console

WRONG = {"login": "root", "password": "wrong wrong wrong"}


@pytest.fixture
async def apart(site: Site, database_url: str):
    """The process with a pool of the faces' own."""
    faces = await connect_pool(database_url, size=4, name="bongsu faces")
    writer = Writer(BASE, SECRET)
    site.app = create_app(site.engine, writer=writer, channels={}, console=Console(), pool=faces)
    yield site
    await faces.close()


@asynccontextmanager
async def all_taken(pool):
    """Hold every connection of a pool."""
    async with AsyncExitStack() as stack:
        for _ in range(pool.get_max_size()):
            await stack.enter_async_context(pool.acquire())
        yield


async def test_no_request_that_only_asks_needs_a_connection_of_the_engine(apart):
    client = apart.client(apart.tokens["admin"])
    async with all_taken(apart.engine.pool), asyncio.timeout(PATIENCE):
        for path in ("/session", "/incidents", "/tokens", "/accounts", "/oncall"):
            assert (await client.get(f"/api/v1{path}")).status_code == 200, path
        for path in ("/readyz", "/metrics", "/sign-in"):
            assert (await apart.client().get(path)).status_code == 200, path
        assert (await apart.client().get("/")).status_code in {200, 303}
        answer = await apart.client().post("/api/v1/session", json=WRONG)
        assert answer.status_code == 401
        name = {"name": "김"}
        headers = {"idempotency-key": "one"}
        kept = await client.patch("/api/v1/accounts/root", json=name, headers=headers)
        assert kept.status_code == 200, kept.text


async def test_a_flood_of_wrong_passwords_is_turned_away_before_the_database(apart):
    """The connections are all taken, so whoever is answered was answered without one."""
    client = apart.client()
    async with all_taken(apart.app.services.pool), asyncio.timeout(PATIENCE):
        flood = [asyncio.create_task(client.post("/api/v1/session", json=WRONG)) for _ in range(60)]
        soonest = asyncio.as_completed(flood)
        for _ in range(len(flood) - AT_ONCE):
            answer = await next(soonest)
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) > 0
    rest = await asyncio.gather(*flood)
    assert [a.status_code for a in rest].count(401) == AT_ONCE
