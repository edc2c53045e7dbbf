"""The pages that say that something can't be shown or done, and what to do instead."""

from __future__ import annotations

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bongsu.engine.engine import UnknownIncidentError
from bongsu.i18n import N_
from bongsu.web.access.door import current_actor
from bongsu.web.console.gate import PageError
from bongsu.web.console.shell import Frame
from bongsu.web.console.views import words
from bongsu.web.problems import ProblemError
from bongsu.web.services import services

log = structlog.get_logger(__name__)

TITLES = {
    403: N_("You may not do this"),
    404: N_("There is no such page"),
    405: N_("This can't be done here"),
    409: N_("Not possible as things are"),
    410: N_("No longer there"),
    413: N_("Too large"),
    422: N_("Something is missing or not right"),
    500: N_("Something is broken here"),
    503: N_("Not available just now"),
}


_ROLES = ("needed", "role")
"""values that are names of roles"""


async def page_error(request: Request, error: Exception) -> Response:
    """Show what a page or a form was refused for."""
    assert isinstance(error, PageError)
    return await _shown(request, error.status, error.text, error.values)


async def http_error(request: Request, error: Exception) -> Response:
    """Show what Starlette refused, most often an address that does not exist."""
    assert isinstance(error, HTTPException)
    return await _shown(request, error.status_code, "", {})


async def problem(request: Request, error: Exception) -> Response:
    """Show what code that the API shares refused."""
    assert isinstance(error, ProblemError)
    return await _shown(request, 422, error.text, error.values)


async def unknown_incident(request: Request, _error: Exception) -> Response:
    """Show that there is no such incident."""
    return await _shown(request, 404, N_("There is no such incident."), {})


async def broken(request: Request, error: Exception) -> Response:
    """Show that it is our fault, and that calls go on all the same."""
    log.error("console.broken", path=request.url.path, error=repr(error))
    text = N_("It was recorded. Calls go out all the same. Try again in a moment.")
    try:
        return await _shown(request, 500, text, {})
    except Exception:  # noqa: BLE001  the page that says so must not depend on what is broken
        return HTMLResponse("<!doctype html><title>Bongsu</title><h1>500</h1>", 500)


async def _shown(request: Request, status: int, text: str, values: dict[str, object]) -> Response:
    at = services(request)
    actor = await current_actor(request)
    frame = Frame(request, at, actor)
    t = frame.t
    title = t(TITLES.get(status, TITLES[500]))
    told = {k: words.name(str(v), t) if k in _ROLES else v for k, v in values.items()}
    shown = {"title": title, "text": t(text, **told) if text else "", "status": status}
    if "hx-request" in request.headers:
        return HTMLResponse(frame.text("error_part.html", shown), status)
    return frame.page("error.html", shown, status)


HANDLERS = {
    PageError: page_error,
    HTTPException: http_error,
    ProblemError: problem,
    UnknownIncidentError: unknown_incident,
    Exception: broken,
}
