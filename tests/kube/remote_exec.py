"""``kubectl exec``: the two ways in which kubectl moves a command's output.

From 1.30 on, kubectl asks for a WebSocket (``v5.channel.k8s.io``: each message begins with its
channel's byte). Older ones, and newer ones whose WebSocket was refused, ask for SPDY/3.1, of which
only what client-go uses is here: three streams opened in a fixed order, replies, data, pings.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass

from tests.kube.wire import Answer, Handover, Reply, Request, Socket
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection
from wsproto.utilities import generate_accept_token

V5 = "v5.channel.k8s.io"
V4 = "v4.channel.k8s.io"
_OUT, _ERR, _STATUS = 1, 2, 3


@dataclass(frozen=True)
class Executed:
    """What a command in a container answered."""

    out: str = ""
    err: str = ""
    exit_code: int = 0

    @property
    def status(self) -> bytes:
        """As the API server says it at the end."""
        if self.exit_code == 0:
            return json.dumps({"metadata": {}, "status": "Success"}).encode()
        cause = {"reason": "ExitCode", "message": str(self.exit_code)}
        message = f"command terminated with non-zero exit code: exit status {self.exit_code}"
        failure = {"status": "Failure", "reason": "NonZeroExitCode", "message": message}
        return json.dumps({"metadata": {}, **failure, "details": {"causes": [cause]}}).encode()

    @property
    def channels(self) -> list[tuple[int, bytes]]:
        """What is sent, in order, by channel."""
        said = [(_OUT, self.out.encode()), (_ERR, self.err.encode())]
        return [(channel, data) for channel, data in said if data] + [(_STATUS, self.status)]


def upgrade(request: Request, executed: Executed) -> Answer:
    """Answer the request for an upgrade, and the command's output over it."""
    wanted = request.headers.get("upgrade", "").lower()
    if wanted == "websocket":
        return _websocket(request, executed)
    if wanted == "spdy/3.1":
        headers = {"connection": "Upgrade", "upgrade": "SPDY/3.1", "x-stream-protocol-version": V4}
        return Handover(headers, _Spdy(executed).speak)
    return Reply.of({"kind": "Status", "status": "Failure", "message": "upgrade needed"}, 400)


def _websocket(request: Request, executed: Executed) -> Handover:
    async def speak(socket: Socket) -> None:
        _, writer, _ = socket
        connection = Connection(ConnectionType.SERVER)
        for channel, data in executed.channels:
            writer.write(connection.send(BytesMessage(data=bytes([channel]) + data)))
        writer.write(connection.send(CloseConnection(code=1000)))
        await writer.drain()
        await socket[0].read()

    offered = request.headers.get("sec-websocket-protocol", "").split(",")
    key = request.headers.get("sec-websocket-key", "").encode()
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-accept": generate_accept_token(key).decode(),
        "sec-websocket-protocol": V5 if V5 in [one.strip() for one in offered] else V4,
    }
    return Handover(headers, speak)


_SYN_STREAM, _SYN_REPLY, _PING = 1, 2, 6
_FIN = 1


class _Spdy:
    """The server's side of one command."""

    def __init__(self, executed: Executed) -> None:
        self._executed = executed
        self._deflate = zlib.compressobj()
        self._streams: list[int] = []

    async def speak(self, socket: Socket) -> None:
        reader, writer, already = socket
        unread = bytearray(already)
        while True:
            while len(frame := _whole_frame(unread)):
                del unread[: len(frame)]
                writer.write(self._answers(frame))
            await writer.drain()
            if not (more := await reader.read(1 << 16)):
                return
            unread += more

    def _answers(self, frame: bytes) -> bytes:
        kind = struct.unpack_from(">H", frame, 2)[0] if frame[0] & 0x80 else None
        if kind == _PING:
            return frame
        if kind != _SYN_STREAM:
            return b""
        self._streams.append(struct.unpack_from(">I", frame, 8)[0] & 0x7FFFFFFF)
        answers = self._reply(self._streams[-1])
        # client-go opens the error, output and error-output streams in this order.
        return answers + (self._said() if len(self._streams) == 3 else b"")

    def _reply(self, stream: int) -> bytes:
        no_headers = self._deflate.compress(bytes(4)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        body = struct.pack(">I", stream) + no_headers
        return struct.pack(">HHI", 0x8003, _SYN_REPLY, len(body)) + body

    def _said(self) -> bytes:
        status, out, err = self._streams
        said = [(out, self._executed.out), (err, self._executed.err)]
        frames = [_data(stream, text.encode()) for stream, text in said]
        return b"".join([*frames, _data(status, self._executed.status)])


def _data(stream: int, data: bytes) -> bytes:
    return struct.pack(">II", stream, _FIN << 24 | len(data)) + data


def _whole_frame(unread: bytearray) -> bytes:
    """The first frame if it is all there, else nothing."""
    if len(unread) < 8:
        return b""
    length = 8 + (struct.unpack_from(">I", unread, 4)[0] & 0xFFFFFF)
    return bytes(unread[:length]) if len(unread) >= length else b""
