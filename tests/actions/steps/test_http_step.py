"""One request: sent once, its answer bounded, not redirected, honest about what is not known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from tests.actions.limits import limited
from tests.actions.probes.conftest import listening
from tests.actions.steps.conftest import Bench, says, step
from tests.ports import free_port

from bongsu.actions.steps import StepOutcome, perform


@dataclass
class Server:
    """Answers each request with ``answer``, and remembers them."""

    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes"
    heard: list[str] = field(default_factory=list)
    hold_s: float = 0.0
    port: int = 0

    def url(self, path: str = "/ops/read-only/on") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n")
             if line.lower().startswith(b"content-length")), 0
        )  # fmt: skip
        self.heard.append((head + await reader.readexactly(size)).decode())
        await asyncio.sleep(self.hold_s)
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    return free_port()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    async with listening(one.serve) as one.port:
        yield one


def status(line: str, *headers: str, body: str = "") -> bytes:
    whole = [f"HTTP/1.1 {line}", *headers, f"content-length: {len(body)}", "", body]
    return "\r\n".join(whole).encode()


async def test_a_request_goes_out_once_as_it_is_written(bench: Bench, server: Server):
    came = await bench.do(
        "http", url=server.url("/ops?a=1"), method="PUT", body='{"on": true}',
        headers={"Authorization": "env:KOREA_TOKEN", "X-Why": "incident"},
    )  # fmt: skip
    assert (came.outcome, "status 200" in says(came)) == ("done", True)
    (heard,) = server.heard
    assert heard.startswith("PUT /ops?a=1 HTTP/1.1\r\n")
    assert "authorization: t0p-secret-value\r\n" in heard.lower()
    assert heard.endswith('{"on": true}')
    assert "t0p-secret-value" not in bench.seen.text
    assert "Authorization: " in bench.seen.text
    assert bench.seen.text.endswith("HTTP 200 OK\nyes")


async def test_a_status_that_is_not_expected_is_a_failure(bench: Bench, server: Server):
    server.answer = status("503 Service Unavailable", body="the database is down")
    came = await bench.do("http", url=server.url())
    assert came.outcome == "failed"
    assert "status 503 instead of 200, 201, 202, 204" in says(came)
    assert "the database is down" in bench.seen.text
    assert (await bench.do("http", url=server.url(), expect_status=[503])).outcome == "done"


async def test_a_redirect_is_told_and_not_followed(bench: Bench, server: Server):
    server.answer = status("302 Found", f"location: {server.url('/elsewhere')}")
    came = await bench.do("http", url=server.url())
    assert came.outcome == "failed"
    assert "/elsewhere" in says(came)
    assert len(server.heard) == 1


async def test_an_endless_body_is_cut(bench: Bench, server: Server):
    server.answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000
    came = await bench.do("http", url=server.url())
    assert came.outcome == "done"
    assert len(bench.seen.text) < 80_000


async def test_an_answer_that_does_not_come_leaves_open_whether_it_was_done(
    bench: Bench, server: Server
):
    server.hold_s = 600.0

    async def ask(method: str) -> StepOutcome:
        server.heard.clear()
        return await limited(
            lambda limit_s: bench.do(
                "http", url=server.url(), method=method, timeout=f"{limit_s}s"
            ),
            lambda _: server.heard,
        )

    came = await ask("POST")
    assert (came.outcome, "did not answer" in says(came)) == ("unknown", True)
    assert (await ask("GET")).outcome == "failed"


async def test_a_connection_that_is_cut_leaves_it_open_as_well(bench: Bench, server: Server):
    server.answer = b""
    assert (await bench.do("http", url=server.url())).outcome == "unknown"


async def test_what_was_never_reached_was_not_changed(
    bench: Bench, server: Server, closed_port: int
):
    nobody = f"http://127.0.0.1:{closed_port}/"
    for url in (nobody, "http://no-such-host.invalid/", "ftp://example.com/", "http://a:99999/"):
        came = await bench.do("http", url=url, timeout="60s")
        assert came.outcome == "refused", url
    assert server.heard == []


async def test_a_token_that_is_not_set_is_no_empty_token(bench: Bench, server: Server):
    came = await bench.do("http", url=server.url(), headers={"Authorization": "env:MISSING"})
    assert (came.outcome, "MISSING" in says(came)) == ("refused", True)
    assert server.heard == []


async def test_taking_back_asks_elsewhere_or_otherwise(bench: Bench, server: Server):
    for written, heard in (
        ({"undo_url": server.url("/off")}, "POST /off "),
        ({"undo_method": "DELETE"}, "DELETE /ops/read-only/on "),
        ({"undo_body": "off"}, "POST /ops/read-only/on "),
    ):
        one = step("http", url=server.url(), body="on", **written)
        assert (await perform(one, undo=True, context=bench.context)).outcome == "done"
        assert server.heard[-1].startswith(heard)
        assert not server.heard[-1].endswith("on")
    without = step("http", url=server.url())
    assert (await perform(without, undo=True, context=bench.context)).outcome == "refused"


async def test_a_dry_run_shows_the_request_and_sends_nothing(bench: Bench, server: Server):
    came = await bench.do(
        "http", url=server.url(), headers={"Authorization": "env:MISSING"}, body="x", dry=True
    )
    assert (came.outcome, says(came)) == ("done", "nothing was sent")
    assert f"POST {server.url()}\n" in bench.seen.text
    assert server.heard == []
