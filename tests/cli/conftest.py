"""The command as a person calls it, without a server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BONGSU = str(Path(sys.executable).with_name("bongsu"))
Ended = subprocess.CompletedProcess[str]
Run = Callable[..., Ended]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine on which nobody has used Bongsu yet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BONGSU_")}
    folders = {"BONGSU_DATA": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return {**kept, **folders, "BONGSU_LANG": "en", "COLUMNS": "160"}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run a command to its end."""

    def run(*arguments: str, **env: str) -> Ended:
        return subprocess.run(
            [BONGSU, *arguments], env={**environment, **env}, text=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=60, check=False,
        )  # fmt: skip

    return run
