"""A webhook is posted to as the seed's curl did, and every way in which it fails is told apart."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace
from tests.channels.messages import a_notice, a_page

from bongsu.channels import delivery, registry
from bongsu.channels.message import DeliveryError
from bongsu.channels.webhook import WebhookChannel

PATH = "/hooks/s3cret-token"


@dataclass
class Team:
    """The security team's end."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    holds: float = 0.0
    got: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.holds)
        self.got.append((dict(request.headers), await request.json()))
        return web.Response(status=self.status, headers=self.headers)

    @property
    def channel(self) -> WebhookChannel:
        channels = registry.build({"SECURITY_WEBHOOK": self.url})
        found = channels["webhook"]
        assert isinstance(found, WebhookChannel)
        return found


@pytest.fixture
async def team() -> AsyncIterator[Team]:
    one = Team()
    app = web.Application()
    app.router.add_post(PATH, one.take)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    yield one
    await runner.cleanup()


ALERT = "Security incident detected\n\n**Severity**: P0\n**Incident**: INC-20250814-01\n"


async def test_the_security_team_gets_what_the_seeds_curl_sent_and_more(team: Team) -> None:
    notice = a_notice(ALERT)
    await team.channel.send(notice, "env:SECURITY_WEBHOOK")
    ((headers, body),) = team.got
    assert headers["Content-Type"].startswith("application/json")
    assert (body["alert"], body["severity"]) == ("Security incident detected", "critical")
    assert (body["level"], body["incident"]) == ("P0", notice.incident_number)
    assert "INC-20250814-01" in body["text"]
    assert headers["Idempotency-Key"] == body["id"] == notice.delivery_id


async def test_a_page_says_what_a_page_says(team: Team) -> None:
    await team.channel.send(a_page(), team.url)
    body = team.got[0][1]
    assert (body["kind"], body["severity"]) == ("page", "critical")
    assert "데이터베이스 장애" in body["alert"]
    assert body["link"] == "https://bongsu.example.com/incidents/01K2"


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(302, True), (400, True), (404, True), (408, False), (429, False), (500, False), (503, False)],
)
async def test_what_is_not_taken_says_whether_trying_again_helps(
    team: Team, status: int, permanent: bool
) -> None:
    team.status, team.headers = status, {"Retry-After": "7", "Location": "http://127.0.0.1:1/"}
    with pytest.raises(DeliveryError, match=str(status)) as failed:
        await team.channel.send(a_notice(), team.url)
    assert (failed.value.permanent, failed.value.retry_after) == (permanent, 7.0)
    assert len(team.got) == 1


@pytest.mark.parametrize("address", ["env:NOT_SET", "env:WRONG", "ftp://x/y", "https://"])
async def test_an_address_that_is_none_is_refused_for_good_and_not_shown(address: str) -> None:
    channel = registry.build({"WRONG": "s3cret-token"})["webhook"]
    with pytest.raises(DeliveryError) as failed:
        await channel.send(a_notice(), address)
    assert failed.value.permanent
    assert "s3cret" not in str(failed.value)
    assert address.removeprefix("env:").split("/")[0] in str(failed.value)


async def test_who_is_away_may_be_there_later_and_no_secret_is_told(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = registry.build({"HOOK": f"http://127.0.0.1:{unused_tcp_port}{PATH}?key=abcdef"})
    with pytest.raises(DeliveryError, match="can't be reached") as failed:
        await channel["webhook"].send(replace(a_notice(), lang="en"), "env:HOOK")
    assert not failed.value.permanent
    told = str(failed.value) + caplog.text
    assert "s3cret" not in told
    assert "abcdef" not in told


async def test_who_does_not_answer_is_not_waited_for(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    team.holds = 5.0
    with pytest.raises(DeliveryError, match=r"0\.2") as failed:
        await team.channel.send(a_notice(), team.url)
    assert not failed.value.permanent


async def test_what_was_posted_is_json_in_any_language(team: Team) -> None:
    await team.channel.send(a_notice("보안 장애가 감지되었습니다"), team.url)
    assert json.loads(json.dumps(team.got[0][1]))["alert"] == "보안 장애가 감지되었습니다"
