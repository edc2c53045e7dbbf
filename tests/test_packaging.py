"""What an installed Bongsu is made of."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bongsu

PACKAGE = Path(bongsu.__file__).parent
ROOT = Path(__file__).parent.parent
ASSETS = PACKAGE / "web" / "assets"
FOLDERS = sorted(
    path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("*/**/__init__.py")
)
# The rooms of the house: each must keep saying what lives in it.
ROOMS = {
    "manual", "oncall", "incident", "rehearse", "logs", "signals", "actions", "channels",
    "store", "engine", "review", "web", "web/api", "web/console", "web/statuspage", "cli",
}  # fmt: skip


def test_every_room_of_the_house_is_there():
    assert set(FOLDERS) >= ROOMS


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_says_in_two_sentences_what_lives_there(room: str):
    source = (PACKAGE / room / "__init__.py").read_text("utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""

    assert len(re.findall(r"\.(?:\s|$)", docstring)) == 2, docstring


def test_the_version_is_the_distributions():
    assert bongsu.__version__ == importlib.metadata.version("bongsu")


def test_an_unknown_attribute_is_an_error():
    with pytest.raises(AttributeError, match="nonsense"):
        bongsu.nonsense  # noqa: B018


def test_the_manifest_names_every_asset_by_its_content():
    manifest = json.loads((ASSETS / "manifest.json").read_text("utf-8"))
    built = {
        path.relative_to(ASSETS).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in ASSETS.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }

    assert manifest == built
    assert manifest.keys() >= {"app.js", "app.css", "fonts.css", "licenses/pretendard.txt"}


def test_the_styles_ask_for_no_font_that_was_not_built():
    styles = (ASSETS / "fonts.css").read_text("utf-8")
    asked = re.findall(r'url\("?\./([^")]+)"?\)', styles)

    assert asked
    assert [name for name in asked if not (ASSETS / name).exists()] == []


def test_the_assets_load_nothing_from_elsewhere():
    # A page that shows an outage must not depend on anybody else's servers.
    for name in ("fonts.css", "app.css"):
        assert "//" not in "".join(
            re.findall(r"url\(([^)]*)\)", (ASSETS / name).read_text("utf-8"))
        )


def test_the_assets_stay_small():
    assert sum(path.stat().st_size for path in ASSETS.rglob("*")) < 4_000_000


def test_the_licence_travels_with_the_package():
    files = importlib.metadata.files("bongsu") or []

    assert any(path.name == "LICENSE" for path in files)


@pytest.mark.parametrize(
    "lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name
)
def test_a_lock_says_what_but_not_from_where(lock: Path):
    lines = lock.read_text("utf-8").splitlines()
    pinned = [line for line in lines if "==" in line]
    comments = [line for line in lines if line.lstrip().startswith("#")]
    hashes = [line for line in lines if line.lstrip().startswith("--hash=sha256:")]

    assert pinned
    assert len(pinned) + len(comments) + len(hashes) == len([line for line in lines if line])
    assert not re.search(r"://|file:/|(^|\s)/", lock.read_text("utf-8"))


@pytest.mark.parametrize("folder", ["frontend", "tests/loadtools"])
def test_a_lock_of_npm_says_what_but_not_from_where(folder: str):
    assert "resolved" not in (ROOT / folder / "package-lock.json").read_text("utf-8")


def test_help_answers_without_loading_the_server():
    program = """
import contextlib, io, sys
from bongsu.cli import main
sys.argv = ["bongsu", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    main()
assert "Usage" in out.getvalue(), out.getvalue()
print(*sorted({"asyncpg", "fastapi", "httpx", "pgqueuer", "starlette"} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "BONGSU_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
