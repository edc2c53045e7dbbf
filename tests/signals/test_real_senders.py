"""Real Prometheus, Alertmanager, amtool and PagerDuty's own client send to the real way in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pagerduty
import pytest
from tests.signals.conftest import Served, WallClock, WayIn, posted, serving, way_in
from tests.signals.programs import (
    ALERTMANAGER,
    AMTOOL,
    PROMETHEUS,
    alertmanager,
    needs,
    prometheus,
    target,
)
from tests.waiting import PATIENCE, until

from bongsu.incident.alert import ChangedAlert
from bongsu.manual.schema.document import Manual
from bongsu.store import alerts as store
from bongsu.store.database import Pool

RULES = """
groups:
  - name: backend
    rules:
      - alert: BackendDown
        # One scrape that came too late on a busy machine is no dead backend.
        expr: max_over_time(up{job="backend"}[5s]) == 0
        labels: {severity: critical, service: korea-backend}
        annotations: {summary: "백엔드 {{ $labels.instance }} 응답 없음"}
"""


def prometheus_config(folder: Path, backend: int, alertmanager_yaml: str) -> str:
    """Scrape one backend every second and send to one alertmanager."""
    (folder / "rules.yml").write_text(RULES)
    return f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{folder}/rules.yml]
scrape_configs:
  - job_name: backend
    static_configs: [{{targets: ["127.0.0.1:{backend}"]}}]
alerting:
  alertmanagers:
    - {alertmanager_yaml}
"""


async def status_of(served: Served, name: str, status: str) -> ChangedAlert:
    """Wait until the alert of this name is kept with this status."""

    async def found() -> ChangedAlert | None:
        for one in await served.entrance.alerts():
            named = name in (one.labels.get("alertname"), one.summary)
            if named and one.status == status:
                return one
        return None

    return await until(found, every=0.05)


@pytest.mark.slow
@needs(PROMETHEUS)
async def test_a_target_dies_and_prometheus_tells_bongsu_as_its_alertmanager(
    served: Served, tmp_path: Path
) -> None:
    key = served.entrance.key["prometheus"]
    to_us = (
        f'{{static_configs: [{{targets: ["127.0.0.1:{served.port}"]}}], '
        f"authorization: {{credentials: {key}}}}}"
    )
    async with contextlib.AsyncExitStack() as stack:
        alive = await stack.enter_async_context(contextlib.AsyncExitStack())
        port = await alive.enter_async_context(target())
        config = prometheus_config(tmp_path, port, to_us)
        url = await stack.enter_async_context(prometheus(tmp_path, config))

        async def scraped() -> bool:
            async with httpx.AsyncClient(timeout=PATIENCE) as client:
                found = await client.get(f"{url}/api/v1/query", params={"query": "up == 1"})
            return bool(found.json()["data"]["result"])

        await until(scraped)
        assert await served.entrance.alerts() == []
        await alive.aclose()
        down = await status_of(served, "BackendDown", "firing")
        assert down.labels["service"] == "korea-backend"
        assert down.summary == f"백엔드 127.0.0.1:{port} 응답 없음"
        assert down.ends_at is not None
        assert down.ends_at > WallClock().now()


@pytest.mark.slow
@needs(PROMETHEUS)
async def test_an_alert_ends_when_prometheus_dies_and_stops_sending_it(
    served: Served, tmp_path: Path
) -> None:
    key = served.entrance.key["prometheus"]
    to_us = (
        f'{{path_prefix: /in/{key}, static_configs: [{{targets: ["127.0.0.1:{served.port}"]}}]}}'
    )
    async with target() as port:
        pass  # it is dead from the beginning
    config = prometheus_config(tmp_path, port, to_us)
    async with prometheus(tmp_path, config, "--rules.alert.resend-delay=1s"):
        down = await status_of(served, "BackendDown", "firing")
    assert down.ends_at is not None
    async with served.entrance.pool.acquire() as conn:
        rows = await store.lock_pending(conn, await store.pending(conn, down.ends_at, 9))
        await store.settle(conn, rows, {})
        (last,) = await store.list_active(conn)
        assert last.ends_at is not None
        assert await store.expire(conn, last.last_seen) == []
        (ended,) = await store.expire(conn, last.ends_at)
    assert (ended.labels["alertname"], ended.status) == ("BackendDown", "resolved")


def receivers(served: Served) -> str:
    """Send everything by webhook and by PagerDuty at once."""
    key = served.entrance.key
    return f"""
route: {{receiver: bongsu, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: bongsu
    webhook_configs:
      - url: {served.url}/in/{key["alertmanager"]}/alertmanager
    pagerduty_configs:
      - routing_key: {key["pagerduty"]}
        url: {served.url}/v2/enqueue
        severity: critical
"""


@pytest.mark.slow
@needs(ALERTMANAGER)
async def test_alertmanagers_webhook_and_pagerduty_receivers_fire_and_resolve(
    served: Served, tmp_path: Path
) -> None:
    async with (
        alertmanager(tmp_path, receivers(served)) as url,
        httpx.AsyncClient(timeout=PATIENCE) as client,
    ):
        now = WallClock().now()
        await client.post(f"{url}/api/v2/alerts", json=[posted("DiskFull", now, pod="db-1")])
        by_webhook = await status_of(served, "DiskFull", "firing")
        assert by_webhook.labels["pod"] == "db-1"

        async def by_pagerduty(status: str) -> list[ChangedAlert]:
            kept = await served.entrance.alerts()
            return [one for one in kept if (one.integration, one.status) == ("pagerduty", status)]

        (event,) = await until(lambda: by_pagerduty("firing"))
        assert "DiskFull" in event.summary
        assert event.source_url
        assert "firing" in event.annotations
        over = [posted("DiskFull", now, WallClock().now(), pod="db-1")]
        await client.post(f"{url}/api/v2/alerts", json=over)
        await status_of(served, "DiskFull", "resolved")
        assert await until(lambda: by_pagerduty("resolved"))


@pytest.mark.slow
@needs(AMTOOL)
async def test_amtool_adds_and_lists_alerts(served: Served) -> None:
    url = f"--alertmanager.url={served.url}/in/{served.entrance.key['prometheus']}"

    async def amtool(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            AMTOOL, *arguments, url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err
        return out.decode()

    await amtool("alert", "add", "alertname=DiskFull", "pod=db-1", "--annotation=summary=Disk")
    listed = json.loads(await amtool("alert", "query", "-o", "json", "pod=db-1"))
    assert listed[0]["labels"] == {"alertname": "DiskFull", "pod": "db-1"}
    assert listed[0]["annotations"] == {"summary": "Disk"}
    assert json.loads(await amtool("alert", "query", "-o", "json", "pod=other")) == []
    assert len(json.loads(await amtool("silence", "query", "-o", "json"))) == 1


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine and its key, in one file: the client speaks TLS only."""
    folder = tmp_path_factory.mktemp("tls")
    both, key = folder / "both.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(both)],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_text(both.read_text() + key.read_text())
    return both


@pytest.fixture
async def entrance(
    pool: Pool, database_url: str, seed: Manual, certificate: Path
) -> AsyncIterator[tuple[WayIn, Callable[[str], pagerduty.EventsApiV2Client]]]:
    """The way in behind TLS, and what makes PagerDuty's client for it."""
    trusted = ssl.create_default_context(cafile=certificate)
    async with (
        way_in(pool, database_url, seed, WallClock()) as opened,
        serving(opened, certificate) as server,
    ):
        yield (
            opened,
            lambda key: pagerduty.EventsApiV2Client(
                key, base_url=f"https://127.0.0.1:{server.port}", verify=trusted
            ),
        )


PagerDuty = tuple[WayIn, Callable[[str], pagerduty.EventsApiV2Client]]


@needs("openssl")
async def test_pagerdutys_own_client_triggers_acknowledges_and_resolves(
    entrance: PagerDuty,
) -> None:
    opened, client_for = entrance

    def story() -> str:
        with client_for(opened.key["pagerduty"]) as client:
            details = {"free": "1%"}
            key = client.trigger("Disk full", "db-1", severity="error", custom_details=details)
            client.acknowledge(key)
            client.resolve(key)
        return str(key)

    key = await asyncio.to_thread(story)
    (alert,) = await opened.alerts()
    assert (alert.key, alert.status, alert.count) == (key, "resolved", 3)
    assert alert.annotations == {"free": "1%"}
    assert [one.status for one in opened.changed] == ["firing", "acknowledged", "resolved"]


@needs("openssl")
async def test_pagerdutys_own_client_submits_a_change(entrance: PagerDuty) -> None:
    opened, client_for = entrance
    with client_for(opened.key["pagerduty"]) as client:
        # Without a time this release of the client fails before it sends; with one it adds a Z.
        at = WallClock().now()
        said = f"{at.isoformat()}Z"
        await asyncio.to_thread(client.submit, "Deployed 1.2", "ci", timestamp=said)
    row = await opened.pool.fetchrow("SELECT at, summary, source FROM changes")
    assert row is not None
    assert tuple(row) == (at, "Deployed 1.2", "ci")


@needs("openssl")
async def test_pagerdutys_own_client_is_told_of_a_wrong_key(entrance: PagerDuty) -> None:
    _, client_for = entrance
    with client_for("0" * 32) as client, pytest.raises(pagerduty.HttpError) as caught:
        await asyncio.to_thread(client.trigger, "Disk full", "db-1")
    assert caught.value.response is not None
    assert caught.value.response.status_code == 400
