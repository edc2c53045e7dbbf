"""Real processes on a database of their own, whose fsync is on, and sinks that count."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.resilience.processes import House
from tests.resilience.processes import house as made
from tests.resilience.sinks import Sinks
from tests.resilience.sinks import sinks as taking


@pytest.fixture
async def sinks() -> AsyncIterator[Sinks]:
    """Give the test a mail server and a Slack."""
    async with taking() as found:
        yield found


@pytest.fixture
def house(sinks: Sinks) -> Iterator[House]:
    """Give the test a data folder whose processes deliver to the sinks."""
    with made() as found:
        found.environment |= sinks.environment
        yield found
