"""What ``kubectl get`` prints: the server makes the table, kubectl lays it out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.kube.storage import Object

Cells = Callable[[Object, datetime], list[Any]]
Column = tuple[str, str]


def table(resource: str, things: list[Object], number: int, now: datetime) -> Object:
    """Return the ``meta.k8s.io/v1`` Table of these objects."""
    columns, cells = _TABLES.get(resource, (_PLAIN, _plain))
    definitions = [
        {"name": name, "type": kind, "format": "", "description": "", "priority": 0}
        for name, kind in columns
    ]
    definitions[0]["format"] = "name"
    rows = [
        {
            "cells": cells(thing, now),
            "object": {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": thing["metadata"],
            },
        }
        for thing in things
    ]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1"}
    meta = {"resourceVersion": str(number)}
    return {**head, "metadata": meta, "columnDefinitions": definitions, "rows": rows}


def _age(thing: Object, now: datetime) -> str:
    made = datetime.fromisoformat(thing["metadata"]["creationTimestamp"])
    seconds = max(0, int((now - made).total_seconds()))
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"


def _plain(thing: Object, now: datetime) -> list[Any]:
    return [thing["metadata"]["name"], _age(thing, now)]


def _pod(thing: Object, now: datetime) -> list[Any]:
    statuses = thing["status"].get("containerStatuses", [])
    ready = sum(status["ready"] for status in statuses)
    restarts = sum(status["restartCount"] for status in statuses)
    of = len(thing["spec"]["containers"])
    name = thing["metadata"]["name"]
    return [name, f"{ready}/{of}", pod_status(thing), str(restarts), _age(thing, now)]


def pod_status(thing: Object) -> str:
    """The word in the STATUS column."""
    if "deletionTimestamp" in thing["metadata"]:
        return "Terminating"
    for status in thing["status"].get("containerStatuses", []):
        for state in ("waiting", "terminated"):
            if reason := status["state"].get(state, {}).get("reason"):
                return str(reason)
    return str(thing["status"].get("reason") or thing["status"]["phase"])


def _deployment(thing: Object, now: datetime) -> list[Any]:
    status, wanted = thing["status"], thing["spec"]["replicas"]
    return [
        thing["metadata"]["name"],
        f"{status.get('readyReplicas', 0)}/{wanted}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _age(thing, now),
    ]


def _replica_set(thing: Object, now: datetime) -> list[Any]:
    status = thing["status"]
    counts = [thing["spec"]["replicas"], status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [thing["metadata"]["name"], *counts, _age(thing, now)]


def _node(thing: Object, now: datetime) -> list[Any]:
    said = {one["type"]: one["status"] for one in thing["status"]["conditions"]}
    status = "Ready" if said.get("Ready") == "True" else "NotReady"
    if thing["spec"].get("unschedulable"):
        status += ",SchedulingDisabled"
    version = thing["status"]["nodeInfo"]["kubeletVersion"]
    return [thing["metadata"]["name"], status, "<none>", _age(thing, now), version]


def _event(thing: Object, now: datetime) -> list[Any]:
    about = thing["involvedObject"]
    name = f"{about['kind'].lower()}/{about['name']}"
    return [_age(thing, now), thing["type"], thing["reason"], name, thing["message"]]


def _data(thing: Object, now: datetime) -> list[Any]:
    return [thing["metadata"]["name"], len(thing.get("data", {})), _age(thing, now)]


_NAME, _AGE = ("Name", "string"), ("Age", "string")
_PLAIN: list[Column] = [_NAME, _AGE]
_TABLES: dict[str, tuple[list[Column], Cells]] = {
    "pods": (
        [_NAME, ("Ready", "string"), ("Status", "string"), ("Restarts", "string"), _AGE],
        _pod,
    ),
    "deployments": (
        [_NAME, ("Ready", "string"), ("Up-to-date", "integer"), ("Available", "integer"), _AGE],
        _deployment,
    ),
    "replicasets": (
        [_NAME, ("Desired", "integer"), ("Current", "integer"), ("Ready", "integer"), _AGE],
        _replica_set,
    ),
    "nodes": (
        [_NAME, ("Status", "string"), ("Roles", "string"), _AGE, ("Version", "string")],
        _node,
    ),
    "events": (
        [
            ("Last Seen", "string"),
            ("Type", "string"),
            ("Reason", "string"),
            ("Object", "string"),
            ("Message", "string"),
        ],
        _event,
    ),
    "configmaps": ([_NAME, ("Data", "integer"), _AGE], _data),
    "secrets": ([_NAME, ("Data", "integer"), _AGE], _data),
}
