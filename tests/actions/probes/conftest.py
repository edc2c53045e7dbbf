"""Servers that misbehave, and what a look is given."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from tests.ports import free_port
from tests.waiting import PATIENCE

from bongsu.actions.looking import LookContext

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def context(env: Mapping[str, str] | None = None, timeout_s: float = PATIENCE) -> LookContext:
    """Return what a look is given here."""
    return LookContext(env=env or {}, now=lambda: datetime.now(UTC), timeout_s=timeout_s)


@asynccontextmanager
async def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve each connection on a free port."""
    tasks: set[asyncio.Task[None]] = set()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(taken, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def never_answers(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take what is sent, and say nothing."""
    while await reader.read(1024):
        pass


async def cuts_off(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close at once."""
    writer.close()


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    return free_port()
