"""Backups that are volume snapshots: is the newest good and young, and a restore laid ready.

A restore is prepared as a new volume beside the old one. Nothing of the old one is touched.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from bongsu.actions.recovery.cluster import Cluster, ClusterError, Json
from bongsu.i18n import N_

SNAPSHOTS = "volumesnapshots.snapshot.storage.k8s.io"
CASE = "bongsu/restore-of"


class Backup(NamedTuple):
    """A snapshot that could be restored."""

    name: str
    taken_at: datetime
    size: str
    """as Kubernetes writes it: ``20Gi``"""


async def newest(cluster: Cluster, selector: str) -> Backup:
    """Return the newest snapshot that is ready to be used.

    Raises:
        ClusterError: there is none.
    """
    found = await cluster.read("get", SNAPSHOTS, "-l", selector)
    ready = [_backup(one) for one in found.get("items", []) if _is_ready(one)]
    if not ready:
        count = len(found.get("items", []))
        text = N_("none of {count} snapshots of {selector} is ready to be restored")
        raise ClusterError(text, count=count, selector=selector)
    return max(ready, key=lambda one: one.taken_at)


async def check(cluster: Cluster, selector: str, within: timedelta, now: datetime) -> Backup:
    """Return the newest good backup, if it is young enough.

    Raises:
        ClusterError: there is none, or it is too old.
    """
    backup = await newest(cluster, selector)
    age = now - backup.taken_at
    if age > within:
        hours = age / timedelta(hours=1)
        limit = within / timedelta(hours=1)
        text = N_("the newest good backup, {name}, is {hours} hours old; {limit} is the most")
        raise ClusterError(text, name=backup.name, hours=f"{hours:.1f}", limit=f"{limit:g}")
    return backup


async def prepare(cluster: Cluster, selector: str, volume: str) -> Backup:
    """Make a new volume of the newest good backup; one that is there already is left alone.

    Raises:
        ClusterError: there is no backup, or the volume is another backup's.
    """
    backup = await newest(cluster, selector)
    claim = _claim(backup, volume)
    try:
        await cluster.ask("create", "--validate=false", "-f", "-", stdin=msgspec.json.encode(claim))
    except ClusterError:
        known = await cluster.read("get", f"persistentvolumeclaim/{volume}")
        notes = known["metadata"].get("annotations") or {}
        if notes.get(CASE) != backup.name:
            raise
    return backup


async def discard(cluster: Cluster, volume: str) -> bool:
    """Take a prepared volume away; only one that was prepared here. False where there is none.

    Raises:
        ClusterError: it is not ours, somebody lives on it by now, or it can't be taken away.
    """
    try:
        known = await cluster.read("get", f"persistentvolumeclaim/{volume}")
    except ClusterError as error:
        if "(NotFound)" in str(error):
            return False
        raise
    if CASE not in (known["metadata"].get("annotations") or {}):
        text = N_("{volume} was not prepared by Bongsu, and is left alone")
        raise ClusterError(text, volume=volume)
    if user := await _user(cluster, volume):
        text = N_("{volume} is used by {user}, and is left alone")
        raise ClusterError(text, volume=volume, user=user)
    await cluster.ask("delete", f"persistentvolumeclaim/{volume}", "--wait=false")
    return True


async def _user(cluster: Cluster, volume: str) -> str | None:
    """Return what mounts a volume: a pod, or a workload that would, once it has pods again."""
    found = await cluster.read("get", "pods,deployments,statefulsets")
    for thing in found.get("items", []):
        spec = thing["spec"] if thing["kind"] == "Pod" else thing["spec"]["template"]["spec"]
        claims = [one.get("persistentVolumeClaim") or {} for one in spec.get("volumes") or []]
        if any(claim.get("claimName") == volume for claim in claims):
            return f"{thing['kind'].lower()}/{thing['metadata']['name']}"
    return None


def _claim(backup: Backup, volume: str) -> Json:
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": backup.name}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": volume, "annotations": {CASE: backup.name}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "dataSource": source,
            "resources": {"requests": {"storage": backup.size}},
        },
    }


def _is_ready(snapshot: Json) -> bool:
    status = snapshot.get("status") or {}
    return bool(status.get("readyToUse")) and not status.get("error") and "restoreSize" in status


def _backup(snapshot: Json) -> Backup:
    status = snapshot["status"]
    taken = status.get("creationTime") or snapshot["metadata"]["creationTimestamp"]
    return Backup(
        snapshot["metadata"]["name"], datetime.fromisoformat(taken), status["restoreSize"]
    )
