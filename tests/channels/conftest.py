"""What all channels' tests share: patience, and a port behind which nobody is."""

from __future__ import annotations

import pytest
from tests.ports import free_port
from tests.waiting import PATIENCE

from bongsu.channels import delivery
from bongsu.channels.email import connections


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine be none of what is tested; who tests a limit sets it."""
    monkeypatch.setattr(delivery, "TIMEOUT", PATIENCE)
    monkeypatch.setattr(connections, "STALE", PATIENCE)


@pytest.fixture
def unused_tcp_port() -> int:
    """Give the test a port that the kernel gives to nobody meanwhile."""
    return free_port()
