"""HTTP/1.1 over asyncio, with the freedom to misbehave: stream, hang, drop, hand the socket over.

h11 knows the protocol; what is here moves bytes. One `Request` in, one answer out:
`Reply` (whole), `Blocks` (chunked, as they come), `Handover` (101, then the socket is the
handler's) or `DROP` (the connection is cut without a word).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import h11
from tests.ports import free_port

JSON = "application/json"
DROP: Literal["drop"] = "drop"


@dataclass(frozen=True)
class Request:
    """One request as it came; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path.rstrip("/")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def asked(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def accepts(self, part: str) -> bool:
        return part in self.headers.get("accept", "")


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    content_type: str = JSON

    @classmethod
    def of(cls, thing: Any, status: int = 200, content_type: str = JSON) -> Reply:
        """Answer with JSON."""
        return cls(status, json.dumps(thing, separators=(",", ":")).encode(), content_type)


@dataclass(frozen=True)
class Blocks:
    """A body whose end isn't known; ends without its last chunk if the iterator raises."""

    blocks: AsyncIterator[bytes]
    content_type: str = JSON


Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]
"""reader, writer, and what was read already"""


@dataclass(frozen=True)
class Handover:
    """101 Switching Protocols with these headers, then ``speak`` has the socket."""

    headers: dict[str, str]
    speak: Callable[[Socket], Awaitable[None]]


Answer = Reply | Blocks | Handover | Literal["drop"]
Respond = Callable[[Request], Awaitable[Answer]]


@dataclass
class Listener:
    """Listens on a free port of 127.0.0.1; `stop` and `start` again keep the port."""

    respond: Respond
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        if self._server is None:
            # One that the kernel gives to nobody while this listener is stopped.
            self.port = self.port or free_port()
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Refuse connections and cut those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in [*self._open]:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        connection = _Connection(reader, writer)
        try:
            # Cancelled only when the cluster stops, which nobody needs to be told.
            with suppress(OSError, h11.ProtocolError, asyncio.CancelledError):
                while (request := await connection.request()) is not None:
                    if not await connection.answer(await self.respond(request)):
                        break
        finally:
            self._open.discard(writer)
            writer.close()


class _Connection:
    """One client's connection, request after request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)

    async def request(self) -> Request | None:
        """The next request, whole; None when the client has left."""
        event = await self._next()
        if not isinstance(event, h11.Request):
            return None
        body = bytearray()
        while isinstance(data := await self._next(), h11.Data):
            body += data.data
        headers = {name.decode(): value.decode() for name, value in event.headers}
        return Request(event.method.decode(), event.target.decode(), headers, bytes(body))

    async def answer(self, answer: Answer) -> bool:
        """Send it; False when the connection can't be used again."""
        match answer:
            case Reply():
                await self._whole(answer)
            case Blocks():
                return await self._blocks(answer)
            case Handover():
                await self._handover(answer)
                return False
            case _:
                self._writer.transport.abort()
                return False
        if self._http.our_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def _next(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(1 << 16))
        return event

    async def _send(self, event: Any) -> None:
        self._writer.write(self._http.send(event) or b"")
        await self._writer.drain()

    async def _whole(self, reply: Reply) -> None:
        headers = {"content-type": reply.content_type, "content-length": str(len(reply.body))}
        await self._send(h11.Response(status_code=reply.status, headers=[*headers.items()]))
        await self._send(h11.Data(data=reply.body))
        await self._send(h11.EndOfMessage())

    async def _blocks(self, answer: Blocks) -> bool:
        headers = [("content-type", answer.content_type), ("transfer-encoding", "chunked")]
        await self._send(h11.Response(status_code=200, headers=headers))
        # A client that leaves a watch says nothing more, so listen for its leaving meanwhile.
        left = asyncio.ensure_future(self._reader.read(1))
        sent = asyncio.ensure_future(self._all_blocks(answer.blocks))
        done, _ = await asyncio.wait({left, sent}, return_when=asyncio.FIRST_COMPLETED)
        for task in (left, sent):
            task.cancel()
        await asyncio.gather(left, sent, return_exceptions=True)
        if sent in done and sent.exception() is None:
            await self._send(h11.EndOfMessage())
        else:
            self._writer.transport.abort()
        return False

    async def _all_blocks(self, blocks: AsyncIterator[bytes]) -> None:
        async for block in blocks:
            await self._send(h11.Data(data=block))

    async def _handover(self, answer: Handover) -> None:
        headers = [*answer.headers.items()]
        await self._send(h11.InformationalResponse(status_code=101, headers=headers))
        already, _ = self._http.trailing_data
        await answer.speak((self._reader, self._writer, already))
