"""The web's fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.waiting import PATIENCE
from tests.web.site import Site, open_site

from bongsu.channels import delivery
from bongsu.store.database import Pool
from bongsu.web import health, slack
from bongsu.web.console import reports


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine be none of what is tested; who tests a limit sets it."""
    monkeypatch.setattr(delivery, "TIMEOUT", PATIENCE)
    monkeypatch.setattr(health, "PATIENCE", PATIENCE)
    monkeypatch.setattr(reports, "PATIENCE", PATIENCE)
    monkeypatch.setattr(slack, "IN_TIME", PATIENCE)


@pytest.fixture
async def site(pool: Pool) -> AsyncIterator[Site]:
    """A process with the seed's manual and one account per role."""
    site = await open_site(pool)
    yield site
    await site.close()
