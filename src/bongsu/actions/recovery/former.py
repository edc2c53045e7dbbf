"""The value that a recovery is about to change, kept at the object itself, and put back.

It is kept there, so that it survives whoever has changed it, and another worker or a person can
take the change back. Runs may change the same thing one upon the other: what each has found lies on
top of what was found before, and the last one is put back first.

A ConfigMap has it as an annotation. A deployment has it as a label: `kubectl rollout undo` puts the
annotations of the former revision in the place of the deployment's, and ours would go with them.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from bongsu.actions.recovery.cluster import Cluster, ClusterError, Json
from bongsu.i18n import N_

PREFIX = "bongsu/former."
LONGEST = 40
MOST = 10
"""values of one key that are kept: what fits into a label; many runs are never taken back"""
TRIES, PAUSE_S = 5, 0.2
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")


class Former(NamedTuple):
    """A value as it was; None is that there was none."""

    key: str
    value: str | int | None


async def remember(cluster: Cluster, target: str, key: str, at_most: int | None = None) -> Former:
    """Keep the value that ``key`` has now: ``replicas``, or a key of a ConfigMap's data.

    Raises:
        ClusterError: the object isn't there, or can't be annotated; or the value is more than
            ``at_most`` already, so that the change to come would take away instead of add.
    """

    def change(thing: Json) -> tuple[Former, Json]:
        former = Former(key, value_of(thing, key))
        if at_most is not None and isinstance(former.value, int) and former.value > at_most:
            text = N_("{key} is {value} already, which is more than {most}; nothing is changed")
            raise ClusterError(text, key=key, value=former.value, most=at_most)
        return former, kept(thing, former)

    return await changed(cluster, target, change)


async def restore(cluster: Cluster, target: str, key: str) -> Former:
    """Put the value back that was kept last, and forget it.

    Raises:
        ClusterError: nothing was kept, or the object can't be changed.
    """

    def change(thing: Json) -> tuple[Former, Json]:
        values = _values(thing, key)
        if not values:
            text = N_("nothing was remembered of {key} at {target}, so nothing is put back")
            raise ClusterError(text, key=key, target=target)
        former = Former(key, values.pop())
        return former, {**_noted(thing, key, values), _part(thing): {key: former.value}}

    return await changed(cluster, target, change)


async def changed(
    cluster: Cluster, target: str, change: Callable[[Json], tuple[Former, Json]]
) -> Former:
    """Change an object as it is now; one that somebody else changes meanwhile is read again.

    A deployment that is rolled out changes with every pod, so one conflict says little.

    Raises:
        ClusterError: it can't be changed, or others kept changing it.
    """
    for left in reversed(range(TRIES)):
        thing = await cluster.read("get", target)
        former, patch = change(thing)
        try:
            await _patch(cluster, target, thing, patch)
        except ClusterError as error:
            if left == 0 or "(Conflict)" not in str(error):
                raise
            await asyncio.sleep(PAUSE_S)
        else:
            break
    return former


async def _patch(cluster: Cluster, target: str, thing: Json, patch: Json) -> None:
    """Patch it, unless it is another one by now than ``thing``."""
    if patch:
        version = {"resourceVersion": thing["metadata"]["resourceVersion"]}
        meta = {**patch.get("metadata", {}), **version}
        await cluster.patch(target, {**patch, "metadata": meta})


def kept(thing: Json, former: Former) -> Json:
    """Return the patch that lays a value on top of those that are kept."""
    values = [*_values(thing, former.key), former.value]
    return _noted(thing, former.key, values[-MOST:])


def value_of(thing: Json, key: str) -> str | int | None:
    """Return the value of a key now; None where it has none.

    Raises:
        ClusterError: it is no single value.
    """
    found = (thing.get(_part(thing)) or {}).get(key)
    if isinstance(found, int) or (_is_config(thing) and isinstance(found, str | None)):
        return found
    raise ClusterError(N_("{key} is no single value"), key=key)


def _values(thing: Json, key: str) -> list[Any]:
    """Return the values that are kept, the last one last.

    Raises:
        ClusterError: somebody else wrote there what is none of ours.
    """
    meta, name = thing["metadata"], _name(key)
    try:
        if _is_config(thing):
            note = (meta.get("annotations") or {}).get(name, "[]")
            found: list[Any] = msgspec.json.decode(note, type=list)
            return found
        label = (meta.get("labels") or {}).get(name, "")
        return [int(one) for one in label.split(".") if one]
    except ValueError as error:
        raise ClusterError(N_("what {name} holds is none of ours"), name=name) from error


def _noted(thing: Json, key: str, values: list[Any]) -> Json:
    if _is_config(thing):
        note = msgspec.json.encode(values).decode()
        return {"metadata": {"annotations": {_name(key): note if values else None}}}
    label = ".".join(map(str, values))
    return {"metadata": {"labels": {_name(key): label or None}}}


def _is_config(thing: Json) -> bool:
    return thing.get("kind") == "ConfigMap"


def _part(thing: Json) -> str:
    return "data" if _is_config(thing) else "spec"


def _name(key: str) -> str:
    """Return an annotation's name, which is short and plain."""
    if len(key) <= LONGEST and _PLAIN.fullmatch(key):
        return f"{PREFIX}{key}"
    return f"{PREFIX}{hashlib.sha256(key.encode()).hexdigest()[:LONGEST]}"
