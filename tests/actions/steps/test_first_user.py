"""The first user's playbooks, planned as they stand and done by real kubectl, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.actions.steps.conftest import Bench, says
from tests.kube.cluster import Cluster
from tests.kube.remote_exec import Executed
from tests.manual.conftest import SEED

from bongsu.actions.steps import perform
from bongsu.actions.steps.kubectl.verbs import only_reads
from bongsu.incident.runs.planning import plan, step_of
from bongsu.manual.load import load
from bongsu.manual.schema.playbooks import KubectlStep, Playbook

MANUAL = load(SEED)
SAMPLES: Mapping[str, object] = {
    "node": "node-1", "workload": "korea-frontend", "deployment": "korea-backend",
    "malicious_address": "203.0.113.7", "revision": 1,
    "volume": "mongodb",
}  # fmt: skip


def given(playbook: Playbook) -> dict[str, object]:
    """Values for what has none, and for what the cluster below must know."""
    return {name: SAMPLES[name] for name in playbook.parameters if name in SAMPLES}


def steps(name: str) -> list[KubectlStep]:
    planned = plan(MANUAL, name, given(MANUAL.playbooks[name])).steps
    every = [step_of(one) for one in planned]
    # What waits for minutes and looks at the Internet is not kubectl's matter.
    return [
        one.model_copy(update={"before": [], "after": []})
        for one in every
        if isinstance(one, KubectlStep)
    ]


WITH_KUBECTL = [
    name
    for name, playbook in MANUAL.playbooks.items()
    if any(isinstance(one, KubectlStep) for one in playbook.steps)
    and all(one.default is not None or key in SAMPLES for key, one in playbook.parameters.items())
]


@pytest.fixture
def house(cluster: Cluster, kube: Bench) -> Bench:
    """What the first user runs."""
    cluster.deploy("korea-frontend", image="frontend:1")
    meta = {"name": "mongodb", "namespace": "korea-prod", "uid": "v",
            "creationTimestamp": "2025-08-14T05:30:00Z"}  # fmt: skip
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": {}}
    cluster.storage.put("persistentvolumeclaims", claim)
    cluster.answer_exec(lambda _pod, _argv: Executed(out="done\n"))
    cluster.forget()
    return replace(kube, manual=MANUAL)


def test_the_recoveries_of_the_first_manual_are_among_them():
    assert {
        "high_cpu_usage", "database_connection_issues", "external_api_timeout",
        "emergency_rollback", "server_down",
    } <= {*WITH_KUBECTL}  # fmt: skip


@pytest.mark.parametrize("name", WITH_KUBECTL)
async def test_a_dry_run_of_it_asks_and_changes_nothing(name: str, house: Bench, cluster: Cluster):
    for one in steps(name):
        came = await perform(one, dry=True, context=house.context)
        # What takes away what a former step would have brought finds nothing yet, and says so.
        fits = came.outcome == "done" or "has no such thing" in says(came)
        assert fits or not one.required, (one.args, says(came))
    assert cluster.mutations == []


@pytest.mark.parametrize("name", WITH_KUBECTL)
async def test_it_is_done_and_taken_back(name: str, house: Bench, cluster: Cluster):
    did = []
    for one in steps(name):
        came = await perform(one, context=house.context)
        assert came.outcome == "done" or not one.required, (one.args, says(came))
        did.append(one)
    changing = [one for one in did if not only_reads(one.args) and one.args[0] != "exec"]
    assert len(cluster.mutations) >= len(changing)
    for one in reversed([one for one in did if one.undo is not None]):
        came = await perform(one, undo=True, context=house.context)
        assert came.outcome == "done", (one.undo, says(came))
