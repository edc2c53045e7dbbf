"""Load tests of several recoveries, in several processes, are never run at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engine.desk import Desk
from tests.incident.manuals import manual
from tests.waiting import until, until_true

from bongsu.engine import load_turns
from bongsu.engine.load_turns import LoadTurn
from bongsu.engine.looks import verify_by_the_manual
from bongsu.engine.policy import compile_policy
from bongsu.engine.verifier import Verifier
from bongsu.incident.verification.checked import Checked
from bongsu.manual.schema.verification import CommandTest, VerificationCheck
from bongsu.store.database import Pool, connect_pool

LOAD = """
import pathlib, sys, time
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with (folder / "log").open("a") as log:
    log.write(name + " begins\\n")
while not (folder / name).exists():
    time.sleep(0.02)
with (folder / "log").open("a") as log:
    log.write(name + " ends\\n")
"""
HELD = """
FROM pg_locks WHERE locktype = 'advisory'
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Replica:
    """One process's verifier, with a pool of its own."""

    def __init__(self, name: str, pool: Pool, database_url: str, folder: Path) -> None:
        self.name, self.folder, self.pool = name, folder, pool
        desk = Desk(pool, database_url, compile_policy(manual()))
        self.verifier = Verifier(desk.engine, verify_by_the_manual(desk.clock), name)
        self.printed, self.came = b"", list[Checked]()

    async def load(self) -> None:
        """Run one load test to its end."""
        test = CommandTest(
            kind="command", argv=[sys.executable, "-c", LOAD, self.name, str(self.folder)]
        )
        check = VerificationCheck.model_validate(
            {"name": "load", "criterion": "ok", "passes": "exit_code == 0", "test": test}
        )
        await self.verifier._apart({"performance:load": check}, self._tell, self._print)

    def may_end(self) -> None:
        (self.folder / self.name).touch()

    async def _tell(self, found: Checked) -> None:
        self.came.append(found)

    def _print(self, _check: str, block: bytes) -> None:
        self.printed += block


@pytest.fixture
async def replicas(
    pool: Pool, database_url: str, tmp_path: Path
) -> AsyncIterator[tuple[Replica, Replica]]:
    other = await connect_pool(database_url, size=2)
    both = (
        Replica("one", pool, database_url, tmp_path),
        Replica("two", other, database_url, tmp_path),
    )
    yield both
    for one in both:
        await one.verifier.close()
    await other.close()


def log(replica: Replica) -> list[str]:
    path = replica.folder / "log"
    return path.read_text().splitlines() if path.exists() else []


async def test_the_second_begins_when_the_first_has_ended_and_says_that_it_waits(
    replicas: tuple[Replica, Replica],
):
    one, two = replicas
    first = asyncio.create_task(one.load())
    await until_true(lambda: log(one) == ["one begins"])
    second = asyncio.create_task(two.load())
    await until_true(
        lambda: "waits for its turn" in two.printed.decode() or "차례" in two.printed.decode()
    )
    assert log(one) == ["one begins"]
    one.may_end()
    two.may_end()
    await asyncio.gather(first, second)
    assert log(one) == ["one begins", "one ends", "two begins", "two ends"]
    assert [found.outcome for found in (*one.came, *two.came)] == ["passed", "passed"]
    assert one.printed == b"", "who need not wait is told nothing of it"


async def test_who_is_ended_in_the_middle_leaves_its_turn(replicas: tuple[Replica, Replica]):
    one, two = replicas
    first = asyncio.create_task(one.load())
    await until_true(lambda: log(one) == ["one begins"])
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    two.may_end()
    await two.load()
    assert log(one) == ["one begins", "two begins", "two ends"]


async def test_a_turn_is_free_when_the_one_who_had_it_is_gone(pool: Pool, database_url: str):
    dead = await connect_pool(database_url, size=1)
    assert await LoadTurn(dead).take()
    assert not await LoadTurn(pool).take()
    dead.terminate()
    mine = LoadTurn(pool)
    await until(mine.take)
    await mine.leave()


async def test_a_turn_is_free_though_its_connection_broke_when_it_was_left(
    pool: Pool, database_url: str
):
    mine, other = LoadTurn(pool), await connect_pool(database_url, size=1)
    assert await mine.take()
    await other.execute(f"SELECT pg_terminate_backend(pid) {HELD}")
    await mine.leave()
    again = LoadTurn(other)
    await until(again.take)
    await again.leave()
    assert await mine.take(), "and its pool has whole connections"
    await mine.leave()
    await other.close()


async def test_a_turn_whose_taking_was_broken_off_is_free(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """The lock is had, and the answer not heard: it would stay with a connection given back."""
    other, take = await connect_pool(database_url, size=1), load_turns.TRY
    monkeypatch.setattr(load_turns, "TRY", f"{take} AND pg_sleep(1) IS NOT NULL")
    taking = asyncio.create_task(LoadTurn(pool).take())
    await until(lambda: other.fetchval(f"SELECT count(*) {HELD}"))
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    monkeypatch.setattr(load_turns, "TRY", take)
    again = LoadTurn(other)
    await until(again.take)
    await again.leave()
    await other.close()


async def test_a_turn_that_never_comes_is_inconclusive_and_nothing_was_put_under_load(
    replicas: tuple[Replica, Replica], monkeypatch: pytest.MonkeyPatch
):
    one, two = replicas
    turn = LoadTurn(one.pool)
    assert await turn.take()
    monkeypatch.setattr(load_turns, "LONGEST", 0.0)
    await two.load()
    [found] = two.came
    assert (found.outcome, found.why.code) == ("inconclusive", "load_busy")
    assert log(two) == []
    await turn.leave()
    two.may_end()
    await two.load()
    assert two.came[-1].outcome == "passed"
