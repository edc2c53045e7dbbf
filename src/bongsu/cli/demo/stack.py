"""The user's service in small, and what watches it.

A frontend and a backend that answer ``/health``, and a watcher that tells Bongsu when one does not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import httpx

FAILURES = 2
"""looks that must fail in a row before the watcher says that something is down"""
LOOK_EVERY = 0.5

HEALTHY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n"
    b'Connection: close\r\n\r\n{"status": "ok"}'
)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Service:
    """One of the user's servers; broken means that nothing listens any more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it says how it is."""
        return f"http://127.0.0.1:{self.port}/health"

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(_answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None


class Supervisor:
    """Restarts a server when it is asked to, as the user's own tools would: ``POST /restart``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}/restart"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._obey, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            request = await reader.readuntil(b"\r\n\r\n")
            asked = request.startswith(b"POST /restart ")
            if asked:
                await self._service.stop()
                await self._service.start()
            writer.write(HEALTHY if asked else NOT_FOUND)
            await writer.drain()
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(HEALTHY if request.startswith(b"GET /health ") else NOT_FOUND)
        await writer.drain()
    writer.close()


class Watcher:
    """Looks at the services and sends a plain JSON signal when one changes."""

    def __init__(
        self, services: list[Service], send: Callable[[dict[str, object]], Awaitable[None]]
    ) -> None:
        self._services = services
        self._send = send
        self._failed: dict[str, int] = dict.fromkeys((s.name for s in services), 0)

    async def run(self) -> None:
        """Look for ever."""
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while True:
                for service in self._services:
                    await self._look(client, service)
                await asyncio.sleep(LOOK_EVERY)

    async def _look(self, client: httpx.AsyncClient, service: Service) -> None:
        try:
            well = (await client.get(service.url)).is_success
        except httpx.HTTPError:
            well = False
        before = self._failed[service.name]
        self._failed[service.name] = 0 if well else before + 1
        if not well and before + 1 == FAILURES:
            await self._send(_signal(service, "firing"))
        elif well and before >= FAILURES:
            await self._send(_signal(service, "resolved"))


def _signal(service: Service, status: str) -> dict[str, object]:
    return {
        "key": f"{service.name}-down",
        "title": f"{service.name} is down: {service.url} does not answer",
        "status": status,
        "severity": "critical",
        "service": f"korea-{service.name}",
        "labels": {"alertname": "ServiceDown"},
        "description": f"GET {service.url} failed {FAILURES} times in a row",
    }
