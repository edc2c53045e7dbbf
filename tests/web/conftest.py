"""The web's fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.web.site import Site, open_site

from bongsu.store.database import Pool


@pytest.fixture
async def site(pool: Pool) -> AsyncIterator[Site]:
    """A process with the seed's manual and one account per role."""
    site = await open_site(pool)
    yield site
    await site.close()
