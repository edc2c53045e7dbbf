"""How a server starts, and what it leaves behind when it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

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
