"""The readers are pure and meet what no stand-in shows: half-made, odd and old objects."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.actions.cluster import events, pods, workloads
from bongsu.actions.cluster.objects import Event, Pod, Workload
from bongsu.actions.cluster.reading import objects_of
from bongsu.actions.cluster.top import usages

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def stamp(ago: timedelta) -> str:
    return (NOW - ago).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(status, age=timedelta(hours=1), **meta) -> Pod:
    whole = {"metadata": {"name": "p", "creationTimestamp": stamp(age), **meta}, "status": status}
    return msgspec.convert(whole, Pod)


def codes(*of: Pod) -> list[str]:
    return [one.code for one in pods.findings([*of], NOW)]


STATES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"running": st.just({"startedAt": stamp(timedelta(hours=1))})}),
    st.fixed_dictionaries(
        {"waiting": st.fixed_dictionaries({"reason": st.text(max_size=12), "message": st.text()})}
    ),
    st.fixed_dictionaries({"terminated": st.fixed_dictionaries({"exitCode": st.integers(0, 255)})}),
)
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(max_size=5), "ready": st.booleans(), "state": STATES, "lastState": STATES}
    ),
    max_size=3,
)


@given(
    phase=st.sampled_from(["Pending", "Running", "Unknown", "Failed", ""]),
    containers=CONTAINERS,
    inits=CONTAINERS,
)
def test_a_pod_that_is_not_ready_never_passes_for_healthy(phase, containers, inits):
    status = {
        "phase": phase,
        "containerStatuses": containers,
        "initContainerStatuses": inits,
        "conditions": [{"type": "Ready", "status": "False"}],
    }
    assert codes(pod(status))


def test_a_pod_of_a_lost_node_is_not_ready_though_its_containers_were():
    lost = {"type": "Ready", "status": "False", "reason": "NodeNotReady"}
    container = {"name": "app", "ready": True, "state": {"running": {}}}
    status = {"phase": "Running", "conditions": [lost], "containerStatuses": [container]}
    assert codes(pod(status)) == ["pod_not_ready"]


def test_pods_of_finished_jobs_are_no_trouble():
    assert codes(pod({"phase": "Succeeded"})) == []


def test_a_container_that_restarted_lately_is_worth_a_word_and_later_is_not():
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": stamp(timedelta(minutes=3))}
    container = {
        "name": "app",
        "ready": True,
        "restartCount": 1,
        "state": {"running": {}},
        "lastState": {"terminated": ended},
    }
    ready = [{"type": "Ready", "status": "True"}]
    status = {"phase": "Running", "conditions": ready, "containerStatuses": [container]}
    assert codes(pod(status)) == ["pod_restarted"]
    ended["finishedAt"] = stamp(timedelta(hours=2))
    assert codes(pod(status)) == []


def test_the_same_workload_in_two_namespaces_is_two_findings():
    owner = [{"kind": "StatefulSet", "name": "redis", "uid": "1"}]
    broken = {"phase": "Failed"}
    two = [pod(broken, namespace=name, ownerReferences=owner) for name in ("a", "b")]
    assert codes(*two) == ["pod_failed", "pod_failed"]


def test_a_daemon_set_is_counted_by_its_nodes():
    status = {"desiredNumberScheduled": 5, "numberAvailable": 3}
    whole = {"kind": "DaemonSet", "metadata": {"name": "agent"}, "status": status}
    found = workloads.findings([msgspec.convert(whole, Workload)], NOW)
    assert [(one.code, one.subject) for one in found] == [
        ("replicas_unavailable", "daemonset/agent")
    ]
    assert found[0].says.values["available"] == "3"


def test_a_deployment_that_may_not_make_pods_says_why():
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}
    whole = {"metadata": {"name": "api"}, "status": {"conditions": [failure]}}
    found = workloads.findings([msgspec.convert(whole, Workload)], NOW)
    assert "exceeded quota" in found[0].says.says("en")


@pytest.mark.parametrize(
    "times",
    [
        {"lastTimestamp": stamp(timedelta(minutes=1))},
        {"lastTimestamp": None, "eventTime": "2026-03-01T02:59:00.123456Z", "count": None},
        {"series": {"count": 9, "lastObservedTime": "2026-03-01T02:59:00.123456Z"}},
    ],
    ids=["old", "new", "series"],
)
def test_the_time_of_an_event_is_found_wherever_it_stands(times):
    about = {"kind": "Pod", "name": "api-7d4f9c6b5-x2x2x", "namespace": "a"}
    whole = {"metadata": {}, "type": "Warning", "reason": "Unhealthy", "involvedObject": about}
    found = events.findings([msgspec.convert({**whole, **times}, Event)], NOW)
    assert [(one.code, one.subject) for one in found] == [("event_unhealthy", "pod/api")]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["kind", "items", "metadata", "status"]), inner, max_size=4)
), max_leaves=12))  # fmt: skip
def test_an_answer_of_any_form_is_read_or_refused(answer):
    with suppress(msgspec.DecodeError):
        objects_of(json.dumps(answer).encode())


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("NAME CPU(cores) MEMORY(bytes)\na 1500m 2Gi\n", [("a", 1500, 2048)]),
        ("POD NAME CPU(cores) MEMORY(bytes)\np app 2 512Ki\n", [("p", 2000, 0.5)]),
        ("NAMESPACE NAME CPU(cores) MEMORY(bytes)\nns a 1m 1Mi\n", [("a", 1, 1)]),
        (
            "NAME CPU(cores) CPU(%) MEMORY(bytes) MEMORY(%)\nn <unknown> <unknown> <unknown> x\n",
            [],
        ),
        ("No resources found\n", []),
        ("", []),
    ],
)
def test_tables_of_usage_are_read_in_each_form(table, expected):
    assert [(one.name, one.millicores, one.mebibytes) for one in usages(table)] == expected
