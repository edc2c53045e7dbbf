"""The API as one ASGI app, to be mounted under ``/api/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import Response

from bongsu.web.api import (
    accounts,
    actions,
    changes,
    errors,
    history,
    incidents,
    manual,
    oncall,
    openapi,
    playbooks,
    recovery,
    reports,
    signals,
    verifications,
)
from bongsu.web.api.idempotency import Idempotent
from bongsu.web.api.json import answer
from bongsu.web.bounds import BoundedBody

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PREFIX = "/api/v1"
ROUTERS = (
    incidents.router, incidents.everything, actions.router, oncall.router, manual.router,
    signals.router, reports.router, playbooks.router, history.router, verifications.router,
    changes.router, recovery.router, accounts.router,
)  # fmt: skip


def routes() -> FastAPI:
    """Return the routes alone, as tests and the reference look at them."""
    app = FastAPI(
        title="Bongsu", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.state.routes = list(openapi.api_routes(ROUTERS))
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)

    @app.get("/openapi.json", include_in_schema=False)
    async def describe() -> Response:
        return answer(openapi.document(app, ROUTERS))

    return app


def build() -> ASGIApp:
    """Return the app with everything that stands before its routes."""
    return BoundedBody(Idempotent(routes(), PREFIX))
