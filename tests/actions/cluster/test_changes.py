"""What was changed in the cluster is found with its time, and no secret's value with it."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from tests.kube import objects
from tests.kube.cluster import NAMESPACE

from bongsu.actions.cluster import changes
from bongsu.incident.report import Looked
from bongsu.manual.schema.services import Workload

PLACES = {
    "korea-backend": Workload(namespace=NAMESPACE, deployment="korea-backend"),
    "korea-frontend": Workload(namespace=NAMESPACE, selector="app=korea-frontend"),
}


@pytest.fixture
def changed(cluster, context):
    """Return what was changed within the last hour, and what could not be seen."""

    async def look():
        unseen: list[Looked] = []
        since = cluster.now() - timedelta(hours=1)
        found = await changes(PLACES, context, since=since, unseen=unseen.append)
        return found, unseen

    return look


def brief(found):
    return [(one.kind, one.subject, one.says.says("en")) for one in found]


async def test_a_new_image_is_a_change_with_both_images_and_its_cause(cluster, changed):
    cluster.pass_time(hours=2)
    cluster.deploy("korea-backend", image="backend:1.4.2", cause="release 1.4.2")
    found, unseen = await changed()
    assert unseen == []
    assert brief(found) == [
        (
            "deployment",
            "deployment/korea-backend",
            "korea-backend went from image backend:1.4.1 to backend:1.4.2 (revision 2)",
        )
    ]
    assert found[0].service == "korea-backend"
    assert abs(found[0].at - cluster.now()) < timedelta(minutes=1)
    assert "release 1.4.2" in found[0].evidence.output
    assert found[0].evidence.command == f"kubectl get replicasets -n {NAMESPACE} -o json"


async def test_a_rollback_is_told_as_one_and_at_its_own_time(cluster, changed):
    cluster.pass_time(minutes=30)
    cluster.deploy("korea-backend", image="backend:1.4.2")
    cluster.pass_time(hours=3)
    cluster.deploy("korea-backend", image="backend:1.4.1")
    found, _ = await changed()
    assert [one.says.says("en") for one in found if one.kind == "deployment"] == [
        "korea-backend was rolled back from image backend:1.4.2 to backend:1.4.1 (revision 3)"
    ]
    assert found[0].at > cluster.now() - timedelta(minutes=1)


async def test_a_restart_is_told_apart_from_a_new_image(cluster, changed, context):
    cluster.pass_time(hours=2)
    deployment = cluster.deployment("korea-backend")
    template = deployment["spec"]["template"]["metadata"]
    template["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    cluster.rollouts.settle()
    found, _ = await changed()
    assert "was restarted with the same image" in brief(found)[0][2]


async def test_a_change_of_size_is_told_but_not_those_of_a_rollout(cluster, changed):
    cluster.pass_time(hours=2)
    cluster.deploy("korea-backend", image="backend:1.4.2")
    cluster.pass_time(minutes=20)
    cluster.deployment("korea-backend")["spec"]["replicas"] = 8
    cluster.rollouts.settle()
    found, _ = await changed()
    assert [one[::2] for one in brief(found) if one[0] == "scale"] == [
        ("scale", "korea-backend was scaled from 3 to 8 pods")
    ]
    assert found[0].evidence.numbers == {"pods_before": 3, "pods": 8}


async def test_an_autoscaler_is_told_with_its_reason(cluster, changed):
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    meta = objects.metadata("korea-backend", cluster.now(), NAMESPACE)
    message = "New size: 10; reason: cpu resource utilization above target"
    told = objects.event(
        {**scaler, "metadata": meta}, "SuccessfulRescale", message, cluster.now(), kind="Normal"
    )
    cluster.storage.put("events", told)
    found, _ = await changed()
    scaled = [one for one in found if one.kind == "scale"]
    assert scaled[0].subject == "horizontalpodautoscaler/korea-backend"
    assert "above target" in scaled[0].says.says("ko")


async def test_a_changed_config_map_names_who_wrote_it_and_whose_it_is(cluster, changed):
    container = cluster.deployment("korea-backend")["spec"]["template"]["spec"]["containers"][0]
    container["envFrom"] = [{"configMapRef": {"name": "api-config"}}]
    cluster.configure("api-config", circuit_breaker="false")
    cluster.configure("unrelated", a="1")
    cluster.pass_time(hours=2)
    cluster.configure("api-config", circuit_breaker="true")
    found, _ = await changed()
    config = [one for one in found if one.kind == "config"]
    assert [(one.subject, one.service) for one in config] == [
        ("configmap/api-config", "korea-backend")
    ]
    assert config[0].says.says("en") == (
        "ConfigMap api-config was changed by kubectl-client-side-apply"
    )


async def test_of_a_secret_only_name_and_time_are_told(cluster, changed):
    cluster.keep_secret("db-password", password="hunter2")
    found, _ = await changed()
    secret = next(one for one in found if one.subject == "secret/db-password")
    assert secret.kind == "config"
    for value in ("hunter2", base64.b64encode(b"hunter2").decode()):
        assert value not in str(found)


async def test_what_may_not_be_listed_is_said_and_hides_nothing_else(cluster, changed):
    cluster.forbid("secrets")
    cluster.configure("api-config", a="1")
    found, unseen = await changed()
    assert "configmap/api-config" in [one.subject for one in found]
    assert [(one.check, one.verdict) for one in unseen] == [("changes.secrets", "unknown")]
    assert "secrets" in unseen[0].why.says("en")


async def test_a_cluster_that_is_down_is_said_for_each_thing(cluster, changed):
    cluster.down()
    found, unseen = await changed()
    assert found == []
    assert len(unseen) == 5


async def test_nothing_is_changed_by_looking(cluster, changed):
    await changed()
    assert {one.verb for one in cluster.requests} == {"list"}
