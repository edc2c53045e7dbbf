"""The stand-in rolls out stateful sets and daemon sets as real kubectl expects of a cluster."""

from __future__ import annotations

import pytest
from tests.kube import troubles
from tests.kube.cluster import Cluster
from tests.kube.storage import Object

SETS = {"StatefulSet": "statefulset/mongodb", "DaemonSet": "daemonset/mongodb"}


@pytest.fixture(params=["StatefulSet", "DaemonSet"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pods(cluster: Cluster) -> list[Object]:
    return cluster.storage.all("pods", "korea-prod", "app=mongodb")


def images(cluster: Cluster) -> list[str]:
    return [pod["spec"]["containers"][0]["image"] for pod in pods(cluster)]


def begin(cluster: Cluster, kind: str, image: str = "mongo:1") -> Object:
    spec = {"replicas": 2} if kind == "StatefulSet" else {}
    return cluster.run_set(kind, "mongodb", image=image, **spec)


def test_a_restart_replaces_every_pod_and_makes_a_revision(cluster: Cluster, kind: str):
    begin(cluster, kind)
    before = {pod["metadata"]["uid"] for pod in pods(cluster)}
    assert cluster.kubectl("rollout", "restart", SETS[kind]).returncode == 0
    after = {pod["metadata"]["uid"] for pod in pods(cluster)}
    assert (len(before), len(after), before & after) == (2, 2, set())
    history = cluster.kubectl("rollout", "history", SETS[kind]).stdout
    assert [line.split()[0] for line in history.strip().splitlines()[2:]] == ["1", "2"]


def test_undo_brings_back_an_image_and_undo_to_the_same_is_skipped(cluster: Cluster, kind: str):
    begin(cluster, kind)
    begin(cluster, kind, "mongo:2")
    assert images(cluster) == ["mongo:2"] * 2
    same = cluster.kubectl("rollout", "undo", SETS[kind], "--to-revision=2")
    assert "skipped rollback" in same.stdout + same.stderr
    done = cluster.kubectl("rollout", "undo", SETS[kind], "--to-revision=1")
    assert (done.returncode, images(cluster)) == (0, ["mongo:1"] * 2)
    history = cluster.kubectl("rollout", "history", SETS[kind]).stdout
    assert [line.split()[0] for line in history.strip().splitlines()[2:]] == ["2", "3"]
    assert "mongo:2" in cluster.kubectl(
        "rollout", "history", SETS[kind], "--revision=2"
    ).stdout  # fmt: skip


def test_a_status_is_watched_to_its_end(cluster: Cluster, kind: str):
    cluster.pace(0.05)
    begin(cluster, kind)
    begin(cluster, kind, "mongo:2")
    watched = cluster.kubectl("rollout", "status", SETS[kind], "--timeout=60s", timeout_s=90)
    assert watched.returncode == 0, watched.stderr
    assert images(cluster) == ["mongo:2"] * 2


def test_what_is_replaced_on_delete_waits_for_that(cluster: Cluster, kind: str):
    begin(cluster, kind)
    on_delete = {"updateStrategy": {"type": "OnDelete"}}
    cluster.run_set(kind, "mongodb", image="mongo:2", **on_delete)
    assert images(cluster) == ["mongo:1"] * 2
    refused = cluster.kubectl("rollout", "status", SETS[kind])
    assert "only available for RollingUpdate" in refused.stderr
    name = pods(cluster)[0]["metadata"]["name"]
    cluster.kubectl("delete", "pod", name)
    assert sorted(images(cluster)) == ["mongo:1", "mongo:2"]


def test_a_partition_keeps_the_first_pods_as_they_were(cluster: Cluster):
    begin(cluster, "StatefulSet")
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    one = cluster.run_set("StatefulSet", "mongodb", image="mongo:2", updateStrategy=rolling)
    assert images(cluster) == ["mongo:1", "mongo:2"]
    assert one["status"]["currentRevision"] != one["status"]["updateRevision"]
    said = cluster.kubectl("rollout", "status", SETS["StatefulSet"], "--watch=false")
    assert "partitioned roll out complete: 1" in said.stdout


def test_a_stateful_set_waits_for_a_pod_that_is_not_ready_whatever_its_revision(cluster: Cluster):
    begin(cluster, "StatefulSet")
    cluster.rollouts.ill_images["mongo:2"] = troubles.image_pull_error
    begin(cluster, "StatefulSet", "mongo:2")
    assert images(cluster) == ["mongo:1", "mongo:2"]
    begin(cluster, "StatefulSet", "mongo:1")
    assert images(cluster) == ["mongo:1", "mongo:2"], "it has to be deleted by somebody"
    cluster.kubectl("delete", "pod", "mongodb-1")
    assert images(cluster) == ["mongo:1"] * 2


def test_a_daemon_set_replaces_what_is_not_ready_first(cluster: Cluster):
    begin(cluster, "DaemonSet")
    cluster.rollouts.ill_images["mongo:2"] = troubles.image_pull_error
    begin(cluster, "DaemonSet", "mongo:2")
    assert sorted(images(cluster)) == ["mongo:1", "mongo:2"]
    begin(cluster, "DaemonSet", "mongo:1")
    assert images(cluster) == ["mongo:1"] * 2
