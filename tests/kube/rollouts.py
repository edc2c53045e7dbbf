"""The controllers: deployments make replica sets, replica sets make pods, one step at a time.

`Rollouts.step` does what a real cluster would do next for one deployment: add one pod of the new
template, or take one old pod away once a new one is ready. With ``pace_s = 0`` (the default) all
steps are done before the request that caused them is answered; else the server takes one each
``pace_s`` seconds; with ``pace_s = None`` only `Cluster.step` does.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable
from datetime import datetime

from tests.kube import objects
from tests.kube.objects import CHANGE_CAUSE, REVISION, TEMPLATE_HASH, template_hash
from tests.kube.sets import Sets
from tests.kube.storage import Object, Storage
from tests.kube.troubles import Trouble, is_ready

PATIENCE = 3
"""steps without progress after which a rollout has exceeded its deadline"""


class Rollouts:
    """All controllers of the cluster."""

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._stuck: dict[str, int] = {}
        self.pace_s: float | None = 0.0
        self.stopped = False
        """while True nothing is even looked at: generations stay unobserved"""
        self.ill_images: dict[str, Trouble] = {}
        """pods of these images are in trouble from their start"""
        self._sets = Sets(storage, now, self._start)

    def settle(self) -> None:
        """Do all steps that are due, if they are done at once."""
        if self.pace_s == 0:
            for _ in range(1000):
                if not self.step_all():
                    return

    def step_all(self) -> bool:
        """One step of every workload; False when nothing was left to do."""
        if self.stopped:
            return False
        moved = [one for one in self._storage.all("deployments") if self.step(one)]
        return self._sets.step_all() or bool(moved)

    def step(self, deployment: Object) -> bool:
        """One step of this deployment; whether there was anything to do."""
        with self._storage.lock:
            before = copy.deepcopy(deployment["status"])
            current = self._current(deployment)
            sets = self._storage.owned("replicasets", deployment)
            moved = current is not None and self._move(deployment, current, sets)
            key = deployment["metadata"]["uid"]
            self._stuck[key] = 0 if moved else self._stuck.get(key, 0) + 1
            self._say(deployment, current, sets)
            if deployment["status"] != before or moved:
                self._storage.put("deployments", deployment)
            return moved or deployment["status"] != before or self._impatient(key)

    def restart_clock(self, deployment: Object) -> None:
        """Begin to wait for progress anew, as after each change of the deployment."""
        self._stuck[deployment["metadata"]["uid"]] = 0

    def _impatient(self, key: str) -> bool:
        return 0 < self._stuck[key] < PATIENCE

    def _current(self, deployment: Object) -> Object | None:
        """The replica set of the present template, made unless the deployment is paused."""
        digest = template_hash(deployment["spec"]["template"])
        sets = self._storage.owned("replicasets", deployment)
        found = [one for one in sets if one["metadata"]["labels"].get(TEMPLATE_HASH) == digest]
        paused = deployment["spec"].get("paused", False)
        if not found and paused:
            return max(sets, key=_revision, default=None)
        latest = max(map(_revision, sets), default=0)
        current = found[0] if found else objects.replica_set(deployment, latest + 1, self._now())
        if found and _revision(current) < latest and not paused:
            current["metadata"]["annotations"][REVISION] = str(latest + 1)
        self._annotate(deployment, current)
        return current

    def _annotate(self, deployment: Object, current: Object) -> None:
        notes = deployment["metadata"].setdefault("annotations", {})
        mine = current["metadata"]["annotations"]
        was = dict(mine)
        if CHANGE_CAUSE in notes:
            mine[CHANGE_CAUSE] = notes[CHANGE_CAUSE]
        known = self._storage.get("replicasets", _namespace(current), current["metadata"]["name"])
        if known is None or was != mine or notes.get(REVISION) != mine[REVISION]:
            notes[REVISION] = mine[REVISION]
            self._storage.put("replicasets", current)

    def _move(self, deployment: Object, current: Object, sets: list[Object]) -> bool:
        """Add or take away one pod; whether there was one to add or to take."""
        wanted = deployment["spec"]["replicas"]
        new = self._pods(current)
        old = [pod for one in sets if one is not current for pod in self._pods(one)]
        if len(new) < wanted and len(new) + len(old) < wanted + 1:
            # Alone, a replica set is told its whole size at once; in a rollout, one more each time.
            size = min(wanted, len(new) + 1) if old else wanted
            self._resize(deployment, current, size)
            self._add(current)
        elif len(new) > wanted:
            self._resize(deployment, current, wanted)
            self._storage.remove("pods", _worst(new))
        elif old and (sum(map(is_ready, new + old)) > wanted or not is_ready(_worst(old))):
            gone = _worst(old)
            of = next(one for one in sets if gone in self._pods(one))
            self._resize(deployment, of, len(self._pods(of)) - 1)
            self._storage.remove("pods", gone)
        else:
            return False
        return True

    def _resize(self, deployment: Object, owner: Object, to: int) -> None:
        size = owner["spec"]["replicas"]
        if to == size:
            return
        owner["spec"]["replicas"] = to
        direction = "up" if to > size else "down"
        name = owner["metadata"]["name"]
        message = f"Scaled {direction} replica set {name} from {size} to {to}"
        scaled = objects.event(deployment, "ScalingReplicaSet", message, self._now(), kind="Normal")
        scaled["source"]["component"] = "deployment-controller"
        self._storage.put("events", scaled)

    def _add(self, owner: Object) -> None:
        nodes = [
            node for node in self._storage.all("nodes") if not node["spec"].get("unschedulable")
        ]
        node = nodes[len(self._pods(owner)) % len(nodes)]["metadata"]["name"] if nodes else ""
        pod = objects.pod(owner, objects.drawn(secrets.token_bytes(5), 5), node, self._now())
        self._start(pod)

    def _start(self, pod: Object) -> None:
        """Keep a new pod; it falls ill at once where its image is one that does."""
        self._storage.put("pods", pod)
        image = pod["spec"]["containers"][0]["image"]
        if image in self.ill_images:
            for event in self.ill_images[image](pod, self._now()):
                self._storage.put("events", event)
            self._storage.put("pods", pod)

    def _say(self, deployment: Object, current: Object | None, sets: list[Object]) -> None:
        """Write the statuses of the deployment and of its replica sets."""
        known = sets if current is None or current in sets else [*sets, current]
        for one in known:
            self._say_of_set(one)
        wanted = deployment["spec"]["replicas"]
        new = self._pods(current) if current is not None else []
        ready = self._ready(known)
        total = sum(len(self._pods(one)) for one in known)
        counts = {
            "replicas": total,
            "updatedReplicas": len(new),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(0, max(total, wanted) - ready),
        }
        whole = ready >= wanted == total == len(new)
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            **{name: count for name, count in counts.items() if count},
            "conditions": self._conditions(deployment, current, ready=ready, whole=whole),
        }

    def _say_of_set(self, owner: Object) -> None:
        pods = self._pods(owner)
        ready = sum(map(is_ready, pods))
        status = {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
        if owner["status"] != status:
            owner["status"] = status
            self._storage.put("replicasets", owner)

    def _conditions(
        self, deployment: Object, current: Object | None, *, ready: int, whole: bool
    ) -> list[Object]:
        enough = ready >= deployment["spec"]["replicas"]
        available = _told("True", "MinimumReplicasAvailable", "") if enough else _SHORT
        progress = self._progress(deployment, current, whole=whole)
        said = {"Available": available, _PROGRESSING: progress}
        was = {one["type"]: one for one in deployment["status"].get("conditions", [])}
        return [
            _condition({"type": kind, **told}, was.get(kind), self._now())
            for kind, told in said.items()
        ]

    def _progress(self, deployment: Object, current: Object | None, *, whole: bool) -> Object:
        name = current["metadata"]["name"] if current is not None else ""
        if deployment["spec"].get("paused"):
            return _told("Unknown", "DeploymentPaused", "Deployment is paused")
        was = [
            one for one in deployment["status"].get("conditions", []) if one["type"] == _PROGRESSING
        ]
        # Once it was whole, a rollout is over: that its pods fall ill later is another matter.
        if whole or (was and was[0]["reason"] == _DONE and f'"{name}"' in was[0]["message"]):
            message = f'ReplicaSet "{name}" has successfully progressed.'
            return _told("True", _DONE, message)
        if self._stuck.get(deployment["metadata"]["uid"], 0) >= PATIENCE:
            message = f'ReplicaSet "{name}" has timed out progressing.'
            return _told("False", "ProgressDeadlineExceeded", message)
        return _told("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')

    def _pods(self, owner: Object) -> list[Object]:
        """The owner's pods that are neither leaving nor thrown out."""
        return [
            pod
            for pod in self._storage.owned("pods", owner)
            if "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] != "Failed"
        ]

    def _ready(self, sets: list[Object]) -> int:
        return sum(is_ready(pod) for one in sets for pod in self._pods(one))


_PROGRESSING = "Progressing"
_DONE = "NewReplicaSetAvailable"


def _told(status: str, reason: str, message: str) -> Object:
    return {"status": status, "reason": reason, "message": message}


def _condition(said: Object, was: Object | None, now: datetime) -> Object:
    if was is not None and all(was[key] == value for key, value in said.items()):
        return was
    at = objects.stamp(now)
    moved = at if was is None or was["status"] != said["status"] else was["lastTransitionTime"]
    return {**said, "lastUpdateTime": at, "lastTransitionTime": moved}


_SHORT = _told("False", "MinimumReplicasUnavailable", "Too few pods are ready.")


def _revision(owner: Object) -> int:
    return int(owner["metadata"]["annotations"][REVISION])


def _namespace(thing: Object) -> str:
    return str(thing["metadata"]["namespace"])


def _worst(pods: list[Object]) -> Object:
    """The pod to take away first: one that isn't ready, else the oldest by name."""
    return min(pods, key=lambda pod: (is_ready(pod), pod["metadata"]["name"]))
