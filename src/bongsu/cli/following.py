"""Reads an incident's server-sent events until it has ended.

A broken stream goes on where it was.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from bongsu.cli.connection import Server, client, find_server, refuse
from bongsu.cli.printing import t

AGAIN = 1.0
"""seconds after which a stream that ended is asked for again"""
SILENCE = 40.0
"""seconds without even a heartbeat, after which the connection counts as broken"""


def follow(which: str, after: int) -> Iterator[dict[str, Any]]:
    """Yield the timeline's entries above ``after`` as they come, until an open incident ends."""
    server = find_server()
    while True:
        try:
            for kind, data in _stream(server, which, after):
                if kind == "timeline":
                    after = data["seq"]
                    yield data
                elif kind == "incident" and not data["open"]:
                    return
        except httpx.TransportError:
            print(t("{url} went away; trying again", url=server.url), file=sys.stderr)
        time.sleep(AGAIN)


def _stream(server: Server, which: str, after: int) -> Iterator[tuple[str, Any]]:
    path, timeout = f"/incidents/{which}/live", httpx.Timeout(20, read=SILENCE)
    with (
        client(server) as http,
        http.stream("GET", path, params={"after": after}, timeout=timeout) as response,
    ):
        if not response.is_success:
            response.read()
            refuse(response, server)
        yield from events(response.iter_lines())


def events(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Read server-sent events: their kind, and their data as JSON."""
    kind, data = "message", list[str]()
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                kind = value
            case "data":
                data.append(value)
            case "" if not line and data:
                yield kind, json.loads("\n".join(data))
                kind, data = "message", []
