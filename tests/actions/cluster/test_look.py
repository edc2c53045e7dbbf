"""What is wrong with a cluster is found and named, by real kubectl."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from tests.kube import troubles
from tests.kube.remote_exec import Executed

from bongsu.incident.report import Finding, Looked

PODS = ("get", "pods", "-o", "json")
EVENTS = ("get", "events", "--field-selector", "type=Warning", "-o", "json")
ROLLOUT = ("get", "deployment", "korea-backend", "-o", "json")
NODES = ("get", "nodes", "-o", "json")


def only(looked: Looked) -> Finding:
    assert len(looked.findings) == 1, [one.code for one in looked.findings]
    return looked.findings[0]


@pytest.mark.parametrize("args", [PODS, EVENTS, ROLLOUT, NODES])
async def test_a_healthy_cluster_is_healthy(looks, args):
    looked = await looks(*args)
    assert (looked.verdict, looked.findings, looked.why) == ("healthy", (), None)
    assert looked.evidence.command.startswith("kubectl get -n korea-prod")


async def test_a_crash_loop_is_named_with_its_exit_code(cluster, looks):
    cluster.crash_loop("korea-backend", exit_code=137)
    looked = await looks(*PODS)
    finding = only(looked)
    assert (looked.verdict, finding.code, finding.verdict) == (
        "unhealthy",
        "pod_crash_loop",
        "unhealthy",
    )
    assert finding.subject == "deployment/korea-backend"
    assert finding.evidence.numbers == {
        "pods": 3,
        "pods_in_all": 3,
        "restarts": 7,
        "exit_code": 137,
    }
    assert finding.evidence.output.count("CrashLoopBackOff") == 3
    assert finding.says.says("ko") == (
        "deployment/korea-backend 파드 3개 중 3개가 반복해서 비정상 종료: app 7회 재시작, "
        "마지막 종료 코드 137 (Error)"
    )


async def test_one_pod_in_trouble_among_many_is_named_itself(cluster, looks):
    cluster.ail("korea-backend", troubles.crash_loop(), lasting=False, pods=1)
    finding = only(await looks(*PODS))
    assert finding.subject.startswith("pod/korea-backend-")
    assert finding.says.values["count"] == "1"
    assert finding.says.values["of"] == "3"


async def test_a_crash_loop_of_all_weighs_more_than_of_one(cluster, looks):
    cluster.ail("korea-backend", troubles.crash_loop(), lasting=False, pods=1)
    one = only(await looks(*PODS))
    cluster.crash_loop("korea-backend")
    every = only(await looks(*PODS))
    assert one.weight < every.weight


@pytest.mark.parametrize(
    ("running", "verdict"), [(True, "degraded"), (False, "unhealthy")], ids=["back", "gone"]
)
async def test_a_container_killed_for_its_memory_is_named(cluster, looks, running, verdict):
    cluster.oom("korea-backend", running=running)
    finding = only(await looks(*PODS))
    assert (finding.code, finding.verdict) == ("pod_oom_killed", verdict)
    assert "OOMKilled" in finding.says.says("en")


async def test_memory_kills_of_yesterday_are_no_news(cluster, looks):
    cluster.oom("korea-backend")
    cluster.pass_time(hours=24)
    assert (await looks(*PODS)).verdict == "healthy"


@pytest.mark.parametrize(
    ("trouble", "code", "says"),
    [
        (troubles.image_pull_error, "pod_image_pull", "backend:1.4.1"),
        (troubles.config_error, "pod_config_error", 'configmap "api-config" not found'),
        (troubles.pending, "pod_unschedulable", "2 Insufficient memory"),
        (troubles.init_failing, "pod_init_crash_loop", "migrate"),
        (troubles.evicted, "pod_evicted", "ephemeral-storage"),
    ],
)
async def test_pods_that_can_not_run_say_why(cluster, looks, trouble, code, says):
    cluster.ail("korea-backend", trouble, lasting=False, pods=1)
    finding = only(await looks(*PODS))
    assert finding.code == code
    assert says in finding.says.says("en")


async def test_a_failing_probe_is_named_once_the_pod_had_time_to_start(cluster, looks):
    cluster.ail("korea-backend", troubles.probe_failing)
    assert only(await looks(*PODS)).code == "pod_starting"
    cluster.pass_time(minutes=3)
    assert only(await looks(*PODS)).code == "pod_not_ready"


async def test_a_pod_that_does_not_go_is_named(cluster, looks):
    cluster.ail("korea-backend", troubles.terminating(timedelta(minutes=9)), lasting=False, pods=1)
    finding = only(await looks(*PODS))
    assert (finding.code, finding.says.values["detail"]) == ("pod_terminating", "8 min")


async def test_a_selector_that_chooses_no_pod_is_not_healthy(looks):
    looked = await looks("get", "pods", "-l", "app=nothing", "-o", "json")
    assert (looked.verdict, only(looked).code) == ("unhealthy", "kubernetes_none")


async def test_a_deployment_that_is_not_there_is_not_healthy(looks):
    looked = await looks("get", "deployment", "gone", "-o", "json")
    assert (looked.verdict, only(looked).code) == ("unhealthy", "kubernetes_missing")
    assert "gone" in only(looked).says.says("ko")


async def test_a_failed_rollout_is_named_with_its_image(cluster, looks):
    cluster.failed_rollout("korea-backend", "backend:broken")
    finding = only(await looks(*ROLLOUT))
    assert (finding.code, finding.verdict) == ("rollout_stuck", "unhealthy")
    assert "backend:broken" in finding.says.says("en")


async def test_a_rollout_under_way_a_paused_one_and_one_nobody_saw(cluster, looks):
    cluster.pace(None)
    cluster.deploy("korea-backend", image="backend:2")
    assert only(await looks(*ROLLOUT)).code == "generation_not_observed"
    cluster.step()
    assert only(await looks(*ROLLOUT)).code == "rollout_under_way"
    cluster.pace(0)
    cluster.pause("korea-backend")
    assert "rollout_paused" in [one.code for one in (await looks(*ROLLOUT)).findings]


async def test_no_replica_available_is_graver_than_some(cluster, looks):
    cluster.ail("korea-backend", troubles.crash_loop(), lasting=False, pods=1)
    some = await looks(*ROLLOUT)
    cluster.crash_loop("korea-backend")
    none = await looks(*ROLLOUT)
    assert (some.verdict, only(some).code) == ("degraded", "replicas_unavailable")
    assert (none.verdict, only(none).code) == ("unhealthy", "replicas_none_available")


async def test_warnings_are_grouped_and_counted(cluster, looks):
    cluster.crash_loop("korea-backend")
    looked = await looks(*EVENTS)
    finding = only(looked)
    assert (looked.verdict, finding.code) == ("degraded", "event_back_off")
    assert finding.evidence.numbers == {"warnings": 84, "objects": 3}
    cluster.pass_time(hours=1)
    assert (await looks(*EVENTS)).verdict == "healthy"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("Ready", "Unknown"), ("unhealthy", "node_not_ready")),
        (("MemoryPressure", "True"), ("degraded", "node_memory_pressure")),
        (("DiskPressure", "True"), ("degraded", "node_disk_pressure")),
        (("PIDPressure", "True"), ("degraded", "node_pid_pressure")),
    ],
)
async def test_a_node_in_trouble_is_named(cluster, looks, condition, expected):
    cluster.node_says("node-2", *condition, "TheReason")
    looked = await looks(*NODES)
    assert (looked.verdict, only(looked).code) == expected
    assert only(looked).subject == "node/node-2"
    assert "TheReason" in only(looked).says.says("ko")


async def test_several_kinds_at_once_are_each_read(cluster, looks):
    cluster.failed_rollout("korea-backend", "backend:broken")
    looked = await looks("get", "pods,deployments", "-o", "json")
    assert {one.code for one in looked.findings} == {"pod_image_pull", "rollout_stuck"}


async def test_a_get_without_a_form_is_asked_as_json(cluster, looks):
    cluster.crash_loop("korea-backend")
    assert only(await looks("get", "pods")).code == "pod_crash_loop"


@pytest.mark.parametrize(("by", "code"), [("cpu", "top_cpu"), ("memory", "top_memory")])
async def test_who_uses_most_is_named_and_no_judgement_is_made(cluster, looks, by, code):
    name = cluster.pods("korea-backend")[0]["metadata"]["name"]
    cluster.uses("korea-backend", 100, 100)
    cluster.uses(name, 1800, 1500)
    looked = await looks("top", "pods", f"--sort-by={by}")
    finding = only(looked)
    assert (looked.verdict, finding.code, finding.subject) == ("healthy", code, name)
    assert finding.evidence.numbers["cpu_millicores"] == 1800
    assert finding.evidence.numbers["memory_mebibytes"] == 1500
    assert name in looked.evidence.output


async def test_a_command_in_a_container_is_judged_by_its_exit_code(cluster, looks):
    answers = {"good": Executed(out="ok"), "bad": Executed(err="curl: (7) refused", exit_code=7)}
    cluster.answer_exec(lambda _pod, argv: answers[argv[0]])
    good = await looks("exec", "deploy/korea-backend", "--", "good")
    bad = await looks("exec", "deploy/korea-backend", "--", "bad")
    assert (good.verdict, good.evidence.output) == ("healthy", "ok")
    assert (bad.verdict, only(bad).code) == ("unhealthy", "exec_failed")
    assert only(bad).says.says("en").endswith("exit code 7: curl: (7) refused")


async def test_our_own_secrets_are_hidden_whatever_their_form(cluster, context, looks):
    env = {**context.env, "MONGODB_URL": "mongodb://app:qwertyuiop@db/", "SLACK_TOKEN": "zxcvbnm1"}
    printed = Executed(out="it was qwertyuiop", err="and zxcvbnm1", exit_code=1)
    cluster.answer_exec(lambda _pod, _argv: printed)
    within = dataclasses.replace(context, env=env)
    looked = await looks("exec", "deploy/korea-backend", "--", "env", within=within)
    assert "it was [SECRET]" in looked.evidence.output
    for secret in ("qwertyuiop", "zxcvbnm1"):
        assert secret not in str(looked)


async def test_secrets_in_what_a_container_prints_are_masked(cluster, looks):
    cluster.answer_exec(lambda _pod, _argv: Executed(out="password=hunter2!secret"))
    looked = await looks("exec", "deploy/korea-backend", "--", "env")
    assert "hunter2" not in looked.evidence.output
