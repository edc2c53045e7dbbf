"""What changes, told at once: one LISTEN per process, fanned out to everybody who watches.

A watcher is only woken, never sent to: it reads for itself what is new since what it has seen. So
a slow one costs no memory, misses nothing, and holds up neither the engine nor the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import structlog
from starlette.responses import StreamingResponse

from bongsu.engine.writing import CHANNEL
from bongsu.incident import events as e
from bongsu.incident.state import Incident
from bongsu.store import incidents, reading
from bongsu.store.database import listening

if TYPE_CHECKING:
    from bongsu.store.database import Pool
    from bongsu.store.reading import IncidentRow, LogRow

HEARTBEAT = 15.0
"""seconds of silence after which a comment is sent, so that proxies keep the connection"""
LONGEST = 900.0
"""seconds after which a stream ends; the browser comes back at once and is asked who it is again"""
READERS = 2
"""connections that all watchers of this process hold at once"""
MOST_DIRTY = 200
"""changed incidents that one watcher is told one by one; beyond that it reads its list again"""
MOST_EVENTS = 500
"""events of one incident that are read at once"""
EVERYTHING = "*"
AGAIN = 1.0
"""seconds after which a database that did not answer is asked again"""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Message(NamedTuple):
    """One server-sent event."""

    event: str
    data: str
    id: str = ""

    def encode(self) -> str:
        """Write it as the browser's EventSource reads it."""
        head = f"id: {self.id}\n" if self.id else ""
        lines = "".join(f"data: {line}\n" for line in self.data.split("\n"))
        return f"{head}event: {self.event}\n{lines}\n"


class Change(NamedTuple):
    """What is new about one incident."""

    incident: Incident
    log: Sequence[LogRow]
    """events, preceded by those older ones to which their words refer"""
    after: int
    """what is new has a number above this"""


class Watcher:
    """Somebody who wants to know; woken as often as need be, and told what has changed since."""

    def __init__(self, only: str | None) -> None:
        self._only = only
        self._dirty: set[str] = set()
        self._woken = asyncio.Event()

    def wake(self, name: str) -> None:
        """Note that an incident, or everything, may have changed."""
        if self._only in (None, name) or name == EVERYTHING:
            too_many = len(self._dirty) >= MOST_DIRTY
            self._dirty = {EVERYTHING} if too_many else self._dirty | {name}
            self._woken.set()

    def end(self) -> None:
        """Wake up for the last time."""
        self._woken.set()

    async def changed(self) -> set[str]:
        """Wait for a change; returns what has changed since the last call."""
        await self._woken.wait()
        self._woken.clear()
        dirty, self._dirty = self._dirty, set()
        return dirty


class LiveFeed:
    """The watchers of one process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._watchers: set[Watcher] = set()
        self._places = asyncio.Semaphore(READERS)
        self._stack = AsyncExitStack()
        self.closed = False

    async def start(self) -> None:
        """Begin to listen."""
        await self._stack.enter_async_context(listening(self._pool, CHANNEL, self._heard))

    async def stop(self) -> None:
        """Stop listening."""
        self.close()
        await self._stack.aclose()

    def close(self) -> None:
        """End every stream now, so that the server's shutdown does not wait for them."""
        self.closed = True
        for watcher in self._watchers:
            watcher.end()

    def _heard(self, payload: str) -> None:
        """An empty payload says that the connection is new and something may have been missed."""
        for watcher in self._watchers:
            watcher.wake(payload or EVERYTHING)

    async def _waiting(self, watcher: Watcher) -> AsyncIterator[set[str]]:
        """Yield what has changed, as often as something has, until the feed is closed."""
        self._watchers.add(watcher)
        try:
            while not self.closed:
                yield await watcher.changed()
        finally:
            self._watchers.discard(watcher)

    async def changes(self, incident_id: int, after: int) -> AsyncGenerator[Change, None]:
        """Yield what is new about an incident, beginning with what happened since ``after``.

        Nothing is skipped and nothing repeated, whatever the pauses between two reads.
        """
        async for change in self.stirrings(incident_id, after):
            if change is not None:
                yield change

    async def stirrings(self, incident_id: int, after: int) -> AsyncGenerator[Change | None, None]:
        """As `changes`, and None where something happened that is no event: a step printed."""
        watcher = Watcher(str(incident_id))
        watcher.wake(EVERYTHING)
        async for _ in self._waiting(watcher):
            former = after
            while not self.closed:
                change = await self._asked(watcher, self._read(incident_id, after))
                if change is None:
                    break
                yield change
                after = change.log[-1].seq
            if after == former and not self.closed:
                yield None

    async def _read(self, incident_id: int, after: int) -> Change | None:
        async with self._places, self._pool.acquire() as conn:
            rows = await reading.log(conn, incident_id, after, MOST_EVENTS)
            if not rows or rows[-1].seq <= after:
                return None
            incident = await incidents.load(conn, incident_id)
        return Change(incident, rows, after) if incident else None

    async def rows(self) -> AsyncGenerator[list[IncidentRow] | None, None]:
        """Yield the list's lines of the incidents that have changed; None: read the list again.

        The first thing yielded is None, since whoever connects may have missed something.
        """
        watcher = Watcher(None)
        watcher.wake(EVERYTHING)
        async for dirty in self._waiting(watcher):
            if self.closed:
                return
            if EVERYTHING in dirty:
                yield None
            elif rows := await self._asked(watcher, self._rows(dirty)):
                yield rows

    async def _rows(self, dirty: set[str]) -> list[IncidentRow]:
        async with self._places, self._pool.acquire() as conn:
            return await reading.rows(conn, [int(name) for name in dirty])

    async def _asked(self, watcher: Watcher, question: Awaitable[T]) -> T | None:
        """Ask the database; one that is away is asked again, since a stream outlives it."""
        try:
            return await question
        except Exception as error:  # noqa: BLE001  the edge of a stream; recorded, and tried again
            log.warning("live.not_read", error=repr(error))
            asyncio.get_running_loop().call_later(AGAIN, watcher.wake, EVERYTHING)
            return None


def decoded(rows: Sequence[LogRow]) -> list[e.Event]:
    """Return a log's rows as events."""
    return [e.Event(row.seq, row.at, row.actor, e.decode_body(row.body)) for row in rows]


def event_stream(messages: AsyncGenerator[Message, None]) -> StreamingResponse:
    """Answer with server-sent events until ``messages`` end or the reader goes away.

    For the console's fragments: ``event_stream(Message("row", html) async for … in feed.rows())``.
    """
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_with_heartbeats(messages), 200, headers, "text/event-stream")


async def _with_heartbeats(messages: AsyncGenerator[Message, None]) -> AsyncIterator[str]:
    """Write messages, and comments while there are none.

    They are made in a task of their own: the server may cancel this one again and again while it
    ends, which a generator that waits for the database would not survive.
    """
    made: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=1)
    making = asyncio.create_task(_make(messages, made), name="live stream")
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + LONGEST
    try:
        yield "retry: 2000\n\n"
        while loop.time() < ends_at:
            try:
                message = await asyncio.wait_for(made.get(), HEARTBEAT)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if message is None:
                return
            yield message.encode()
    finally:
        making.cancel()


async def _make(
    messages: AsyncGenerator[Message, None], made: asyncio.Queue[Message | None]
) -> None:
    try:
        async with aclosing(messages):
            async for message in messages:
                await made.put(message)
    except Exception as error:  # noqa: BLE001  the edge of a stream: it ends, and the reader returns
        log.warning("live.ended", error=repr(error))
    await made.put(None)


def last_seen(header: str | None) -> int:
    """Return the number after which a stream goes on, from ``Last-Event-ID``."""
    text = (header or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004  fits an integer
