"""SIGHUP: a broken manual is refused and the running one stays; a good one is everybody's."""

from __future__ import annotations

import asyncio
import json
import signal
from functools import partial

import httpx
import pytest
from tests.resilience.processes import House
from tests.resilience.sinks import Sinks
from tests.resilience.storm import issued_key, send
from tests.waiting import until, until_true

CURRENT = "SELECT sha FROM current_manual"


async def current(house: House) -> str:
    async with house.connection() as conn:
        return str(await conn.fetchval(CURRENT))


@pytest.mark.slow
async def test_a_broken_manual_is_refused_whole_and_a_good_one_is_adopted_by_every_replica(
    house: House, sinks: Sinks
):
    server, worker = house.server(), house.worker()
    server.start()
    await server.up()
    worker.start()
    await worker.up()
    key = await issued_key(house)
    async with httpx.AsyncClient() as client:
        await send(client, server, key, "beacon-open")
    before = await current(house)

    response, team = house.manual / "response.yaml", house.manual / "team.yaml"
    good = response.read_text(), team.read_text()
    response.write_text(good[0].replace("repeat: 2s", "repeat: soon"))
    team.write_text(good[1].replace("held_by: [kim]", "held_by: [nobody]"))
    server.signal(signal.SIGHUP)
    await until_true(lambda: "manual.refused" in server.words())
    assert "response.yaml" in server.words()
    assert await current(house) == before

    # what can be read but would not work is refused as well, as at the start
    response.write_text(good[0].replace("person:lee", "person:nobody"))
    team.write_text(good[1])
    server.signal(signal.SIGHUP)
    await until_true(lambda: "nobody" in server.words())
    assert await current(house) == before

    response.write_text(good[0].replace("repeat: 2s", "repeat: 3s"))
    server.signal(signal.SIGHUP)
    await until_true(lambda: "manual.loaded" in server.words())
    after = await current(house)
    assert after != before
    server.kill()  # whoever goes on must have adopted it too
    async with house.connection() as conn:
        fetched = partial(conn.fetch, "SELECT body FROM events WHERE kind = 'manual_adopted'")
        await until(fetched)
        paged = len(sinks.arrivals)
        await until_true(lambda: len(sinks.arrivals) >= paged + 4)  # two more rounds adopt nothing
        rows = await fetched()
    adopted = [json.loads(row["body"]) for row in rows]
    assert [(one["manual"], one["former"]) for one in adopted] == [(after, before)], adopted
    worker.signal(signal.SIGHUP)  # it has no folder: it looks what decides, and lives on
    await asyncio.sleep(0.5)
    assert worker.runs
