from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.actions.probes.certificates import Authority
from tests.actions.probes.conftest import context, cuts_off, listening, never_answers

from bongsu.actions.probes import http
from bongsu.manual.schema.diagnosis import HttpProbe


def answering(status: str, *headers: str, body: str = "", after_s: float = 0.0) -> Any:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(after_s)
        lines = [
            f"HTTP/1.1 {status}",
            f"content-length: {len(body)}",
            "connection: close",
            *headers,
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        await writer.drain()

    return serve


def probe(url: str, **more: Any) -> HttpProbe:
    return HttpProbe(kind="http", url=url, **more)


async def test_an_answer_in_time_is_healthy_and_says_where_the_time_went():
    async with listening(answering("200 OK", body="fine")) as port:
        looked = await http.look("api", probe(f"http://127.0.0.1:{port}/health"), context())
    assert looked.verdict == "healthy"
    assert looked.evidence.output == "fine"
    assert looked.evidence.numbers["status"] == 200
    assert {"dns_s", "connect_s", "first_byte_s", "took_s"} <= set(looked.evidence.numbers)


async def test_another_status_is_unhealthy_and_its_body_is_kept_masked():
    body = "database password=hunter2secret is wrong"
    async with listening(answering("503 Service Unavailable", body=body)) as port:
        looked = await http.look("api", probe(f"http://127.0.0.1:{port}/"), context())
    assert (looked.verdict, looked.findings[0].code) == ("unhealthy", "http_status")
    assert "status 503, not 200" in looked.findings[0].says.says("en")
    assert "hunter2secret" not in looked.evidence.output


async def test_a_status_that_the_manual_expects_is_healthy():
    async with listening(answering("401 Unauthorized")) as port:
        url = f"http://127.0.0.1:{port}/"
        looked = await http.look("api", probe(url, expect_status=401), context())
    assert looked.verdict == "healthy"


async def test_an_answer_slower_than_the_manual_allows_is_degraded(
    monkeypatch: pytest.MonkeyPatch,
):
    waits, note = asyncio.Event(), http.Watch.note

    async def noted(watch: http.Watch, event: str, info: Any) -> None:
        await note(watch, event, info)
        if event.endswith("receive_response_headers.started"):
            waits.set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await waits.wait()  # else its slowness would begin before the client's clock
        await answering("200 OK", after_s=1.1)(reader, writer)

    monkeypatch.setattr(http.Watch, "note", noted)
    async with listening(serve) as port:
        asked = probe(f"http://127.0.0.1:{port}/", degraded_over=timedelta(seconds=1))
        looked = await http.look("api", asked, context())
    assert (looked.verdict, looked.findings[0].code) == ("degraded", "http_slow")
    assert looked.evidence.numbers["first_byte_s"] > 1


async def test_redirects_in_a_circle_are_named():
    async with listening(answering("302 Found", "location: /again")) as port:
        looked = await http.look("api", probe(f"http://127.0.0.1:{port}/"), context())
    assert (looked.verdict, looked.findings[0].code) == ("unhealthy", "http_redirect_loop")


async def test_a_server_that_takes_the_connection_and_never_answers_is_unhealthy():
    async with listening(never_answers) as port:
        looked = await http.look("api", probe(f"http://127.0.0.1:{port}/"), context(timeout_s=0.3))
    assert (looked.verdict, looked.findings[0].code) == ("unhealthy", "http_no_answer")
    assert looked.findings[0].says.says("en").endswith("did not answer within 0.3 s")


async def test_refused_cut_off_and_an_unknown_name_are_told_apart(closed_port: int):
    refused = await http.look("api", probe(f"http://127.0.0.1:{closed_port}/"), context())
    async with listening(cuts_off) as port:
        cut = await http.look("api", probe(f"http://127.0.0.1:{port}/"), context())
    nameless = await http.look("api", probe("http://nobody.invalid/"), context())
    assert refused.findings[0].code == "http_refused"
    assert cut.findings[0].code in ("http_cut_off", "http_garbled")
    assert nameless.findings[0].code in ("http_name_unknown", "http_resolver_silent")
    assert {one.verdict for one in (refused, cut, nameless)} == {"unhealthy"}


async def test_something_that_speaks_no_http_is_named():
    async def greets(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()

    async with listening(greets) as port:
        looked = await http.look("api", probe(f"http://127.0.0.1:{port}/"), context())
    assert (looked.verdict, looked.findings[0].code) == ("unhealthy", "http_garbled")


async def test_a_certificate_that_is_not_trusted_is_named(tmp_path: Path):
    authority = Authority(tmp_path)
    async with listening(answering("200 OK"), authority.server("localhost")) as port:
        url = f"https://localhost:{port}/"
        bad = await http.look("api", probe(url), context())
        good = await http.look("api", probe(url), context(authority.env))
    assert (bad.verdict, bad.findings[0].code) == ("unhealthy", "http_tls_unknown_issuer")
    assert good.verdict == "healthy"
    assert "tls_s" in good.evidence.numbers


@pytest.mark.parametrize("url", ["http://[::1", "http://"])
async def test_an_address_that_is_none_is_unknown_never_healthy(url: str):
    looked = await http.look("api", probe(url), context())
    assert looked.verdict == "unknown"
    assert looked.why is not None


async def test_what_the_command_shows_has_no_password():
    url = "http://user:hunter2secret@127.0.0.1:1/"
    looked = await http.look("api", probe(url), context())
    assert "hunter2secret" not in repr(looked)


def test_only_the_clients_own_context_checks_names():
    assert ssl.create_default_context().check_hostname
