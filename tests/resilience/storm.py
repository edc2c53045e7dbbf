"""A seeded sender, a seeded killer, and what must hold once both have ended."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import httpx
from tests.resilience.processes import PATIENCE, Bongsu, House, Server
from tests.resilience.sinks import Sinks
from tests.waiting import until

from bongsu.store import integrations

CHANNELS = {"slack", "email"}
"""where the two people are who are called for every incident"""
OPEN_AT_ONCE = 6
"""incidents; each calls two people every two seconds"""


class Sent(NamedTuple):
    """One signal that was answered 2xx."""

    mark: str
    """stands in its description, and nowhere else"""
    key: str
    status: str
    beacon: str
    at: float
    """when it was answered, on the event loop's clock"""


@dataclass
class Sender:
    """Fires alerts, repeats them, and resolves each only after both people were called for it.

    What isn't answered 2xx is sent again, as every sender does.
    """

    sinks: Sinks
    urls: Sequence[str]
    lots: random.Random
    accepted: list[Sent] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    stopping: bool = False
    _marks: int = 0

    async def run(self) -> None:
        """Keep a few incidents burning until `stopping`, and then let each come to its end."""
        async with httpx.AsyncClient(timeout=10) as client, asyncio.TaskGroup() as group:
            for lane in range(OPEN_AT_ONCE):
                group.create_task(self._lane(client, lane, random.Random(self.lots.random())))

    async def _lane(self, client: httpx.AsyncClient, lane: int, lots: random.Random) -> None:
        number = 0
        while not self.stopping:
            number += 1
            beacon = f"beacon-{lane}x{number}"
            keys = [f"{beacon}/{n}" for n in range(lots.choice((1, 1, 2)))]
            for key in keys:
                await self._send(client, key, "firing", beacon)
            while self.sinks.of_beacon[beacon] < CHANNELS:
                await asyncio.sleep(lots.uniform(0.05, 0.5))
                await self._send(client, lots.choice(keys), "firing", beacon)
            await asyncio.sleep(lots.uniform(0, 4))
            for key in keys:
                await self._send(client, key, "resolved", beacon)

    async def _send(self, client: httpx.AsyncClient, key: str, status: str, beacon: str) -> None:
        self._marks += 1
        mark = f"mark-{self._marks}-"
        signal = {
            "key": key, "status": status, "severity": "critical", "title": f"{beacon} burns",
            "labels": {"group": beacon}, "description": mark,
        }  # fmt: skip
        while True:
            url = self.lots.choice(self.urls)
            try:
                response = await client.post(url, json=signal)
            except httpx.HTTPError as error:
                self.failed[type(error).__name__] += 1
            else:
                if response.is_success:
                    at = asyncio.get_running_loop().time()
                    self.accepted.append(Sent(mark, key, status, beacon, at))
                    return
                assert response.status_code == 503, response.text
                self.failed[str(response.status_code)] += 1
            await asyncio.sleep(0.2)


class Kill(NamedTuple):
    """What was killed, and when on the event loop's clock."""

    what: str
    at: float


@dataclass
class Killer:
    """Kills server, worker and PostgreSQL in turn; what is ours is started again at once."""

    house: House
    server: Server
    worker: Bongsu
    lots: random.Random
    kills: list[Kill] = field(default_factory=list)

    async def run(self, count: int) -> None:
        """Kill so often, at moments that nobody can foresee."""
        turns: list[Callable[[], Awaitable[None]]] = [
            lambda: self._again("server", self.server),
            lambda: self._again("worker", self.worker),
            self._postgres,
        ]
        while len(self.kills) < count:
            await turns[len(self.kills) % len(turns)]()

    async def _moment(self) -> None:
        """Let them work for a moment, the longest of which is a second."""
        async with self.house.connection():
            await asyncio.sleep(self.lots.uniform(0, 1))

    async def _again(self, what: str, process: Bongsu) -> None:
        """Kill one of ours at its work, and start it again as a supervisor does."""
        await process.up()
        await self._moment()
        process.kill()
        self._note(what)
        process.start()

    async def _postgres(self) -> None:
        """Kill it whole, as a machine does that runs out of memory, or its postmaster alone."""
        await self.server.up()
        await self.worker.up()
        await self._moment()
        assert self.house.kill_postgres(whole=self.lots.random() < 0.5)
        self._note("postgres")

    def _note(self, what: str) -> None:
        self.kills.append(Kill(what, asyncio.get_running_loop().time()))


async def quiet(house: House, within: float = 2 * PATIENCE) -> float:
    """Wait until nothing is left to be done; returns the seconds that it took."""
    begun = time.monotonic()
    await until(
        partial(_left, house), lambda left: not any(left.values()), within=within, every=0.25
    )
    return time.monotonic() - begun


LEFT = {
    "alerts not triaged": "SELECT count(*) FROM alerts WHERE pending",
    "incidents open": "SELECT count(*) FROM incidents WHERE open",
    "effects not done": "SELECT count(*) FROM effects WHERE done_at IS NULL",
}


async def _left(house: House) -> dict[str, int]:
    async with house.connection() as conn:
        return {name: await conn.fetchval(query) for name, query in LEFT.items()}


async def settled(house: House, within: float = PATIENCE) -> None:
    """Wait until every effect that was asked for is done."""
    await until(partial(_left, house), lambda left: not left["effects not done"], within=within)


async def issued_key(house: House) -> str:
    """Return a sender's key."""
    async with house.connection() as conn:
        return await integrations.issue_key(conn, "generic")


async def send(
    client: httpx.AsyncClient, server: Server, key: str, beacon: str, **more: object
) -> httpx.Response:
    """Fire one alert, an incident of its own."""
    signal = {
        "key": beacon, "severity": "critical", "title": f"{beacon} burns",
        "labels": {"group": beacon}, **more,
    }  # fmt: skip
    response = await client.post(f"{server.url}/in/{key}/signal", json=signal)
    assert response.is_success, response.text
    return response
