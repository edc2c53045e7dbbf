"""Puts the faces of a process together, in the order in which a request meets them.

signals (raw ASGI) → safety headers → compression → health, links, Slack, calendars, assets
→ the API (loaded when first asked) → console
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, request_response

from bongsu.i18n import N_
from bongsu.web import calendars, health, onetap, slack, static
from bongsu.web.access.door import Access
from bongsu.web.bounds import BoundedBody
from bongsu.web.headers import SafetyHeaders
from bongsu.web.live import LiveFeed
from bongsu.web.metrics import Counters
from bongsu.web.problems import problem
from bongsu.web.services import SCOPE, MetricSource, Reload, Services, services

if TYPE_CHECKING:
    import socket

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

    from bongsu.channels.message import Channel
    from bongsu.engine.diagnosis import Diagnostician
    from bongsu.engine.engine import Engine
    from bongsu.engine.messages import Writer
    from bongsu.store.database import Pool
    from bongsu.web.onetap import Render

API = "/api/v1"
LARGEST_SLACK = 1_000_000
"""bytes of a form that Slack sends"""


def create_app(
    engine: Engine,
    *,
    writer: Writer,
    channels: Mapping[str, Channel],
    ingest: Callable[[ASGIApp], ASGIApp] | None = None,
    console: ASGIApp | None = None,
    reload: Reload | None = None,
    render_go: Render | None = None,
    more_metrics: Sequence[MetricSource] = (),
    pool: Pool | None = None,
    diagnostician: Diagnostician | None = None,
) -> App:
    """Return the ASGI app of a process.

    ``writer`` knows the public address and the secret of links. ``ingest`` wraps the rest, to take
    the signal routes before anything else. ``console`` gets what nothing else answers, with
    `Services` in its scope. ``reload`` reads the manual's folder again. ``pool`` is what the faces
    work with, so that no flood of requests waits before a page; without it they use the engine's.
    ``diagnostician`` makes reports on demand.
    """
    pool = pool or engine.pool
    feed = LiveFeed(pool)
    counters = Counters()
    engine.committed = counters.committed
    at = Services(
        engine=engine, pool=pool,
        access=Access(pool, engine.clock, secret=writer.secret, base_url=writer.base_url),
        live=feed, writer=writer, channels=channels, counters=counters, reload=reload,
        more_metrics=more_metrics, diagnostician=diagnostician,
    )  # fmt: skip
    api = _Api()
    faces = Starlette(
        routes=_routes(api, console),
        middleware=_middleware(writer),
        lifespan=_lifespan(feed, api),
        exception_handlers={404: _nothing},
    )
    faces.state.render_go = render_go
    return App(at, ingest(faces) if ingest else faces)


class App:
    """The app, and what it works with."""

    def __init__(self, services: Services, faces: ASGIApp) -> None:
        self.services = services
        self._faces = faces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's life."""
        scope[SCOPE] = self.services
        await self._faces(scope, receive, send)


def _middleware(writer: Writer) -> list[Middleware]:
    return [
        Middleware(SafetyHeaders, https=writer.base_url.startswith("https://")),
        # A stream of events is never compressed: it would wait for more.
        Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
    ]


def _routes(api: _Api, console: ASGIApp | None) -> list[Mount | Route]:
    return [
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/metrics", health.prometheus),
        Mount(static.PREFIX, static.Assets()),
        Route("/go/{token}", onetap.look, methods=["GET"]),
        Route("/go/{token}", onetap.tap, methods=["POST"]),
        Route("/calendar/{token}.ics", calendars.serve),
        Route("/slack/interactions", _slack(), methods=["POST"]),
        Mount(API, api),
        Mount("/", console or PlainTextResponse("Bongsu", 404)),
    ]


async def _nothing(request: Request, _error: Exception) -> Response:
    """Answer for what no route takes, not even the console: an address with a line break in it."""
    t = services(request).translator(request)
    return problem("not_found", t(N_("nothing is at this address")), t)


def _slack() -> ASGIApp:
    return BoundedBody(request_response(slack.interactions), LARGEST_SLACK)


class _Api:
    """The API, imported and built in a thread: the process starts without waiting for it."""

    def __init__(self) -> None:
        self._built: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = await self.built()
        await app(scope, receive, send)

    async def built(self) -> ASGIApp:
        """Return the API, building it the first time."""
        if self._built is None:
            self._built = asyncio.create_task(asyncio.to_thread(_build_api), name="build the API")
        return await asyncio.shield(self._built)


def _build_api() -> ASGIApp:
    from bongsu.web.api.app import build  # noqa: PLC0415  it takes most of the time to start

    return build()


def _lifespan(feed: LiveFeed, api: _Api) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await feed.start()
        warming = asyncio.create_task(api.built(), name="warm the API")
        try:
            yield
        finally:
            await asyncio.wait({warming})
            await feed.stop()

    return lifespan


class Server(uvicorn.Server):
    """Uvicorn, which ends the live streams first: it would wait for them otherwise."""

    def __init__(self, app: App, **options: object) -> None:
        super().__init__(uvicorn.Config(app, **options))  # type: ignore[arg-type]  # uvicorn's own
        self._feed = app.services.live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop taking requests, end the streams, and wait for the others."""
        self._feed.close()
        await super().shutdown(sockets)
