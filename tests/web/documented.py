"""Holds every answer of the API against what the OpenAPI document says of it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from bongsu.web.api import openapi
from bongsu.web.api.app import ROUTERS, routes


@cache
def document() -> dict[str, Any]:
    return openapi.document(routes(), ROUTERS)


def check(method: str, path: str, answer: httpx.Response) -> None:
    """Fail where an answer's status, type or form is not the documented one."""
    kind = answer.headers.get("content-type", "").split(";")[0]
    operation = _operation(method, path)
    if operation is None or answer.is_error:
        assert kind == "application/problem+json", answer.text
        _validator("Problem").validate(answer.json())
        return
    documented = operation["responses"][str(answer.status_code)]
    if kind == "application/json":
        schema = documented["content"][kind]["schema"]["$ref"].rsplit("/", 1)[1]
        _validator(schema).validate(answer.json())
    elif answer.content:
        assert kind in documented["content"]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for template, operations in document()["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in operations:
            found: dict[str, Any] = operations[method.lower()]
            return found
    return None


@cache
def _validator(name: str) -> Draft202012Validator:
    components = document()["components"]
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})
