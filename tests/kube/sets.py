"""The controllers of stateful sets and daemon sets, one step at a time, as `rollouts` does it.

Their revisions are ControllerRevisions. As in a real cluster, a stateful set of the usual pod
management goes from the last pod down to its partition and waits for each to be ready, also where
the pod that isn't ready is of the revision that is to be left; a daemon set replaces what is not
available first; and with ``OnDelete`` nothing is replaced before somebody deletes it.
"""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Callable
from datetime import datetime

from tests.kube import objects
from tests.kube.objects import CHANGE_CAUSE, template_hash
from tests.kube.storage import Object, Storage
from tests.kube.troubles import is_ready

HASH = "controller-revision-hash"
KINDS = {"statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}


class Sets:
    """Both controllers; ``start`` puts a new pod of a namespace to work."""

    def __init__(
        self, storage: Storage, now: Callable[[], datetime], start: Callable[[Object], None]
    ) -> None:
        self._storage = storage
        self._now = now
        self._start = start

    def step_all(self) -> bool:
        """One step of every set; False when nothing was left to do."""
        return bool([one for kind in KINDS for one in self._storage.all(kind) if self.step(one)])

    def step(self, owner: Object) -> bool:
        """One step of this set; whether there was anything to do."""
        with self._storage.lock:
            kind = f"{owner['kind'].lower()}s"
            before = copy.deepcopy(owner["status"])
            update = self._revision(owner)
            move, say = _CONTROLLERS[owner["kind"]]
            owner["status"].setdefault("currentRevision", update["metadata"]["name"])
            moved = move(self, owner, update)
            say(self, owner, update)
            if owner["status"] != before or moved:
                self._storage.put(kind, owner)
            return moved or owner["status"] != before

    # Revisions.

    def _revision(self, owner: Object) -> Object:
        """The revision of the present template; one that was gone back to gets a new number."""
        digest = template_hash(_plain(owner["spec"]["template"]))
        known = self._storage.owned("controllerrevisions", owner)
        latest = max((one["revision"] for one in known), default=0)
        name = f"{owner['metadata']['name']}-{digest}"
        found = [one for one in known if one["metadata"]["name"] == name]
        one = found[0] if found else _controller_revision(owner, name, digest, self._now())
        was = copy.deepcopy(one)
        if one["revision"] != latest or not found:
            one["revision"] = latest + 1
        cause = owner["metadata"]["annotations"].get(CHANGE_CAUSE)
        if cause is not None:
            one["metadata"]["annotations"][CHANGE_CAUSE] = cause
        if not found or one != was:
            self._storage.put("controllerrevisions", one)
        return one

    def _named(self, owner: Object, name: str) -> Object:
        where = owner["metadata"]["namespace"]
        found = self._storage.get("controllerrevisions", where, name)
        assert found is not None, name
        return found

    # A stateful set.

    def _move_stateful(self, owner: Object, update: Object) -> bool:
        """Make, take away or replace one pod; False where it waits or is done."""
        pods = {_ordinal(pod): pod for pod in self._pods(owner)}
        wanted, strategy = owner["spec"]["replicas"], owner["spec"]["updateStrategy"]
        partition = strategy.get("rollingUpdate", {}).get("partition", 0)
        for ordinal in range(wanted):
            if ordinal not in pods:
                left = strategy["type"] == "RollingUpdate" and ordinal < partition
                current = self._named(owner, owner["status"]["currentRevision"])
                self._make(owner, current if left else update, str(ordinal))
                return True
            if not is_ready(pods[ordinal]):
                return False
        if beyond := [ordinal for ordinal in pods if ordinal >= wanted]:
            self._storage.remove("pods", pods[max(beyond)])
            return True
        if strategy["type"] == "OnDelete":
            return False
        old = [n for n in range(partition, wanted) if not _is_of(pods[n], update)]
        if old:
            self._storage.remove("pods", pods[max(old)])
        return bool(old)

    def _say_stateful(self, owner: Object, update: Object) -> None:
        pods, name = self._pods(owner), update["metadata"]["name"]
        updated = [pod for pod in pods if _is_of(pod, update)]
        ready = [pod for pod in pods if is_ready(pod)]
        current = owner["status"]["currentRevision"]
        rolls = owner["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        if rolls and len(updated) == len(ready) == len(pods) == owner["spec"]["replicas"]:
            current = name
        counts = {
            "replicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready),
            "updatedReplicas": len(updated),
            "currentReplicas": len([pod for pod in pods if _revision_of(pod) == current]),
        }
        owner["status"] = {
            "observedGeneration": owner["metadata"]["generation"],
            "currentRevision": current,
            "updateRevision": name,
            "collisionCount": 0,
            **counts,
        }

    # A daemon set.

    def _move_daemon(self, owner: Object, update: Object) -> bool:
        """Make or take away one pod; at most one is missing at a time."""
        pods = {pod["spec"]["nodeName"]: pod for pod in self._pods(owner)}
        for node in self._storage.all("nodes"):
            if node["metadata"]["name"] not in pods:
                self._make(owner, update, "", node["metadata"]["name"])
                return True
        if owner["spec"]["updateStrategy"]["type"] == "OnDelete":
            return False
        old = [pod for pod in pods.values() if not _is_of(pod, update)]
        ill = [pod for pod in old if not is_ready(pod)]
        if not ill and not all(map(is_ready, pods.values())):
            return False
        for pod in (ill or old)[:1]:
            self._storage.remove("pods", pod)
        return bool(old)

    def _say_daemon(self, owner: Object, update: Object) -> None:
        pods = self._pods(owner)
        ready, wanted = sum(map(is_ready, pods)), len(self._storage.all("nodes"))
        owner["status"] = {
            "observedGeneration": owner["metadata"]["generation"],
            "currentNumberScheduled": len(pods),
            "desiredNumberScheduled": wanted,
            "numberMisscheduled": 0,
            "numberReady": ready,
            "numberAvailable": ready,
            "updatedNumberScheduled": len([pod for pod in pods if _is_of(pod, update)]),
            **({"numberUnavailable": wanted - ready} if wanted > ready else {}),
        }

    # Pods.

    def _pods(self, owner: Object) -> list[Object]:
        return self._storage.owned("pods", owner)

    def _make(self, owner: Object, revision: Object, ordinal: str, node: str = "") -> None:
        template = _plain(revision["data"]["spec"]["template"])
        like = {**owner, "spec": {"template": template}}
        suffix = ordinal or objects.drawn(secrets.token_bytes(5), 5)
        names = [one["metadata"]["name"] for one in self._storage.all("nodes")]
        where = node or names[int(ordinal or 0) % len(names)]
        pod = objects.pod(like, suffix, where, self._now(), kind=owner["kind"])
        pod["metadata"]["labels"][HASH] = _label(revision, owner)
        self._start(pod)


def _controller_revision(owner: Object, name: str, digest: str, at: datetime) -> Object:
    """A revision; kubectl compares its data byte by byte with the template as Go would write it."""
    meta, template = owner["metadata"], copy.deepcopy(owner["spec"]["template"])
    template["metadata"]["creationTimestamp"] = None
    template["$patch"] = "replace"
    data = json.loads(json.dumps({"spec": {"template": template}}, sort_keys=True))
    labels = {**owner["spec"]["selector"]["matchLabels"], HASH: digest}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": objects.metadata(
            name,
            at,
            meta["namespace"],
            labels=labels,
            annotations={},
            ownerReferences=objects.owned_by(owner["kind"], owner),
        ),
        "data": data,
        "revision": 0,
    }


def _plain(template: Object) -> Object:
    """A template without what only its revision says."""
    meta = {key: value for key, value in template["metadata"].items() if value is not None}
    rest = {key: value for key, value in template.items() if not key.startswith("$")}
    return {**rest, "metadata": meta}


def _label(revision: Object, owner: Object) -> str:
    """What a pod says of its revision: its name for a stateful set, its hash for a daemon set."""
    if owner["kind"] == "StatefulSet":
        return str(revision["metadata"]["name"])
    return str(revision["metadata"]["labels"][HASH])


def _revision_of(pod: Object) -> str:
    return str(pod["metadata"]["labels"].get(HASH, ""))


def _is_of(pod: Object, revision: Object) -> bool:
    names = (revision["metadata"]["name"], revision["metadata"]["labels"][HASH])
    return _revision_of(pod) in names


def _ordinal(pod: Object) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


_CONTROLLERS = {
    "StatefulSet": (Sets._move_stateful, Sets._say_stateful),
    "DaemonSet": (Sets._move_daemon, Sets._say_daemon),
}
