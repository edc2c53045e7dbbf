"""The OpenAPI document.

It is what FastAPI knows of the routes, the structs they answer with, the role each needs, and the
one form of every refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from bongsu import __version__
from bongsu.store.access import Role
from bongsu.web.api.depends import SAFE, Needs
from bongsu.web.api.idempotency import KEPT
from bongsu.web.api.json import ANSWERED, TEMPLATE, schemas
from bongsu.web.problems import MEDIA_TYPE, TITLES

DESCRIPTION = """\
Everything that the console can do. Send a token as `Authorization: Bearer bgs_…`; a browser's
session cookie works too, and then every write needs the header `X-CSRF-Token` (from
`GET /session`).

Roles: viewer < responder < commander < admin; each operation says which one it needs.

Every refusal is `application/problem+json` (RFC 9457): `type` is for programs and stable, `detail`
for people, in Korean or English as `Accept-Language` asks, and `errors` names each wrong value.

Times are UTC. Lists go on with `cursor` = `next`. A write below `/incidents` and
`/oncall/overrides` may carry an `Idempotency-Key`: repeated within 24 hours, it is not done again
but answered as the first time, with `Idempotency-Replayed: true`.
"""

PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "A refusal (RFC 9457).",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "enum": [f"urn:bongsu:problem:{code}" for code in TITLES]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to mend, for people."},
        "errors": {
            "type": "array",
            "description": "Each wrong value: where it stands and what is wrong with it.",
            "items": {
                "type": "object",
                "properties": {
                    "in": {"type": "string", "description": "body, query, path, header or file"},
                    "field": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "reason": {
            "type": "object",
            "description": "Of a refusal by the incident's state: a stable code and its values.",
            "properties": {"code": {"type": "string"}, "values": {"type": "object"}},
        },
        "needed": {"type": "string", "description": "Of 403: the role that is needed."},
        "role": {"type": "string", "description": "Of 403: the role of who asked."},
    },
}
_REFUSAL = {
    "description": "Refused; `type` and `detail` say why.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": TEMPLATE.format(name="Problem")}}},
}
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
    "description": "Names this write, so that repeating it does nothing twice; a UUID for example.",
}


def document(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """Return the document, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app, routers)
    return app.openapi_schema


def _made(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    made = get_openapi(
        title="Bongsu", version=__version__, description=DESCRIPTION, routes=app.routes,
        servers=[{"url": "/api/v1"}],
    )  # fmt: skip
    components = made.setdefault("components", {})
    own = {name: s for name, s in components.get("schemas", {}).items() if not _is_fastapis(name)}
    components["schemas"] = {**own, **schemas(ANSWERED), "Problem": PROBLEM}
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token (`bgs_…`)."},
        "session": {"type": "apiKey", "in": "cookie", "name": "bongsu"},
    }
    for route in api_routes(routers):
        for method in route.methods or ():
            _complete(made["paths"][route.path][method.lower()], route, method)
    return made


def _is_fastapis(name: str) -> bool:
    return name in ("HTTPValidationError", "ValidationError")


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = _REFUSAL
    role = needed(route)
    if role is not None:
        operation["security"] = [{"token": []}, {"session": []}]
        operation["x-required-role"] = role
        words = operation.get("description", "")
        operation["description"] = f"{words}\n\nNeeds the role **{role}**.".strip()
    if method not in SAFE and route.path.startswith(KEPT):
        operation.setdefault("parameters", []).append(_KEY_PARAMETER)


def api_routes(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """Yield the routes of the API."""
    for router in routers:
        yield from (route for route in router.routes if isinstance(route, APIRoute))


def needed(route: APIRoute) -> Role | None:
    """Return the role that a route needs; None where anybody may call it."""
    return next(_roles(route.dependant), None)


def _roles(dependant: Dependant) -> Iterator[Role]:
    if isinstance(dependant.call, Needs):
        yield dependant.call.role
    for one in dependant.dependencies:
        yield from _roles(one)
