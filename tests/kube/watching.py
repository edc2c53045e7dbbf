"""Watches and other streams: what happens in the test's thread, sent by the server's loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from tests.kube.faults import Faults
from tests.kube.storage import Happened, Storage, chooses
from tests.kube.wire import Blocks, Request


class WatchCutError(Exception):
    """The connection broke in the middle of a watch."""


def watched(
    storage: Storage, resource: str, namespace: str, request: Request, faults: Faults
) -> Blocks:
    """Answer a watch: each change as a line, until its time is over."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Happened] = asyncio.Queue()
    cut = faults.cut_watches > 0
    faults.cut_watches -= cut

    def wanted(happened: Happened) -> bool:
        thing = happened.thing
        fits = happened.resource == resource
        fits = fits and namespace in ("", thing["metadata"].get("namespace", ""))
        fields, labels = request.asked("fieldSelector"), request.asked("labelSelector")
        return fits and chooses(thing, labels, fields)

    def tell(happened: Happened) -> None:
        if wanted(happened):
            loop.call_soon_threadsafe(queue.put_nowait, happened)

    since = int(request.asked("resourceVersion") or storage.number)
    stop = storage.watch(since or storage.number, tell)

    async def lines() -> AsyncIterator[bytes]:
        try:
            async with asyncio.timeout(float(request.asked("timeoutSeconds", "60"))):
                while True:
                    happened = await queue.get()
                    yield _line(happened)
                    if cut:
                        raise WatchCutError
        except TimeoutError:
            return
        finally:
            stop()

    return Blocks(lines())


def _line(happened: Happened) -> bytes:
    return json.dumps({"type": happened.kind, "object": happened.thing}).encode() + b"\n"
