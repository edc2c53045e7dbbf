"""Answers in JSON from msgspec structs, and their schemas for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

TEMPLATE = "#/components/schemas/{name}"
_encode = msgspec.json.Encoder().encode

ANSWERED: set[type] = set()
"""the structs that routes answer with"""


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a struct, which no cache may keep."""
    return Response(
        _encode(value), status, {"cache-control": "no-store", **(headers or {})}, "application/json"
    )


def documents(
    struct: type, description: str = "Done.", status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """Return what a route declares as its ``responses``."""
    ANSWERED.add(struct)
    content = {"application/json": {"schema": {"$ref": TEMPLATE.format(name=struct.__name__)}}}
    return {status: {"description": description, "content": content}}


def schemas(structs: Iterable[type]) -> dict[str, Any]:
    """Return the JSON Schemas of structs and of what they hold, by name."""
    _, components = msgspec.json.schema_components(structs, ref_template=TEMPLATE)
    return {name: _tidied(schema) for name, schema in sorted(components.items())}


def _tidied(schema: dict[str, Any]) -> dict[str, Any]:
    """Docstrings span lines; a description is one paragraph."""
    if text := schema.get("description"):
        return {**schema, "description": " ".join(text.split())}
    return schema
