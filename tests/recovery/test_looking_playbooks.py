"""Playbooks of types that the seed has no procedure for: they look, ask a person, look again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.actions.probes.certificates import Authority
from tests.actions.probes.conftest import listening, never_answers
from tests.recovery.conftest import NAMESPACE, Site, outcomes

from bongsu.engine.hands import SystemHands
from bongsu.engine.policy import compile_policy
from bongsu.manual.schema.playbooks import HumanStep


@pytest.fixture
async def outside(site: Site, tmp_path: Path) -> AsyncIterator[Site]:
    """The first user's place with a name that resolves and a certificate that is good."""
    (tmp_path / "ca").mkdir()
    authority = Authority(tmp_path / "ca")
    engine = site.house.desk.engine
    async with listening(never_answers, authority.server("localhost", 365)) as port:
        manual = engine.policy.manual
        known = manual.diagnosis.checks
        moved = {
            name: known[name].model_copy(
                update={"probe": known[name].probe.model_copy(update={"host": "localhost", **more})}
            )
            for name, more in (("dns", {}), ("tls", {"port": port}))
        }
        diagnosis = manual.diagnosis.model_copy(update={"checks": {**known, **moved}})
        engine.policy = compile_policy(manual.model_copy(update={"diagnosis": diagnosis}))
        env = {**site.env, **authority.env}
        site.house.stepper._hands = SystemHands(site.house.desk.clock, env)
        yield replace(site)


@pytest.mark.parametrize(
    "playbook", ["cdn_failure", "dns_issue", "network_issue", "payment_gateway", "storage_full"]
)
async def test_it_looks_asks_a_person_and_ends_well(outside: Site, playbook: str):
    outside.application.cpu = 0.001
    run = await outside.run(playbook)
    assert run.outcome == "succeeded", (outcomes(run), await outside.output(run))
    steps = outside.house.desk.engine.policy.manual.playbooks[playbook].steps
    asked = [one.name.en for one in steps if isinstance(one, HumanStep)]
    assert asked, "what to change is a person's decision"
    assert {outcomes(run)[name] for name in asked} == {"done"}
    assert outside.cluster.mutations == []


async def test_it_does_not_end_well_while_the_service_is_ill(outside: Site):
    outside.application.health = 500
    run = await outside.run("storage_full")
    assert (run.outcome, outcomes(run)["Check that it is well again"]) == ("failed", "failed")


async def test_a_full_volume_is_enlarged_with_a_yes_and_is_never_made_smaller(outside: Site):
    volume = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "mongodb", "namespace": NAMESPACE, "uid": "v",
                     "creationTimestamp": "2025-08-14T05:30:00Z"},
        "spec": {"resources": {"requests": {"storage": "20Gi"}}},
    }  # fmt: skip
    outside.cluster.storage.put("persistentvolumeclaims", volume)
    run = await outside.run("storage_full", volume="mongodb", size="50Gi")
    assert run.outcome == "succeeded", (outcomes(run), await outside.output(run))
    assert outside.said_yes == ["technical_lead"]
    found = outside.cluster.storage.get("persistentvolumeclaims", NAMESPACE, "mongodb")
    assert found is not None
    assert found["spec"]["resources"]["requests"] == {"storage": "50Gi"}
    assert [one.what for one in outside.cluster.mutations] == [
        "patch persistentvolumeclaims/mongodb"
    ]  # fmt: skip
