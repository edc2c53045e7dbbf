"""What a step prints, kept while it prints: masked, bounded, written a few times a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from bongsu.engine.writing import CHANNEL
from bongsu.logs.masking import mask
from bongsu.store import runs
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

EVERY = 0.5
"""seconds between two writings"""
HALF = 32 * 1024
"""bytes of the beginning, and of the end, that are kept"""
LEFT_OUT = "\n… {count:,} bytes left out …\n"


class StepOutput:
    """Takes what a step prints and keeps it where people can see it while it runs."""

    def __init__(
        self, pool: Pool, output: int, incident: int,
        write: Callable[[PoolConnection, int, str], Awaitable[None]] = runs.write_output,
    ) -> None:  # fmt: skip
        self._pool, self._output, self._incident = pool, output, incident
        self._keep = write
        self._head, self._tail = bytearray(), bytearray()
        self._left_out = 0
        self._written = ""
        self._writing = asyncio.create_task(self._keep_writing(), name=f"output {output}")

    def take(self, stream: str, data: bytes) -> None:  # noqa: ARG002  both are shown as they come
        """Take more; never blocks."""
        room = HALF - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room < len(data) else b""
        if len(self._tail) > HALF:
            self._left_out += len(self._tail) - HALF
            del self._tail[: len(self._tail) - HALF]

    @property
    def text(self) -> str:
        """All that is kept so far, masked."""
        if not self._left_out:
            return mask(bytes(self._head + self._tail).decode(errors="replace"))
        head, tail = (half.decode(errors="ignore") for half in (self._head, self._tail))
        return mask(f"{head}{LEFT_OUT.format(count=self._left_out)}{tail}")

    def stop(self) -> None:
        """Write no more; whoever records what came of the step writes its text with that."""
        self._writing.cancel()

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._write()

    async def _write(self) -> None:
        text = self.text
        if text == self._written:
            return
        with contextlib.suppress(*AWAY):
            async with self._pool.acquire() as conn, conn.transaction():
                await self._keep(conn, self._output, text)
                await conn.execute("SELECT pg_notify($1, $2)", CHANNEL, str(self._incident))
            self._written = text
