"""A small manual that is right in everything, to be spoilt by the tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bongsu.manual.load import load
from bongsu.manual.schema.document import Manual

HERE = Path(__file__).parent
BASE = HERE / "base"
SEED = HERE.parent.parent / "manuals" / "korea-public-data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the test its own copy of the small manual."""
    return Path(shutil.copytree(BASE, tmp_path / "manual"))


@pytest.fixture(scope="session")
def manual() -> Manual:
    """Give the small manual."""
    return load(BASE)


@pytest.fixture(scope="session")
def seed() -> Manual:
    """Give the manual of Bongsu's first user."""
    return load(SEED)
