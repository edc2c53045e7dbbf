"""Fixtures that every area's tests share: a real, migrated, empty database."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.database import TestServer, running_server

from bongsu.store.database import Pool, connect_pool

# A shell ignores Ctrl-C in what it runs in the background, and every program would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine is slow, not wrong; and what is found by chance is looked for on purpose, with
# --hypothesis-profile=exploring, so that nobody's change fails by somebody else's mistake.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("unhurried", UNHURRIED, derandomize=True)
settings.register_profile("exploring", UNHURRIED, max_examples=1000)
settings.load_profile("unhurried")

SLOW_TIMEOUT = 600
"""seconds until a slow test is said to hang, unless it says itself"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of slow tests: one that begins last is waited for by all cores.

    What takes half a minute by itself may take long on a busy machine.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    for item in slow:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT))
    files = {item.path for item in slow}
    items.sort(key=lambda item: item.path not in files)


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
