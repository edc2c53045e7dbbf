"""Objects as the API server would hold them, in good health; `troubles` makes them ill."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime
from typing import Any

from tests.kube.storage import Object

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
TEMPLATE_HASH = "pod-template-hash"


def stamp(at: datetime) -> str:
    """A time as Kubernetes writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(name: str, at: datetime, namespace: str = "", **more: Any) -> Object:
    """Metadata of a new object; without a namespace for those of the cluster."""
    where = {"namespace": namespace} if namespace else {}
    uid = str(uuid.uuid4())
    return {"name": name, **where, "uid": uid, "creationTimestamp": stamp(at), "labels": {}, **more}


def owned_by(kind: str, owner: Object) -> list[Object]:
    version = "v1" if kind == "Node" else "apps/v1"
    meta = owner["metadata"]
    return [
        {
            "apiVersion": version,
            "kind": kind,
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def deployment(name: str, namespace: str, image: str, replicas: int, at: datetime) -> Object:
    """A deployment that no controller has seen yet."""
    labels = {"app": name}
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent", "resources": {}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(
            name, at, namespace, labels=dict(labels), generation=1, annotations={}
        ),
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": dict(labels)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": {
                "metadata": {"labels": dict(labels)},
                "spec": {"containers": [container]},
            },
        },
        "status": {},
    }


def workload(kind: str, name: str, namespace: str, image: str, at: datetime) -> Object:
    """A stateful set or a daemon set that no controller has seen yet."""
    thing = deployment(name, namespace, image, 1, at)
    spec = {key: thing["spec"][key] for key in ("selector", "template")}
    rolling = {"partition": 0} if kind == "StatefulSet" else {"maxUnavailable": 1, "maxSurge": 0}
    spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    if kind == "StatefulSet":
        spec |= {"replicas": 1, "serviceName": name, "podManagementPolicy": "OrderedReady"}
    return {**thing, "kind": kind, "spec": {**spec, "revisionHistoryLimit": 10}}


def template_hash(template: Object) -> str:
    return drawn(hashlib.sha1(json.dumps(template, sort_keys=True).encode()).digest(), 10)


def drawn(lots: bytes, length: int) -> str:
    """Write bytes in the letters that Kubernetes appends to names."""
    letters = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(letters[lot % len(letters)] for lot in lots[:length])


def replica_set(owner: Object, revision: int, at: datetime) -> Object:
    """The replica set of a deployment's present template."""
    digest = template_hash(owner["spec"]["template"])
    name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
    template = json.loads(json.dumps(owner["spec"]["template"]))
    template["metadata"].setdefault("labels", {})[TEMPLATE_HASH] = digest
    labels = dict(template["metadata"]["labels"])
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata(
            f"{name}-{digest}",
            at,
            namespace,
            labels=labels,
            annotations={REVISION: str(revision)},
            ownerReferences=owned_by("Deployment", owner),
        ),
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        "status": {"replicas": 0},
    }


def pod(owner: Object, suffix: str, node: str, at: datetime, *, kind: str = "ReplicaSet") -> Object:
    """A running pod of a replica set, or of another ``kind`` of owner."""
    template, meta = owner["spec"]["template"], owner["metadata"]
    containers = [dict(one) for one in template["spec"]["containers"]]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(
            f"{meta['name']}-{suffix}",
            at,
            meta["namespace"],
            labels=dict(template["metadata"]["labels"]),
            ownerReferences=owned_by(kind, owner),
        ),
        "spec": {"nodeName": node, "restartPolicy": "Always", "containers": containers},
        "status": {
            "phase": "Running",
            "startTime": stamp(at),
            "podIP": "10.0.0.7",
            "hostIP": "10.1.0.1",
            "conditions": _pod_conditions("True", at),
            "containerStatuses": [_container_status(one, at) for one in containers],
        },
    }


def _pod_conditions(ready: str, at: datetime) -> list[Object]:
    said = {"Initialized": "True", "Ready": ready, "ContainersReady": ready, "PodScheduled": "True"}
    return [
        {"type": kind, "status": status, "lastTransitionTime": stamp(at)}
        for kind, status in said.items()
    ]


def _container_status(container: Object, at: datetime) -> Object:
    return {
        "name": container["name"],
        "ready": True,
        "started": True,
        "restartCount": 0,
        "image": container["image"],
        "imageID": "",
        "state": {"running": {"startedAt": stamp(at)}},
        "lastState": {},
    }


_NODE_CONDITIONS = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID"),
    "Ready": ("True", "KubeletReady"),
}


def node(name: str, at: datetime) -> Object:
    conditions = [
        {"type": kind, "status": status, "reason": reason, "lastTransitionTime": stamp(at)}
        for kind, (status, reason) in _NODE_CONDITIONS.items()
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata(name, at, labels={"kubernetes.io/hostname": name}),
        "spec": {},
        "status": {
            "conditions": conditions,
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "nodeInfo": {"kubeletVersion": "v1.32.0"},
        },
    }


def config_map(name: str, namespace: str, data: dict[str, str], at: datetime) -> Object:
    meta = metadata(name, at, namespace)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def secret(name: str, namespace: str, data: dict[str, str], at: datetime) -> Object:
    """``data`` is base64 already."""
    meta = metadata(name, at, namespace)
    kind = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
    return {**kind, "metadata": meta, "data": data}


def event(
    about: Object,
    reason: str,
    message: str,
    at: datetime,
    *,
    kind: str = "Warning",
    count: int = 1,
) -> Object:
    """An event about an object."""
    meta = about["metadata"]
    namespace = meta.get("namespace", "default")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": metadata(f"{meta['name']}.{uuid.uuid4().hex[:16]}", at, namespace),
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": meta["name"],
            "namespace": namespace,
            "uid": meta["uid"],
        },
        "reason": reason,
        "message": message,
        "type": kind,
        "count": count,
        "source": {"component": "kubelet"},
        "firstTimestamp": stamp(at),
        "lastTimestamp": stamp(at),
    }
