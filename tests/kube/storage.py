"""What the cluster holds: objects by resource, each change numbered and told to who watches.

The test's thread and the server's both come here; every public method takes the lock.
"""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
Watcher = Callable[["Happened"], None]


@dataclass(frozen=True)
class Happened:
    """One change: ``kind`` is ADDED, MODIFIED or DELETED."""

    number: int
    kind: str
    resource: str
    thing: Object


class Storage:
    """Objects by resource (``pods``), namespace and name."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.number = 100
        self._things: dict[tuple[str, str, str], Object] = {}
        self._history: list[Happened] = []
        self._watchers: list[Watcher] = []

    def put(self, resource: str, thing: Object) -> Object:
        """Keep it as it is now; ``metadata.resourceVersion`` becomes its number."""
        with self.lock:
            key = _key(resource, thing)
            kind = "MODIFIED" if key in self._things else "ADDED"
            self._things[key] = thing
            return self._tell(kind, resource, thing)

    def remove(self, resource: str, thing: Object) -> None:
        with self.lock:
            if self._things.pop(_key(resource, thing), None) is not None:
                self._tell("DELETED", resource, thing)

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """The object itself: change it under the lock, then `put` it."""
        with self.lock:
            return self._things.get((resource, namespace, name))

    def all(
        self, resource: str, namespace: str = "", labels: str = "", fields: str = ""
    ) -> list[Object]:
        """The objects that the selectors choose, by name; of all namespaces for ``""``."""
        with self.lock:
            chosen = [
                thing
                for (kind, where, _), thing in sorted(self._things.items(), key=lambda at: at[0])
                if kind == resource and namespace in ("", where)
            ]
        return [one for one in chosen if chooses(one, labels, fields)]

    def owned(self, resource: str, owner: Object) -> list[Object]:
        """Those whose owner it is."""
        uid = owner["metadata"]["uid"]
        return [
            thing
            for thing in self.all(resource, owner["metadata"]["namespace"])
            if any(one["uid"] == uid for one in thing["metadata"].get("ownerReferences", []))
        ]

    def watch(self, since: int, watcher: Watcher) -> Callable[[], None]:
        """Tell each change after ``since``, those of the past first; returns how to stop."""
        with self.lock:
            for happened in self._history:
                if happened.number > since:
                    watcher(happened)
            self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def _tell(self, kind: str, resource: str, thing: Object) -> Object:
        self.number += 1
        thing["metadata"]["resourceVersion"] = str(self.number)
        happened = Happened(self.number, kind, resource, copy.deepcopy(thing))
        self._history.append(happened)
        for watcher in [*self._watchers]:
            watcher(happened)
        return thing


def chooses(thing: Object, labels: str, fields: str) -> bool:
    """Whether label and field selectors choose it: ``=``, ``==``, ``!=``, ``in``, ``notin``."""
    has = thing["metadata"].get("labels", {})
    return all(_holds(has, term) for term in _terms(labels)) and all(
        _field_holds(thing, term) for term in _terms(fields)
    )


def _key(resource: str, thing: Object) -> tuple[str, str, str]:
    return resource, thing["metadata"].get("namespace", ""), thing["metadata"]["name"]


def _terms(selector: str) -> Iterator[str]:
    return (term.strip() for term in re.split(r",(?![^(]*\))", selector) if term.strip())


def _holds(labels: dict[str, str], term: str) -> bool:
    if found := re.fullmatch(r"(\S+) (in|notin) \(([^)]*)\)", term):
        among = [value.strip() for value in found[3].split(",")]
        return (labels.get(found[1]) in among) is (found[2] == "in")
    if found := re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", term):
        return (labels.get(found[1]) == found[3]) is (found[2] != "!=")
    return (term.lstrip("!") in labels) is not term.startswith("!")


def _field_holds(thing: Object, term: str) -> bool:
    found = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", term)
    if found is None:
        raise ValueError(f"invalid field selector {term!r}")
    at: Any = thing
    for part in found[1].split("."):
        at = at.get(part, "") if isinstance(at, dict) else ""
    return (str(at) == found[3]) is (found[2] != "!=")
