"""An engine on a fresh database, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.engine.desk import Desk
from tests.engine.house import Build, FakeHands, House

from bongsu.engine.policy import Policy
from bongsu.store.database import Pool


@pytest.fixture
async def desk(pool: Pool, database_url: str) -> Desk:
    return Desk(pool, database_url)


@pytest.fixture
async def build(pool: Pool, database_url: str) -> AsyncIterator[Build]:
    """Build processes that run playbooks; those with a ``worker`` share the first one's desk."""
    made: list[House] = []

    def one(policy: Policy, hands: FakeHands | None = None, **options: Any) -> House:
        desk = made[0].desk if made and "worker" in options else Desk(pool, database_url, policy)
        made.append(House(desk, hands or FakeHands(), **options))
        return made[-1]

    yield one
    for house in made:
        await house.close()
