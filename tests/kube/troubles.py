"""How pods and nodes look when they are ill: the states and events that a real cluster shows.

Each trouble is ``(pod, now) -> events``: it changes the pod and returns the events about it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.kube import objects
from tests.kube.storage import Object

Trouble = Callable[[Object, datetime], list[Object]]


def crash_loop(exit_code: int = 1, restarts: int = 7) -> Trouble:
    """The program exits again and again, and Kubernetes waits longer each time."""

    def trouble(pod: Object, now: datetime) -> list[Object]:
        last = _terminated("Error", exit_code, now - timedelta(seconds=20))
        _wait(pod, "CrashLoopBackOff", f"back-off 5m0s restarting failed container={_app(pod)}")
        _first(pod).update(lastState={"terminated": last}, restartCount=restarts)
        message = f"Back-off restarting failed container {_app(pod)} in pod {_name(pod)}"
        return [objects.event(pod, "BackOff", message, now, count=restarts * 4)]

    return trouble


def oom(restarts: int = 3, *, running: bool = True) -> Trouble:
    """The kernel ended it for its memory; ``running``: it was started again since."""

    def trouble(pod: Object, now: datetime) -> list[Object]:
        last = _terminated("OOMKilled", 137, now - timedelta(seconds=30))
        if not running:
            _wait(pod, "CrashLoopBackOff", "back-off 40s restarting failed container")
        _first(pod).update(lastState={"terminated": last}, restartCount=restarts)
        return []

    return trouble


def image_pull_error(pod: Object, now: datetime) -> list[Object]:
    """The image can't be had."""
    image = _first(pod)["image"]
    _wait(pod, "ImagePullBackOff", f'Back-off pulling image "{image}"')
    pod["status"]["phase"] = "Pending"
    message = f'Failed to pull image "{image}": not found'
    return [objects.event(pod, "Failed", message, now, count=5)]


def config_error(pod: Object, now: datetime) -> list[Object]:
    """It refers to a ConfigMap that isn't there."""
    _wait(pod, "CreateContainerConfigError", 'configmap "api-config" not found')
    pod["status"]["phase"] = "Pending"
    return [objects.event(pod, "Failed", 'Error: configmap "api-config" not found', now, count=9)]


def pending(pod: Object, now: datetime) -> list[Object]:
    """No node takes it."""
    message = "0/2 nodes are available: 2 Insufficient memory."
    pod["spec"].pop("nodeName", None)
    pod["status"] = {
        "phase": "Pending",
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": message,
                "lastTransitionTime": objects.stamp(now),
            }
        ],
    }
    return [objects.event(pod, "FailedScheduling", message, now, count=3)]


def evicted(pod: Object, now: datetime) -> list[Object]:
    """The node was short of something and threw it out."""
    message = "The node was low on resource: ephemeral-storage."
    pod["status"] = {"phase": "Failed", "reason": "Evicted", "message": message}
    return [objects.event(pod, "Evicted", message, now)]


def probe_failing(pod: Object, now: datetime) -> list[Object]:
    """It runs, but says that it isn't ready."""
    _not_ready(pod)
    message = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    return [objects.event(pod, "Unhealthy", message, now, count=12)]


def init_failing(pod: Object, now: datetime) -> list[Object]:
    """Its init container exits again and again, so the others never start."""
    pod["spec"]["initContainers"] = [{"name": "migrate", "image": _first(pod)["image"]}]
    pod["status"]["phase"] = "Pending"
    pod["status"]["initContainerStatuses"] = [
        {
            "name": "migrate",
            "ready": False,
            "restartCount": 4,
            "image": _first(pod)["image"],
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m20s"}},
            "lastState": {"terminated": _terminated("Error", 2, now)},
        }
    ]
    _wait(pod, "PodInitializing", "")
    return []


def terminating(since: timedelta) -> Trouble:
    """It was told to go that long ago and hasn't."""

    def trouble(pod: Object, now: datetime) -> list[Object]:
        pod["metadata"]["deletionTimestamp"] = objects.stamp(now - since + timedelta(seconds=30))
        pod["metadata"]["deletionGracePeriodSeconds"] = 30
        return []

    return trouble


def node_says(node: Object, kind: str, status: str, reason: str, now: datetime) -> None:
    """Set one of a node's conditions, as ``Ready`` ``False`` ``KubeletNotReady``."""
    for condition in node["status"]["conditions"]:
        if condition["type"] == kind:
            condition.update(status=status, reason=reason, lastTransitionTime=objects.stamp(now))


def is_ready(pod: Object) -> bool:
    """Whether traffic goes to it."""
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _app(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["name"])


def _first(pod: Object) -> Any:
    return pod["status"]["containerStatuses"][0]


def _wait(pod: Object, reason: str, message: str) -> None:
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    _first(pod).update(ready=False, started=False, state=state)
    _not_ready(pod)


def _not_ready(pod: Object) -> None:
    _first(pod)["ready"] = False
    for condition in pod["status"]["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition.update(
                status="False",
                reason="ContainersNotReady",
                message=f"containers with unready status: [{_app(pod)}]",
            )


def _terminated(reason: str, exit_code: int, at: datetime) -> Object:
    started = objects.stamp(at - timedelta(seconds=5))
    said = {"exitCode": exit_code, "reason": reason, "startedAt": started}
    return {**said, "finishedAt": objects.stamp(at), "containerID": "containerd://0"}
