"""A cheap HTTP load: requests made beforehand, a few keep-alive connections, raw sockets."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple, cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Result(NamedTuple):
    """What a run of requests came to. Times are seconds."""

    seconds: float
    latencies: list[float]
    bad: list[bytes]
    """heads of the answers that were not in the 200s"""

    def percentile(self, share: float) -> float:
        """Return the latency that a share of the requests stayed below."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Client(asyncio.Protocol):
    """One connection: sends a request when the former is answered."""

    def __init__(
        self, requests: Iterator[bytes], result: Result, done: asyncio.Future[None]
    ) -> None:
        self._requests, self._result, self._done = requests, result, done
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end)
        if len(self._buffer) < end + 4 + (int(length[1]) if length else 0):
            return
        self._result.latencies.append(time.perf_counter() - self._sent)
        if self._buffer[9:10] != b"2":
            self._result.bad.append(self._buffer[:400])
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("closed by the server"))


def request(port: int, path: str, body: bytes, headers: str = "") -> bytes:
    """Make a POST request in full."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def run(port: int, requests: Sequence[bytes], connections: int) -> Result:
    """Send every request once over so many connections."""
    loop = asyncio.get_running_loop()
    result = Result(0.0, [], [])
    queue = iter(requests)
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    for end in ends:
        await loop.create_connection(partial(_Client, queue, result, end), "127.0.0.1", port)
    await asyncio.gather(*ends)
    return result._replace(seconds=time.perf_counter() - started)
