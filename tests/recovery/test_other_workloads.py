"""The first user's playbooks for stateful sets and daemon sets; and one that meets a refusal."""

from __future__ import annotations

import pytest
from tests.kube import troubles
from tests.kube.storage import Object
from tests.recovery.conftest import Site, outcomes

SETS = pytest.mark.parametrize("kind", ["statefulset", "daemonset"])
NAMES = {"statefulset": "StatefulSet", "daemonset": "DaemonSet"}


def roll_out(site: Site, kind: str, *images: str) -> None:
    for image in images:
        spec = {"replicas": 3} if kind == "statefulset" else {}
        site.cluster.run_set(NAMES[kind], "store", image=image, **spec)
    site.cluster.forget()


def pods(site: Site) -> list[Object]:
    return site.cluster.storage.all("pods", "korea-prod", "app=store")


def images(site: Site) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in pods(site)}


@SETS
async def test_a_leak_of_another_workload_is_answered_by_its_restart(site: Site, kind: str):
    roll_out(site, kind, "store:1")
    before = {pod["metadata"]["uid"] for pod in pods(site)}
    run = await site.run("memory_leak", kind=kind, name="store")
    assert run.outcome == "succeeded", (outcomes(run), await site.output(run))
    assert not before & {pod["metadata"]["uid"] for pod in pods(site)}
    assert [one.what for one in site.cluster.mutations][:1] == [f"patch {kind}s/store"]


@SETS
async def test_another_workload_is_rolled_back_and_forward_again(site: Site, kind: str):
    roll_out(site, kind, "store:1", "store:2")
    run = await site.run("workload_rollback", kind=kind, name="store")
    assert run.outcome == "succeeded", (outcomes(run), await site.output(run))
    assert images(site) == {"store:1"}
    shown = await site.output(run)
    assert "store:2" in shown
    assert "REVISION   IMAGE" in shown
    assert (await site.take_back(run)).outcome == "undone"
    assert images(site) == {"store:2"}


async def test_a_rollback_that_a_broken_pod_holds_up_says_which(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    site.cluster.rollouts.ill_images["store:2"] = troubles.image_pull_error
    roll_out(site, "statefulset", "store:1", "store:2")
    shorten(site, "workload_rollback")
    run = await site.run("workload_rollback", kind="statefulset", name="store")
    assert (run.outcome, outcomes(run)["Watch the rollout"]) == ("failed", "failed")
    assert "store-2" in str(run.done)
    assert "run_failed" in await site.called()


def shorten(site: Site, playbook: str) -> None:
    """Let a watch that can't succeed give up soon."""
    steps = site.house.desk.engine.policy.manual.playbooks[playbook].steps
    for step in steps:
        args = getattr(step, "args", [])
        args[:] = ["--timeout=1s" if one.startswith("--timeout=") else one for one in args]


async def test_an_address_that_can_not_be_dropped_keeps_nobody_from_the_filter_upstream(
    site: Site,
):
    run = await site.run("ddos_attack", malicious_address="127.0.0.1")
    came = outcomes(run)
    assert came["Block the attacker's address"] == "skipped", "after a failure that ends nothing"
    assert came["Have it filtered upstream"] == "done"
    assert (run.outcome, came["Make sure that the address is blocked"]) == ("failed", "failed")
    assert "run_failed" in await site.called()
