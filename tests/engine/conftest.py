"""An engine on a fresh database, with a clock that the test moves."""

from __future__ import annotations

import pytest
from tests.engine.desk import Desk

from bongsu.store.database import Pool


@pytest.fixture
async def desk(pool: Pool, database_url: str) -> Desk:
    return Desk(pool, database_url)
