"""The value that a recovery is about to change, kept at the object itself, and put back.

It is kept as an annotation, so that it survives whoever has changed it, and another worker or a
person can take the change back.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

import msgspec

from bongsu.actions.recovery.cluster import Cluster, ClusterError, Json
from bongsu.i18n import N_

PREFIX = "bongsu/former."
LONGEST = 40
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")


class Former(NamedTuple):
    """A value as it was; None is that there was none."""

    key: str
    value: str | int | None


async def remember(cluster: Cluster, target: str, key: str) -> Former:
    """Keep the value that ``key`` has now: ``replicas``, or a key of a ConfigMap's data.

    Raises:
        ClusterError: the object isn't there, or can't be annotated.
    """
    thing = await cluster.read("get", target)
    former = Former(key, _value(thing, key))
    note = msgspec.json.encode({"value": former.value}).decode()
    await cluster.patch(target, {"metadata": {"annotations": {_name(key): note}}})
    return former


async def restore(cluster: Cluster, target: str, key: str) -> Former:
    """Put the value back that was kept, and forget it.

    Raises:
        ClusterError: nothing was kept, or the object can't be changed.
    """
    thing = await cluster.read("get", target)
    meta = thing.get("metadata", {})
    note = (meta.get("annotations") or {}).get(_name(key))
    if note is None:
        text = N_("nothing was remembered of {key} at {target}, so nothing is put back")
        raise ClusterError(text, key=key, target=target)
    former = Former(key, msgspec.json.decode(note)["value"])
    change: Json = {
        "metadata": {
            # Refused if somebody else changes it between our look and our patch.
            "resourceVersion": meta["resourceVersion"],
            "annotations": {_name(key): None},
        },
        _part(thing): {key: former.value},
    }
    await cluster.patch(target, change)
    return former


def _part(thing: Json) -> str:
    return "data" if thing.get("kind") == "ConfigMap" else "spec"


def _value(thing: Json, key: str) -> str | int | None:
    found = (thing.get(_part(thing)) or {}).get(key)
    if found is None or isinstance(found, (str, int)):
        return found
    raise ClusterError(N_("{key} is no single value"), key=key)


def _name(key: str) -> str:
    """Return an annotation's name, which is short and plain."""
    if len(key) <= LONGEST and _PLAIN.fullmatch(key):
        return f"{PREFIX}{key}"
    return f"{PREFIX}{hashlib.sha256(key.encode()).hexdigest()[:LONGEST]}"
