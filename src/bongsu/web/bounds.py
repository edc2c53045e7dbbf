"""Reads a request's whole body before anything looks at it, up to a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request

from bongsu.i18n import N_
from bongsu.web.ingest_http import lingering
from bongsu.web.problems import ProblemError
from bongsu.web.services import services

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 262_144
"""bytes; a note of 10,000 characters needs 40,000 at most"""


class BoundedBody:
    """Refuses a body that is too large, and hands on one that is complete.

    So a slow or endless sender holds nothing but its own connection.
    """

    def __init__(self, app: ASGIApp, largest: int = LARGEST) -> None:
        self._app, self._largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body = await self._read(scope, receive)
        if body is None:
            await self._refuse(scope, receive, send)
        else:
            await self._app(scope, replayed(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        if announced(scope) > self._largest:
            return None
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._largest:
                return None
            more = message.get("more_body", False)
        return b"".join(parts)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = N_("the body has more than {count} bytes")
        problem = ProblemError("too_large", text, count=f"{self._largest:,}")
        problem.heading("connection", "close")
        request = Request(scope)
        response = problem.response(services(request).translator(request))
        await response(scope, receive, lingering(send, receive))


def announced(scope: Scope) -> int:
    """Return the length that a request says it has; 0 where it does not say."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives the body at once, and then whatever comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
