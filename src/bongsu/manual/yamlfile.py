"""One YAML file of a manual: its data, and the line on which each entry stands.

It reads YAML 1.2's core schema, in which ``10:00``, ``no`` and ``01012345678`` stay the texts that
people meant. The tree is built from parser events, so that nothing that a file holds (nesting,
anchors that multiply, tags that name Python objects) can do harm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from bongsu.i18n import N_
from bongsu.manual.problems import Problem

LARGEST_FILE = 1 << 20
_DEEPEST = 50
_MOST_NODES = 100_000
"""Entries of one file with every alias written out."""

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})?\.[0-9]{1,30}(?:[eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Node:
    """One value and where it stands; lines and columns count from 1."""

    value: Any
    line: int
    column: int
    size: int = 1
    written: str = ""
    """the text of a plain scalar, as it stands in the file"""
    children: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    merged: frozenset[str] = frozenset()
    """keys that came in by ``<<``, which an entry of the mapping itself may replace"""


class _Refusal(Exception):  # noqa: N818  it never leaves this module
    """Ends the reading of a file at its first unreadable place."""

    def __init__(self, line: int, column: int, what: str, mend: str, **values: object) -> None:
        super().__init__(what)
        self.problem = Problem((), what, mend, values, line=line, column=column)


def parse(file: str, raw: bytes) -> Node | Problem:
    """Read a file; a mapping's keys become strings. Returns the problem where it can't be read."""
    try:
        text = _decoded(raw)
        return _Composer(text).document()
    except _Refusal as refused:
        return refused.problem._replace(file=file)
    except yaml.YAMLError as error:
        return (_tab(text) or _syntax(error))._replace(file=file)


def decode_text(file: str, raw: bytes) -> str | Problem:
    """Read a Markdown file of the manual, with line feeds alone between its lines."""
    try:
        return _decoded(raw).replace("\r\n", "\n").replace("\r", "\n")
    except _Refusal as refused:
        return refused.problem._replace(file=file)


def _decoded(raw: bytes) -> str:
    if len(raw) > LARGEST_FILE:
        raise _Refusal(0, 0, N_("the file is larger than 1 MB"), N_("split it or shorten it"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _Refusal(line, 0, N_("this is not UTF-8"), N_("save the file as UTF-8")) from error
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise _control_character(line, 0, control[0])
    return text


def _control_character(line: int, column: int, found: str) -> _Refusal:
    return _Refusal(
        line, column, N_("here is a character that no text has ({code})"), N_("delete it"),
        code=f"U+{ord(found):04X}",
    )  # fmt: skip


def _tab(text: str) -> Problem | None:
    """Return the commonest reason why a file is no YAML, which its parser words obscurely."""
    tab = re.search(r"^ *\t", text, re.MULTILINE)
    if tab is None:
        return None
    line = text.count("\n", 0, tab.start()) + 1
    return Problem((), N_("this line is indented by a tab"), N_("write spaces"), line=line)


def _syntax(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return Problem(
        (),
        N_("this is not YAML ({error})"),
        N_("look at the indentation, and put a text that holds ': ' or ' #' in quotes"),
        {"error": getattr(error, "problem", None) or str(error)},
        line=mark.line + 1 if mark else 0,
        column=mark.column + 1 if mark else 0,
    )


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)


def _refuse(event: yaml.Event, what: str, mend: str, **values: object) -> _Refusal:
    line, column = _place(event)
    return _Refusal(line, column, what, mend, **values)


class _Composer:
    """Builds the tree of one document from the parser's events."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._anchors: dict[str | None, Node | None] = {}

    def document(self) -> Node:
        """Return the file's root; an empty file is an empty mapping."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise _refuse(
                        event, N_("a second document begins here"), N_("delete the line ---")
                    )
                root = self._node(next(self._events), 0)
        if root is None or root.value is None:
            return Node({}, 1, 1)
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > _DEEPEST:
            raise _refuse(event, N_("this is nested too deeply"), N_("write it flatter"))
        match event:
            case yaml.AliasEvent():
                return self._alias(event)
            case yaml.MappingStartEvent():
                return self._anchored(event, event.tag, lambda: self._mapping(event, depth))
            case yaml.SequenceStartEvent():
                return self._anchored(event, event.tag, lambda: self._sequence(event, depth))
            case yaml.ScalarEvent():
                return self._anchored(event, event.tag, lambda: _scalar(event))
            case _:
                raise AssertionError(event)  # the parser opens an entry with none but these

    def _anchored(self, event: yaml.NodeEvent, tag: str | None, make: Callable[[], Node]) -> Node:
        if tag not in (None, "!"):
            raise _refuse(
                event, N_("{tag} is a tag, and a manual has none"), N_("delete it"), tag=tag
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = make()
        if node.size > _MOST_NODES:
            raise _refuse(
                event, N_("the aliases in it multiply to too much"), N_("use fewer of them")
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _refuse(
                event, N_("*{name} stands before &{name} is complete"),
                N_("define the anchor above"), name=event.anchor,
            )  # fmt: skip
        return node

    def _sequence(self, event: yaml.Event, depth: int) -> Node:
        node = Node([], *_place(event))
        for item in self._until(yaml.SequenceEndEvent):
            child = self._node(item, depth + 1)
            node.children[len(node.value)] = child
            node.value.append(child.value)
            node.size += child.size
        return node

    def _mapping(self, event: yaml.Event, depth: int) -> Node:
        node = Node({}, *_place(event))
        for key_event in self._until(yaml.MappingEndEvent):
            if not isinstance(key_event, yaml.ScalarEvent):
                raise _refuse(
                    key_event, N_("a key must be a plain text"),
                    N_("put a text that begins with a bracket or a * in quotes"),
                )  # fmt: skip
            key = self._node(key_event, depth).written
            child = self._node(next(self._events), depth + 1)
            node.size += child.size
            if key == "<<" and key_event.implicit[0]:
                _merge(node, child, key_event)
            else:
                _add(node, key, child, key_event)
        return node

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event


def _scalar(event: yaml.ScalarEvent) -> Node:
    text, place = event.value, _place(event)
    control = _CONTROL.search(text)
    if control:
        raise _control_character(*place, control[0])
    return Node(_plain(text) if event.implicit[0] else text, *place, written=text)


def _add(node: Node, key: str, child: Node, event: yaml.Event) -> None:
    if key in node.value and key not in node.merged:
        raise _refuse(
            event, N_("{key} stands here for the second time, first in line {first}"),
            N_("keep one of the two"), key=key, first=node.keys[key][0],
        )  # fmt: skip
    node.merged -= {key}
    _put(node, key, child, _place(event))


def _merge(node: Node, child: Node, event: yaml.Event) -> None:
    """Take in the entries of other mappings (``<<: *base``) that this one doesn't have."""
    sources = list(child.children.values()) if isinstance(child.value, list) else [child]
    for source in sources:
        if not isinstance(source.value, dict):
            raise _refuse(event, N_("<< takes in a mapping"), N_("write <<: *NAME of a mapping"))
        for key, (line, column) in source.keys.items():
            if key not in node.value:
                _put(node, key, source.children[key], (line, column))
                node.merged |= {key}


def _put(node: Node, key: str, child: Node, place: tuple[int, int]) -> None:
    node.value[key] = child.value
    node.children[key] = child
    node.keys[key] = place


def _plain(text: str) -> Any:
    """Return the value of a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return text
