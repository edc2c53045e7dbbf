"""Pydantic's errors in our words: what is wrong, and what to write instead, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pydantic_core import ErrorDetails

from bongsu.i18n import N_
from bongsu.manual.positions import deepest, entry
from bongsu.manual.problems import KeyPath, Problem, instead
from bongsu.manual.schema.base import Model, shown
from bongsu.manual.yamlfile import Node

Words = tuple[str, str, dict[str, object]]
"""what, mend, and the values that both name"""


def problem_of(
    details: ErrorDetails, file: str, prefix: KeyPath, root: Node, model: type[Model]
) -> Problem:
    """Turn one validation error of a file into a problem with its line."""
    loc = tuple(details["loc"])
    what, mend, values = _words(details, file, root, model)
    line, column = deepest(root, loc)
    return Problem(
        (*prefix, *loc), what, mend, values, file=file, line=line, column=column
    )  # fmt: skip


def _words(details: ErrorDetails, file: str, root: Node, model: type[Model]) -> Words:
    kind, key = details["type"], _key(details["loc"]) or file
    if details["loc"][-1:] == ("[key]",):
        return _bad_key(details)
    if kind == "extra_forbidden":
        return _unknown_key(details, model)
    if details["input"] is None and kind in _COLLECTIONS:
        return N_("{key} is empty"), N_("write {empty}, or entries below it"), {
            "key": key, "empty": _COLLECTIONS[kind],
        }  # fmt: skip
    made = _WORDS.get(kind)
    if made is not None:
        return made(details, key)
    if kind == "string_type":
        return _not_text(entry(root, tuple(details["loc"])), key)
    return N_("{key} is not right: {message}"), "", {"key": key, "message": details["msg"]}


_COLLECTIONS = {"list_type": "[]", "dict_type": "{}", "model_type": "{}"}


def _key(loc: tuple[int | str, ...]) -> str:
    """Name an entry for the reader: ``steps[2]`` for an item, else its key; a root has none."""
    last = loc[-1] if loc else ""
    if isinstance(last, int) and len(loc) > 1:
        return f"{loc[-2]}[{last + 1}]"
    return str(last)


def _missing(_details: ErrorDetails, key: str) -> Words:
    return N_("{key} is missing"), N_("add it here"), {"key": key}


def _refused(details: ErrorDetails, _key: str) -> Words:
    context = dict(details.get("ctx", {}))
    return str(context.pop("what")), str(context.pop("mend")), context


def _choice(details: ErrorDetails, key: str) -> Words:
    return _not_one_of(key, details["input"], _expected(details))


def _expected(details: ErrorDetails) -> list[str]:
    """Return the choices that pydantic lists as ``'a', 'b' or 3``."""
    listed = str(details.get("ctx", {}).get("expected", ""))
    return [quoted or number for quoted, number in re.findall(r"'([^']*)'|(\d+)", listed)]


def _tag(details: ErrorDetails, _key: str) -> Words:
    context = details.get("ctx", {})
    choices = re.findall(r"'([^']*)'", str(context.get("expected_tags", "")))
    return _not_one_of("kind", context.get("tag", ""), choices)


def _no_tag(_details: ErrorDetails, _key: str) -> Words:
    return N_("{key} is missing"), N_("add it here"), {"key": "kind"}


def _not_one_of(key: str, value: object, choices: list[str]) -> Words:
    mend, values = instead(str(value), choices)
    return N_("{key} can't be {value}"), mend, {"key": key, "value": shown(value), **values}


def _not(form: str, mend: str) -> Callable[[ErrorDetails, str], Words]:
    """Make the words for an input of the wrong type."""

    def words(details: ErrorDetails, key: str) -> Words:
        return form, mend, {"key": key, "value": shown(details["input"])}

    return words


def _bound(sign: str, limit: str) -> Callable[[ErrorDetails, str], Words]:
    def words(details: ErrorDetails, key: str) -> Words:
        return N_("{key} can't be {value}"), N_("write a number {sign} {limit}"), {
            "key": key, "value": shown(details["input"]),
            "sign": sign, "limit": details["ctx"][limit],
        }  # fmt: skip

    return words


def _not_text(node: Node, key: str) -> Words:
    if isinstance(node.value, (int, float)):  # a bool is an int
        return (
            N_("{key} is {value}, which YAML reads as a number or as true/false"),
            N_('put it in quotes: "{value}"'),
            {"key": key, "value": node.written},
        )
    return N_("{key} is {value}, not a text"), N_("write one text"), {
        "key": key, "value": _kind_of(node.value),
    }  # fmt: skip


def _kind_of(value: object) -> str:
    return {dict: "{…}", list: "[…]", type(None): "null"}.get(type(value), shown(value))


def _bad_id(details: ErrorDetails, _key: str) -> Words:
    return (
        N_("{value} is not a name for references"),
        N_("write lower-case letters, digits, '-', '_' and '.', as in backend-a"),
        {"value": shown(details["input"])},
    )


def _bad_key(details: ErrorDetails) -> Words:
    if details["type"] == "string_pattern_mismatch":
        return _bad_id(details, "")
    mend, values = instead(str(details["input"]), _expected(details))
    return N_("{value} can't be a key here"), mend, {"value": shown(details["input"]), **values}


_NOT_LIST = _not(
    N_("{key} is {value}, not a list"), N_("write [a, b] or one line with '- ' for each")
)
_NOT_MAPPING = _not(
    N_("{key} is {value}, not a mapping"), N_("write its entries as 'key: value' below it")
)
_NOT_WHOLE = _not(N_("{key} is {value}, not a whole number"), N_("write digits alone"))
_NOT_NUMBER = _not(N_("{key} is {value}, not a number"), N_("write for example 0.8"))
_NOT_BOOL = _not(N_("{key} is {value}, neither yes nor no"), N_("write true or false"))
_NOT_DATE = _not(N_("{value} is not a day of the calendar"), N_("write for example 2025-08-14"))

_WORDS: dict[str, Callable[[ErrorDetails, str], Words]] = {
    "missing": _missing,
    "refused": _refused,
    "literal_error": _choice,
    "enum": _choice,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
    "string_pattern_mismatch": _bad_id,
    "too_short": _not(N_("{key} is empty"), N_("add one")),
    "list_type": _NOT_LIST,
    "dict_type": _NOT_MAPPING,
    "model_type": _NOT_MAPPING,
    "model_attributes_type": _NOT_MAPPING,
    "int_type": _NOT_WHOLE,
    "int_parsing": _NOT_WHOLE,
    "int_from_float": _NOT_WHOLE,
    "float_type": _NOT_NUMBER,
    "float_parsing": _NOT_NUMBER,
    "finite_number": _NOT_NUMBER,
    "bool_type": _NOT_BOOL,
    "bool_parsing": _NOT_BOOL,
    "date_from_datetime_parsing": _NOT_DATE,
    "date_parsing": _NOT_DATE,
    "datetime_parsing": _NOT_DATE,
    "datetime_from_date_parsing": _NOT_DATE,
    "greater_than": _bound(">", "gt"),
    "greater_than_equal": _bound("≥", "ge"),
    "less_than_equal": _bound("≤", "le"),
}


def _unknown_key(details: ErrorDetails, model: type[Model]) -> Words:
    loc, key = details["loc"], str(details["loc"][-1])
    mend, values = instead(key, known_keys(model, loc[:-1]))
    return N_("there is no key {key} here"), mend, {"key": key, **values}


def known_keys(model: type[Model], loc: tuple[int | str, ...]) -> set[str]:
    """Return the keys that the schema knows at a place in a file of this type."""
    schema = model.model_json_schema()
    definitions: dict[str, Any] = schema.get("$defs", {})
    places = list(_spelt(schema, definitions))
    for step in loc:
        inside = [s for place in places for s in _step(place, step, definitions)]
        places = inside or places  # a step that only names a union's type leads nowhere
    return {key for place in places for key in place.get("properties", {})}


def _spelt(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Follow references and unions to the schemas that they stand for."""
    if "$ref" in schema:
        yield from _spelt(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches is None:
        yield schema
        return
    for branch in branches:
        yield from _spelt(branch, definitions)


def _any_key(schema: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema of the values of a mapping whose keys people choose."""
    patterns: dict[str, dict[str, Any]] = schema.get("patternProperties", {})
    values = schema.get("additionalProperties")
    return next(iter(patterns.values()), None) or (values if isinstance(values, dict) else None)


def _step(
    schema: dict[str, Any], step: int | str, definitions: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if isinstance(step, int):
        inside = schema.get("items")
    else:
        inside = schema.get("properties", {}).get(step) or _any_key(schema)
        if inside is None and schema.get("properties", {}).get("kind", {}).get("const") == step:
            inside = schema
    if isinstance(inside, dict):
        yield from _spelt(inside, definitions)
