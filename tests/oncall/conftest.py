"""The seed's rotation, ready to be asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.oncall.manuals import shifts

from bongsu.manual.load import load
from bongsu.oncall import Shifts


@pytest.fixture(scope="session")
def seed() -> Shifts:
    """Return the shifts of the seed's rotation, named main."""
    return shifts()


@pytest.fixture(scope="session")
def shipped() -> Shifts:
    """Return the shifts of the manual that the project ships, which is the seed's."""
    return Shifts(load(Path(__file__).parents[2] / "manuals" / "korea-public-data"))
