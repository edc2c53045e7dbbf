"""The stand-in does for kubectl what an API server does; issue by issue, others rely on it."""

from __future__ import annotations

import json
import subprocess

import pytest
from tests.kube import troubles
from tests.kube.remote_exec import Executed
from tests.waiting import PATIENCE, until_true_blocking

D = "deployment/korea-backend"


def whats(cluster):
    return [one.what for one in cluster.mutations]


def names(cluster):
    return {pod["metadata"]["name"] for pod in cluster.pods("korea-backend")}


def test_pods_are_shown_as_a_table_with_their_status(cluster):
    cluster.crash_loop("korea-backend")
    printed = cluster.kubectl("get", "pods").stdout.splitlines()
    assert printed[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert [line.split()[1:4] for line in printed[1:]] == [["0/1", "CrashLoopBackOff", "7"]] * 2


def test_selectors_choose(cluster):
    cluster.deploy("korea-frontend", image="frontend:1", replicas=1)
    chosen = cluster.kubectl("get", "pods", "-l", "app=korea-frontend", "-o", "name").stdout
    assert chosen.count("pod/korea-frontend-") == 1
    among = cluster.kubectl("get", "pods", "-l", "app in (korea-backend,x)", "-o", "name").stdout
    assert among.count("pod/korea-backend-") == 2
    field = cluster.kubectl(
        "get", "pods", "--field-selector", "status.phase!=Running", "-o", "name"
    )
    assert field.stdout == ""


def test_scaling_is_one_write_and_makes_pods(cluster):
    assert cluster.kubectl("scale", D, "--replicas=4").returncode == 0
    assert whats(cluster) == ["patch deployments/korea-backend/scale"]
    assert len(cluster.pods("korea-backend")) == 4
    events = cluster.kubectl("get", "events").stdout
    assert "from 2 to 4" in events


def test_a_wrong_number_of_current_replicas_changes_nothing(cluster):
    refused = cluster.kubectl("scale", D, "--replicas=4", "--current-replicas=9")
    assert refused.returncode == 1
    assert "Expected replicas to be 9, was 2" in refused.stderr
    assert whats(cluster) == []


def test_a_restart_replaces_every_pod_and_makes_a_revision(cluster):
    before = names(cluster)
    assert cluster.kubectl("rollout", "restart", D).returncode == 0
    assert len(names(cluster)) == 2
    assert not names(cluster) & before
    assert len(cluster.kubectl("rollout", "history", D).stdout.strip().splitlines()) == 4


def test_undo_brings_back_the_image_of_a_revision(cluster):
    cluster.deploy("korea-backend", image="backend:2", cause="the second")
    history = cluster.kubectl("rollout", "history", D).stdout
    assert "1         the first\n2         the second" in history
    assert cluster.kubectl("rollout", "undo", D, "--to-revision=1").returncode == 0
    assert cluster.image("korea-backend") == "backend:1"
    assert (
        "2         the second\n3         the first"
        in cluster.kubectl("rollout", "history", D).stdout
    )


def test_undo_to_a_revision_that_is_missing_fails(cluster):
    refused = cluster.kubectl("rollout", "undo", D, "--to-revision=77")
    assert refused.returncode == 1
    assert "unable to find specified revision 77" in refused.stderr
    assert whats(cluster) == []


def test_undo_to_the_same_template_is_skipped_and_exits_with_0(cluster):
    skipped = cluster.kubectl("rollout", "undo", D, "--to-revision=1")
    assert (skipped.returncode, whats(cluster)) == (0, [])
    assert "skipped rollback" in skipped.stdout


def test_undo_of_a_paused_deployment_fails(cluster):
    cluster.deploy("korea-backend", image="backend:2")
    assert cluster.kubectl("rollout", "pause", D).returncode == 0
    refused = cluster.kubectl("rollout", "undo", D)
    assert refused.returncode == 1
    assert "cannot rollback a paused deployment" in refused.stderr


def test_a_paused_deployment_rolls_out_once_it_is_resumed(cluster):
    cluster.pause("korea-backend")
    before = names(cluster)
    cluster.kubectl("set", "image", D, "app=backend:2")
    assert names(cluster) == before
    cluster.kubectl("rollout", "resume", D)
    assert not names(cluster) & before


def test_the_status_of_a_slow_rollout_is_followed_to_its_end(cluster):
    cluster.pace(0.05)
    cluster.kubectl("set", "image", D, "app=backend:2")
    followed = cluster.kubectl("rollout", "status", D, "--timeout=60s")
    assert followed.returncode == 0
    assert followed.stdout.endswith("successfully rolled out\n")


def test_a_dropped_watch_does_not_lose_the_end_of_a_rollout(cluster):
    cluster.pace(None)
    cluster.faults.cut_watches = 2
    cluster.deploy("korea-backend", image="backend:2")
    argv = ["kubectl", "rollout", "status", D, "--timeout=100s"]

    def begun():
        return [one.verb for one in cluster.requests].count("watch")

    with subprocess.Popen(argv, env=cluster.env, stdout=subprocess.PIPE, text=True) as following:
        for watches in (1, 2, 3):
            until_true_blocking(
                lambda: following.poll() is not None or begun() >= watches  # noqa: B023
            )
            assert following.poll() is None
            cluster.step()
        cluster.pace(0.01)
        assert following.communicate(timeout=PATIENCE)[0].endswith("successfully rolled out\n")
    assert following.returncode == 0


def test_a_rollout_that_exceeds_its_deadline_fails(cluster):
    cluster.failed_rollout("korea-backend", "backend:broken")
    failed = cluster.kubectl("rollout", "status", D, "--timeout=60s")
    assert failed.returncode == 1
    assert "exceeded its progress deadline" in failed.stderr
    assert sum(map(troubles.is_ready, cluster.pods("korea-backend"))) == 2


def test_a_rollout_that_waits_times_out_and_unwatched_it_looks_well(cluster):
    cluster.pace(None)
    cluster.deploy("korea-backend", image="backend:2")
    cluster.step()
    assert cluster.kubectl("rollout", "status", D, "--timeout=1s").returncode == 1
    assert cluster.kubectl("rollout", "status", D, "--watch=false").returncode == 0
    while cluster.step():
        pass
    assert cluster.kubectl("rollout", "status", D, "--timeout=60s").returncode == 0


def test_a_conflict_is_answered_and_nothing_is_done(cluster):
    cluster.faults.conflicts = 1
    refused = cluster.kubectl("set", "image", D, "app=backend:2")
    assert refused.returncode == 1
    assert "the object has been modified" in refused.stderr
    assert (whats(cluster), cluster.image("korea-backend")) == ([], "backend:1")


def test_a_write_of_something_stale_is_a_conflict(cluster, tmp_path):
    stale = json.loads(cluster.kubectl("get", D, "-o", "json").stdout)
    cluster.deploy("korea-backend", image="backend:2")
    stale["spec"]["replicas"] = 9
    (tmp_path / "stale.json").write_text(json.dumps(stale))
    refused = cluster.kubectl("replace", "--validate=false", "-f", str(tmp_path / "stale.json"))
    assert refused.returncode == 1
    assert "Conflict" in refused.stderr


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("strategic", '{"data":{"circuit_breaker":"true"}}'),
        ("merge", '{"data":{"circuit_breaker":"true","old":null}}'),
        ("json", '[{"op":"replace","path":"/data/circuit_breaker","value":"true"}]'),
    ],
)
def test_each_kind_of_patch_changes_a_config_map(cluster, kind, patch):
    cluster.configure("api-config", circuit_breaker="false", old="x")
    done = cluster.kubectl("patch", "configmap", "api-config", "--type", kind, "-p", patch)
    assert done.returncode == 0
    data = json.loads(cluster.kubectl("get", "cm", "api-config", "-o", "json").stdout)["data"]
    assert data["circuit_breaker"] == "true"
    assert ("old" in data) is (kind != "merge")


def test_a_dry_run_on_the_server_answers_and_changes_nothing(cluster):
    shown = cluster.kubectl(
        "set", "image", D, "app=backend:2", "--dry-run=server", "-o", "jsonpath={..image}"
    )
    assert (shown.returncode, shown.stdout) == (0, "backend:2")
    assert (whats(cluster), cluster.image("korea-backend")) == ([], "backend:1")


def test_a_dry_run_of_scaling_patching_and_deleting_changes_nothing_either(cluster):
    cluster.configure("api-config", a="1")
    for command in (
        ("scale", D, "--replicas=4"),
        ("patch", "configmap", "api-config", "-p", '{"data":{"a":"2"}}'),
        ("delete", "pods", "-l", "app=korea-backend"),
    ):
        assert cluster.kubectl(*command, "--dry-run=server").returncode == 0
    assert whats(cluster) == []


def test_deleted_pods_are_made_anew(cluster):
    before = names(cluster)
    assert cluster.kubectl("delete", "pods", "-l", "app=korea-backend").returncode == 0
    assert len(names(cluster)) == 2
    assert not names(cluster) & before
    assert [one.verb for one in cluster.mutations] == ["delete", "delete"]


def test_trouble_lasts_through_a_restart_and_ends_with_another_image(cluster):
    cluster.crash_loop("korea-backend")
    cluster.kubectl("rollout", "restart", D)
    assert not any(map(troubles.is_ready, cluster.pods("korea-backend")))
    cluster.kubectl("set", "image", D, "app=backend:2")
    assert all(map(troubles.is_ready, cluster.pods("korea-backend")))


def test_trouble_that_does_not_last_ends_with_a_restart(cluster):
    cluster.crash_loop("korea-backend", lasting=False)
    cluster.kubectl("rollout", "restart", D)
    assert all(map(troubles.is_ready, cluster.pods("korea-backend")))


def test_logs_are_chosen_by_time_and_number(cluster):
    cluster.log("korea-backend", "old", ago_s=600)
    cluster.log("korea-backend", "new 1", "new 2", ago_s=1)
    lately = cluster.kubectl("logs", "-l", "app=korea-backend", "--since=1m", "--timestamps")
    assert [line.split(" ", 1)[1] for line in lately.stdout.splitlines()] == ["new 1", "new 2"] * 2
    assert cluster.kubectl("logs", D, "--tail=1").stdout == "new 2\n"


def test_logs_before_the_last_restart_and_of_containers_that_never_ran(cluster):
    cluster.crash_loop("korea-backend")
    cluster.log("korea-backend", "Traceback", previous=True)
    assert cluster.kubectl("logs", D, "--previous").stdout == "Traceback\n"
    cluster.heal("korea-backend")
    cluster.image_pull_error("korea-backend")
    refused = cluster.kubectl("logs", D)
    assert refused.returncode == 1
    assert "waiting to start" in refused.stderr


def test_followed_logs_come_as_they_are_written(cluster):
    cluster.log("korea-backend", "first")
    argv = ["kubectl", "logs", "-f", D]
    with subprocess.Popen(argv, env=cluster.env, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "first\n"
        cluster.log("korea-backend", "second")
        assert following.stdout.readline() == "second\n"
        following.terminate()


def test_exec_moves_both_outputs_and_the_exit_code(cluster):
    seen = []

    def answer(pod, argv):
        seen.append((pod, argv))
        return Executed(out="한글\n", err="bad\n", exit_code=3)

    cluster.answer_exec(answer)
    done = cluster.kubectl("exec", D, "--", "python", "-c", "x = 1; y")
    assert (done.returncode, done.stdout) == (3, "한글\n")
    assert done.stderr.startswith("bad\n")
    assert seen[0][0] in names(cluster)
    assert seen[0][1] == ["python", "-c", "x = 1; y"]


def test_describe_shows_the_events_of_a_pod(cluster):
    cluster.image_pull_error("korea-backend")
    assert "Failed to pull image" in cluster.kubectl("describe", "pods").stdout
    assert "NewReplicaSetAvailable" in cluster.kubectl("describe", D).stdout


def test_a_cordoned_node_gets_no_new_pods(cluster):
    assert cluster.kubectl("cordon", "node-1").returncode == 0
    assert "SchedulingDisabled" in cluster.kubectl("get", "nodes").stdout
    cluster.kubectl("rollout", "restart", D)
    nodes = {pod["spec"]["nodeName"] for pod in cluster.pods("korea-backend")}
    assert nodes == {"node-2"}


def test_usage_of_pods_and_nodes_is_printed(cluster):
    cluster.uses("korea-backend", 1500, 700)
    assert "1500m" in cluster.kubectl("top", "pods").stdout
    assert "%" in cluster.kubectl("top", "nodes").stdout


def test_what_is_forbidden_is_refused_and_not_recorded_as_done(cluster):
    cluster.forbid("deployments", "patch")
    refused = cluster.kubectl("scale", D, "--replicas=4")
    assert refused.returncode == 1
    assert "(Forbidden)" in refused.stderr
    assert whats(cluster) == []
    assert cluster.kubectl("get", D).returncode == 0


def test_a_write_may_be_cut_off_before_or_after_it_is_done(cluster):
    cluster.faults.cut_writes = 1
    assert cluster.kubectl("scale", D, "--replicas=4").returncode == 1
    assert (whats(cluster), len(names(cluster))) == ([], 2)
    cluster.faults.lost_answers = 1
    assert cluster.kubectl("scale", D, "--replicas=4").returncode == 1
    assert whats(cluster) == ["patch deployments/korea-backend/scale"]
    assert len(names(cluster)) == 4


def test_a_server_that_was_down_serves_again_on_the_same_port(cluster):
    cluster.down()
    assert "was refused" in cluster.kubectl("get", "pods").stderr
    cluster.up()
    assert cluster.kubectl("get", "pods").returncode == 0


def test_a_server_that_hangs_never_answers(cluster):
    cluster.kubectl("get", "pods")
    cluster.hang()
    assert cluster.kubectl("get", "pods", "--request-timeout=300ms").returncode == 1
    cluster.up()
    assert cluster.kubectl("get", "pods").returncode == 0
