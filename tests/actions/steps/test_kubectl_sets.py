"""Real kubectl and stateful sets and daemon sets: restarted, watched to their end, rolled back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.actions.steps.conftest import Bench, Kubectl, TooSlow, says, step
from tests.kube import troubles
from tests.kube.cluster import Cluster
from tests.kube.storage import Object

from bongsu.actions.steps import perform, settled

STATEFUL, DAEMON = "statefulset/mongodb", "daemonset/agent"
BOTH = pytest.mark.parametrize("target", [STATEFUL, DAEMON])
KINDS = {STATEFUL: ("StatefulSet", "mongodb"), DAEMON: ("DaemonSet", "agent")}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}


@pytest.fixture
def sets(cluster: Cluster) -> Cluster:
    """Run a stateful set of three pods and a daemon set on two nodes, two revisions of each."""
    for image in ("app:1", "app:2"):
        cluster.run_set("StatefulSet", "mongodb", image=image, replicas=3)
        cluster.run_set("DaemonSet", "agent", image=image)
    cluster.forget()
    return cluster


def pods(cluster: Cluster, target: str) -> list[Object]:
    return cluster.storage.all("pods", "korea-prod", f"app={KINDS[target][1]}")


def images(cluster: Cluster, target: str) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in pods(cluster, target)}


def roll_out(cluster: Cluster, target: str, image: str, **spec: Any) -> Object:
    kind, name = KINDS[target]
    return cluster.run_set(kind, name, image=image, **spec)


@BOTH
async def test_a_restart_is_watched_to_its_end(kubectl: Kubectl, sets: Cluster, target: str):
    before = {pod["metadata"]["uid"] for pod in pods(sets, target)}
    sets.pace(0.1)
    assert (await kubectl("rollout", "restart", target)).outcome == "done"
    came = await kubectl("rollout", "status", target, "--timeout=60s", timeout="70s")
    assert came.outcome == "done", says(came)
    after = {pod["metadata"]["uid"] for pod in pods(sets, target)}
    assert not before & after
    assert len(after) == len(before)


@BOTH
async def test_a_rollback_brings_the_former_image_back(
    kubectl: Kubectl, sets: Cluster, target: str
):
    came = await kubectl("rollout", "undo", target, "--to-revision=1")
    assert (came.outcome, images(sets, target)) == ("done", {"app:1"})
    again = await kubectl("rollout", "undo", target)
    assert (again.outcome, images(sets, target)) == ("done", {"app:2"})


@BOTH
async def test_a_rollback_to_what_runs_already_and_to_what_is_missing_is_no_success(
    kubectl: Kubectl, sets: Cluster, target: str
):
    skipped = await kubectl("rollout", "undo", target, "--to-revision=2")
    assert (skipped.outcome, "nothing was rolled back" in says(skipped)) == ("failed", True)
    missing = await kubectl("rollout", "undo", target, "--to-revision=9")
    assert (missing.outcome, "choose one of 1, 2" in says(missing)) == ("failed", True)
    assert sets.mutations == []


@BOTH
async def test_a_set_of_one_revision_has_none_before_it(
    kubectl: Kubectl, cluster: Cluster, target: str
):
    roll_out(cluster, target, "app:1")
    came = await kubectl("rollout", "undo", target)
    assert (came.outcome, "no revision before this one" in says(came)) == ("failed", True)


@BOTH
async def test_a_rollout_that_is_looked_at_is_not_complete_before_it_is(
    kubectl: Kubectl, sets: Cluster, target: str
):
    sets.pace(None)
    roll_out(sets, target, "app:3")
    sets.step()
    came = await kubectl("rollout", "status", target, "--watch=false")
    assert (came.outcome, came.exit_code) == ("failed", 0)
    while sets.step():
        pass
    assert (await kubectl("rollout", "status", target, "--watch=false")).outcome == "done"


@BOTH
async def test_a_slow_rollout_fails_at_its_time_and_goes_on(
    kubectl: Kubectl, too_slow: TooSlow, sets: Cluster, target: str
):
    sets.pace(None)
    roll_out(sets, target, "app:3")
    came = await too_slow(target)
    assert came.outcome == "failed"
    while sets.step():
        pass
    assert (await kubectl("rollout", "status", target, "--timeout=60s")).outcome == "done"


@BOTH
@pytest.mark.parametrize(
    ("trouble", "word"),
    [(troubles.image_pull_error, "ImagePullBackOff"), (troubles.probe_failing, "unready status")],
)
async def test_a_stuck_rollout_says_which_pod_keeps_it(
    too_slow: TooSlow, sets: Cluster, target: str, trouble: troubles.Trouble, word: str
):
    sets.rollouts.ill_images["app:3"] = trouble
    roll_out(sets, target, "app:3")
    came = await too_slow(target)
    assert came.outcome == "failed"
    assert "does not come to its end" in says(came)
    assert word in says(came)


async def test_a_broken_pod_that_keeps_a_rollback_from_going_on_is_named(
    kubectl: Kubectl, too_slow: TooSlow, sets: Cluster
):
    sets.rollouts.ill_images["app:3"] = troubles.image_pull_error
    roll_out(sets, STATEFUL, "app:3")
    assert (await kubectl("rollout", "undo", STATEFUL)).outcome == "done"
    came = await too_slow(STATEFUL)
    assert came.outcome == "failed"
    assert "waits for mongodb-2" in says(came)
    assert "delete that pod" in says(came)
    assert "mongodb-2" in says(came, "ko")
    assert (await kubectl("delete", "pod", "mongodb-2")).outcome == "done"
    assert (await kubectl("rollout", "status", STATEFUL, "--timeout=60s")).outcome == "done"
    assert images(sets, STATEFUL) == {"app:2"}


async def test_a_broken_agent_is_replaced_by_the_rollback_itself(kubectl: Kubectl, sets: Cluster):
    sets.rollouts.ill_images["app:3"] = troubles.image_pull_error
    roll_out(sets, DAEMON, "app:3")
    assert (await kubectl("rollout", "undo", DAEMON)).outcome == "done"
    assert (await kubectl("rollout", "status", DAEMON, "--timeout=60s")).outcome == "done"


# ── what a restart would only seem to do ─────────────────────────────────────────────────


@BOTH
@pytest.mark.parametrize("dry", [False, True])
async def test_a_set_whose_pods_are_replaced_on_delete_is_not_said_to_be_restarted(
    kubectl: Kubectl, sets: Cluster, target: str, dry: bool
):
    roll_out(sets, target, "app:2", **ON_DELETE)
    came = await kubectl("rollout", "restart", target, dry=dry)
    assert came.outcome == "failed"
    assert "OnDelete" in says(came)
    assert "nothing was changed" in says(came)
    assert sets.mutations == []


@BOTH
async def test_a_rollback_of_one_is_no_success_before_its_pods_are_deleted(
    kubectl: Kubectl, sets: Cluster, target: str
):
    roll_out(sets, target, "app:2", **ON_DELETE)
    assert (await kubectl("rollout", "undo", target, "--to-revision=1")).outcome == "done"
    came = await kubectl("rollout", "status", target, "--timeout=60s")
    assert came.outcome == "failed"
    assert "until somebody deletes it" in says(came)
    assert images(sets, target) == {"app:2"}


async def test_what_a_partition_keeps_as_it_was_is_no_success(kubectl: Kubectl, sets: Cluster):
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    roll_out(sets, STATEFUL, "app:2", updateStrategy=rolling)
    whole = await kubectl("rollout", "status", STATEFUL, "--timeout=60s")
    assert whole.outcome == "done", "nothing is kept back where all are the same"
    assert (await kubectl("rollout", "restart", STATEFUL)).outcome == "done"
    came = await kubectl("rollout", "status", STATEFUL, "--timeout=60s")
    assert (came.outcome, came.exit_code) == ("failed", 0)
    assert "only 1 of 3 pods" in says(came)
    assert "partition 2" in says(came)
    patch = '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'
    assert (await kubectl("patch", STATEFUL, "--type=merge", "-p", patch)).outcome == "done"
    assert (await kubectl("rollout", "status", STATEFUL, "--timeout=60s")).outcome == "done"


# ── the rest of what steps promise ───────────────────────────────────────────────────────


@BOTH
async def test_a_dry_run_asks_the_cluster_and_changes_nothing(
    kubectl: Kubectl, sets: Cluster, kube: Bench, target: str
):
    for args, word in ((["restart", target], "patched"), (["undo", target], "rolled back")):
        came = await kubectl("rollout", *args, dry=True)
        assert came.outcome == "done", says(came)
        assert word in kube.seen.text
    assert sets.mutations == []


@BOTH
async def test_whether_a_rollback_was_done_is_asked_of_the_cluster(
    kube: Bench, sets: Cluster, target: str
):
    one = step(
        "kubectl", args=["rollout", "undo", target, "--to-revision=2"], service="korea-backend"
    )
    assert await settled(one, kube.context) is True
    other = one.model_copy(update={"args": ["rollout", "undo", target, "--to-revision=1"]})
    assert await settled(other, kube.context) is False
    assert (await perform(other, context=kube.context)).outcome == "done"


async def test_a_stateful_set_is_scaled(kubectl: Kubectl, sets: Cluster):
    assert (await kubectl("scale", STATEFUL, "--replicas=2")).outcome == "done"
    assert len(pods(sets, STATEFUL)) == 2


@BOTH
async def test_a_watch_that_is_cut_is_taken_up_again(kubectl: Kubectl, sets: Cluster, target: str):
    sets.pace(0.3)
    roll_out(sets, target, "app:3")
    sets.faults.cut_watches = 2
    came = await kubectl("rollout", "status", target, "--timeout=60s", timeout="70s")
    assert came.outcome == "done", says(came)
