"""How a server starts, and what it leaves behind when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue
from threading import Event
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.web.made_playbooks import command, with_playbooks

from bongsu.cli import server, welcome
from bongsu.cli.serving import EarlyStart, Settings
from bongsu.store import embedded


def runs(folder: Path) -> bool:
    return embedded._status(folder) == "ready"


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path that PostgreSQL's own user may enter."""
    made = tmp_path_factory.mktemp("early")
    for parent in (made, *made.parents[:2]):
        parent.chmod(0o755)
    return made / "pg"


def test_a_database_that_was_begun_early_and_not_used_is_stopped(folder: Path):
    early = EarlyStart(folder)
    early.abandon()
    assert (folder / "PG_VERSION").exists()
    assert not runs(folder)


def test_whoever_takes_a_database_that_was_begun_early_stops_it(folder: Path):
    early = EarlyStart(folder)
    taken = asyncio.run(early.taken())
    early.abandon()
    assert runs(folder)
    assert taken.stop()
    assert not runs(folder)


def test_who_starts_it_without_any_channel_reads_that_nobody_can_be_paged():
    how = {"slack": "set BONGSU_SLACK_BOT_TOKEN", "email": "set BONGSU_SMTP_URL"}
    head, *lines = welcome.unreachable(how, ["email", "slack"])
    assert head.startswith("!!")
    assert lines == ["   email: set BONGSU_SMTP_URL", "   slack: set BONGSU_SLACK_BOT_TOKEN"]


def test_who_starts_it_without_one_of_the_channels_reads_which_one():
    head, *lines = welcome.unreachable({"slack": "set it"}, ["email", "slack"])
    assert not head.startswith("!!")
    assert lines == ["   slack: set it"]


def test_a_worker_says_for_which_playbooks_it_runs_or_that_there_are_none():
    manual = with_playbooks(edge={"name": "Edge", "runner": "edge", "steps": [command("cut")]})
    assert len(list(welcome.working(manual, None))) == 1
    _, mine = welcome.working(manual, "edge")
    assert not mine.startswith("!")
    assert mine.endswith(": edge")
    _, nobody = welcome.working(manual, "egde")
    assert nobody.startswith("!")
    assert nobody.endswith(": edge")


def test_nothing_is_said_of_channels_where_all_are_set_up():
    assert not welcome.unreachable({}, ["email", "slack"])


@contextmanager
def dies_at(url: str, words: bytes) -> Iterator[str]:
    """Stand before a database that dies as soon as somebody says ``words`` to it."""
    address = urlsplit(url)
    socket_ = f"{parse_qs(address.query)['host'][0]}/.s.PGSQL.5432"
    ends, ports, over = list[asyncio.StreamWriter](), Queue[int](), Event()

    async def passed_on(reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while block := await reader.read(65536):
                if words in block:
                    for end in ends:
                        end.transport.abort()
                to.write(block)
                await to.drain()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(socket_)
        ends.extend((writer, back))
        await asyncio.gather(passed_on(reader, back), passed_on(there, writer))

    async def stand() -> None:
        async with await asyncio.start_server(taken, "127.0.0.1", 0) as listener:
            ports.put(listener.sockets[0].getsockname()[1])
            await asyncio.to_thread(over.wait)
            for end in ends:
                end.transport.abort()
            await asyncio.sleep(0.01)

    with ThreadPoolExecutor(1) as thread:
        standing = thread.submit(asyncio.run, stand())
        try:
            yield f"postgresql://postgres@127.0.0.1:{ports.get()}{address.path}?sslmode=disable"
        finally:
            over.set()
        standing.result()


@pytest.mark.parametrize("words", [b"bongsu claims", b"current_manual"])
def test_a_database_that_dies_during_the_start_is_said_without_a_traceback(
    database_url: str, words: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with dies_at(database_url, words) as url, pytest.raises(SystemExit) as ended:
        server.run_worker(Settings(None, tmp_path, url, "127.0.0.1", 0, "http://127.0.0.1"), {})
    assert ended.value.code == 1
    said = server.t("Bongsu could not start: {why}", why="")
    assert capsys.readouterr().err.startswith(f"bongsu: {said}")
