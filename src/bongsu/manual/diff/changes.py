"""Every difference between two manuals, as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from bongsu.manual.problems import KeyPath
from bongsu.manual.schema.base import Model, Text
from bongsu.manual.schema.document import Manual

Plain = Any
"""A leaf, or dicts and lists of leaves: the form of the manual's JSON."""


class Change(NamedTuple):
    """One difference: an entry was added (``old`` is ABSENT), removed (``new`` is) or changed."""

    path: KeyPath
    old: Any
    new: Any
    before: Manual
    after: Manual


class _Absent:
    """Where an entry isn't there at all, which is not the same as an entry that is null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()

_LEAVES = (str, int, float, bool, timedelta, date, datetime, time, type(None), Text)


def between(old: Manual, new: Manual) -> Iterator[Change]:
    """Yield every difference; equal manuals yield none."""
    for path, one, other in _walk((), old, new):
        if path != ("sha",):
            yield Change(path, one, other, old, new)


_Difference = tuple[KeyPath, Any, Any]


def _walk(path: KeyPath, old: Any, new: Any) -> Iterator[_Difference]:
    if isinstance(old, _LEAVES) or isinstance(new, _LEAVES) or type(old) is not type(new):
        if type(old) is not type(new) or canonical(old) != canonical(new):
            yield path, old, new
    elif isinstance(old, Model):
        yield from _mappings(path, _fields(old), _fields(new))
    elif isinstance(old, Mapping):
        yield from _mappings(path, old, new)
    elif len(path) == _LADDER and path[-1] == "escalation":
        yield from _ladders(path, old, new)
    else:
        yield from _lists(path, old, new)


def _fields(entry: Model) -> dict[str, Any]:
    return {f.alias or name: getattr(entry, name) for name, f in type(entry).model_fields.items()}


def _mappings(
    path: KeyPath, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[_Difference]:
    for key in [*old, *(key for key in new if key not in old)]:
        one, other = old.get(key, ABSENT), new.get(key, ABSENT)
        if one is ABSENT or other is ABSENT:
            yield (*path, str(key)), one, other
        else:
            yield from _walk((*path, str(key)), one, other)


def _lists(path: KeyPath, old: Sequence[Any], new: Sequence[Any]) -> Iterator[_Difference]:
    """Compare lists so that one entry put in between doesn't make all below it look changed."""
    keys, other_keys = [canonical(item) for item in old], [canonical(item) for item in new]
    matcher = SequenceMatcher(None, keys, other_keys, autojunk=False)
    for what, start, end, other_start, other_end in matcher.get_opcodes():
        if what == "equal":
            continue
        both = min(end - start, other_end - other_start)
        for offset in range(both):
            here = (*path, other_start + offset)
            yield from _walk(here, old[start + offset], new[other_start + offset])
        for index in range(start + both, end):
            yield (*path, index), old[index], ABSENT
        for index in range(other_start + both, other_end):
            yield (*path, index), ABSENT, new[index]


_LADDER = 4
"""Length of the path ``response severities P0 escalation``."""


def _ladders(path: KeyPath, old: Sequence[Any], new: Sequence[Any]) -> Iterator[_Difference]:
    """Compare ladders by whom they call, because that is what is asked about."""
    times, other_times = _times(old), _times(new)
    if times == other_times:  # told apart only by how their steps are written
        yield from _lists(path, old, new)
        return
    for target in dict.fromkeys([*times, *other_times]):
        one, other = times.get(target, ABSENT), other_times.get(target, ABSENT)
        if one != other:
            yield (*path, target), one, other


def _times(ladder: Sequence[Any]) -> dict[str, list[timedelta]]:
    times: dict[str, list[timedelta]] = {}
    for step in ladder:
        for target in step.page:
            times.setdefault(target, []).append(step.after)
    return times


def canonical(value: Any) -> str:
    """Write a value so that equal values, and no others, are written alike."""
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False)


def plain(value: Any) -> Plain:
    """Return the JSON form of an entry."""
    if isinstance(value, Model):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
