"""A small service that is fast, slow or failing, as a test wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BEARABLE = 2.0
"""seconds in which even a busy machine gives a fast answer; what checks here ask for"""
SLOW = 1.25 * BEARABLE
"""seconds that a slow answer takes at least"""


class Service:
    """Answers every request as ``mood`` says; ``asked`` counts them."""

    def __init__(self) -> None:
        self.mood, self.asked, self.port = "fast", 0, 0
        self.over = asyncio.Event()
        self.answering: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.answering[task] = writer
        try:
            while not self.over.is_set():
                await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                if self.mood == "slow":
                    await asyncio.sleep(SLOW)
                if self.mood == "hanging":
                    await self.over.wait()
                failing = self.mood == "failing" or (self.mood == "flaky" and self.asked % 4 == 0)
                status = b"503 Service Unavailable" if failing else b"200 OK"
                writer.write(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nok" % status)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            del self.answering[task]

    async def end(self) -> None:
        """Hang up on everybody."""
        self.over.set()
        for writer in self.answering.values():
            writer.transport.abort()
        while self.answering:
            await asyncio.wait([*self.answering])


@asynccontextmanager
async def serving(mood: str = "fast") -> AsyncIterator[Service]:
    """Serve on a free port for as long as the block runs."""
    service = Service()
    service.mood = mood
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        await service.end()
