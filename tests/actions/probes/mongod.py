"""A stand-in for mongod: MongoDB's wire protocol (OP_MSG, and OP_QUERY for the first greeting).

There is no mongod in Debian. This speaks to the real driver and answers the few commands that the
probe asks, with values that a test gives it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import traceback
from collections.abc import Mapping
from typing import Any

import bson
from pymongo import pool_shared

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
HEADER = struct.Struct("<iiii")
OK = {"ok": 1.0}
UNAUTHORIZED = {"ok": 0.0, "code": 13, "codeName": "Unauthorized", "errmsg": "not authorized"}
NO_REPLICATION = {
    "ok": 0.0, "code": 76, "codeName": "NoReplicationEnabled", "errmsg": "no replication"
}  # fmt: skip
STATUS = {
    "version": "7.0.5", "uptime": 100.0, **OK,
    "connections": {"current": 20, "available": 80, "active": 3, "totalCreated": 500},
    "globalLock": {"currentQueue": {"total": 0, "readers": 0, "writers": 0}},
}  # fmt: skip
_connect = pool_shared._async_create_connection


async def _connected(*given: Any) -> socket.socket:
    """Connect, and leave nothing open where that is given up.

    The driver does, if it is closed while one of its tasks connects. Python warns of that whenever
    it finds it, and whichever test is running then would fail.
    """
    try:
        return await _connect(*given)
    except asyncio.CancelledError as given_up:
        for frame, _ in traceback.walk_tb(given_up.__traceback__):
            if isinstance(left := frame.f_locals.get("sock"), socket.socket):
                left.close()
        raise


setattr(pool_shared, _connect.__name__, _connected)


class Mongod:
    """Answers commands; ``answers`` replaces those of a healthy single server."""

    def __init__(self, answers: Mapping[str, Any], hello: Mapping[str, Any]) -> None:
        self._answers = {
            "serverStatus": STATUS, "currentOp": {"inprog": [], **OK},
            "replSetGetStatus": NO_REPLICATION, "endSessions": OK, "ping": OK, **answers,
        }  # fmt: skip
        self._hello = dict(hello)
        self.asked: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's messages, one after the other."""
        while True:
            length, number, _, kind = HEADER.unpack(await reader.readexactly(16))
            body = await reader.readexactly(length - 16)
            answer = self._of_query(body) if kind == OP_QUERY else self._of_message(body)
            if answer is None:
                return
            replied, payload = answer
            writer.write(HEADER.pack(16 + len(payload), 1, number, replied) + payload)
            await writer.drain()

    def _of_query(self, body: bytes) -> tuple[int, bytes]:
        """Answer the greeting: flags, the collection's name, skip, count, one document."""
        document = bson.decode(body[body.index(b"\0", 4) + 1 + 8 :])
        answer = bson.encode(self._answer(document))
        return OP_REPLY, struct.pack("<iqii", 8, 0, 0, 1) + answer

    def _of_message(self, body: bytes) -> tuple[int, bytes] | None:
        """Answer a command: flags, then one section of kind 0."""
        assert body[4] == 0
        length = struct.unpack_from("<i", body, 5)[0]
        document = bson.decode(body[5 : 5 + length])
        self.asked.append(document)
        answer = self._answer(document)
        if answer is None:
            return None
        return OP_MSG, struct.pack("<iB", 0, 0) + bson.encode(answer)

    def _answer(self, command: Mapping[str, Any]) -> Any:
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return {
                "ismaster": True, "isWritablePrimary": True, "maxBsonObjectSize": 16777216,
                "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000, "minWireVersion": 0,
                "maxWireVersion": 21, "readOnly": False, **self._hello, **OK,
            }  # fmt: skip
        unknown = {"ok": 0.0, "code": 59, "errmsg": f"no such command: {name}"}
        return self._answers.get(name, unknown)
