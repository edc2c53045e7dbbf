"""What a recovery changes is remembered at the object and put back, run upon run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kube.cluster import NAMESPACE, running_cluster
from tests.kube.cluster import Cluster as StandIn

from bongsu.actions.recovery import backups
from bongsu.actions.recovery.cluster import Cluster, ClusterError
from bongsu.actions.recovery.failover import Switch, back
from bongsu.actions.recovery.former import MOST, remember, restore

BACKEND, CONFIG = "deployment/korea-backend", "configmap/api-config"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[StandIn]:
    with running_cluster(tmp_path) as running:
        running.deploy("korea-backend", image="backend:1", replicas=3)
        running.configure("api-config", mode="usual")
        yield running


@pytest.fixture
def kube(cluster: StandIn) -> Cluster:
    return Cluster(NAMESPACE, cluster.env)


def replicas(cluster: StandIn) -> int:
    return int(cluster.deployment("korea-backend")["spec"]["replicas"])


async def scale(kube: Cluster, count: int) -> None:
    await kube.ask("scale", BACKEND, f"--replicas={count}")


async def test_two_runs_are_taken_back_one_after_the_other(cluster: StandIn, kube: Cluster):
    for count in (10, 15):
        await remember(kube, BACKEND, "replicas")
        await scale(kube, count)
    found = []
    for _ in range(2):
        await restore(kube, BACKEND, "replicas")
        found.append(replicas(cluster))
    assert found == [10, 3]
    with pytest.raises(ClusterError, match="nothing was remembered"):
        await restore(kube, BACKEND, "replicas")


async def test_a_rollback_in_between_forgets_nothing(cluster: StandIn, kube: Cluster):
    await remember(kube, BACKEND, "replicas")
    await scale(kube, 10)
    cluster.deploy("korea-backend", image="backend:2", replicas=10)
    await kube.ask("rollout", "undo", BACKEND)
    await restore(kube, BACKEND, "replicas")
    assert replicas(cluster) == 3


async def test_runs_that_are_never_taken_back_do_not_pile_up(cluster: StandIn, kube: Cluster):
    many = ".".join(str(90_000 + number) for number in range(MOST))
    await kube.ask("label", BACKEND, f"bongsu/former.replicas={many}")
    await remember(kube, BACKEND, "replicas")
    note = cluster.deployment("korea-backend")["metadata"]["labels"]["bongsu/former.replicas"]
    assert note.split(".") == [*many.split(".")[1:], "3"]


async def test_adding_pods_never_takes_some_away(cluster: StandIn, kube: Cluster):
    with pytest.raises(ClusterError, match="3 already, which is more than 2"):
        await remember(kube, BACKEND, "replicas", at_most=2)
    assert cluster.mutations == []
    assert (await remember(kube, BACKEND, "replicas", at_most=3)).value == 3


async def test_what_changes_all_the_time_is_put_back_all_the_same(cluster: StandIn, kube: Cluster):
    await remember(kube, BACKEND, "replicas")
    await scale(kube, 10)
    cluster.faults.conflicts = 2
    assert (await restore(kube, BACKEND, "replicas")).value == 3
    assert replicas(cluster) == 3


async def test_who_is_always_overtaken_gives_up_and_says_so(
    cluster: StandIn, kube: Cluster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bongsu.actions.recovery.former.PAUSE_S", 0.0)
    cluster.faults.conflicts = 99
    with pytest.raises(ClusterError, match="has been modified"):
        await remember(kube, BACKEND, "replicas")
    assert cluster.faults.conflicts > 80


@pytest.mark.parametrize(("key", "note"), [("mode", "{}"), ("mode", "x")])
async def test_what_somebody_else_wrote_there_is_refused(
    cluster: StandIn, kube: Cluster, key: str, note: str
):
    await kube.ask("annotate", CONFIG, f"bongsu/former.{key}={note}")
    with pytest.raises(ClusterError, match="none of ours"):
        await restore(kube, CONFIG, key)


async def test_nothing_is_switched_back_that_was_never_switched(cluster: StandIn, kube: Cluster):
    switch = Switch(CONFIG, "mode", "backup")
    assert (await back(kube, switch)).value == "usual"
    assert cluster.mutations == []
    cluster.configure("api-config", mode="backup")
    with pytest.raises(ClusterError, match="nothing was remembered"):
        await back(kube, switch)


# ── a prepared volume ────────────────────────────────────────────────────────────────────


def _claim(cluster: StandIn) -> None:
    meta = {
        "name": "mongodb-restore", "namespace": NAMESPACE, "uid": "v",
        "creationTimestamp": "2025-08-14T05:30:00Z", "annotations": {backups.CASE: "good"},
    }  # fmt: skip
    thing = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": {}}
    cluster.storage.put("persistentvolumeclaims", thing)


def _mounted(spec: dict[str, Any]) -> None:
    spec["volumes"] = [{"name": "d", "persistentVolumeClaim": {"claimName": "mongodb-restore"}}]


async def test_a_prepared_volume_that_somebody_lives_on_is_not_taken_away(
    cluster: StandIn, kube: Cluster
):
    _claim(cluster)
    deployment = cluster.deployment("korea-backend")
    _mounted(deployment["spec"]["template"]["spec"])
    with pytest.raises(ClusterError, match="used by deployment/korea-backend"):
        await backups.discard(kube, "mongodb-restore")
    del deployment["spec"]["template"]["spec"]["volumes"]
    _mounted(cluster.pods("korea-backend")[0]["spec"])
    with pytest.raises(ClusterError, match="used by pod/"):
        await backups.discard(kube, "mongodb-restore")
    assert cluster.storage.get("persistentvolumeclaims", NAMESPACE, "mongodb-restore")
    del cluster.pods("korea-backend")[0]["spec"]["volumes"]
    assert await backups.discard(kube, "mongodb-restore")


async def test_a_volume_whose_use_can_not_be_seen_is_not_taken_away(
    cluster: StandIn, kube: Cluster
):
    _claim(cluster)
    cluster.forbid("pods", "list")
    with pytest.raises(ClusterError, match="forbidden"):
        await backups.discard(kube, "mongodb-restore")
    assert cluster.storage.get("persistentvolumeclaims", NAMESPACE, "mongodb-restore")
