"""The embedded PostgreSQL starts whatever the last one left behind, and ends with its last user."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from tests.resilience.processes import House, house

from bongsu.store import embedded
from bongsu.store.embedded import DatabaseError, Embedded, start_embedded


@pytest.fixture
def home() -> Iterator[House]:
    with house() as made:
        made.data.mkdir()
        yield made


@pytest.fixture
def folder(home: House) -> Path:
    return home.data / "postgres"


Start = Callable[[], Embedded]


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start it as one more user, who ends with the test."""
    users: list[Embedded] = []

    def one_more() -> Embedded:
        users.append(start_embedded(folder))
        return users[-1]

    yield one_more
    for user in users:
        with contextlib.suppress(ValueError):  # it was ended already
            user.stop()


def kill(home: House, *, whole: bool = True) -> None:
    """Kill it, and wait until it is dead: one that is only about to die still looks ready."""
    killed = home.postgres if whole else home.postgres[:1]
    home.kill_postgres(whole=whole)
    _, left = psutil.wait_procs(killed, timeout=60)
    assert not left


def test_it_starts_after_it_was_killed_while_it_wrote_its_own_file(
    home: House, folder: Path, start: Start
):
    start()
    kill(home)
    file = folder / "postmaster.pid"
    file.write_text("\n".join(file.read_text().splitlines()[:7]) + "\n")
    assert start().started


def test_it_starts_where_its_former_number_is_another_process_now(
    home: House, folder: Path, start: Start
):
    start()
    kill(home)
    file = folder / "postmaster.pid"
    rest = file.read_text().split("\n", 1)[1]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        file.write_text(f"{other.pid}\n{rest}")
        assert start().started
        other.kill()


def test_it_starts_after_it_was_killed_while_it_was_made(folder: Path, start: Start):
    half = folder.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    assert start().started


def test_a_folder_with_something_else_in_it_is_refused(folder: Path):
    folder.mkdir()
    (folder / "thesis.txt").write_text("do not lose me")
    with pytest.raises(DatabaseError, match="postgres"):
        start_embedded(folder)
    assert (folder / "thesis.txt").exists()


def test_several_that_start_at_once_share_one_server(start: Start):
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: start(), range(4)))
    assert sorted(one.started for one in found) == [False, False, False, True]


def test_the_last_one_that_uses_it_stops_it(home: House, start: Start):
    first, second = start(), start()
    assert not first.stop()
    assert home.postgres
    assert second.stop()
    assert not home.postgres


def test_one_that_was_killed_is_revived_once_by_everybody_at_once(home: House, start: Start):
    users = [start() for _ in range(3)]
    kill(home, whole=False)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(Embedded.revive, users))
    running = home.postgres
    own = {one.pid for one in running}
    assert sum(one.ppid() not in own for one in running) == 1


def test_one_that_is_starting_slowly_is_waited_for_however_often_it_was_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    seen = iter([*["gone"] * embedded.ATTEMPTS, "busy", "busy", "ready"])
    monkeypatch.setattr(embedded, "_status", lambda _: next(seen))
    monkeypatch.setattr(embedded, "_control", lambda *_: None)
    assert embedded._run(folder)


def test_one_that_never_starts_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedded, "_status", lambda _: "gone")
    monkeypatch.setattr(embedded, "_control", lambda *_: None)
    with pytest.raises(DatabaseError, match="does not start"):
        embedded._run(folder)
