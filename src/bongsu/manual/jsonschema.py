"""JSON Schema of every file of a manual, for editors that complete and check while one writes."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from bongsu.manual.chapters import SCHEMAS
from bongsu.manual.schema.base import Model

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(chapter: str) -> dict[str, Any]:
    """Return the schema of a chapter by its file's stem (`manual`, `team` …, `playbook`).

    It accepts what the loader accepts, and refuses most of what that refuses; references between
    chapters are the checker's.

    Raises:
        KeyError: there is no such chapter.
    """
    model = SCHEMAS[chapter]
    made = model.model_json_schema()
    _explain(made, model)
    for kind in _kinds(Model):
        if kind.__name__ in made.get("$defs", {}):
            _explain(made["$defs"][kind.__name__], kind)
    return {"$schema": _DIALECT, "title": f"{chapter}.yaml", **_tidy(made)}


def schemas() -> dict[str, dict[str, Any]]:
    """Return every chapter's schema by its file's stem."""
    return {chapter: schema(chapter) for chapter in SCHEMAS}


def _kinds(model: type[Model]) -> Iterator[type[Model]]:
    for kind in model.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _explain(entry: dict[str, Any], model: type[Model]) -> None:
    """Put the texts below a model's fields into its schema.

    Pydantic could do it, but for every model at every start; this is done when a schema is asked
    for.
    """
    spelt = entry.get("anyOf", [entry])[-1]
    for kind in reversed(model.__mro__):
        told = _told(kind.__module__).get(kind.__name__, {}) if issubclass(kind, Model) else {}
        for name, field in model.model_fields.items():
            described = spelt.get("properties", {}).get(field.alias or name)
            if name in told and described is not None:
                described["description"] = told[name]


@cache
def _told(module: str) -> dict[str, dict[str, str]]:
    """Return the texts below the fields of a module's classes, by class and field."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {kind.name: _below(kind) for kind in tree.body if isinstance(kind, ast.ClassDef)}


def _below(kind: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(kind.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(text.value.value, str)
    }


def _tidy(entry: Any) -> Any:
    """Drop titles, which repeat the key, and close mappings whose keys have a form."""
    if isinstance(entry, list):
        return [_tidy(item) for item in entry]
    if not isinstance(entry, dict):
        return entry
    closed = {"additionalProperties": False} if "patternProperties" in entry else {}
    return closed | {
        key: _properties(item) if key in _BY_NAME else _tidy(item)
        for key, item in entry.items()
        if key not in ("title", "discriminator")
    }


_BY_NAME = frozenset(("properties", "patternProperties", "$defs"))


def _properties(entries: dict[str, Any]) -> dict[str, Any]:
    """Keep keys as they are: one of them may itself be called ``title``."""
    return {key: _tidy(item) for key, item in entries.items()}
