"""What `bongsu evidence` says of a folder that is not as it was sealed."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import BONGSU

from bongsu.actions.evidence.folder import open_folder
from bongsu.actions.evidence.sealing import seal

MIDNIGHT = datetime(2025, 8, 14, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = open_folder(tmp_path / "case", "INC-1", lambda: MIDNIGHT, "tester")
    place = made.place("logs", "app.log")
    place.write_text("증거")
    made.note("collected", made.known(place))
    seal(made)
    return made.path


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BONGSU, "evidence", *words], env=environment, text=True, capture_output=True, check=False,
        timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "told"),
    [("en", "the seal does not fit: it is not the one named"),
     ("ko", "봉인이 맞지 않아요: 보관해 둔 봉인과 달라요")],
)  # fmt: skip
def test_another_seal_is_told_in_the_terminals_language(
    environment: dict[str, str], folder: Path, lang: str, told: str
):
    done = run({**environment, "BONGSU_LANG": lang}, "verify", str(folder), "--seal", "0" * 64)
    assert (done.returncode, done.stdout.strip()) == (1, told), done.stderr


def test_a_broken_chain_of_custody_is_told_with_what_can_be_read(
    environment: dict[str, str], folder: Path
):
    chain = folder / "custody.jsonl"
    chain.chmod(0o600)
    chain.write_text(chain.read_text().replace("INC-1", "INC-2"))
    done = run(environment, "custody", str(folder))
    assert done.returncode == 1
    assert "entry 1 was altered, or one before it is missing" in done.stderr
    told = json.loads(run(environment, "verify", str(folder), "--json").stdout)
    assert [one["code"] for one in told["troubles"]] == ["custody"]
    assert "entry 1" in told["troubles"][0]["detail"]
