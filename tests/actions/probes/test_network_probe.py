from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.actions.probes.certificates import Authority
from tests.actions.probes.conftest import context, listening, never_answers

from bongsu.actions.probes import network
from bongsu.actions.probes.reaching import NAME_UNKNOWN, NO_RESOLVER, trouble_of
from bongsu.manual.schema.diagnosis import NetworkProbe


def probe(kind: Literal["dns", "tcp", "tls"], host: str, port: int | None = None) -> NetworkProbe:
    return NetworkProbe(kind=kind, host=host, port=port)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("authority")
    return Authority(folder)


async def test_a_name_that_resolves_is_healthy_and_shows_its_addresses():
    looked = await network.look("dns", probe("dns", "localhost"), context())
    assert looked.verdict == "healthy"
    assert looked.evidence.output.splitlines()[0] in ("127.0.0.1", "::1")


async def test_a_name_that_does_not_resolve_is_unhealthy():
    looked = await network.look("dns", probe("dns", "nobody.invalid"), context())
    assert looked.verdict == "unhealthy"
    assert looked.findings[0].code in ("dns_name_unknown", "dns_resolver_silent")


def test_a_name_that_is_not_there_and_a_silent_name_server_are_told_apart():
    silent = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    absent = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert trouble_of(silent) == (NO_RESOLVER, "Temporary failure in name resolution")
    assert trouble_of(absent) == (NAME_UNKNOWN, "Name or service not known")


async def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    import threading

    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: [over.wait(600)][1:])
    looked = await network.look("dns", probe("dns", "slow.example"), context(timeout_s=0.2))
    over.set()
    assert (looked.verdict, looked.findings[0].code) == ("unhealthy", "dns_no_answer")


async def test_an_open_port_is_healthy_and_a_closed_one_is_not(closed_port: int):
    async with listening(never_answers) as port:
        opened = await network.look("db", probe("tcp", "127.0.0.1", port), context())
    closed = await network.look("db", probe("tcp", "127.0.0.1", closed_port), context())
    assert opened.verdict == "healthy"
    assert (closed.verdict, closed.findings[0].code) == ("unhealthy", "tcp_refused")


@pytest.mark.parametrize(
    ("name", "days", "trusted", "verdict_and_code"),
    [
        ("localhost", 365, True, ("healthy",)),
        ("localhost", 5, True, ("degraded", "tls_expires_soon")),
        ("localhost", -1, True, ("unhealthy", "tls_expired")),
        ("other.example", 365, True, ("unhealthy", "tls_name_mismatch")),
        ("localhost", 365, False, ("unhealthy", "tls_unknown_issuer")),
    ],
)
async def test_each_trouble_of_a_certificate_is_named(
    authority: Authority, name: str, days: float, trusted: bool, verdict_and_code: tuple[str, ...]
):
    env: dict[str, Any] = authority.env if trusted else {}
    async with listening(never_answers, authority.server(name, days)) as port:
        looked = await network.look("tls", probe("tls", "localhost", port), context(env))
    assert (looked.verdict, *(one.code for one in looked.findings)) == verdict_and_code


async def test_a_certificate_says_how_many_days_are_left(authority: Authority):
    async with listening(never_answers, authority.server("localhost", 5.5)) as port:
        looked = await network.look("tls", probe("tls", "localhost", port), context(authority.env))
    assert looked.evidence.numbers["days_left"] == 5.5
    assert "ends in 5 days" in looked.findings[0].says.says("en")


async def test_a_port_without_tls_is_named(authority: Authority):
    async def plain(reader: Any, writer: Any) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with listening(plain) as port:
        looked = await network.look("tls", probe("tls", "localhost", port), context(authority.env))
    assert (looked.verdict, looked.findings[0].code) == ("unhealthy", "tls_failed")
