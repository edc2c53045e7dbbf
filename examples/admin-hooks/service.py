"""The hooks that a recovery needs in your own application, in their smallest form.

    OPS_TOKEN=secret uvicorn service:app --port 8080

| request                                              | what it does                              |
|------------------------------------------------------|-------------------------------------------|
| ``GET /health``                                      | 200 while it works                        |
| ``PUT /admin/read-only``  ``{"read_only": true}``    | writes are refused (503) while it is true |
| ``PUT /admin/cache-ttl``  ``{"longer_by_hours": 2}`` | the cache lives so much longer; 0 is usual|
| ``DELETE /admin/sessions``                           | everybody has to sign in again            |

What a hook must be: the same again when it is called twice (a playbook may repeat it after a
crash), complete when it answers (the next step relies on it), and refused without the token.
"""

from __future__ import annotations

import hmac
import os
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

USUAL_TTL_S = 300


class State:
    """What a real service keeps in its database or cache, where all its processes see it."""

    def __init__(self) -> None:
        self.read_only = False
        self.ttl_s = USUAL_TTL_S
        self.sessions: set[str] = set()
        self.notes: list[str] = []


class ReadOnly(BaseModel):
    """Whether writes are refused."""

    read_only: bool


class CacheTtl(BaseModel):
    """By how many hours the cache lives longer than usual."""

    longer_by_hours: int = Field(ge=0, le=24)


def allowed(authorization: Annotated[str, Header()] = "") -> None:
    """Let in only who knows the token; without a token nobody is."""
    token = os.environ.get("OPS_TOKEN", "")
    given = authorization.removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        raise HTTPException(401, "the token is missing or wrong")


def build() -> FastAPI:
    """Make a service of its own state."""
    app = FastAPI()
    state = app.state.service = State()
    admin = [Depends(allowed)]

    @app.get("/health")
    def health() -> dict[str, bool | int]:
        return {"read_only": state.read_only, "cache_ttl_s": state.ttl_s}

    @app.put("/admin/read-only", dependencies=admin)
    def read_only(wanted: ReadOnly) -> ReadOnly:
        state.read_only = wanted.read_only
        return wanted

    @app.put("/admin/cache-ttl", dependencies=admin)
    def cache_ttl(wanted: CacheTtl) -> dict[str, int]:
        state.ttl_s = USUAL_TTL_S + wanted.longer_by_hours * 3600
        return {"cache_ttl_s": state.ttl_s}

    @app.delete("/admin/sessions", dependencies=admin)
    def sessions() -> dict[str, int]:
        ended = len(state.sessions)
        state.sessions.clear()
        return {"ended": ended}

    @app.post("/notes", status_code=201)
    def write(note: str) -> dict[str, int]:
        if state.read_only:
            raise HTTPException(503, "the service is read-only for the moment")
        state.notes.append(note)
        return {"notes": len(state.notes)}

    return app


app = build()
