"""The three kinds of patches that kubectl sends: merge, strategic merge, JSON patch."""

from __future__ import annotations

from typing import Any

_KEYS = {"ports": "containerPort", "conditions": "type", "taints": "key"}
"""what tells the elements of a list apart in a strategic merge; the rest goes by name"""


def patched(thing: Any, patch: Any, content_type: str) -> Any:
    """Return a copy of ``thing`` with the patch done to it; ValueError where it can't be."""
    if "json-patch" in content_type:
        return _by_operations(thing, patch)
    return _merged(thing, patch, strategic="strategic" in content_type)


def _merged(thing: Any, patch: Any, *, strategic: bool) -> Any:
    if not isinstance(patch, dict):
        return patch
    fresh = strategic and patch.get("$patch") == "replace"
    merged = dict(thing) if isinstance(thing, dict) and not fresh else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            merged.pop(key, None)
        elif strategic and isinstance(value, list) and value and isinstance(value[0], dict):
            merged[key] = _merged_list(merged.get(key, []), value, _KEYS.get(key, "name"))
        else:
            merged[key] = _merged(merged.get(key), value, strategic=strategic)
    return merged


def _merged_list(things: list[Any], patches: list[Any], key: str) -> list[Any]:
    merged = list(things)
    for patch in patches:
        at = [i for i, thing in enumerate(merged) if thing.get(key) == patch.get(key)]
        if not at:
            merged.append(patch)
        elif patch.get("$patch") == "delete":
            del merged[at[0]]
        else:
            merged[at[0]] = _merged(merged[at[0]], patch, strategic=True)
    return merged


def _by_operations(thing: Any, operations: list[dict[str, Any]]) -> Any:
    for operation in operations:
        *parents, last = [_plain(part) for part in operation["path"].split("/")[1:]]
        thing = _operated(thing, parents, last, operation)
    return thing


def _plain(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _operated(thing: Any, parents: list[str], last: str, operation: dict[str, Any]) -> Any:
    copy = list(thing) if isinstance(thing, list) else dict(thing)
    if parents:
        at: Any = int(parents[0]) if isinstance(copy, list) else parents[0]
        copy[at] = _operated(copy[at], parents[1:], last, operation)
        return copy
    key: Any = int(last) if isinstance(copy, list) and last != "-" else last
    match operation["op"]:
        case "add" if isinstance(copy, list):
            copy.insert(len(copy) if key == "-" else key, operation["value"])
        case "add" | "replace":
            copy[key] = operation["value"]
        case "remove":
            del copy[key]
        case "test":
            if copy[key] != operation["value"]:
                raise ValueError(f"testing path {operation['path']} value failed")
    return copy
