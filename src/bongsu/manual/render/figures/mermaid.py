"""Texts inside Mermaid diagrams, in which a few characters would end what they stand in."""

from __future__ import annotations

import re

_ENTITIES = {
    "#": "#35;", ";": "#59;", '"': "#quot;", "<": "#lt;", ">": "#gt;", ":": "#58;", "`": "#96;",
    "%": "#37;", "{": "#123;", "}": "#125;", "(": "#40;", ")": "#41;", "[": "#91;", "]": "#93;",
}  # fmt: skip


def escape(text: str) -> str:
    """Write a text so that Mermaid shows exactly its characters."""
    return "".join(_ENTITIES.get(letter, letter) for letter in " ".join(text.split()))


def node_id(name: str) -> str:
    """Make an identifier of an id of the manual; the prefix keeps it from being a keyword."""
    return "n_" + re.sub(r"\W", "_", name)


def diagram(kind: str, lines: list[str]) -> str:
    """Put a diagram together."""
    return "\n".join([kind, *(f"    {line}" for line in lines)])
