"""Keeps ready what a page needs, so that one after hours of rest is as quick as the one before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from bongsu.channels import registry
from bongsu.channels.message import Channel
from bongsu.engine import effects, jobs, writing
from bongsu.store import alerts, incidents

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

EVERY = 60.0
PATIENCE = 5.0
"""seconds between two rehearsals, and after which one is given up"""
_NEVER = datetime.max.replace(tzinfo=UTC)

log = structlog.get_logger(__name__)


async def keep_warm(
    pool: Pool, claims: Pool, channels: Mapping[str, Channel], stopping: asyncio.Event
) -> None:
    """Keep every channel's connection open, and those to the database prepared."""
    while not stopping.is_set():
        await asyncio.gather(registry.warm(channels), rehearse(pool, claims))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), EVERY)


async def rehearse(pool: Pool, claims: Pool) -> None:
    """Run every statement of a page on nothing, on the connections that a page will be given.

    A new connection has to learn their types and plans first, which takes four times as long as
    the page itself, and one that rests is closed.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            async with pool.acquire() as one, pool.acquire() as other:
                await asyncio.gather(_decide(one), _decide(other))
            async with claims.acquire() as conn:
                await effects.claim_all(conn, [], "")
                await effects.sent(conn, {})
    except Exception as error:  # noqa: BLE001  the edge: a page goes out unprepared, too
        log.info("warming.failed", error=repr(error))


async def _decide(conn: PoolConnection) -> None:
    async with conn.transaction():
        await alerts.lock_pending(conn, [])
        await alerts.incidents_of_groups(conn, [], _NEVER)
        await incidents.lock(conn, [0])
        await incidents.new_ids(conn, 0)
        await alerts.settle(conn, [], {})
        await effects.done_all(conn, [])
        await jobs.forget(conn, [])
        await writing.rehearse(conn)
