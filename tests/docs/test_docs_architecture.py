"""The architecture page shows the house as it is."""

from __future__ import annotations

import ast
import re
import tomllib
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "bongsu"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
    "contracts"
]
ROW = re.compile(r"^\| (\d+) \| `(\w+)` \| (.*?) \| (yes)? ?\|$", re.MULTILINE)
ROWS = [(int(layer), name, what, pure == "yes") for layer, name, what, pure in ROW.findall(PAGE)]


def contract(start: str) -> dict[str, list[str]]:
    return next(one for one in CONTRACTS if one["name"].startswith(start))


def test_the_table_of_packages_lists_exactly_the_folders_that_exist():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(name for _, name, _, _ in ROWS) == sorted(folders)


def test_the_table_of_packages_is_in_the_order_of_the_import_contract():
    layers = [
        {one.strip().removeprefix("bongsu.") for one in layer.split("|")}
        for layer in contract("Each package knows only those below it")["layers"]
    ]
    shown = [{name for _, name, _, _ in rows} for _, rows in groupby(ROWS, key=lambda row: row[0])]
    assert shown == layers
    assert [layer for layer, *_ in ROWS] == sorted(layer for layer, *_ in ROWS)


def test_the_packages_shown_as_pure_are_those_that_may_do_no_io():
    forbidden = contract("The pure packages do no I/O")["source_modules"]
    pure = {name for _, name, _, pure in ROWS if pure}
    assert pure == {name.removeprefix("bongsu.") for name in forbidden}


def test_a_package_is_called_empty_exactly_while_it_has_nothing_but_its_docstring():
    for _, name, what, _ in ROWS:
        files = list((PACKAGE / name).rglob("*.py"))
        body = ast.parse((PACKAGE / name / "__init__.py").read_text("utf-8")).body
        empty = len(files) == 1 and len(body) == 1
        assert ("empty so far" in what) == empty, name


def test_every_file_that_the_page_names_exists():
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:\.py|/))`", PAGE))
    assert len(named) > 10
    missing = [name for name in named if not (PACKAGE / name).exists()]
    assert missing == []


def test_every_module_that_the_diagram_names_exists():
    diagram = PAGE.split("```mermaid")[1].split("```")[0]
    named = set(re.findall(r"\[(\w+\.\w+)", diagram))
    assert len(named) > 5
    for name in named:
        path = PACKAGE / name.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists(), name


def test_the_clock_is_the_only_file_that_lint_lets_read_the_time():
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    excused = [
        path
        for path, rules in lint["per-file-ignores"].items()
        if "TID251" in rules and path.startswith("src/")
    ]
    assert excused == ["src/bongsu/engine/clock.py"]
    assert "`engine/clock.py`" in PAGE
