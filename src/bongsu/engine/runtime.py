"""Everything that one process runs: the timer, the triage, the courier and the job worker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from bongsu.actions.identity import me
from bongsu.channels import registry
from bongsu.channels.message import Channel
from bongsu.engine import jobs
from bongsu.engine.claims import LEASE
from bongsu.engine.courier import Courier
from bongsu.engine.diagnosis import Diagnostician
from bongsu.engine.doers import Doers
from bongsu.engine.effects import QUEUES, queue_of
from bongsu.engine.engine import Engine
from bongsu.engine.hands import SystemHands
from bongsu.engine.housekeeping import Housekeeping
from bongsu.engine.looker import Looker
from bongsu.engine.looks import by_the_manual, verify_by_the_manual
from bongsu.engine.messages import Writer
from bongsu.engine.policy import Policy, compile_policy
from bongsu.engine.reporter import Reporter
from bongsu.engine.stepper import Stepper
from bongsu.engine.triage import Triage
from bongsu.engine.verifier import Verifier
from bongsu.engine.warming import keep_warm
from bongsu.manual.check import load_checked
from bongsu.manual.load import from_document, to_document
from bongsu.manual.schema.document import Manual
from bongsu.store import manuals, overrides, secrets
from bongsu.store.database import connect_pool, listening

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

POOL_SIZE = 9
FLOOD = 20
"""alerts that wait to be triaged, from which on reports stand back"""
FOLLOW_EVERY = 3.0
FOLLOW_AGAIN = 0.5
"""seconds between two comparisons of the manual that decides with the database's, and after a
failure"""
CLAIM_POOL_SIZE = 2
"""claims are not waited for until they are on disk: one that a crash of the database forgets means
at worst that its delivery is repeated"""
PATIENCE = 30.0
"""seconds that a database is waited for at the start; it may be starting as well"""
END_WITHIN = 10.0
"""seconds that everything has to come to an end by itself when the process stops"""

log = structlog.get_logger(__name__)


class NoManualError(Exception):
    """No manual has been loaded into this database yet."""


@dataclass(frozen=True)
class Runtime:
    """What the faces of a running process work with."""

    pool: Pool
    engine: Engine
    triage: Triage
    doers: Doers
    diagnostician: Diagnostician
    looker: Looker
    writer: Writer
    broken: asyncio.Event
    """set when a task that must run for ever has ended: the process is to be started anew"""

    async def adopt(self, manual: Manual) -> bool:
        """Let a manual decide from now on, here and in every other process."""
        async with self.pool.acquire() as conn, conn.transaction():
            changed = await _adopt(conn, manual)
        if changed:
            await self.refresh()
        return changed

    async def reload(self, folder: Path) -> Manual:
        """Load the manual from its folder and adopt it.

        Raises:
            bongsu.manual.problems.ManualError: it has problems; the running one stays.
            bongsu.manual.problems.UnreadableManual: it can't be read; the running one stays.
        """
        manual, _warnings = await asyncio.to_thread(load_checked, folder)
        await self.adopt(manual)
        return manual

    async def refresh(self) -> None:
        """Decide by what the database says decides now."""
        async with self.pool.acquire() as conn:
            self.engine.policy = await current_policy(conn)


async def _adopt(conn: PoolConnection, manual: Manual) -> bool:
    name = manual.overview.name
    return await manuals.adopt(conn, manual.sha, name, to_document(manual))


async def current_policy(conn: PoolConnection) -> Policy:
    """Compile the manual that decides now, with the overrides that people made.

    Raises:
        NoManualError: none has been loaded yet.
    """
    found = await manuals.current(conn)
    if found is None:
        raise NoManualError("start 'bongsu serve --manual DIR' on this database first")
    manual = await asyncio.to_thread(from_document, found[1])
    return compile_policy(manual, await overrides.current(conn))


@asynccontextmanager
async def running(
    url: str, channels: Mapping[str, Channel], *, base_url: str, manual: Manual | None = None,
    runner: str | None = None, lease: timedelta = LEASE,
) -> AsyncIterator[Runtime]:  # fmt: skip
    """Run everything on the database at ``url`` for as long as the block runs.

    With ``manual`` that one is adopted first; without, the one in force in the database decides.
    With ``runner`` nothing is run but the steps of the playbooks that name this runner. ``lease``
    is how long the claim on a step holds (`bongsu.engine.claims`).
    Leaving the block lets deliveries under way end (each within seconds) and then stops.
    """
    async with AsyncExitStack() as stack:
        pool = await connect_pool(url, size=POOL_SIZE, patience=PATIENCE)
        stack.push_async_callback(_closed, pool)
        claims = await connect_pool(url, size=CLAIM_POOL_SIZE, name="bongsu claims", flushed=False)
        stack.push_async_callback(_closed, claims)
        runtime = await _assemble(
            pool, claims, channels, base_url, manual=manual, runner=runner, lease=lease
        )
        stopping = asyncio.Event()
        work = _everything(runtime, stopping) if runner is None else {}
        if runner is None:
            work["warming"] = keep_warm(pool, claims, channels, stopping)
        for queue in QUEUES if runner is None else (queue_of(runner),):
            work[f"{queue} jobs"] = jobs.work(pool, queue, runtime.doers.do, stopping)
        work["follow the manual"] = _follow_manual(runtime, stopping)
        tasks = [asyncio.create_task(one, name=name) for name, one in work.items()]
        for task in tasks:
            task.add_done_callback(lambda one: _ended(one, runtime, stopping))
        try:
            yield runtime
        finally:
            stopping.set()
            runtime.engine.hand_over = None
            runtime.looker.stop()
            runtime.triage.stop()
            draining = asyncio.create_task(runtime.doers.drain(), name="drain")
            await asyncio.wait([*tasks, draining], timeout=END_WITHIN)
            await registry.close(channels)


def _everything(runtime: Runtime, stopping: asyncio.Event) -> dict[str, Coroutine[Any, Any, None]]:
    """What a process does that is nobody's runner, besides its queues."""
    return {
        "looker": runtime.looker.run(stopping),
        "triage": runtime.triage.run(stopping),
        "sweep": runtime.triage.keep_sweeping(stopping),
        "housekeeping": Housekeeping(runtime.engine, runtime.triage).run(stopping),
    }


def _ended(task: asyncio.Task[None], runtime: Runtime, stopping: asyncio.Event) -> None:
    if not stopping.is_set() and not task.cancelled():
        log.critical("task.ended", task=task.get_name(), error=repr(task.exception()))
        runtime.broken.set()


async def _closed(pool: Pool) -> None:
    """Close a pool, the hard way where something still holds a connection."""
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _assemble(
    pool: Pool, claims: Pool, channels: Mapping[str, Channel], base_url: str, *,
    manual: Manual | None, runner: str | None, lease: timedelta,
) -> Runtime:  # fmt: skip
    async with pool.acquire() as conn:
        await jobs.install(conn)
        if manual is not None:
            await _adopt(conn, manual)
        policy = await current_policy(conn)
        secret = await secrets.shared(conn, "links")
    engine = Engine(pool, policy)
    worker = me()
    writer = Writer(base_url, secret)
    diagnostician = Diagnostician(pool, lambda: engine.policy.manual, engine.clock, by_the_manual())
    courier = Courier(engine, channels, writer, worker, claims)
    verifier = Verifier(engine, verify_by_the_manual(engine.clock), worker)
    stepper = Stepper(engine, SystemHands(engine.clock), worker, runner, lease)
    doers = Doers(pool, courier, Reporter(engine, diagnostician, worker), verifier, stepper)
    engine.takes, engine.hand_over = doers.takes, doers.hand_over
    triage, looker, broken = Triage(engine), Looker(engine), asyncio.Event()
    doers.reporter.flooded = lambda: triage.waiting > FLOOD
    return Runtime(pool, engine, triage, doers, diagnostician, looker, writer, broken)


async def _follow_manual(runtime: Runtime, stopping: asyncio.Event) -> None:
    """Adopt what another process adopted: when it says so, and in case that was not heard."""
    changed = asyncio.Event()
    async with listening(runtime.pool, manuals.CHANNEL, lambda _: changed.set()):
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), FOLLOW_EVERY)
            told = changed.is_set()
            changed.clear()
            if not stopping.is_set() and not await _followed(runtime, told=told):
                changed.set()
                await asyncio.sleep(FOLLOW_AGAIN)


async def _followed(runtime: Runtime, *, told: bool) -> bool:
    """Refresh if there is reason to; False where that must be tried again."""
    try:
        async with runtime.pool.acquire() as conn:
            sha = await manuals.current_sha(conn)
        if told or sha != runtime.engine.policy.manual.sha:
            await runtime.refresh()
    except Exception as error:  # noqa: BLE001  the edge: the manual that runs goes on deciding
        log.warning("manual.not_refreshed", error=repr(error))
        return False
    return True
