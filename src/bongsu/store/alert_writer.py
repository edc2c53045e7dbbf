"""Writes signals and their alerts: one statement for all that came while a connection was busy.

A signal is answered only when it is durable, so what limits a sender is the disk's flush. Many
signals share one: while both connections write, what comes in waits; as soon as one is free it
writes all of it at once (group commit). So there is no timer to wait for when little comes in,
and the more comes in, the less each costs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import structlog

from bongsu.incident.alert import Alert, ChangedAlert
from bongsu.store.alert_queue import (
    NOTHING,
    ROWS_PER_STATEMENT,
    Batch,
    Part,
    Queue,
    Receipt,
    Tide,
    in_parts,
    split,
)
from bongsu.store.alert_rows import Row, to_changed
from bongsu.store.alert_sql import WRITE, arguments
from bongsu.store.database import AWAY
from bongsu.store.signals import Signal

if TYPE_CHECKING:
    from bongsu.store.database import Connection

log = structlog.get_logger(__name__)

CONNECTIONS = 2
PATIENCE = 4.0
"""seconds for which a signal waits for a database that does not answer"""
STATEMENT_TIMEOUT = 5.0
RETRY = 0.05
"""seconds before the first new try after a failure"""
REFUSED_PER_SECOND = 1.0
REFUSED_AT_ONCE = 50.0
"""refused signals that are kept: whoever has no key can't fill the disk"""
APART = 2_000
"""alerts of one signal that are prepared in a thread, so that others don't wait for it"""

# Generic plans: planning would take longer than a small statement runs.
SESSION = """
SET synchronous_commit = on; SET jit = off; SET plan_cache_mode = force_generic_plan"""

# The statement can't be carried out, however often it is tried.
_BAD_DATA = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
)
_NO_DATABASE = (asyncpg.PostgresError, *AWAY)


class NotKeptError(Exception):
    """A signal was not kept; what the sender is told."""


class OverloadedError(NotKeptError):
    """More waits than can be written in time; send it again in a moment."""


class UnavailableError(NotKeptError):
    """The database does not answer; send it again in a moment."""


class UnstorableError(NotKeptError):
    """The database refuses this very signal; sending it again won't help."""


class _Lane:
    """One connection and what it is writing."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.statement: asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record] | None = None
        self.batch = NOTHING
        self.idle: asyncio.Future[None] | None = None

    def drop(self) -> None:
        """Give the connection up."""
        if self.connection is not None:
            self.connection.terminate()
        self.connection = self.statement = None


class AlertWriter:
    """Takes signals and says when they are durable.

    ``connect`` opens a connection of the writer's own. ``on_changed`` is called after each
    commit with the alerts that it changed, in this process; what a crash keeps from it stays
    pending in the table. It must return at once.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        on_changed: Callable[[Sequence[ChangedAlert]], object],
    ) -> None:
        self._connect = connect
        self._on_changed = on_changed
        self._queue = Queue()
        self._tide = Tide()
        self._lanes = [_Lane() for _ in range(CONNECTIONS)]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._reached = float("-inf")
        self._refused = REFUSED_AT_ONCE
        self._refused_at = 0.0

    async def start(self) -> None:
        """Open the connections; a database that does not answer yet is tried again."""
        self._loop = asyncio.get_running_loop()
        self._reached = self._loop.time()
        for number, lane in enumerate(self._lanes):
            work = self._serve(lane)
            self._tasks.append(asyncio.create_task(work, name=f"alert writer {number}"))
        await asyncio.sleep(0)

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109  what is left then fails with its own error
        """Write what waits, at most for ``timeout`` seconds, and close the connections."""
        self._stopping = True
        self._wake()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._give_up(self._queue.take_before(float("inf")))

    @property
    def _open_lanes(self) -> int:
        """Connections that are open, with a task that writes on them."""
        live = zip(self._lanes, self._tasks, strict=False)  # no tasks before the start
        return sum(lane.statement is not None and not task.done() for lane, task in live)

    @property
    def ready(self) -> bool:
        """Whether a signal would be written now."""
        return self._open_lanes > 0 and not self._stopping and not self._queue.full

    @property
    def busy(self) -> bool:
        """Whether signals come in floods, or wait for a connection that is writing others."""
        return self._queue.rows > 0 or self._tide.high(self._loop.time())

    def write(self, signal: Signal, alerts: Sequence[Alert]) -> Awaitable[None]:
        """Write a signal and its alerts; what is returned is done when they are durable.

        Raises (at once, or when awaited):
            OverloadedError: too much waits already.
            UnavailableError: the database did not answer in time.
            UnstorableError: the database refuses it.
        """
        self._check()
        if len(alerts) > APART:
            return self._write_many(signal, alerts)
        return self._submit(signal, split(signal.integration or "", alerts))

    def write_rows(self, signal: Signal, rows: Sequence[Row]) -> asyncio.Future[None]:
        """Write a signal whose alerts are prepared already, as `write` does."""
        self._check()
        return self._submit(signal, in_parts(rows))

    async def _write_many(self, signal: Signal, alerts: Sequence[Alert]) -> None:
        parts = await asyncio.to_thread(split, signal.integration or "", alerts)
        await self._submit(signal, parts)

    def keep_refused(self, signal: Signal) -> None:
        """Keep a refused signal for people to look at, without waiting for it and within bounds."""
        now = self._loop.time()
        gained = (now - self._refused_at) * REFUSED_PER_SECOND
        self._refused = min(REFUSED_AT_ONCE, self._refused + gained)
        self._refused_at = now
        if self._refused >= 1 and not self._queue.full:
            self._refused -= 1
            self._submit(signal, [{}]).add_done_callback(_retrieve)

    def _check(self) -> None:
        if self._stopping:
            raise UnavailableError("shutting down")
        if self._queue.full:
            raise OverloadedError("too many signals are waiting")
        if self._loop.time() - self._reached > PATIENCE and not self._open_lanes:
            raise UnavailableError("the database does not answer")

    def _submit(self, signal: Signal, parts: Sequence[dict[str, Row]]) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        now = self._loop.time()
        receipt = Receipt(future, len(parts), now)
        self._tide.note(sum(map(len, parts)), now)
        self._queue.add(Part(parts[0], signal.received_at, signal, receipt))
        for rows in parts[1:]:
            self._queue.add(Part(rows, signal.received_at, None, receipt))
        self._wake()
        return future

    def _wake(self) -> None:
        """Let a free connection begin, after everything else that came in this turn of the loop."""
        for lane in self._lanes:
            if lane.idle is not None and not lane.idle.done():
                lane.idle.set_result(None)
                if not self._stopping:
                    return

    async def _serve(self, lane: _Lane) -> None:
        try:
            while await self._opened(lane):
                try:
                    if not await self._write_next(lane):
                        return
                except Exception as error:  # noqa: BLE001  a lane that dies takes every later signal
                    await self._recover(lane, error)
        finally:
            self._give_up(lane.batch.parts)
            await _closed(lane)

    async def _write_next(self, lane: _Lane) -> bool:
        """Write what waits, or wait for it; False when nothing will come any more."""
        await self._gather(lane)
        lane.batch = self._queue.take([o.batch.rows for o in self._lanes if o is not lane])
        if lane.batch.parts:
            await self._flush(lane, lane.batch)
            lane.batch = NOTHING
            self._wake()
        elif self._stopping and not self._queue:
            return False
        else:
            lane.idle = self._loop.create_future()
            await lane.idle
        return True

    async def _gather(self, lane: _Lane) -> None:
        """Let in what has arrived already, until it is as much as the other connection is writing.

        So in a storm the two take turns with statements of one size, and what a statement costs
        by itself is shared by more signals. On a quiet system nothing is waited for.
        """
        enough = sum(len(other.batch.rows) for other in self._lanes if other is not lane)
        rows = 0
        while rows < self._queue.rows < min(enough, ROWS_PER_STATEMENT):
            rows = self._queue.rows
            await asyncio.sleep(0)

    async def _recover(self, lane: _Lane, error: Exception) -> None:
        """Go on after what nobody foresaw: who waits for the batch is told to send it again."""
        log.error("alert_writer.lane_failed", error=repr(error), exc_info=error)
        lane.drop()
        self._give_up(lane.batch.parts)
        lane.batch = NOTHING
        await asyncio.sleep(RETRY)
        self._wake()

    async def _opened(self, lane: _Lane) -> bool:
        """Have a connection, however long that takes; False where the writer stops meanwhile."""
        delay = RETRY
        while lane.statement is None:
            try:
                await self._open(lane)
            except Exception as error:  # noqa: BLE001  whatever it is, only another try can help
                lane.drop()
                self._give_up_overdue()
                if self._stopping:
                    return False
                log.warning("alert_writer.no_database", error=repr(error), retry_in=delay)
                await asyncio.sleep(delay)
                delay = min(1.0, delay * 2)
        return True

    async def _open(self, lane: _Lane) -> None:
        async with asyncio.timeout(STATEMENT_TIMEOUT):
            lane.connection = await self._connect()
            await lane.connection.execute(SESSION)
            lane.statement = await lane.connection.prepare(WRITE)
        self._reached = self._loop.time()

    async def _flush(self, lane: _Lane, batch: Batch) -> None:
        assert lane.statement is not None
        at = batch.parts[0].received_at
        try:
            records = await lane.statement.fetch(*arguments(batch, at), timeout=STATEMENT_TIMEOUT)
        except _BAD_DATA as error:
            await self._flush_apart(lane, batch, error)
        except Exception as error:  # noqa: BLE001  a driver fails in ways that it does not list
            log.warning("alert_writer.lost_database", error=repr(error), alerts=len(batch.rows))
            lane.drop()
            self._queue.put_back(batch.parts)
            self._give_up_overdue()
            if not isinstance(error, _NO_DATABASE):
                await asyncio.sleep(RETRY)  # it may well fail again
        else:
            self._reached = self._loop.time()
            self._settle(batch, records, at)

    async def _flush_apart(self, lane: _Lane, batch: Batch, error: Exception) -> None:
        """Find the signal that can't be written, so that the others are."""
        if len(batch.parts) == 1:
            log.error("alert_writer.unstorable", error=repr(error))
            batch.parts[0].receipt.fail(UnstorableError(str(error)))
            return
        for part in batch.parts:
            if lane.statement is None:
                self._queue.put_back([part])
            else:
                await self._flush(lane, Batch([part], part.rows))

    def _settle(self, batch: Batch, records: Sequence[asyncpg.Record], at: datetime) -> None:
        for part in batch.parts:
            part.receipt.part_done()
        if records:
            changed = [to_changed(batch.rows[record["id"].hex], record, at) for record in records]
            try:
                self._on_changed(changed)
            except Exception:
                log.exception("alert_writer.not_handed_on", alerts=len(changed))

    def _give_up_overdue(self) -> None:
        self._give_up(self._queue.take_before(self._loop.time() - PATIENCE))

    def _give_up(self, parts: Sequence[Part]) -> None:
        for part in parts:
            part.receipt.fail(UnavailableError("the database does not answer"))


def _retrieve(future: asyncio.Future[None]) -> None:
    """Look at a future that nobody waits for, so that its error is not reported as forgotten."""
    if not future.cancelled():
        future.exception()


async def _closed(lane: _Lane) -> None:
    if lane.connection is not None:
        with contextlib.suppress(*_NO_DATABASE):
            await lane.connection.close(timeout=1)
    lane.drop()
