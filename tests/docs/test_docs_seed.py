"""What became of the seed's commands and scripts: every row names tests, and they are there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "reference").glob("seed-*.md"))
TEST = re.compile(r"`(test_\w+)`")
CELL = re.compile(r"(?<!\\)\|")


def rows(page: Path) -> list[list[str]]:
    lines = page.read_text("utf-8").splitlines()
    table = [line for line in lines if line.startswith("| ")]
    return [[cell.strip() for cell in CELL.split(line)[1:-1]] for line in table]


def known() -> set[str]:
    found = subprocess.run(
        ["grep", "-rhoE", "--include=*.py", r"def test_\w+", str(ROOT / "tests")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {line.split()[1] for line in found.stdout.splitlines()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_line_of_the_seed_names_tests_that_exist(page: Path) -> None:
    assert len(PAGES) == 2
    tests = known()
    for row in rows(page):
        if row[-1] in ("test", "above"):
            continue
        named = TEST.findall(row[-1])
        assert named, f"{row[0]} has no test"
        assert set(named) <= tests, f"{row[0]} names a test that is gone"


def test_every_playbook_and_check_of_a_recovery_is_in_the_manual() -> None:
    folder = ROOT / "manuals" / "korea-public-data"
    written = "\n".join(path.read_text("utf-8") for path in folder.rglob("*.yaml"))
    written += "\n".join(path.name for path in folder.rglob("*"))
    for row in rows(ROOT / "docs" / "reference" / "seed-recoveries.md"):
        for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", row[1]):
            assert name in written, f"{row[0]}: {name}"
