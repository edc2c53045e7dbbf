"""Real kubectl against a cluster: whatever happens ends in a clear outcome, never a false one."""

from __future__ import annotations

import asyncio
import json
import shlex
from contextlib import suppress

import psutil
import pytest
from tests.actions.limits import runs
from tests.actions.steps.conftest import Bench, Kubectl, says, step
from tests.kube import troubles
from tests.kube.api import Asked
from tests.kube.cluster import Cluster
from tests.waiting import PATIENCE, until_true

from bongsu.actions.steps import kubectl as product
from bongsu.actions.steps import perform, settled
from bongsu.actions.steps.kubectl import rollout, scaling

BACKEND = "deployment/korea-backend"
PATCH = ["patch", "configmap", "api-config", "--type=merge", "--patch"]
SWITCH_ON = '{"data":{"circuit_breaker":"true"}}'


def replicas(cluster: Cluster) -> int:
    return int(cluster.deployment("korea-backend")["spec"]["replicas"])


def changed(cluster: Cluster) -> list[str]:
    return [one.what for one in cluster.mutations]


# ── the seed's commands ──────────────────────────────────────────────────────────────────


async def test_scaling_changes_the_service_s_own_namespace_and_can_be_taken_back(
    kubectl: Kubectl, cluster: Cluster, kube: Bench
):
    args, undo = ["scale", BACKEND, "--replicas=10"], ["scale", BACKEND, "--replicas=3"]
    came = await kubectl(*args)
    assert (came.outcome, came.exit_code) == ("done", 0)
    assert replicas(cluster) == 10
    assert cluster.mutations[0].namespace == "korea-prod"
    assert "$ kubectl -n korea-prod scale deployment/korea-backend --replicas=10" in kube.seen.text
    without = step("kubectl", args=args, service="korea-backend")
    assert (await perform(without, undo=True, context=kube.context)).outcome == "refused"
    one = step("kubectl", args=args, undo=undo, service="korea-backend")
    assert (await perform(one, undo=True, context=kube.context)).outcome == "done"
    assert replicas(cluster) == 3


async def test_a_precondition_that_does_not_hold_changes_nothing(
    kubectl: Kubectl, cluster: Cluster
):
    came = await kubectl("scale", BACKEND, "--current-replicas=9", "--replicas=10")
    assert came.outcome == "failed"
    assert "not as the step expects" in says(came)
    assert "was 3" in says(came)
    assert changed(cluster) == []


async def test_a_rolling_restart_and_its_watch(kubectl: Kubectl, cluster: Cluster):
    cluster.pace(0.1)
    assert (await kubectl("rollout", "restart", BACKEND)).outcome == "done"
    came = await kubectl("rollout", "status", BACKEND, "--timeout=60s")
    assert (came.outcome, "successfully rolled out" in says(came)) == ("done", True)
    assert changed(cluster) == ["patch deployments/korea-backend"]


async def test_a_patch_changes_one_key_and_says_when_nothing_changed(
    kubectl: Kubectl, cluster: Cluster
):
    assert (await kubectl(*PATCH, SWITCH_ON)).outcome == "done"
    kept = cluster.storage.get("configmaps", "korea-prod", "api-config")
    assert kept is not None
    assert kept["data"] == {"circuit_breaker": "true", "other": "kept"}
    again = await kubectl(*PATCH, SWITCH_ON)
    assert (again.outcome, "no change" in says(again)) == ("done", True)


async def test_deleting_pods_needs_pods_that_fit(kubectl: Kubectl, cluster: Cluster):
    assert (await kubectl("delete", "pods", "-l", "app=korea-backend")).outcome == "done"
    assert changed(cluster) == ["delete " + one for one in _pods_of(cluster)]
    none = await kubectl("delete", "pods", "-l", "app=korea-backned")
    assert none.outcome == "failed"
    assert "nothing fits" in says(none)
    assert (await kubectl("get", "pods", "-l", "app=korea-backned")).outcome == "done"


def _pods_of(cluster: Cluster) -> list[str]:
    return [one.what.removeprefix("delete ") for one in cluster.mutations]


async def test_a_node_is_taken_out_and_put_back(kubectl: Kubectl, cluster: Cluster):
    out = "node.kubernetes.io/exclude-from-external-load-balancers"
    for args in (
        ["label", "node", "node-1", f"{out}=true", "--overwrite"],
        ["taint", "node", "node-1", "incident=server-down:NoExecute", "--overwrite"],
        ["taint", "node", "node-1", "incident=server-down:NoExecute-"],
        ["label", "node", "node-1", f"{out}-"],
        ["cordon", "node-1"],
        ["uncordon", "node-1"],
    ):
        assert (await kubectl(*args)).outcome == "done", args
    assert len(cluster.mutations) == 6


# ── rollback ─────────────────────────────────────────────────────────────────────────────


async def test_a_rollback_to_a_revision_brings_its_image_back(kubectl: Kubectl, cluster: Cluster):
    assert (await kubectl("rollout", "undo", BACKEND, "--to-revision=1")).outcome == "done"
    assert cluster.image("korea-backend") == "backend:1"


async def test_a_rollback_to_what_runs_already_is_no_success(kubectl: Kubectl, cluster: Cluster):
    came = await kubectl("rollout", "undo", BACKEND, "--to-revision=2")
    assert (came.outcome, came.exit_code) == ("failed", 0)
    assert "nothing was rolled back; choose another revision" in says(came)
    assert changed(cluster) == []


async def test_a_missing_revision_names_those_that_there_are(kubectl: Kubectl):
    came = await kubectl("rollout", "undo", BACKEND, "--to-revision=9")
    assert came.outcome == "failed"
    assert "choose one of 1, 2" in says(came)
    assert "choose one of 1, 2" not in says(came, "ko")


@pytest.mark.parametrize("verb", ["undo", "restart"])
async def test_a_paused_deployment_is_to_be_resumed_first(
    verb: str, kubectl: Kubectl, cluster: Cluster
):
    cluster.pause("korea-backend")
    came = await kubectl("rollout", verb, BACKEND)
    assert came.outcome == "failed"
    assert "resume it first" in says(came)


async def test_a_rollout_that_is_paused_is_not_complete_whatever_kubectl_says(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.pause("korea-backend")
    assert (await kubectl("set", "image", BACKEND, "*=backend:3")).outcome == "done"
    came = await kubectl("rollout", "status", BACKEND, "--timeout=60s")
    assert came.outcome == "failed"
    assert "paused" in says(came)


async def test_what_was_rolled_out_before_it_was_paused_is_complete(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.pause("korea-backend")
    came = await kubectl("rollout", "status", BACKEND, "--timeout=60s")
    assert came.outcome == "done"


# ── a rollout watched ────────────────────────────────────────────────────────────────────


async def test_a_stuck_rollout_says_what_keeps_it(kubectl: Kubectl, cluster: Cluster):
    cluster.failed_rollout("korea-backend", "backend:broken")
    came = await kubectl("rollout", "status", BACKEND, "--timeout=60s")
    assert (came.outcome, came.exit_code) == ("failed", 1)
    assert "ImagePullBackOff" in says(came)


async def test_a_stuck_rollout_without_a_pod_s_reason_says_the_condition(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.failed_rollout("korea-backend", "backend:slow", troubles.probe_failing)
    came = await kubectl("rollout", "status", BACKEND, "--timeout=60s")
    assert came.outcome == "failed"
    assert "timed out progressing" in says(came)


async def test_a_slow_rollout_fails_at_kubectl_s_own_timeout(kubectl: Kubectl, cluster: Cluster):
    cluster.pace(None)
    cluster.deploy("korea-backend", image="backend:3")
    came = await kubectl("rollout", "status", BACKEND, "--timeout=1s", timeout="600s")
    assert came.outcome == "failed"
    assert came.took_s < 60


async def test_a_rollout_that_outlasts_the_step_is_failed_and_kubectl_ended(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.pace(None)
    cluster.deploy("korea-backend", image="backend:3")
    came = await kubectl("rollout", "status", BACKEND, timeout="2s")
    assert came.outcome == "failed"
    assert came.took_s < 60
    assert await until_true(lambda: not _kubectl_runs())


def _kubectl_runs() -> bool:
    """Whether a kubectl that this process has started has not ended."""
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if one.name() == "kubectl" and runs(one.pid):
                return True
    return False


async def test_a_watch_that_is_cut_is_taken_up_again(
    kubectl: Kubectl, cluster: Cluster, kube: Bench
):
    cluster.pace(0.3)
    cluster.deploy("korea-backend", image="backend:3")
    cluster.faults.cut_watches = 2
    came = await kubectl("rollout", "status", BACKEND, "--timeout=60s")
    assert (came.outcome, says(came)) == (
        "done", 'deployment "korea-backend" successfully rolled out'
    )  # fmt: skip


async def test_a_watch_that_falls_silent_is_begun_anew(
    kubectl: Kubectl, cluster: Cluster, kube: Bench, monkeypatch: pytest.MonkeyPatch
):
    def is_watched() -> bool:
        # A slice in which a busy machine does not come so far is followed by a longer one.
        monkeypatch.setattr(rollout, "SLICE_S", 2.0 * (1 + begun()))
        return any(one.verb == "watch" for one in cluster.requests)

    def begun() -> int:
        return kube.seen.text.count("rollout status")

    def looks() -> list[Asked]:
        return [one for one in cluster.requests if one.verb in ("list", "watch")]

    monkeypatch.setattr(rollout, "SLICE_S", 2.0)
    cluster.pace(None)
    cluster.deploy("korea-backend", image="backend:3")

    async def go_on_unheard() -> int:
        await until_true(is_watched)
        monkeypatch.setattr(rollout, "SLICE_S", PATIENCE)
        with cluster.storage.lock:
            cluster.storage._watchers[:] = [lambda _happened: None] * 9
            while cluster.step():
                pass
            return len(looks())

    came, unheard = await asyncio.gather(
        kubectl("rollout", "status", BACKEND, "--timeout=600s", timeout="600s"), go_on_unheard()
    )
    assert came.outcome == "done"
    assert len(looks()) > unheard
    assert came.took_s < 120


async def test_a_server_that_is_away_for_a_while_does_not_end_the_watch(
    kubectl: Kubectl, cluster: Cluster, kube: Bench
):
    cluster.pace(0.3)
    cluster.deploy("korea-backend", image="backend:3")
    cluster.down()

    async def back() -> None:
        await until_true(lambda: "was refused" in kube.seen.text)
        await asyncio.to_thread(cluster.up)

    came, _ = await asyncio.gather(
        kubectl("rollout", "status", BACKEND, "--timeout=60s"), back()
    )  # fmt: skip
    assert came.outcome == "done"


async def test_a_rollout_that_is_only_looked_at_is_not_complete_before_it_is(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.pace(None)
    cluster.deploy("korea-backend", image="backend:3")
    cluster.step()
    came = await kubectl("rollout", "status", BACKEND, "--watch=false")
    assert (came.outcome, came.exit_code) == ("failed", 0)
    assert "not complete" in says(came)


# ── the server's no ──────────────────────────────────────────────────────────────────────


async def test_what_is_forbidden_says_which_right_is_missing(kubectl: Kubectl, cluster: Cluster):
    cluster.forbid("deployments", "patch")
    undo = ["rollout", "undo", BACKEND, "--to-revision=1"]
    for args in (["scale", BACKEND, "--replicas=5"], ["rollout", "restart", BACKEND], undo):
        came = await kubectl(*args)
        assert came.outcome == "failed"
        assert "give Bongsu's account this right" in says(came)
        assert "cannot patch resource" in says(came)


async def test_a_conflict_says_that_somebody_else_changed_it(kubectl: Kubectl, cluster: Cluster):
    cluster.faults.conflicts = 99
    undo = ["rollout", "undo", BACKEND, "--to-revision=1"]
    for args in ([*PATCH, SWITCH_ON], ["rollout", "restart", BACKEND], undo):
        came = await kubectl(*args)
        assert came.outcome == "failed"
        assert "somebody else changed it" in says(came)
    assert changed(cluster) == []


async def test_a_scaling_that_meets_a_conflict_is_tried_again_by_kubectl_itself(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.faults.conflicts = 1
    assert (await kubectl("scale", BACKEND, "--replicas=5")).outcome == "done"
    assert replicas(cluster) == 5


async def test_a_scaling_that_meets_conflicts_for_ever_ends_soon_and_says_why(
    kubectl: Kubectl, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scaling, "LONGEST_S", 3.0)
    cluster.faults.conflicts = 9999
    came = await kubectl("scale", BACKEND, "--replicas=5", timeout="600s")
    assert came.outcome == "failed"
    assert "somebody else kept changing it" in says(came)
    assert "has been modified" in says(came)
    assert came.took_s < 60
    assert replicas(cluster) == 3


async def test_a_name_that_is_not_there(kubectl: Kubectl):
    came = await kubectl("scale", "deployment/korea-backned", "--replicas=5")
    assert came.outcome == "failed"
    assert "look at name and namespace" in says(came)


async def test_an_invalid_change(kubectl: Kubectl):
    came = await kubectl("scale", BACKEND, "--replicas=-1")
    assert came.outcome == "failed"


async def test_a_server_that_refuses_connections_was_not_reached(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.down()
    came = await kubectl("scale", BACKEND, "--replicas=5")
    assert came.outcome == "failed"
    assert "can't be reached" in says(came)


async def test_a_server_that_hangs_before_anything_was_asked_is_a_failure(
    kubectl: Kubectl, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(product, "SETTLE_S", 1.0)
    monkeypatch.setattr(scaling, "WHY_S", 1.0)
    cluster.hang()
    came = await kubectl("scale", BACKEND, "--replicas=5", timeout="2s")
    assert came.outcome in ("failed", "unknown")
    cluster.up()
    assert cluster.kubectl("get", "pods").returncode == 0, "what was held up had its turn as well"
    assert changed(cluster) == []


# ── what nobody knows ────────────────────────────────────────────────────────────────────


async def test_a_lost_answer_of_a_change_that_can_be_seen_is_looked_up(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.faults.lost_answers = 1
    came = await kubectl("scale", BACKEND, "--replicas=5")
    assert (came.outcome, replicas(cluster)) == ("done", 5)
    assert "answer was lost" in says(came)


async def test_a_change_that_broke_off_before_it_was_made_is_failed(
    kubectl: Kubectl, cluster: Cluster
):
    cluster.faults.cut_writes = 1
    came = await kubectl("scale", BACKEND, "--replicas=5")
    assert (came.outcome, replicas(cluster)) == ("failed", 3)


async def test_a_restart_whose_answer_was_lost_is_not_known(kubectl: Kubectl, cluster: Cluster):
    cluster.faults.lost_answers = 1
    came = await kubectl("rollout", "restart", BACKEND)
    assert came.outcome == "unknown"
    assert "not known" in says(came)


@pytest.mark.parametrize(
    ("args", "was", "then"),
    [
        (["scale", BACKEND, "--replicas=5"], False, True),
        ([*PATCH, SWITCH_ON], False, True),
        (["cordon", "node-1"], False, True),
        (["set", "image", BACKEND, "*=backend:9"], False, True),
        (["rollout", "undo", BACKEND, "--to-revision=2"], True, True),
        (["rollout", "undo", BACKEND, "--to-revision=1"], False, True),
        (["rollout", "restart", BACKEND], None, None),
        (["delete", "pods", "-l", "app=korea-backend"], None, None),
    ],
)
async def test_whether_a_step_was_done_is_asked_of_the_cluster(
    args: list[str], was: bool | None, then: bool | None, kube: Bench, cluster: Cluster
):
    one = step("kubectl", args=args, service="korea-backend")
    assert await settled(one, kube.context) is was
    await perform(one, context=kube.context)
    before = len(cluster.mutations)
    assert await settled(one, kube.context) is then
    assert len(cluster.mutations) == before


# ── dry run ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("args", "server"),
    [
        (["scale", BACKEND, "--replicas=10"], "scaled (server dry run)"),
        ([*PATCH, SWITCH_ON], "patched"),
        (["delete", "pods", "-l", "app=korea-backend"], "deleted (server dry run)"),
        (["rollout", "undo", BACKEND, "--to-revision=1"], "rolled back (server dry run)"),
        (["rollout", "restart", BACKEND], "patched"),
        (["rollout", "pause", BACKEND], "patched"),
        (["set", "image", BACKEND, "*=backend:9"], "image updated (server dry run)"),
        (["cordon", "node-1"], "cordoned (server dry run)"),
        (["label", "node", "node-1", "out=yes"], "labeled (server dry run)"),
        (["get", "pods"], "korea-backend"),
        (["rollout", "status", BACKEND], "successfully rolled out"),
        (["exec", BACKEND, "--", "python", "-c", "1"], ""),
    ],
)
async def test_a_dry_run_shows_the_command_and_the_server_s_answer_and_changes_nothing(
    args: list[str], server: str, kubectl: Kubectl, cluster: Cluster, kube: Bench
):
    came = await kubectl(*args, dry=True)
    assert came.outcome == "done", says(came)
    assert f"$ kubectl -n korea-prod {shlex.join(args)}" in kube.seen.text
    assert server in kube.seen.text
    assert changed(cluster) == []
    assert not [one for one in cluster.requests if one.below == "exec"]


async def test_a_dry_run_hears_the_server_s_no(kubectl: Kubectl, cluster: Cluster):
    skipped = await kubectl("rollout", "undo", BACKEND, "--to-revision=2", dry=True)
    assert "nothing was rolled back" in says(skipped)
    cluster.forbid("deployments", "patch")
    came = await kubectl("scale", BACKEND, "--replicas=10", dry=True)
    assert (came.outcome, "right" in says(came)) == ("failed", True)


async def test_a_service_without_a_workload_has_no_namespace(kube: Bench):
    came = await kube.do("kubectl", args=["get", "pods"], service="search")
    assert came.outcome == "refused"


async def test_what_a_secret_holds_is_not_shown(kubectl: Kubectl, cluster: Cluster, kube: Bench):
    cluster.keep_secret("db", password="hunter2-long-enough")
    came = await kubectl("get", "secret", "db", "-o", "json")
    assert came.outcome == "done"
    coded = cluster.storage.get("secrets", "korea-prod", "db")
    assert coded is not None
    assert json.dumps(coded["data"]["password"])[1:-1] not in kube.seen.text
