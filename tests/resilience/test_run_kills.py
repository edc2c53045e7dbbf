"""No step with an effect runs twice, none is skipped: SIGKILLs at and inside the steps of runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from tests.resilience.processes import Bongsu, House, Server, tell
from tests.resilience.run_verdict import RunVerdict, judge
from tests.resilience.runs import Askers, read_marks, write_manual
from tests.waiting import until_true

from bongsu.engine.engine import Engine
from bongsu.engine.policy import compile_policy
from bongsu.manual.load import load
from bongsu.store import auditing
from bongsu.store.database import connect_pool

SEED = int(os.environ.get("BONGSU_TEST_SEED", "20250814"))
KILLS = int(os.environ.get("BONGSU_TEST_RUN_KILLS", os.environ.get("BONGSU_TEST_KILLS", "30")))
HANGS = float(os.environ.get("BONGSU_TEST_HANGS", "12"))
"""seconds for which the database answers nobody"""
POSTGRES_EVERY = 8
"""one kill in so many is PostgreSQL's"""


@dataclass
class RunKiller:
    """Waits until a step says that it begins or ends, and then kills one of those at work.

    What is ours is started again at once. So however slow the machine is, something was done
    between two kills.
    """

    house: House
    processes: list[Bongsu]
    marks: Path
    lots: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    at_its_step: int = 0
    """kills of the process that was doing a step just then"""

    async def run(self, count: int) -> None:
        """Kill so often."""
        while self.kills.total() < count:
            await self._something_done()
            await asyncio.sleep(self.lots.choice((0, self.lots.uniform(0, 0.5))))
            if self.kills.total() % POSTGRES_EVERY == 1:
                self.kills["postgres"] += bool(
                    self.house.kill_postgres(whole=self.lots.random() < 0.5)
                )
            else:
                self._kill(self._victim())

    async def _something_done(self) -> None:
        """Wait for the next line, and for somebody who is up."""
        known = _size(self.marks)
        await until_true(lambda: _size(self.marks) > known and any(map(_up, self.processes)))

    def _victim(self) -> Bongsu:
        """Choose whoever does a step, mostly, else anybody who is up."""
        busy = parents_of_steps(self.house, *self.processes)
        if busy and self.lots.random() < 0.7:
            self.at_its_step += 1
            return self.lots.choice(busy)
        return self.lots.choice([one for one in self.processes if _up(one)])

    def _kill(self, process: Bongsu) -> None:
        process.kill()
        self.kills[process.name] += 1
        process.start()
        for one in self.processes:
            if not one.runs:  # PostgreSQL was killed while it started
                one.start()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _up(process: Bongsu) -> bool:
    return process.runs and "Ctrl-C stops it." in process.words()[process._begins :]


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_kills_at_and_inside_steps_repeat_none_and_skip_none(
    house: House, capsys: pytest.CaptureFixture[str]
):
    marks = house.folder / "marks"
    write_manual(house, marks)
    server, *workers = started = [house.server(), house.worker(), house.worker("worker2")]
    server.start()
    assert isinstance(server, Server)
    await server.ready()
    for one in workers:
        one.start()
    lots = random.Random(SEED)
    pool = await connect_pool(house.url, size=8, patience=60)
    engine = Engine(pool, compile_policy(load(house.manual)))
    askers = Askers(engine, marks, random.Random(lots.random()))
    killer = RunKiller(house, started, marks, random.Random(lots.random()))
    asking = asyncio.create_task(askers.run())
    try:
        killing = asyncio.create_task(killer.run(KILLS))
        await asyncio.wait({asking, killing}, return_when=asyncio.FIRST_COMPLETED)
        assert killing.done(), asking.exception()
        await killing
        askers.stopping = True
        await asyncio.wait_for(asking, 180)
        verdict = judge(askers, read_marks(marks))
        async with house.connection() as conn:
            held = await conn.fetchval("SELECT count(*) FROM runs WHERE ended_at IS NULL")
            audited, breaks = await auditing.verify(conn, None)
    finally:
        asking.cancel()
        pool.terminate()
    await until_true(lambda: not left_of(house))
    tell(capsys, report(killer, askers, verdict, audited))

    assert not verdict.unended
    assert not verdict.twice
    assert not verdict.skipped
    assert not verdict.misplaced
    assert not verdict.overlapping
    assert not verdict.wrong_end
    assert held == 0, "a lock is held by nobody"
    assert not breaks
    assert killer.at_its_step > KILLS // 5, "too few kills met a step"


LEASE = "15"
"""seconds; as long as a test can wait"""


@asynccontextmanager
async def one_run(house: House, seconds: float) -> AsyncIterator[tuple[Askers, Bongsu]]:
    """One run that takes so long at each step, and the process that does its first step."""
    write_manual(house, house.folder / "marks")
    server, worker = house.server(), house.worker()
    server.start()
    await server.ready()
    worker.start()
    await worker.up()
    pool = await connect_pool(house.url, size=2)
    engine = Engine(pool, compile_policy(load(house.manual)))
    askers = Askers(engine, house.folder / "marks", random.Random(1))
    asking = asyncio.create_task(askers.only("free", seconds))
    try:
        (doing,) = await until_true(lambda: parents_of_steps(house, server, worker))
        yield askers, doing
        await asyncio.wait_for(asking, 120)
    finally:
        asking.cancel()
        pool.terminate()


@pytest.mark.slow
async def test_a_process_that_is_told_to_stop_lets_its_step_end(house: House):
    async with one_run(house, seconds=1.0) as (askers, doing):
        doing.signal(signal.SIGTERM)
        assert await doing.ended() == 0, doing.words()
        if isinstance(doing, Server):
            doing.start()
    verdict = judge(askers, read_marks(askers.marks))
    assert verdict.torn == 0
    assert not askers.answers, "nobody had to be asked"
    assert verdict.outcomes == {"succeeded": 1}


@pytest.mark.slow
async def test_a_process_that_was_stopped_for_long_goes_on_with_nothing_that_is_anothers(
    house: House,
):
    house.environment["BONGSU_STEP_LEASE"] = LEASE
    async with one_run(house, seconds=4.0) as (askers, doing):
        doing.signal(signal.SIGSTOP)
        ended = await until_true(lambda: "ended" if not left_of(house) else askers.answers)
        assert ended == "ended", "nobody was asked while it still ran"
        await until_true(lambda: askers.answers)
        doing.signal(signal.SIGCONT)
    verdict = judge(askers, read_marks(askers.marks))
    assert verdict.outcomes == {"succeeded": 1}
    assert not verdict.twice
    assert not verdict.misplaced
    assert not verdict.overlapping
    assert not verdict.skipped


@pytest.mark.slow
async def test_a_database_that_hangs_longer_than_a_step_takes_loses_no_outcome(house: House):
    async with one_run(house, seconds=3.0) as (askers, doing):
        held = house.postgres
        for one in held:
            one.suspend()
        await asyncio.sleep(HANGS)
        for one in held:
            one.resume()
        assert doing.runs
    verdict = judge(askers, read_marks(askers.marks))
    assert verdict.torn == 0
    assert not askers.answers, "nobody had to be asked"
    assert verdict.outcomes == {"succeeded": 1}


def parents_of_steps(house: House, *processes: Bongsu) -> list[Bongsu]:
    """Those of the processes that do a step just now."""
    parents = set[int]()
    for one in left_of(house):
        with contextlib.suppress(psutil.Error):
            parents.add(one.ppid())
    return [one for one in processes if one.runs and one.process.pid in parents]


def left_of(house: House) -> list[psutil.Process]:
    """Steps that still run."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.name().startswith("python") and str(house.folder / "marks") in one.cmdline():
                found.append(one)
    return found


def report(killer: RunKiller, askers: Askers, verdict: RunVerdict, audited: int) -> str:
    """Return the figures, for whoever reads the test's output."""
    lines = {
        "kills": f"{killer.kills.total()} {dict(killer.kills)}, seed {SEED};"
        f" {killer.at_its_step} of whoever did a step just then",
        "runs": f"{len(askers.asked)} {dict(verdict.outcomes)}",
        "steps": f"{verdict.torn} ended in the middle, {verdict.repeated} idempotent ones repeated",
        "answers": f"{dict(askers.answers)}: steps of which nobody knew",
        "twice": f"{len(verdict.twice)}, skipped {len(verdict.skipped)},"
        f" out of turn {len(verdict.misplaced)}, at once {len(verdict.overlapping)}",
        "audited": f"{audited} entries",
    }
    return "\n".join(f"    {name:<10} {text}" for name, text in lines.items())
