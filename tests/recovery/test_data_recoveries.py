"""Database failure and database connections; the tools that their steps call."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.actions.probes.conftest import listening
from tests.actions.probes.mongod import OK, STATUS, Mongod
from tests.kube.cluster import NAMESPACE
from tests.recovery.conftest import Site, outcomes
from tests.recovery.networks import BONGSU

from bongsu.engine.hands import SystemHands
from bongsu.incident import events as e
from bongsu.store.database import Pool

PREPARED = "Prepare to restore from the backup"


def snapshot(site: Site, name: str, hours: float, *, ready: bool = True) -> None:
    taken = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = {"name": name, "namespace": NAMESPACE, "labels": {"app": "mongodb"}}
    thing: dict[str, Any] = {
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": {**meta, "uid": name, "creationTimestamp": taken},
        "spec": {"source": {"persistentVolumeClaimName": "mongodb"}},
        "status": {"readyToUse": ready, "creationTime": taken, "restoreSize": "20Gi"},
    }  # fmt: skip
    site.cluster.storage.put("volumesnapshots", thing)


def volume(site: Site) -> dict[str, Any] | None:
    return site.cluster.storage.get("persistentvolumeclaims", NAMESPACE, "mongodb-restore")


@pytest.fixture
async def site(site: Site) -> AsyncIterator[Site]:
    full = {**STATUS, "connections": {"current": 100, "available": 0, "active": 99}, **OK}
    async with listening(Mongod({"serverStatus": full}, {}).serve) as port:
        url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        connected(site, url)
        yield site


def connected(site: Site, url: str) -> None:
    """Let the playbooks look at another database."""
    env = {**site.env, "MONGODB_URL": url}
    site.house.stepper._hands = SystemHands(site.house.desk.clock, env)


async def test_a_database_failure_stops_writes_and_lays_a_restore_ready(site: Site):
    snapshot(site, "old", 40)
    snapshot(site, "good", 3)
    snapshot(site, "half", 1, ready=False)
    site.application.state.sessions.add("kim")
    run = await site.run("database_failure", cache_hours=2)
    assert run.outcome == "succeeded", (outcomes(run), await site.output(run))
    assert site.said_yes == ["incident_commander"]
    assert site.application.state.read_only
    assert site.application.state.ttl_s == 300 + 2 * 3600
    made = volume(site)
    assert made is not None
    assert made["spec"]["dataSource"]["name"] == "good", "the newest that is ready"
    assert made["spec"]["resources"] == {"requests": {"storage": "20Gi"}}
    # None of the users' channels has an address yet, so a person has to send them the text.
    assert outcomes(run)["Tell the users"] == "skipped"
    (ready,) = [came.values["text"] for came in run.done.values() if "text" in came.values]
    assert ready.startswith("시스템 점검으로 인해 일부 기능이 제한될 수 있습니다.")
    assert site.env["KOREA_OPS_TOKEN"].split()[1] not in await site.output(run)
    back = await site.take_back(run)
    assert back.outcome == "undone"
    assert not site.application.state.read_only
    assert site.application.state.ttl_s == 300
    assert volume(site) is None


async def test_a_database_that_is_well_by_now_needs_no_restore_whatever_was_reported(site: Site):
    snapshot(site, "good", 3)
    connected(site, site.env["MONGODB_URL"])
    name = await site.begin("database_failure")
    said = e.Diagnosed(1, "unhealthy", checks=["mongodb=unhealthy"])
    await site._act(lambda *_: [said])
    run = await site.finish(name)
    assert outcomes(run)[PREPARED] == "skipped"
    assert volume(site) is None


async def test_an_application_that_is_down_too_keeps_nobody_from_backups_and_users(site: Site):
    snapshot(site, "good", 3)
    routes = site.application.app.router.routes
    routes[:] = [one for one in routes if "/admin/" not in getattr(one, "path", "")]
    run = await site.run("database_failure")
    assert volume(site) is not None
    assert "Tell the users" in outcomes(run)
    assert (run.outcome, outcomes(run)["Make sure of the read-only mode"]) == ("failed", "failed")
    assert "run_failed" in await site.called(), "writes may still come in, and a person must know"


async def test_a_volume_that_was_restored_from_stays_when_the_run_is_taken_back(site: Site):
    snapshot(site, "good", 3)
    run = await site.run("database_failure")
    spec = site.cluster.deployment("korea-backend")["spec"]["template"]["spec"]
    claim = {"claimName": "mongodb-restore"}
    spec["volumes"] = [{"name": "data", "persistentVolumeClaim": claim}]
    back = await site.take_back(run)
    assert back.outcome == "undo_failed"
    assert volume(site) is not None, "the data lives on it"
    assert not site.application.state.read_only, "writes are let in again all the same"


async def test_an_old_backup_is_said_to_be_old_and_users_are_told_all_the_same(site: Site):
    snapshot(site, "old", 40)
    run = await site.run("database_failure")
    assert run.outcome == "succeeded"
    assert outcomes(run)["Look at the backups"] == "skipped"
    assert "40.0" in await site.output(run)


async def test_a_cache_that_can_not_be_told_ends_nothing_and_writes_stay_stopped(site: Site):
    site.application.app.router.routes[:] = [
        one for one in site.application.app.router.routes
        if getattr(one, "path", "") != "/admin/cache-ttl"
    ]  # fmt: skip
    run = await site.run("database_failure")
    assert run.outcome == "succeeded", outcomes(run)
    assert outcomes(run)["Extend the life of the cache"] == "skipped"
    assert site.application.state.read_only, "letting writes in again would harm the data"


async def test_database_connections_are_renewed_pod_by_pod(site: Site):
    connected(site, site.env["MONGODB_URL"])
    run = await site.run("database_connection_issues")
    assert run.outcome == "succeeded", (outcomes(run), await site.output(run))
    assert [one.what for one in site.cluster.mutations] == ["patch deployments/korea-backend"]
    assert "healthy" in await site.output(run)


@pytest.fixture
def busy(pool: Pool) -> Pool:
    """Connections of somebody else."""
    return pool


# ── the pool ─────────────────────────────────────────────────────────────────────────────


def pool(url: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BONGSU, "tool", "pool", "--dsn-env", "DB", *more], capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "DB": url, "BONGSU_LANG": "en"}, check=False, timeout=100,
    )  # fmt: skip


async def test_a_full_pool_of_mongodb_is_said_to_be_full():

    full = {**STATUS, "connections": {"current": 100, "available": 0, "active": 99}, **OK}
    async with listening(Mongod({"serverStatus": full}, {}).serve) as port:
        url = f"mongodb://app:hunter2@127.0.0.1:{port}/?directConnection=true"
        done = await asyncio.to_thread(
            pool, f"mongodb://127.0.0.1:{port}/?directConnection=true", "--json"
        )
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"] == "unhealthy"
    assert "exhausted" in told["why"][0]
    assert "hunter2" not in done.stdout + done.stderr + url.replace("hunter2", "")


async def test_the_pool_of_a_real_postgresql_is_looked_at(database_url: str, busy: Pool):
    done = await asyncio.to_thread(pool, database_url, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["verdict"] == "healthy"
    async with busy.acquire():
        crowded = await asyncio.to_thread(pool, database_url, "--over", "0.001")
    assert crowded.returncode == 1
    assert "connections are in use" in crowded.stdout


@pytest.mark.parametrize(
    ("url", "code"), [("", 2), ("mysql://x", 2), ("postgresql://u:p@127.0.0.1:1/x", 1)]
)
def test_a_pool_that_can_not_be_asked_says_so(url: str, code: int):
    assert pool(url).returncode == code
