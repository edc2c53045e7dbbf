"""The job engine: pgqueuer, its tables in the schema ``jobs`` (docs/decisions/0001).

A job is the durable promise that an effect will be done: it is written in the transaction of the
event that asks for it. The process that wrote it does the effect at once by itself; the job comes
due only after `effects.LEASE` and finds it done, unless that process died or was too busy.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
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

from bongsu.engine.effects import LEASE, Effect

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

SETTINGS = DBSettings(db_schema="jobs")
ENTRYPOINT = "effect"
BATCH = 50
RETRY = timedelta(seconds=0.3)
HEARTBEAT = timedelta(seconds=2.4)
"""a job whose worker showed no sign of life for this long is given to another one"""
POLL = timedelta(seconds=0.5)
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


async def defer(conn: PoolConnection, effects: Sequence[Effect], *, at_once: bool) -> None:
    """Queue effects in the caller's transaction; ``at_once`` where this process won't do them."""
    count = len(effects)
    delay = timedelta() if at_once else LEASE / 2
    payloads: list[bytes | None] = [effect.encode() for effect in effects]
    delays: list[timedelta | None] = [delay] * count
    driver = AsyncpgDriver(conn)  # type: ignore[arg-type]  # a pool's proxy has the same methods
    await _queries(driver).enqueue([ENTRYPOINT] * count, payloads, [0] * count, delays)


async def forget_done(conn: PoolConnection, before: datetime) -> None:
    """Delete the library's records of jobs that ended before a time; it keeps them for ever."""
    await conn.execute("DELETE FROM jobs.pgqueuer_log WHERE created < $1", before)


async def work(
    pool: Pool, handle: Callable[[Effect], Awaitable[None]], stopping: asyncio.Event
) -> None:
    """Do queued effects until ``stopping``; a lost database is waited for."""
    while not stopping.is_set():
        try:
            await _one_life(pool, handle, stopping)
        except Exception as error:  # noqa: BLE001  the edge: whatever broke, work goes on
            log.warning("jobs.interrupted", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 0.5)


async def _one_life(
    pool: Pool, handle: Callable[[Effect], Awaitable[None]], stopping: asyncio.Event
) -> None:
    manager = QueueManager(_queries(AsyncpgPoolDriver(pool)), channel=Channel(SETTINGS.channel))

    @manager.entrypoint(ENTRYPOINT)
    async def run(job: Job) -> None:
        # A job that raises anything else, or is cancelled, would leave the queue for ever.
        try:
            await handle(Effect.decode(job.payload))
        except BusyElsewhereError as error:
            raise RetryRequested(delay=RETRY, reason=str(error)) from error
        except (Exception, asyncio.CancelledError) as error:
            log.warning("job.tried_again", payload=job.payload, error=repr(error))
            raise RetryRequested(delay=RETRY, reason=repr(error)) from error

    running = asyncio.create_task(
        manager.run(
            dequeue_timeout=POLL,
            batch_size=BATCH,
            heartbeat_timeout=HEARTBEAT,
            log_aggregation_interval=timedelta(seconds=30),
        ),
        name="jobs",
    )
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        manager.shutdown.set()  # never cancel `running`: a cancelled job leaves the queue
    await running
