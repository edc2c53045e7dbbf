"""The job engine: pgqueuer, its tables in the schema ``jobs`` (docs/decisions/0001).

A job is the durable promise that an effect will be done: it is written in the transaction of the
event that asks for it. The process that wrote it does the effect at once by itself; the job comes
due only later, if that process died or was too busy. A delivery's goes with its outcome, any other
finds its effect done.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from pgqueuer.adapters.persistence import qb
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.domain.settings import DBSettings
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import Channel

from bongsu.engine.effects import LEASE, PAGES, SLOW, Asked, Effect
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

SETTINGS = DBSettings(db_schema="jobs")
BATCH = {PAGES: 50, SLOW: 4}
"""jobs that a process takes by one statement; of any other queue"""
BATCH_OF_STEPS = 16
IN_HAND = {PAGES: 500}
"""jobs of a queue that a process has in hand at most: in a storm the rest waits in the database,
and each in hand shows twice a second that it lives"""
RETRY = 0.3
"""seconds"""
FAILED = 5.0
"""seconds before a job is tried again that failed for a reason of its own"""
HEARTBEAT = timedelta(seconds=2.4)
"""a job whose worker showed no sign of life for this long is given to another one"""
POLL = timedelta(seconds=0.5)
UNHEARD = Channel("bongsu_jobs_unheard")
"""Every job is told to all who listen, and each would then ask for its own, while the page that the
job promises is on its way by hand. So nobody listens: what was left behind waits for a poll."""
PAUSE = 0.6
"""seconds until work goes on once a database that was away answers again: whoever sent something
meanwhile records that first (`recorder.PAUSE`)"""
FORGET = "DELETE FROM jobs.pgqueuer WHERE dedupe_key = ANY($1::text[]) AND status = 'queued'"
_LOCK = 0x6A6F6273  # "jobs"

log = structlog.get_logger(__name__)


class BusyElsewhereError(Exception):
    """Another worker holds the effect's claim; look again later."""


def _queries(driver: AsyncpgDriver | AsyncpgPoolDriver) -> Queries:
    return Queries(
        driver,
        qbe=qb.QueryBuilderEnvironment(settings=SETTINGS),
        qbq=qb.QueryQueueBuilder(settings=SETTINGS),
        qbs=qb.QuerySchedulerBuilder(settings=SETTINGS),
    )


async def install(conn: PoolConnection) -> None:
    """Make the library's tables, once."""
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if await conn.fetchval("SELECT to_regclass('jobs.pgqueuer') IS NULL"):
            await conn.execute("CREATE SCHEMA IF NOT EXISTS jobs")
            await conn.execute(qb.QueryBuilderEnvironment(settings=SETTINGS).build_install_query())


async def defer(
    conn: PoolConnection,
    asked: Sequence[Asked],
    *,
    own: Collection[Effect] = (),
    urgent: Collection[int] = (),
) -> None:
    """Queue effects in the caller's transaction; those that this process does later than others.

    ``urgent`` names incidents whose effects come before all others. A delivery that is queued
    already stays as it is.
    """
    payloads: list[bytes | None] = [one.effect.encode() for one in asked]
    names = [_name(one.effect) if one.queue == PAGES else None for one in asked]
    delays: list[timedelta | None] = [
        LEASE / 2 if one.effect in own else timedelta() for one in asked
    ]
    driver = AsyncpgDriver(conn)  # type: ignore[arg-type]  # a pool's proxy has the same methods
    priorities = [int(one.effect.incident in urgent) for one in asked]
    queues = [one.queue for one in asked]
    await _queries(driver).enqueue(queues, payloads, priorities, delays, names, on_conflict="skip")


def _name(delivery: Effect) -> str:
    """Name a delivery's job, of which there is one at a time."""
    return delivery.encode().decode()


async def forget(conn: PoolConnection, done: Iterable[Effect]) -> None:
    """Take back the promise of deliveries that the caller's transaction says are done."""
    await conn.execute(FORGET, [_name(effect) for effect in done])


async def forget_done(conn: PoolConnection, before: datetime) -> None:
    """Delete the library's records of jobs that ended before a time; it keeps them for ever."""
    await conn.execute("DELETE FROM jobs.pgqueuer_log WHERE created < $1", before)


class _Driver(AsyncpgPoolDriver):
    """Says when the database was away: the library then ends, but only after its running jobs."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.broken = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Run a query, as the library does."""
        try:
            return await super().fetch(query, *args)
        except AWAY:
            self.broken.set()
            raise

    async def add_listener(
        self, channel: str, callback: Callable[[str | bytes | bytearray], None]
    ) -> None:
        """Do not listen: for what nobody is told (`UNHEARD`), a connection would be held."""


async def work(
    pool: Pool,
    queue: str,
    handle: Callable[[Effect], Awaitable[None]],
    stopping: asyncio.Event,
) -> None:
    """Do the effects of one queue until ``stopping``; a lost database is waited for.

    ``queue`` is one of `effects.QUEUES`, or a runner's (`effects.queue_of`).
    """
    lives: set[asyncio.Task[None]] = set()
    while not stopping.is_set():
        driver = _Driver(pool)
        life = asyncio.create_task(_life(driver, queue, handle, stopping), name=f"jobs {queue}")
        lives.add(life)
        life.add_done_callback(lives.discard)
        life.add_done_callback(_report)
        await _first(life, driver.broken, stopping)
        if not stopping.is_set():
            await _answering(pool, stopping)
    if lives:
        await asyncio.wait(lives)


async def _first(life: asyncio.Task[None], *events: asyncio.Event) -> None:
    """Wait until a life has ended or one of the events is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait({life, *waits}, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _report(life: asyncio.Task[None]) -> None:
    if not life.cancelled() and (error := life.exception()):
        log.warning("jobs.interrupted", error=repr(error))


async def _answering(pool: Pool, stopping: asyncio.Event) -> None:
    """Wait until the database answers, and `PAUSE` more."""
    answers = False
    while not answers and not stopping.is_set():
        with contextlib.suppress(*AWAY):
            await pool.execute("SELECT")
            answers = True
        await _pause(stopping, PAUSE if answers else RETRY)


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def _life(
    driver: _Driver,
    queue: str,
    handle: Callable[[Effect], Awaitable[None]],
    stopping: asyncio.Event,
) -> None:
    """Take jobs until ``stopping``, or until the database was away; then end what was begun."""
    manager = QueueManager(_queries(driver), channel=UNHEARD)

    @manager.entrypoint(queue)
    async def run(job: Job) -> None:
        # A job that raises anything else, or is cancelled, would leave the queue for ever.
        try:
            await _handled(handle, Effect.decode(job.payload), stopping)
        except (Exception, asyncio.CancelledError) as error:
            log.info("job.put_back", payload=job.payload, error=repr(error))
            raise RetryRequested(delay=timedelta(seconds=RETRY), reason=repr(error)) from error

    running = asyncio.create_task(
        manager.run(
            dequeue_timeout=POLL,
            batch_size=BATCH.get(queue, BATCH_OF_STEPS),
            max_concurrent_tasks=IN_HAND.get(queue),
            heartbeat_timeout=HEARTBEAT,
            log_aggregation_interval=timedelta(seconds=30),
        ),
        name="take jobs",
    )
    try:
        await _first(running, driver.broken, stopping)
    finally:
        manager.shutdown.set()  # never cancel `running`: a cancelled job leaves the queue
    await running


async def _handled(
    handle: Callable[[Effect], Awaitable[None]], effect: Effect, stopping: asyncio.Event
) -> None:
    """Do an effect, however often it must be tried.

    The job is kept in hand meanwhile: the library drops one that it can't put back because the
    database is away.
    """
    while True:
        try:
            return await handle(effect)
        except (BusyElsewhereError, *AWAY):
            if stopping.is_set():
                raise
            await _pause(stopping, RETRY)
        except Exception as error:
            log.exception("job.failed", effect=str(effect), error=repr(error))
            if stopping.is_set():
                raise
            await _pause(stopping, FAILED)
