"""How a server starts, and what it leaves behind when it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bongsu.cli import server
from bongsu.cli.serving import EarlyStart
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
    head, *lines = server._unreachable(how, ["email", "slack"])
    assert head.startswith("!!")
    assert lines == ["   email: set BONGSU_SMTP_URL", "   slack: set BONGSU_SLACK_BOT_TOKEN"]


def test_who_starts_it_without_one_of_the_channels_reads_which_one():
    head, *lines = server._unreachable({"slack": "set it"}, ["email", "slack"])
    assert not head.startswith("!!")
    assert lines == ["   slack: set it"]


def test_nothing_is_said_of_channels_where_all_are_set_up():
    assert not server._unreachable({}, ["email", "slack"])
