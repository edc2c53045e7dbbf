"""Real Prometheus and Alertmanager fire, and the right person is paged by the seed's manual."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.channels.email.mailserver import MailServer
from tests.channels.slack.standin import SlackStandIn
from tests.e2e import monitoring
from tests.e2e.programs import Bongsu, Service, eventually
from tests.e2e.rotation import channel, mailbox, primary_now

pytestmark = pytest.mark.slow

Way = Callable[[Bongsu, Path, int], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def as_its_alertmanager(bongsu: Bongsu, folder: Path, target: int) -> AsyncIterator[None]:
    """Prometheus names Bongsu as its alertmanager."""
    key = await bongsu.key("prometheus")
    named = monitoring.at(bongsu.url.removeprefix("http://"), path_prefix=f"/in/{key}")
    async with monitoring.prometheus(folder, target, named):
        yield


@asynccontextmanager
async def by_webhook(bongsu: Bongsu, folder: Path, target: int) -> AsyncIterator[None]:
    """Prometheus tells its Alertmanager, which tells Bongsu by its webhook."""
    url = f"{bongsu.url}/in/{await bongsu.key('prometheus')}/alertmanager"
    receiver = {"webhook_configs": [{"url": url, "send_resolved": True}]}
    async with _through_alertmanager(folder, target, receiver):
        yield


@asynccontextmanager
async def as_pagerduty(bongsu: Bongsu, folder: Path, target: int) -> AsyncIterator[None]:
    """Prometheus tells its Alertmanager, which takes Bongsu for PagerDuty."""
    sent = {
        "routing_key": await bongsu.key("pagerduty"),
        "url": f"{bongsu.url}/v2/enqueue",
        "severity": "{{ .CommonLabels.severity }}",
        "class": "{{ .CommonLabels.alertname }}",
        "component": "{{ .CommonLabels.service }}",
    }
    async with _through_alertmanager(folder, target, {"pagerduty_configs": [sent]}):
        yield


@asynccontextmanager
async def _through_alertmanager(
    folder: Path, target: int, receiver: dict[str, Any]
) -> AsyncIterator[None]:
    async with (
        monitoring.alertmanager(folder, receiver) as address,
        monitoring.prometheus(folder, target, monitoring.at(address)),
    ):
        yield


@pytest.fixture
async def backend() -> AsyncIterator[Service]:
    service = Service()
    await service.start()
    yield service
    await service.die()


@pytest.mark.parametrize("way", [as_its_alertmanager, by_webhook, as_pagerduty])
async def test_a_target_that_dies_pages_whoever_is_on_call_and_its_return_is_watched(
    *, way: Way, bongsu: Bongsu, backend: Service, mail: MailServer, slack: SlackStandIn,
    tmp_path: Path,
) -> None:  # fmt: skip
    async with way(bongsu, tmp_path, backend.port):
        assert await bongsu.incidents() == []
        primary = await primary_now()
        await backend.die()
        await eventually(lambda: _paged(mail, slack, primary), f"a page of {primary}")
        await _answered_and_worked_on(bongsu, primary)
        await backend.start()
        await eventually(lambda: _watched(bongsu), "an incident that is watched")
    opened = await bongsu.incidents()
    assert [(one["severity"], one["alerts"], one["firing"]) for one in opened] == [("P0", 1, 0)]
    assert (await bongsu.incident())["phase"] == "monitoring"


async def _paged(mail: MailServer, slack: SlackStandIn, person: str) -> bool:
    rung = {call.body.get("channel") for call in slack.calls if call.method == "chat.postMessage"}
    return mailbox(person) in mail.recipients and channel(person) in rung


async def _answered_and_worked_on(bongsu: Bongsu, primary: str) -> None:
    """Only the primary was paged; then the response begins, from the terminal."""
    [opened] = await bongsu.incidents()
    shown = await bongsu.incident(opened["id"])
    assert [page["person"]["id"] for page in shown["pages"]] == [primary]
    outcomes = {(d["channel"], d["outcome"]) for d in shown["pages"][0]["deliveries"]}
    assert {channel for channel, _ in outcomes} == {"slack", "email"}
    await bongsu.run("ack", "1")
    await bongsu.run("confirm", "1")
    await bongsu.run("assign", "1", "incident_commander", "pm")
    await bongsu.run("assign", "1", "technical_lead", "senior-dev")
    assert (await bongsu.incident())["phase"] == "responding"


async def _watched(bongsu: Bongsu) -> bool:
    return bool((await bongsu.incident())["phase"] == "monitoring")
