"""Scale up, restart, circuit breaker, failover, rollback, server down: each to its end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.kube import troubles
from tests.kube.cluster import NAMESPACE
from tests.recovery.conftest import Site, outcomes, patches, undone

from bongsu.incident.runs.steps import step_of

SCALE = "patch deployments/korea-backend/scale"
PATCH = "patch deployments/korea-backend"


def replicas(site: Site, name: str = "korea-backend") -> int:
    return int(site.cluster.deployment(name)["spec"]["replicas"])


def settings(site: Site) -> dict[str, str]:
    thing = site.cluster.storage.get("configmaps", NAMESPACE, "api-config")
    assert thing is not None
    return dict(thing["data"])


# ── high CPU ─────────────────────────────────────────────────────────────────────────────


async def test_high_cpu_adds_pods_and_restarts_them_one_after_another(site: Site):
    run = await site.run("high_cpu_usage")
    assert run.outcome == "succeeded", outcomes(run)
    assert replicas(site) == 10
    assert site.said_yes == ["technical_lead"], "only the restart needs a yes"
    template = site.cluster.deployment("korea-backend")["spec"]["template"]["metadata"]
    assert "kubectl.kubernetes.io/restartedAt" in template["annotations"]
    assert patches(site.cluster) == [PATCH, SCALE, PATCH]


async def test_taken_back_there_are_as_many_pods_as_there_were(site: Site):
    site.cluster.deploy("korea-backend", image="backend:1", replicas=3)
    run = await site.run("high_cpu_usage", replicas=7)
    assert replicas(site) == 7
    back = await site.take_back(run)
    assert back.outcome == "undone"
    assert replicas(site) == 3
    notes = site.cluster.deployment("korea-backend")["metadata"]["annotations"]
    assert not [name for name in notes if name.startswith("bongsu/")]


async def test_if_it_does_not_help_the_pods_stay_and_a_person_is_called(site: Site):
    site.application.cpu = 0.97
    run = await site.run("high_cpu_usage")
    assert (run.outcome, outcomes(run)["Check the API and the CPU"]) == ("failed", "failed")
    assert replicas(site) == 10, "fewer pods would make it worse"
    assert "run_failed" in await site.called()


async def test_a_cpu_that_calms_down_while_it_is_watched_is_a_success(site: Site):
    site.application.cpu = 0.97
    name = await site.begin("high_cpu_usage")
    while True:
        await site.house.do_pending()
        run = await site.house.run(site.incident, name)
        if run.done and max(run.done) == len(run.asked.steps) - 1:
            break
        await site._go_on(run)
    assert not run.over, "the mean still has the time before the restart in it"
    site.application.cpu = 0.3
    site.house.desk.clock.forward(minutes=1)
    await site.house.desk.look()
    assert (await site.finish(name)).outcome == "succeeded"


async def test_pods_are_added_and_never_taken_away(site: Site):
    site.cluster.kubectl("-n", NAMESPACE, "scale", "deployment/korea-backend", "--replicas=12")
    site.cluster.forget()
    run = await site.run("high_cpu_usage")
    assert run.outcome == "failed"
    assert replicas(site) == 12
    assert site.cluster.mutations == []
    assert "12" in await site.output(run)


# ── external API ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("before", ["half-open", None])
async def test_the_circuit_breaker_is_put_back_to_what_it_was(site: Site, before: str | None):
    kept = {"timeout": "3s", "external_api": "primary"}
    site.cluster.configure("api-config", **kept, **({"circuit_breaker": before} if before else {}))
    run = await site.run("external_api_timeout")
    assert run.outcome == "succeeded", outcomes(run)
    assert settings(site) == {**kept, "circuit_breaker": "true", "external_api": "backup"}
    back = await site.take_back(run)
    assert back.outcome == "undone"
    assert settings(site) == {**kept, **({"circuit_breaker": before} if before else {})}


async def test_nothing_is_switched_to_a_backup_that_does_not_answer_and_the_breaker_stays(
    site: Site,
):
    site.cluster.configure("api-config", circuit_breaker="false", external_api="primary")
    site.application.backup = 503
    run = await site.run("external_api_timeout")
    assert (run.outcome, outcomes(run)["Switch to backup service"]) == ("failed", "failed")
    assert settings(site) == {"circuit_breaker": "true", "external_api": "primary"}
    assert "503" in await site.output(run)
    assert "run_failed" in await site.called()
    back = await site.take_back(run)
    assert back.outcome == "undone", "what was never switched needs no way back"
    assert settings(site) == {"circuit_breaker": "false", "external_api": "primary"}


async def test_an_outage_of_a_third_party_is_bridged_told_and_put_back(site: Site):
    before = {"circuit_breaker": "false", "external_api": "primary"}
    site.cluster.configure("api-config", **before)
    run = await site.run("third_party_outage")
    assert run.outcome == "succeeded", (outcomes(run), await site.output(run))
    assert settings(site) == {"circuit_breaker": "true", "external_api": "backup"}
    assert site.said_yes == ["technical_lead", "communications_lead"]
    assert (await site.take_back(run)).outcome == "undone"
    assert settings(site) == before


# ── rollback ─────────────────────────────────────────────────────────────────────────────


async def test_a_rollback_shows_both_images_goes_back_settles_and_checks(site: Site):
    site.cluster.deploy("korea-backend", image="backend:2", cause="the second")
    run = await site.run("emergency_rollback")
    assert run.outcome == "succeeded", outcomes(run)
    assert site.cluster.image("korea-backend") == "backend:1"
    done = {step_of(run.asked.steps[n]).name.en: at for n, at in run.done_at.items()}
    settled = done["Let it settle"] - done["Show the version after the rollback"]
    assert settled >= timedelta(seconds=30)
    assert done["Check its health"] >= done["Let it settle"]
    shown = await site.output(run)
    assert "backend:2" in shown
    assert "backend:1" in shown
    back = await site.take_back(run)
    assert back.outcome == "undone"
    assert site.cluster.image("korea-backend") == "backend:2"


async def test_logs_are_kept_beside_a_pod_whose_image_can_not_be_pulled(site: Site):
    site.cluster.log("korea-backend", "what it said last")
    site.cluster.failed_rollout("korea-backend", "backend:2")
    run = await site.run("emergency_rollback")
    assert outcomes(run)["Keep the logs before the rollback"] == "done"
    assert "what it said last" in await site.output(run)


async def test_a_rollback_goes_to_the_revision_that_was_picked(site: Site):
    for number in (2, 3):
        site.cluster.deploy("korea-backend", image=f"backend:{number}")
    run = await site.run("emergency_rollback", revision=1)
    assert run.outcome == "succeeded"
    assert site.cluster.image("korea-backend") == "backend:1"


async def test_a_missing_revision_changes_nothing_and_calls_a_person(site: Site):
    site.cluster.deploy("korea-backend", image="backend:2")
    run = await site.run("emergency_rollback", revision=7)
    assert run.outcome == "failed"
    assert site.cluster.image("korea-backend") == "backend:2", "a failed undo is not 'undone'"
    assert patches(site.cluster) == []
    assert "run_failed" in await site.called()


async def test_a_rollback_to_the_same_template_is_no_success(site: Site):
    site.cluster.deploy("korea-backend", image="backend:2")
    run = await site.run("emergency_rollback", revision=2)
    assert (run.outcome, outcomes(run)["Roll back"]) == ("failed", "failed")


async def test_a_rollback_whose_health_check_fails_is_a_failure_and_stays(site: Site):
    site.cluster.deploy("korea-backend", image="backend:2")
    site.application.health = 503
    run = await site.run("emergency_rollback")
    assert (run.outcome, outcomes(run)["Check its health"]) == ("failed", "failed")
    assert site.cluster.image("korea-backend") == "backend:1"
    assert undone(run) == []
    assert "run_failed" in await site.called()


async def test_a_rollback_that_gets_stuck_fails(site: Site):
    site.cluster.deploy("korea-backend", image="backend:2")
    site.cluster.rollouts.ill_images["backend:1"] = troubles.image_pull_error
    run = await site.run("emergency_rollback")
    assert (run.outcome, outcomes(run)["Watch the rollout"]) == ("failed", "failed")


# ── server down ──────────────────────────────────────────────────────────────────────────


def node(site: Site) -> tuple[dict[str, str], list[dict[str, str]]]:
    thing = site.cluster.storage.get("nodes", "", "node-1")
    assert thing is not None
    return thing["metadata"]["labels"], thing["spec"].get("taints") or []


OUT = "node.kubernetes.io/exclude-from-external-load-balancers"


async def test_a_broken_server_is_taken_out_mended_verified_and_put_back(site: Site):
    name = await site.begin("server_down", node="node-1")
    for _ in range(6):
        await site.house.do_pending()
        run = await site.house.run(site.incident, name)
        if run.begun is not None:
            break
        await site._go_on(run)
    labels, taints = node(site)
    assert labels[OUT] == "true"
    assert [one["key"] for one in taints] == ["incident"], "its pods go elsewhere"
    run = await site.finish(name)
    assert run.outcome == "succeeded", outcomes(run)
    labels, taints = node(site)
    assert OUT not in labels
    assert taints == []


async def test_a_server_that_is_not_well_again_stays_out(site: Site):
    site.cluster.node_says("node-1", "Ready", "Unknown", "NodeStatusUnknown")
    run = await site.run("server_down", node="node-1")
    assert (run.outcome, outcomes(run)["Check that the service is back"]) == ("failed", "failed")
    labels, _ = node(site)
    assert labels[OUT] == "true"
    assert "run_failed" in await site.called()


# ── memory leak ──────────────────────────────────────────────────────────────────────────


async def test_a_memory_leak_is_answered_by_a_rolling_restart(site: Site):
    site.cluster.log("korea-backend", "ERROR the last words of a pod")
    before = {pod["metadata"]["name"] for pod in site.cluster.pods("korea-backend")}
    run = await site.run("memory_leak")
    assert run.outcome == "succeeded", outcomes(run)
    assert "the last words of a pod" in await site.output(run), "its logs go with it"
    after = {pod["metadata"]["name"] for pod in site.cluster.pods("korea-backend")}
    assert len(after) == 3
    assert not before & after
