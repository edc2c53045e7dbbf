"""PostgreSQL goes away under a running server, and everything comes back by itself."""

from __future__ import annotations

import asyncio
import signal
import time
from functools import partial

import httpx
import pytest
from tests.resilience.processes import PATIENCE, House, Server, tell
from tests.resilience.sinks import Sinks
from tests.resilience.storm import issued_key, send
from tests.waiting import until, until_true

from bongsu.store.embedded import start_embedded

LISTENING = """
SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()
"""
LAST_ADOPTED = """
SELECT body::jsonb->>'manual' FROM events WHERE kind = 'manual_adopted' ORDER BY seq DESC LIMIT 1
"""


async def called(sinks: Sinks, beacon: str, within: float = PATIENCE) -> float:
    """Wait until both people were called; returns the seconds that it took."""
    begun = time.monotonic()
    await until_true(lambda: len(sinks.of_beacon[beacon]) == 2, within=within)
    return time.monotonic() - begun


async def accepted(
    server: Server, key: str, beacon: str, within: float = PATIENCE
) -> tuple[float, set[int]]:
    """Send until it is accepted; returns how long that took and the other answers."""
    begun, others = time.monotonic(), set[int]()
    async with httpx.AsyncClient(timeout=15) as client:
        while time.monotonic() - begun < within:
            try:
                await send(client, server, key, beacon)
            except AssertionError:
                others.add(503)
                await asyncio.sleep(0.1)
            else:
                return time.monotonic() - begun, others
    raise AssertionError(f"never accepted; {others}")


@pytest.mark.slow
async def test_an_embedded_database_that_is_killed_comes_back_and_everything_with_it(
    house: House, sinks: Sinks, capsys: pytest.CaptureFixture[str]
):
    server = house.server()
    server.start()
    await server.up()
    key = await issued_key(house)
    await accepted(server, key, "beacon-before")
    await called(sinks, "beacon-before")
    figures = []
    for turn in range(3):
        house.kill_postgres(whole=bool(turn % 2))
        taken, _ = await accepted(server, key, f"beacon-{turn}")
        then = await called(sinks, f"beacon-{turn}")
        figures.append(f"accepts after {taken:.1f} s, calls {then:.1f} s later")
        sinks.of_beacon["beacon-before"].clear()
        await called(sinks, "beacon-before")  # the timer goes on as well
        await server.ready()
    tell(capsys, f"PostgreSQL killed: {'; '.join(figures)}")
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0


@pytest.mark.slow
async def test_an_external_database_is_waited_for_and_signals_are_refused_meanwhile(
    house: House, sinks: Sinks, capsys: pytest.CaptureFixture[str]
):
    house.data.mkdir()
    folder = house.data / "postgres"
    external = await asyncio.to_thread(start_embedded, folder)
    server = house.server("server", "--database-url", external.url)
    server.start()
    await server.up()
    key = await issued_key(house)
    await accepted(server, key, "beacon-before")
    await called(sinks, "beacon-before")
    worker = house.worker("worker", "--database-url", external.url)
    worker.start()
    await worker.up()

    await asyncio.to_thread(external.stop)  # as an administrator does: fast, with 57P01 to all
    async with httpx.AsyncClient(timeout=15) as client:
        answer = await client.post(f"{server.url}/in/{key}/signal", json={"title": "beacon-lost"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert (await client.get(f"{server.url}/healthz")).status_code == 503
    await asyncio.sleep(3)
    assert server.runs
    assert worker.runs

    external = await asyncio.to_thread(start_embedded, folder)
    begun = time.monotonic()
    await accepted(server, key, "beacon-after")
    back = time.monotonic() - begun
    await called(sinks, "beacon-after")
    sinks.of_beacon["beacon-before"].clear()
    await called(sinks, "beacon-before")
    paged = time.monotonic() - begun
    tell(capsys, f"external PostgreSQL back: accepts after {back:.1f} s, calls after {paged:.1f} s")
    async with house.connection() as conn:
        assert not await conn.fetchval("SELECT count(*) FROM incidents WHERE trouble IS NOT NULL")
    for one in (server, worker):
        one.signal(signal.SIGTERM)
        assert await one.ended() == 0, one.words()[-3000:]
    await asyncio.to_thread(external.stop)


@pytest.mark.slow
async def test_a_lost_listening_connection_alone_leaves_nobody_deaf(house: House, sinks: Sinks):
    server, worker = house.server(), house.worker()
    server.start()
    await server.up()
    worker.start()
    await worker.up()
    key = await issued_key(house)
    await accepted(server, key, "beacon-open")
    async with house.connection() as conn:
        ended = await conn.fetch(
            f"SELECT pid, pg_terminate_backend(pid) FROM ({LISTENING}) AS listening"
        )

        async def others() -> list[int]:
            return [r["pid"] for r in await conn.fetch(LISTENING) if r["pid"] not in was]

        was = {row["pid"] for row in ended}
        await until(others, lambda found: len(found) == len(was))
    manual = house.manual / "manual.yaml"
    manual.write_text(manual.read_text().replace("name: Resilience", "name: Another name"))
    server.signal(signal.SIGHUP)
    await until_true(lambda: "manual.loaded" in server.words())
    server.kill()  # the worker alone goes on, by the manual that the other one loaded
    async with house.connection() as conn:
        current = await conn.fetchval("SELECT sha FROM current_manual")
        adopted = partial(conn.fetchval, LAST_ADOPTED)
        assert await until(adopted, lambda last: last == current)


@pytest.mark.slow
async def test_a_server_stops_although_its_database_is_away(house: House, sinks: Sinks):
    house.data.mkdir()
    external = await asyncio.to_thread(start_embedded, house.data / "postgres")
    server = house.server("server", "--database-url", external.url)
    server.start()
    await server.up()
    await asyncio.to_thread(external.stop)
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0, server.words()[-3000:]


@pytest.mark.slow
async def test_a_database_that_is_not_there_at_the_start_is_waited_for(house: House, sinks: Sinks):
    house.data.mkdir()
    folder = house.data / "postgres"
    external = await asyncio.to_thread(start_embedded, folder)
    await asyncio.to_thread(external.stop)
    server = house.server("server", "--database-url", external.url)
    server.start()
    await until_true(lambda: "database.waited_for" in server.words())
    external = await asyncio.to_thread(start_embedded, folder)
    await server.up()
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0
    await asyncio.to_thread(external.stop)


async def test_an_address_that_is_none_is_refused_at_once(house: House, sinks: Sinks):
    server = house.server("server", "--database-url", "nonsense://x")
    server.start()
    assert await server.ended() == 1
    assert "Traceback" not in server.words()
