"""The short way of a signal must be seen by nobody: all is answered as on the long one."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from tests.signals.conftest import Served
from tests.waiting import until, until_true

from bongsu.web.ingest_protocol import SignalProtocol
from bongsu.web.ingest_short import ShortWay, Taken


@dataclass
class Answered:
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Sender:
    """A connection to the server."""

    def __init__(
        self, watched: Watched, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.watched, self.reader, self.writer = watched, reader, writer

    async def send(self, *pieces: bytes) -> None:
        """Send bytes, each further piece only when the former has been read."""
        wanted = self.watched.read
        for piece in pieces:
            await until_true(partial(self.watched.has_read, wanted))
            self.writer.write(piece)
            wanted += len(piece)

    async def answer(self) -> Answered:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        named = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in named}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return Answered(int(head[0].split()[1]), headers, body)

    async def ended(self) -> bool:
        return await self.reader.read() == b""


@dataclass
class Watched:
    """The server, and which requests went the short way."""

    served: Served
    taken: list[Taken | None] = field(default_factory=list)
    senders: list[Sender] = field(default_factory=list)
    read: int = 0
    """how many bytes the server has read"""

    def has_read(self, wanted: int) -> bool:
        return self.read == wanted

    async def connect(self) -> Sender:
        ends = await asyncio.open_connection("127.0.0.1", self.served.port)
        self.senders.append(Sender(self, *ends))
        return self.senders[-1]


@pytest.fixture
async def watched(served: Served, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    made, take, received = Watched(served), ShortWay.take, SignalProtocol.data_received

    def noted(self: ShortWay, *args: object) -> Taken | None:
        made.taken.append(take(self, *args))  # type: ignore[arg-type]
        return made.taken[-1]

    def counted(self: SignalProtocol, data: bytes) -> None:
        made.read += len(data)
        received(self, data)

    monkeypatch.setattr(ShortWay, "take", noted)
    monkeypatch.setattr(SignalProtocol, "data_received", counted)
    for key in served.entrance.key.values():
        await served.entrance.keys.resolve(key)
    yield made
    for sender in made.senders:
        sender.writer.close()
        with contextlib.suppress(ConnectionError):
            await sender.writer.wait_closed()


def post(path: str, body: object, *headers: str, version: str = "1.1") -> tuple[bytes, bytes]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(raw)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode(), raw


DOWN = {"labels": {"alertname": "Down", "instance": "a"}, "annotations": {"summary": "불이야"}}
GROUP = {"version": "4", "alerts": [{"status": "firing", **DOWN}]}
CASES = {
    "prometheus": ("prometheus", "/api/v2/alerts", [DOWN]),
    "alertmanager": ("alertmanager", "/alertmanager", GROUP),
    "plain": ("generic", "/signal", {"title": "Disk is full"}),
    "nothing in it": ("prometheus", "/api/v2/alerts", []),
    "partly wrong": ("prometheus", "/api/v2/alerts", [DOWN, {"labels": {}}]),
    "no JSON": ("generic", "/signal", b"{"),
    "no UTF-8": ("generic", "/signal", b'{"title":"\xff"}'),
    "another's form": ("generic", "/api/v2/alerts", [DOWN]),
    "with a query": ("generic", "/signal?x=1", {"title": "Disk is full"}),
    "nowhere": ("generic", "/nothing", {}),
}
SHORT = {"prometheus", "alertmanager", "plain", "nothing in it"}


@pytest.mark.parametrize("name", CASES)
async def test_a_signal_is_answered_alike_in_one_piece_and_in_two(
    watched: Watched, name: str
) -> None:
    format_, path, body = CASES[name]
    head, raw = post(f"/in/{watched.served.entrance.key[format_]}{path}", body)
    sender = await watched.connect()
    await sender.send(head, raw)
    long = await sender.answer()
    assert not any(watched.taken)
    await sender.send(head + raw)
    short = await sender.answer()
    assert any(watched.taken) == (name in SHORT)
    assert (short.status, short.body) == (long.status, long.body)
    assert short.headers.keys() == long.headers.keys()
    kept = await watched.served.entrance.outcomes()
    assert kept[: len(kept) // 2] == kept[len(kept) // 2 :]


@pytest.mark.parametrize(
    "authorization", ["Bearer {}", "bearer {}", "Basic Ong6e30=", "Bearer unknown"]
)
async def test_the_key_may_stand_in_the_header(watched: Watched, authorization: str) -> None:
    key = watched.served.entrance.key["prometheus"]
    head, raw = post("/api/v2/alerts", [DOWN], "Authorization: " + authorization.format(key))
    sender = await watched.connect()
    await sender.send(head + raw)
    expected = 200 if "{}" in authorization else 401
    assert (await sender.answer()).status == expected
    assert any(watched.taken) == (expected == 200)


@pytest.mark.parametrize(
    "header", ["Content-Encoding: gzip", "Expect: 100-continue", "Upgrade: websocket"]
)
async def test_what_asks_for_more_goes_the_long_way(watched: Watched, header: str) -> None:
    head, raw = post(
        f"/in/{watched.served.entrance.key['prometheus']}/api/v2/alerts", [DOWN], header
    )
    sender = await watched.connect()
    await sender.send(head + raw)
    await sender.reader.readuntil(b"\r\n\r\n")
    assert watched.taken == []


async def test_requests_sent_at_once_are_answered_in_their_order(watched: Watched) -> None:
    key = watched.served.entrance.key["generic"]
    titles = [f"signal {n}" for n in range(6)]
    bodies: list[dict[str, object]] = [{"title": title, "key": title} for title in titles]
    bodies[3] = {"title": 5}
    requests = [b"".join(post(f"/in/{key}/signal", body)) for body in bodies]
    sender = await watched.connect()
    await sender.send(b"".join(requests))
    answers = [await sender.answer() for _ in requests]
    assert [a.status for a in answers] == [200, 200, 200, 400, 200, 200]
    assert [json.loads(a.body).get("keys") for a in answers if a.status == 200] == [
        [title] for n, title in enumerate(titles) if n != 3
    ]


@pytest.mark.parametrize(("version", "header"), [("1.1", "Connection: close"), ("1.0", "X: y")])
async def test_a_connection_is_closed_for_whoever_wants_no_more(
    watched: Watched, version: str, header: str
) -> None:
    path = f"/in/{watched.served.entrance.key['prometheus']}/api/v2/alerts"
    head, raw = post(path, [DOWN], header, version=version)
    sender = await watched.connect()
    await sender.send(head + raw)
    answer = await sender.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert any(watched.taken)
    assert await sender.ended()


async def test_a_signal_that_the_database_did_not_take_is_answered_503(watched: Watched) -> None:
    entrance = watched.served.entrance
    head, raw = post(
        f"/in/{entrance.key['prometheus']}/api/v2/alerts", [DOWN], "Accept-Language: en"
    )
    sender = await watched.connect()
    async with entrance.pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE signals IN ACCESS EXCLUSIVE MODE")
        await sender.send(head + raw)
        await until(_waits(watched))
        await entrance.writer.close(timeout=0.1)
    answer = await sender.answer()
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "does not answer" in json.loads(answer.body)["detail"]


async def test_a_sender_that_hangs_up_while_its_signal_is_written_loses_nothing(
    watched: Watched,
) -> None:
    entrance = watched.served.entrance
    head, raw = post(f"/in/{entrance.key['prometheus']}/api/v2/alerts", [DOWN])
    sender = await watched.connect()
    async with entrance.pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE signals IN ACCESS EXCLUSIVE MODE")
        await sender.send(head + raw)
        await until(_waits(watched))
        sender.writer.close()
    assert await until(entrance.alerts)


def _waits(watched: Watched):
    async def waits() -> bool:
        return any(watched.taken)

    return waits
