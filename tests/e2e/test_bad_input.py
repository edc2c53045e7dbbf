"""Whatever is sent at the whole server: a clear refusal, and nothing else is disturbed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from tests.channels.email.mailserver import MailServer
from tests.e2e.programs import Bongsu, eventually
from tests.e2e.rotation import mailbox, primary_now
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

LABELS = {f"label{number}": "x" for number in range(100_000)}
LATER = (datetime.now(UTC) + timedelta(days=3650)).isoformat()
DEEP = b"[" * 100_000
HUGE = b'{"title": "' + b"x" * 10_000_000 + b'"}'
STALLED = 60
"""senders that announce a body and never send the rest"""


class Case(NamedTuple):
    """One thing that is sent, and the statuses that are right answers to it."""

    what: str
    path: str
    body: bytes
    statuses: tuple[int, ...]
    headers: dict[str, str] = {}  # noqa: RUF012  never changed


class Addresses(NamedTuple):
    """Where each form is sent to."""

    generic: str
    alertmanager: str
    prometheus: str
    pagerduty: str
    api: str
    routing_key: str


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def everywhere(at: Addresses) -> Iterator[Case]:
    """Bodies that no address may take."""
    for path in at[:5]:
        yield Case("malformed JSON", path, b'{"title": ', (400,))
        yield Case("no body", path, b"", (400, 422))
        yield Case("invalid UTF-8", path, b'{"title": "\xff\xfe"}', (400,))
        yield Case("a NUL byte", path, b'{"title": "\x00"}', (400,))
        yield Case("10 MB", path, HUGE, (413,))
        yield Case("100,000 brackets", path, DEEP, (400, 413))
        yield Case("a number", path, b"7", (400, 422))
        yield Case("null", path, b"null", (400, 422))
        yield Case("an endless number", path, b"9" * 5000, (400, 422))


def forms(at: Addresses) -> Iterator[Case]:
    """Bodies that are wrong for one form."""
    good = {"key": "a", "title": "b"}
    yield Case("a title that is a list", at.generic, _json({**good, "title": []}), (400, 422))
    yield Case("many labels", at.generic, _json({**good, "labels": LABELS}), (400, 413, 422))
    yield Case("NUL in a text", at.generic, _json({**good, "title": "a\0b"}), (400, 422))
    alert = {"labels": {"alertname": "BackendDown"}}
    yield Case("labels of numbers", at.prometheus, _json([{"labels": {"a": 1}}]), (400,))
    yield Case("no labels", at.prometheus, _json([{**alert, "labels": {}}]), (400,))
    yield Case("many labels", at.prometheus, _json([{"labels": LABELS}]), (400, 413))
    yield Case("an object", at.prometheus, _json(alert), (400,))
    yield Case("alerts that are a text", at.alertmanager, _json({"alerts": "all"}), (400, 422))
    event = {"routing_key": at.routing_key, "event_action": "trigger"}
    payload = {"summary": "a", "source": "b", "severity": "critical"}
    yield Case("no payload", at.pagerduty, _json(event), (400,))
    unknown = {**event, "event_action": "explode", "payload": payload}
    yield Case("an unknown action", at.pagerduty, _json(unknown), (400,))
    nobody = {**event, "routing_key": "0" * 32, "payload": payload}
    yield Case("an unknown routing key", at.pagerduty, _json(nobody), (400, 401))
    yield Case("an unknown key", f"/in/{'0' * 32}/signal", _json(good), (401,))
    yield Case("an encoded body", at.generic, b"\x1f\x8b", (415,), {"content-encoding": "gzip"})
    yield Case("an unknown field", at.api, _json({"title": "a", "severity": "P0", "x": 1}), (422,))
    yield Case("an unknown severity", at.api, _json({"title": "a", "severity": "P9"}), (422,))
    yield Case(
        "a clock off", at.api, _json({"title": "a", "severity": "P3", "started_at": LATER}), (422,)
    )


async def _addresses(bongsu: Bongsu) -> Addresses:
    prometheus, generic, pagerduty = [
        await bongsu.key(name) for name in ("prometheus", "generic", "pagerduty")
    ]
    return Addresses(
        f"/in/{generic}/signal", f"/in/{prometheus}/alertmanager",
        f"/in/{prometheus}/api/v2/alerts", "/v2/enqueue", "/api/v1/incidents", pagerduty,
    )  # fmt: skip


async def test_bad_input_is_refused_clearly_and_disturbs_nothing(
    bongsu: Bongsu, mail: MailServer
) -> None:
    at = await _addresses(bongsu)
    cases = [*everywhere(at), *forms(at)]
    async with bongsu.http() as http:
        halfway = len(cases) // 2
        answers = [await _answer(http, case) for case in cases[:halfway]]
        await _a_p0_is_paged(bongsu, mail, at.generic, count=1)
        answers += [await _answer(http, case) for case in cases[halfway:]]
        wrong = [problem for problem in map(_judged, cases, answers) if problem]
        assert wrong == []
        assert (await http.get("/healthz")).status_code == 200
    await _a_p0_is_paged(bongsu, mail, at.generic, count=2)
    assert len(await bongsu.incidents()) == 2


async def _answer(http: httpx.AsyncClient, case: Case) -> httpx.Response | httpx.TransportError:
    headers = {"content-type": "application/json", **case.headers}
    try:
        return await http.post(case.path, content=case.body, headers=headers)
    except httpx.TransportError as error:
        return error


def _judged(case: Case, answer: httpx.Response | httpx.TransportError) -> str:
    """Return what is wrong about an answer; nothing if it refuses and says why."""
    place = f"{case.what} to {case.path.rsplit('/', 1)[-1]}"
    if isinstance(answer, httpx.TransportError):
        return f"{place}: {answer!r}"
    if answer.status_code not in case.statuses:
        return f"{place}: {answer.status_code} {answer.text[:200]}"
    if "json" not in answer.headers["content-type"] or len(answer.text) < 20:
        return f"{place}: not clear: {answer.text[:200]!r}"
    return ""


async def _a_p0_is_paged(bongsu: Bongsu, mail: MailServer, path: str, *, count: int) -> None:
    """Send one more P0, of a service of its own; whoever is on call gets a mail for each."""
    signal = {
        "key": f"down-{count}", "title": f"backend {count} is down", "severity": "critical",
        "labels": {"alertname": "ServiceDown", "service": f"backend-{count}"},
    }  # fmt: skip
    primary = await primary_now()
    async with bongsu.http() as http:
        assert (await http.post(path, json=signal)).status_code == 200

    async def paged() -> bool:
        return mail.recipients.count(mailbox(primary)) >= count

    await eventually(paged, f"mail number {count} to {primary}")


async def test_a_senders_clock_that_is_ten_years_off_does_not_delay_the_page(
    bongsu: Bongsu, mail: MailServer
) -> None:
    at = await _addresses(bongsu)
    alert = {"labels": {"alertname": "BackendDown", "severity": "critical"}, "startsAt": LATER}
    primary = await primary_now()
    async with bongsu.http() as http:
        assert (await http.post(at.prometheus, json=[alert])).status_code == 200

    async def paged() -> bool:
        return mailbox(primary) in mail.recipients

    await eventually(paged, f"a page of {primary}")
    shown = await bongsu.incident()
    assert datetime.fromisoformat(shown["started_at"]) <= datetime.now(UTC)


async def test_senders_who_stall_or_go_away_hold_nobody_up(
    bongsu: Bongsu, mail: MailServer
) -> None:
    at = await _addresses(bongsu)
    port = int(bongsu.url.rsplit(":", 1)[1])
    paths = (at.generic, at.prometheus, at.pagerduty, at.api)
    stalled = [await _half_sent(port, paths[n % len(paths)]) for n in range(STALLED)]
    for writer in stalled[::2]:
        writer.close()  # half a body, then gone
    await _a_p0_is_paged(bongsu, mail, at.generic, count=1)
    [opened] = await bongsu.incidents()
    assert opened["title"] == "backend 1 is down"
    for writer in stalled[1::2]:
        writer.close()


async def _half_sent(port: int, path: str) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: bongsu\r\nContent-Type: application/json\r\n"
    writer.write(f'{head}Content-Length: 1000\r\n\r\n{{"title": "half'.encode())
    await writer.drain()
    return writer


async def test_a_request_that_is_no_http_is_refused(bongsu: Bongsu) -> None:
    port = int(bongsu.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /in/x HTTP/1.1\r\nContent-Length: many\r\n\r\n")
    said: Any = await asyncio.wait_for(reader.readline(), PATIENCE)
    writer.close()
    assert b"400" in said
