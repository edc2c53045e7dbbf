"""PagerDuty's official Python client, pointed at Bongsu, works as it does at home."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from pagerduty import EventsApiV2Client
from tests.channels.email.mailserver import MailServer
from tests.e2e.programs import Bongsu, eventually
from tests.e2e.rotation import mailbox, primary_now
from tests.e2e.tls import certificate, tls_before

pytestmark = pytest.mark.slow

DETAILS = {"class": "BackendDown", "component": "korea-backend", "custom_details": {"pod": "7"}}


async def test_it_triggers_acknowledges_and_resolves(
    bongsu: Bongsu, mail: MailServer, tmp_path: Path
) -> None:
    key, pem = await bongsu.key("pagerduty"), certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=pem)
    async with tls_before(int(bongsu.url.rsplit(":", 1)[1]), pem) as address:
        with EventsApiV2Client(key, base_url=address, verify=trusted) as client:
            await _triggered_acknowledged_and_resolved(client, bongsu, mail)
    [opened] = await bongsu.incidents()
    assert (opened["severity"], opened["alerts"]) == ("P0", 1)


async def _triggered_acknowledged_and_resolved(
    client: EventsApiV2Client, bongsu: Bongsu, mail: MailServer
) -> None:
    primary = await primary_now()
    dedup = await asyncio.to_thread(
        client.trigger, "the backend is down", "probe-1", severity="critical", payload=DETAILS
    )
    await eventually(lambda: _paged(mail, primary), f"a page of {primary}")
    again = await asyncio.to_thread(
        client.trigger, "the backend is down", "probe-1", dedup_key=dedup, payload=DETAILS
    )
    assert again == dedup

    await asyncio.to_thread(client.acknowledge, dedup)
    await eventually(lambda: _acknowledged(bongsu), "an acknowledged incident")
    await asyncio.to_thread(client.resolve, dedup)
    await eventually(lambda: _quiet(bongsu), "an incident whose alerts have stopped")


async def _paged(mail: MailServer, person: str) -> bool:
    return mailbox(person) in mail.recipients


async def _acknowledged(bongsu: Bongsu) -> bool:
    return (await bongsu.incident())["acknowledged_at"] is not None


async def _quiet(bongsu: Bongsu) -> bool:
    return bool((await bongsu.incident())["firing"] == 0)
