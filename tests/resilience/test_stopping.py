"""Processes end when told to, with nothing half done, and say what keeps them from starting."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from functools import partial

import httpx
import pytest
from tests.resilience.processes import House, Server
from tests.resilience.sinks import Sinks
from tests.resilience.storm import issued_key, send, settled
from tests.waiting import until, until_true

from bongsu.engine.courier import LONGEST_SEND
from bongsu.engine.runtime import END_WITHIN


async def refuses(server: Server) -> bool:
    """Whether a server has stopped listening."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return True
    writer.close()
    return False


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_that_is_told_to_stop_ends_its_deliveries_first(
    house: House, sinks: Sinks, number: signal.Signals
):
    server = house.server()
    server.start()
    await server.up()
    key = await issued_key(house)
    sinks.hold.clear()
    async with httpx.AsyncClient() as client:
        await send(client, server, key, "beacon-held")
    await until_true(lambda: len(sinks.arrivals) == 3)
    server.signal(number)
    await until(partial(refuses, server), every=0.1)  # it has begun to stop
    sinks.hold.set()
    assert await server.ended() == 0, server.words()
    assert "Traceback" not in server.words()
    assert not house.postgres, "the embedded database ends with its last user"

    server.start()
    await server.up()
    await settled(house)
    assert all(len(times) == 1 for times in sinks.times().values()), "nothing was sent again"
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0


@pytest.mark.slow
async def test_a_quiet_server_and_a_quiet_worker_stop_within_seconds(house: House, sinks: Sinks):
    server, worker = house.server(), house.worker()
    server.start()
    await server.up()
    worker.start()
    await worker.up()
    for one in (server, worker):
        begun = time.monotonic()
        one.signal(signal.SIGTERM)
        assert await one.ended() == 0, one.words()
        assert time.monotonic() - begun < END_WITHIN, "it waited for something to the last"
        assert "Traceback" not in one.words()
    assert not house.postgres


@pytest.mark.slow
async def test_a_second_ctrl_c_ends_it_at_once(house: House, sinks: Sinks):
    server = house.server()
    server.start()
    await server.up()
    key = await issued_key(house)
    sinks.hold.clear()
    async with httpx.AsyncClient() as client:
        await send(client, server, key, "beacon-held")
    await until_true(lambda: len(sinks.arrivals) == 3)
    server.signal(signal.SIGINT)
    await asyncio.sleep(0.5)
    assert server.runs
    begun = time.monotonic()

    def pressed_until_it_ends() -> bool:
        if server.runs:
            server.signal(signal.SIGINT)
        return not server.runs

    await until_true(pressed_until_it_ends, every=0.5)
    assert await server.ended() == -signal.SIGINT
    assert time.monotonic() - begun < LONGEST_SEND, "it did not wait for its deliveries"


@pytest.mark.slow
async def test_ctrl_c_while_it_starts_ends_it_too(house: House, sinks: Sinks):
    server = house.server("server", "--database-url", "postgresql://postgres@127.0.0.1:1/none")
    server.start()
    await until_true(lambda: "database.waited_for" in server.words())
    server.signal(signal.SIGINT)
    assert await server.ended() == 0, server.words()


@pytest.mark.slow
async def test_a_taken_port_is_said_at_once_and_starts_nothing(house: House, sinks: Sinks):
    first = house.server()
    first.start()
    await first.up()
    again = house.server("again")
    again.arguments = first.arguments
    again.start()
    assert await again.ended() == 1
    assert first.url.rpartition(":")[2] in again.words()
    assert "Traceback" not in again.words()
    assert first.runs


@pytest.mark.slow
async def test_two_servers_on_one_data_folder_are_replicas_and_the_last_one_ends_the_database(
    house: House, sinks: Sinks
):
    first, second = house.server(), house.server("second")
    first.start()
    second.start()
    await first.up()
    await second.up()
    first.signal(signal.SIGTERM)
    assert await first.ended() == 0
    assert house.postgres
    key = await issued_key(house)
    async with httpx.AsyncClient() as client:
        await send(client, second, key, "beacon-later")
    await until_true(lambda: len(sinks.of_beacon["beacon-later"]) == 2)
    second.signal(signal.SIGTERM)
    assert await second.ended() == 0
    assert not house.postgres


@pytest.mark.slow
async def test_a_database_that_a_killed_server_left_running_is_taken_over(
    house: House, sinks: Sinks
):
    server = house.server()
    server.start()
    await server.up()
    postmaster = house.postgres[0].pid
    server.kill()
    server.start()
    await server.up()
    assert house.postgres[0].pid == postmaster
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0
    assert not house.postgres


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_data_folder_that_cannot_be_written_is_named(house: House, sinks: Sinks):
    house.data.mkdir(mode=0o500)
    server = house.server()
    server.start()
    assert await server.ended() == 1
    assert str(house.data) in server.words()


@pytest.mark.slow
async def test_a_data_folder_that_cannot_be_made_is_named(house: House, sinks: Sinks):
    house.data.write_text("a file")
    server = house.server()
    server.start()
    assert await server.ended() == 1
    assert str(house.data) in server.words()
    assert "Traceback" not in server.words()
