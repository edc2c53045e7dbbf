"""Values of ``key=value``, compared by key over the lines that have the same keys."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from bongsu.logs.tokens import CONSTANT, HOLE, TELLING

SLOT = re.compile(
    r"""([\w.\-]+"?)(=| = |":\s?)"""
    r"""("[^"]*"|'[^']*'|\{[^{}]*\}|[^\s,;&"'(){\[\]}>|]+(?:\{[^{}]*\})?)"""
)
PLACE = "\1"
NOTHING = frozenset(["null", "nil", "None", "(null)", "N/A", "n/a", "undefined", "-"])
"""values that stand for any other that is missing"""
MANY = 4
"""different values that say that it varies"""


def slots_out(patterns: Sequence[str]) -> list[str]:
    """Return the patterns with holes for the values that vary."""
    groups: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for text in dict.fromkeys(patterns):
        if "=" in text or '":' in text:
            values: list[str] = []
            form = SLOT.sub(lambda found, kept=values: _taken(found, kept), text)  # type: ignore[misc]
            if values:
                groups[form][text] = values
    became: dict[str, str] = {}
    for form, members in groups.items():
        if len(members) > 1:
            became.update(_compared(form, members))
    return [became.get(text, text) for text in patterns]


def _taken(found: re.Match[str], kept: list[str]) -> str:
    key, sign, value = found.groups()
    if value in CONSTANT or key.strip('"').lower() in TELLING:
        return found[0]
    kept.append(value)
    return f"{key}{sign}{PLACE}"


def _compared(form: str, members: dict[str, list[str]]) -> dict[str, str]:
    varies = []
    for values in zip(*members.values(), strict=True):
        different = set(values)
        open_ended = any(HOLE in value or value.strip("\"'") in NOTHING for value in different)
        varies.append(len(different) > 1 and (open_ended or len(different) >= MANY))
    if not any(varies):
        return {}
    parts = form.split(PLACE)
    return {text: _filled(parts, values, varies) for text, values in members.items()}


def _filled(parts: list[str], values: list[str], varies: list[bool]) -> str:
    filled = [parts[0]]
    for part, value, hole in zip(parts[1:], values, varies, strict=True):
        filled += [HOLE if hole else value, part]
    return "".join(filled)
