"""What changes is told at once, over real HTTP: nothing is missed, and nobody holds up anybody."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.waiting import PATIENCE, until_true
from tests.web.site import Site

from bongsu.web import live
from bongsu.web.app import Server


class Served:
    """A server on a free port, for as long as a test runs."""

    def __init__(self, site: Site) -> None:
        self.site, sock = site, socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        self.server = Server(site.app, log_config=None, lifespan="on")
        self.task = asyncio.create_task(self.server.serve([sock]))

    async def started(self):
        await until_true(lambda: self.server.started or self.task.done())
        assert self.server.started

    async def stop(self):
        self.server.should_exit = True
        await asyncio.wait_for(self.task, PATIENCE)

    @asynccontextmanager
    async def stream(self, path, **headers):
        headers["authorization"] = f"Bearer {self.site.tokens['viewer']}"
        async with (
            httpx.AsyncClient(base_url=self.url, timeout=PATIENCE) as client,
            client.stream("GET", f"/api/v1{path}", headers=headers) as answer,
        ):
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Events(answer)


class Events:
    """The events of one stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.lines = answer.aiter_lines()

    async def next(self, kind=None):
        """The next event, or the next one of a kind: its kind, its number and its data."""
        while True:
            found = await asyncio.wait_for(self._one(), PATIENCE)
            if kind is None or found[0] == kind:
                return found

    async def _one(self):
        fields: dict[str, str] = {}
        async for line in self.lines:
            if not line and "event" in fields:
                return fields["event"], fields.get("id"), json.loads(fields["data"])
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
        raise EOFError

    async def comment(self):
        """Read on until the next comment."""
        async for line in self.lines:
            if line.startswith(":"):
                return
        raise EOFError


@pytest.fixture
async def served(site: Site):
    """The process on a real port."""
    served = Served(site)
    await served.started()
    yield served
    await served.stop()


@pytest.fixture
def api(site: Site):
    """The API as a responder uses it."""
    return site.as_("responder")


async def test_a_watcher_reads_what_has_happened_and_then_what_happens(served, api):
    made = await api.declared()
    async with served.stream(f"/incidents/{made['id']}/live") as events:
        past = [await events.next("timeline") for _ in range(made["seq"])]
        assert [int(number) for _, number, _ in past] == list(range(1, made["seq"] + 1))
        await api.post(f"/incidents/{made['id']}/note", {"text": "배포를 되돌립니다"})
        _, number, entry = await events.next("timeline")
        assert (int(number), entry["text"]) == (made["seq"] + 1, "배포를 되돌립니다")
        assert (await events.next("incident"))[2]["seq"] == made["seq"] + 1


async def test_a_broken_stream_goes_on_where_it_was(served, api):
    made = await api.declared()
    for n in range(5):
        await api.post(f"/incidents/{made['id']}/note", {"text": f"note {n}"})
    last = str(made["seq"] + 2)
    async with served.stream(f"/incidents/{made['id']}/live", **{"last-event-id": last}) as events:
        texts = [(await events.next("timeline"))[2]["text"] for _ in range(3)]
        assert texts == ["note 2", "note 3", "note 4"]


async def test_the_whole_list_is_watched_at_once(served, api):
    async with served.stream("/live") as events:
        assert (await events.next())[0] == "reset"
        first, second = await api.declared("하나"), await api.declared("둘")
        seen: dict[int, str] = {}
        while len(seen) < 2:
            _, _, row = await events.next("incident")
            seen[row["id"]] = row["title"]
        assert seen == {first["id"]: "하나", second["id"]: "둘"}
        await api.post(f"/incidents/{first['id']}/resolve")
        while True:
            _, _, row = await events.next("incident")
            if not row["open"]:
                break
        assert row["id"] == first["id"]


async def test_many_watchers_each_see_everything_in_order(served, api):
    made = await api.declared()
    count = 40

    async def watch():
        async with served.stream(f"/incidents/{made['id']}/live") as events:
            return [int((await events.next("timeline"))[1]) for _ in range(made["seq"] + count)]

    watchers = [asyncio.create_task(watch()) for _ in range(10)]
    for n in range(count):
        await api.post(f"/incidents/{made['id']}/note", {"text": f"note {n}"})
    for seen in await asyncio.gather(*watchers):
        assert seen == list(range(1, made["seq"] + count + 1))


async def test_somebody_who_does_not_read_holds_up_nobody(served, api):
    made = await api.declared()
    async with served.stream("/live"), served.stream(f"/incidents/{made['id']}/live") as good:
        for n in range(60):
            await api.post(f"/incidents/{made['id']}/note", {"text": f"{n} " + "긴 글 " * 2_000})
        for _ in range(made["seq"]):
            await good.next("timeline")
        assert (await good.next("timeline"))[2]["text"].startswith("0 ")


async def test_a_stream_shows_that_it_lives_while_nothing_happens(served, api, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.05)
    made = await api.declared()
    async with served.stream(f"/incidents/{made['id']}/live") as events:
        await events.next("incident")
        for _ in range(3):
            await asyncio.wait_for(events.comment(), PATIENCE)
        await api.post(f"/incidents/{made['id']}/note", {"text": "x"})
        assert (await events.next("timeline"))[2]["text"] == "x"


async def test_a_stream_ends_after_a_while_so_that_its_reader_is_asked_again(
    served, api, monkeypatch
):
    monkeypatch.setattr(live, "LONGEST", 0.2)
    monkeypatch.setattr(live, "HEARTBEAT", 0.05)
    async with served.stream("/live") as events:
        await events.next()
        with pytest.raises(EOFError):
            await events.next()


async def test_a_reader_who_goes_away_is_forgotten(served, site):
    async with served.stream("/live") as events:
        await events.next()
        assert len(site.app.services.live._watchers) == 1
    await until_true(lambda: not site.app.services.live._watchers)


async def test_the_server_stops_at_once_although_somebody_watches(site):
    """It would wait for ever: nothing bounds how long it waits for who reads."""
    served = Served(site)
    await served.started()
    async with served.stream("/live") as events:
        await events.next()
        await served.stop()
        with pytest.raises(EOFError):
            await events.next()


async def test_a_lost_connection_to_the_database_is_made_again_and_nothing_missed(
    served, api, site
):
    made = await api.declared()
    async with served.stream(f"/incidents/{made['id']}/live") as events:
        await events.next("incident")
        async with site.pool.acquire() as conn:
            await conn.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND query LIKE 'LISTEN%'"""
            )
        await api.post(f"/incidents/{made['id']}/note", {"text": "wieder da"})
        assert (await events.next("timeline"))[2]["text"] == "wieder da"


def test_an_event_of_several_lines_is_one_event():
    assert live.Message("row", "a\nb", "7").encode() == "id: 7\nevent: row\ndata: a\ndata: b\n\n"


@pytest.mark.parametrize(
    ("header", "number"), [("7", 7), (None, 0), ("", 0), ("x", 0), ("٣", 0), ("9" * 30, 0)]
)
def test_only_a_number_says_where_a_stream_goes_on(header, number):
    assert live.last_seen(header) == number
