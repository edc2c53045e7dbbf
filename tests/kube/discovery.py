"""What the server says it serves: aggregated discovery for a kubectl from 1.27 on, plain for older.

A resource that `RESOURCES` names is served by `api`; nothing else must change for a new one.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.kube.storage import Object

METRICS = "metrics.k8s.io/v1beta1"
_ALL = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


@dataclass(frozen=True)
class Resource:
    name: str
    kind: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    below: tuple[str, ...] = ()
    """subresources"""


RESOURCES: dict[str, tuple[Resource, ...]] = {
    "v1": (
        Resource("pods", "Pod", ("po",), below=("log", "exec", "eviction", "status")),
        Resource("persistentvolumeclaims", "PersistentVolumeClaim", ("pvc",)),
        Resource("configmaps", "ConfigMap", ("cm",)),
        Resource("secrets", "Secret"),
        Resource("services", "Service", ("svc",)),
        Resource("events", "Event", ("ev",)),
        Resource("namespaces", "Namespace", ("ns",), namespaced=False),
        Resource("nodes", "Node", ("no",), namespaced=False, below=("status",)),
    ),
    "apps/v1": (
        Resource("deployments", "Deployment", ("deploy",), below=("scale", "status")),
        Resource("replicasets", "ReplicaSet", ("rs",), below=("scale", "status")),
        Resource("statefulsets", "StatefulSet", ("sts",), below=("scale", "status")),
        Resource("daemonsets", "DaemonSet", ("ds",), below=("status",)),
        Resource("controllerrevisions", "ControllerRevision"),
    ),
    "networking.k8s.io/v1": (Resource("networkpolicies", "NetworkPolicy", ("netpol",)),),
    "snapshot.storage.k8s.io/v1": (Resource("volumesnapshots", "VolumeSnapshot"),),
    METRICS: (
        Resource("pods", "PodMetrics"),
        Resource("nodes", "NodeMetrics", namespaced=False),
    ),
}


def resource(version: str, name: str) -> Resource | None:
    return next((one for one in RESOURCES.get(version, ()) if one.name == name), None)


def version_info(minor: str, built: str) -> Object:
    """Return ``/version``; a dispatching kubectl runs the minor version that it reads here."""
    return {
        "major": "1",
        "minor": minor,
        "gitVersion": f"v1.{minor}.0",
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": built,
        "goVersion": "go1.23",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def aggregated(versions: list[str], form: str) -> Object:
    """Return an APIGroupDiscoveryList of form ``v2`` or ``v2beta1``."""
    groups = [
        {
            "metadata": {"name": _group(version)} if _group(version) else {},
            "versions": [
                {
                    "version": version.rpartition("/")[2],
                    "freshness": "Current",
                    "resources": [_aggregated(version, one) for one in RESOURCES[version]],
                }
            ],
        }
        for version in versions
    ]
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{form}"}
    return {**head, "metadata": {}, "items": groups}


def core_versions() -> Object:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list(versions: list[str]) -> Object:
    groups = []
    for version in versions:
        said = {"groupVersion": version, "version": version.rpartition("/")[2]}
        groups.append({"name": _group(version), "versions": [said], "preferredVersion": said})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def resource_list(version: str) -> Object:
    """Return what one group and version serves, subresources included."""
    resources = []
    for one in RESOURCES[version]:
        resources.append(
            {
                "name": one.name,
                "singularName": _singular(version, one),
                "namespaced": one.namespaced,
                "kind": one.kind,
                "verbs": _verbs(version),
                "shortNames": [*one.short],
            }
        )
        resources += [_below(one, below) for below in one.below]
    head = {"kind": "APIResourceList", "apiVersion": "v1"}
    return {**head, "groupVersion": version, "resources": resources}


def _below(one: Resource, below: str) -> Object:
    scale = {"group": "autoscaling", "version": "v1", "kind": "Scale"} if below == "scale" else {}
    said = {"name": f"{one.name}/{below}", "singularName": "", "namespaced": one.namespaced}
    return {**said, "kind": one.kind, "verbs": _verbs_below(below), **scale}


def _aggregated(version: str, one: Resource) -> Object:
    return {
        "resource": one.name,
        "responseKind": _kind(version, one.kind),
        "scope": "Namespaced" if one.namespaced else "Cluster",
        "singularResource": _singular(version, one),
        "shortNames": [*one.short],
        "verbs": _verbs(version),
        "subresources": [
            {
                "subresource": below,
                "responseKind": _kind("autoscaling/v1", "Scale")
                if below == "scale"
                else _kind(version, one.kind),
                "verbs": _verbs_below(below),
            }
            for below in one.below
        ],
    }


def _kind(version: str, kind: str) -> Object:
    return {"group": _group(version), "version": version.rpartition("/")[2], "kind": kind}


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _singular(version: str, one: Resource) -> str:
    return "" if version == METRICS else one.kind.lower()


def _verbs(version: str) -> list[str]:
    return ["get", "list"] if version == METRICS else _ALL


def _verbs_below(below: str) -> list[str]:
    return {"exec": ["create", "get"], "log": ["get"], "eviction": ["create"]}.get(
        below, ["get", "patch", "update"]
    )
