"""The page of a one-tap link, in the console's style; `bongsu.web.onetap` knows what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from bongsu.web.console.shell import environment, theme
from bongsu.web.console.views import words

if TYPE_CHECKING:
    from starlette.requests import Request

    from bongsu.web.onetap import GoPage


def render(request: Request, page: GoPage) -> Response:
    """Write it: one big button, or how things stand."""
    values = {
        "page": page, "t": page.t, "lang": page.t.lang, "theme": theme(request),
        "action": request.url.path, "actor": None, "manual_name": "", "live": "",
        "beacons": words.beacons, "here": "", "csrf": "", "now": None, "quiet": True,
    }  # fmt: skip
    text = environment().get_template("go.html").render(values)
    headers = {
        "cache-control": "no-store",
        "x-robots-tag": "noindex",
        "content-language": page.t.lang,
    }
    return HTMLResponse(text, page.status, headers)
