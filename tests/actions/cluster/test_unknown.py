"""What could not be looked at is unknown with its reason, in time, and never healthy."""

from __future__ import annotations

import dataclasses

import pytest
from tests.kube.remote_exec import Executed
from tests.waiting import PATIENCE

from bongsu.actions.cluster.kubectl import ask

PODS = ("get", "pods", "-o", "json")


async def within(seconds, context, looks, *args):
    return await looks(*args, within=dataclasses.replace(context, timeout_s=seconds))


async def test_without_a_metrics_server_usage_is_unknown(cluster, looks):
    cluster.metrics_missing()
    looked = await looks("top", "pods")
    assert looked.verdict == "unknown"
    assert "메트릭 서버" in looked.why.says("ko")
    assert "Metrics API not available" in looked.why.says("ko")


async def test_a_metrics_server_that_does_not_answer_is_unknown(cluster, looks):
    cluster.faults.metrics_down = True
    looked = await looks("top", "pods")
    assert (looked.verdict, looked.findings) == ("unknown", ())


async def test_what_is_forbidden_is_unknown_and_says_by_which_right(cluster, looks):
    cluster.forbid("pods")
    looked = await looks(*PODS)
    assert looked.verdict == "unknown"
    assert 'cannot list resource "pods"' in looked.why.says("en")
    assert "권한" in looked.why.says("ko")


async def test_an_api_server_that_is_down_is_unknown(cluster, looks):
    cluster.down()
    looked = await looks(*PODS)
    assert looked.verdict == "unknown"
    assert "can't be reached" in looked.why.says("en")


async def test_an_api_server_that_hangs_is_unknown_within_the_deadline(cluster, context, looks):
    await ask(["get", "nodes"], context)  # so that kubectl's own beginnings are over
    cluster.hang()
    looked = await within(1.0, context, looks, *PODS)
    assert looked.verdict == "unknown"
    assert looked.evidence.numbers["took_s"] < PATIENCE  # its silence has no end
    assert "did not answer" in looked.why.says("en")


async def test_an_api_server_that_is_slow_is_waited_for_within_the_deadline(cluster, looks):
    cluster.crash_loop("korea-backend")
    cluster.slow(0.2)
    assert (await looks(*PODS)).findings[0].code == "pod_crash_loop"


async def test_an_api_server_in_trouble_is_unknown(cluster, looks):
    cluster.faults.errors = 20
    looked = await looks(*PODS)
    assert looked.verdict == "unknown"
    assert "etcdserver" in looked.why.says("en")


async def test_without_kubectl_it_is_unknown(context, looks, tmp_path):
    nowhere = dataclasses.replace(context, env={**context.env, "PATH": str(tmp_path)})
    looked = await looks(*PODS, within=nowhere)
    assert looked.verdict == "unknown"
    assert "kubectl can't be run" in looked.why.says("en")


async def test_without_a_cluster_it_is_unknown_and_says_what_to_set(context, looks, tmp_path):
    env = {**context.env, "KUBECONFIG": str(tmp_path / "none")}
    looked = await looks(*PODS, within=dataclasses.replace(context, env=env))
    assert looked.verdict == "unknown"
    assert "KUBECONFIG" in looked.why.says("ko")


async def test_a_container_without_the_command_is_unknown(cluster, looks):
    missing = 'exec: "curl": executable file not found in $PATH'
    cluster.answer_exec(lambda _pod, _argv: Executed(err=missing, exit_code=127))
    looked = await looks("exec", "deploy/korea-backend", "--", "curl")
    assert looked.verdict == "unknown"


async def test_an_exec_that_is_forbidden_is_unknown_though_kubectl_exits_with_1(cluster, looks):
    cluster.forbid("pods")
    looked = await looks("exec", "deploy/korea-backend", "--", "true")
    assert looked.verdict == "unknown"


@pytest.mark.parametrize(
    "args",
    [
        ("delete", "pods", "--all"),
        ("scale", "deployment/korea-backend", "--replicas=0"),
        ("rollout", "undo", "deployment/korea-backend"),
        ("patch", "configmap", "x", "-p", "{}"),
    ],
)
async def test_a_check_never_changes_anything(cluster, looks, args):
    looked = await looks(*args)
    assert looked.verdict == "unknown"
    assert cluster.requests == []


async def test_reading_what_a_rollout_is_at_is_allowed(looks):
    looked = await looks("rollout", "status", "deployment/korea-backend", "--timeout=60s")
    assert looked.verdict == "healthy"
    assert "successfully rolled out" in looked.evidence.output


async def test_a_token_in_the_environment_does_not_reach_kubectl(context, tmp_path, monkeypatch):
    """A kubectl that prints its environment; the real one prints nothing of it."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    env = {**context.env, "PATH": f"{program.parent}:{context.env['PATH']}", "SLACK_TOKEN": "xoxb"}
    asked = await ask(["get"], dataclasses.replace(context, env=env))
    assert "xoxb" not in asked.output.text
    assert "KUBECONFIG=" in asked.output.text


async def test_an_answer_that_is_no_json_is_unknown(context, looks, tmp_path):
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho oh dear\n")
    program.chmod(0o755)
    env = {**context.env, "PATH": f"{program.parent}:{context.env['PATH']}"}
    looked = await looks(*PODS, within=dataclasses.replace(context, env=env))
    assert looked.verdict == "unknown"
    assert "can't be read" in looked.why.says("en")


async def test_a_command_for_containers_that_do_not_run_is_unknown(cluster, looks):
    cluster.crash_loop("korea-backend")
    looked = await looks("exec", "deploy/korea-backend", "--", "true")
    assert looked.verdict == "unknown"
    assert "nothing runs there" in looked.why.says("en")


async def test_a_command_for_pods_that_wait_for_a_node_is_not_waited_for(cluster, context, looks):
    cluster.pending("korea-backend")
    looked = await within(600.0, context, looks, "exec", "deploy/korea-backend", "--", "true")
    assert looked.verdict == "unknown"
    assert "nothing runs there" in looked.why.says("en")
    # By itself kubectl waits for a minute.
    assert looked.evidence.numbers["took_s"] < PATIENCE
