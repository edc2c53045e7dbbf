"""Fixtures that every area's tests share: a real, migrated, empty database."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.database import TestServer, running_server

from bongsu.store.database import Pool, connect_pool

# A shell ignores Ctrl-C in what it runs in the background, and every program would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of slow tests: one that begins last is waited for by all cores."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def database_server() -> Iterator[TestServer]:
    """Run the session's PostgreSQL."""
    with running_server() as server:
        yield server


@pytest.fixture
def database_url(database_server: TestServer) -> Iterator[str]:
    """Give the test a fresh migrated database, the job engine's tables included."""
    with database_server.fresh() as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Give the test a pool on its fresh database."""
    pool = await connect_pool(database_url, size=8)
    yield pool
    await pool.close()
