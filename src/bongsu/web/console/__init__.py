"""The responders' console: pages that say what to do next and by when, and update themselves.

`Console` is the app that `bongsu.web.app.create_app` takes as ``console``, and `render_go` writes
the pages of one-tap links.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from bongsu.web.onetap import GoPage


class Console:
    """The console, imported and built in a thread: the process starts without waiting for it."""

    def __init__(self) -> None:
        self._built: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._built is None:
            self._built = asyncio.create_task(asyncio.to_thread(_build), name="build the console")
        app = await asyncio.shield(self._built)
        await app(scope, receive, send)


def _build() -> ASGIApp:
    from bongsu.web.console.app import build  # noqa: PLC0415  it takes a while to import

    return build()


def render_go(request: Request, page: GoPage) -> Response:
    """Write the page of a one-tap link."""
    from bongsu.web.console.go import render  # noqa: PLC0415  as above

    return render(request, page)


__all__ = ["Console", "render_go"]
