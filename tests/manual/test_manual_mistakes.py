"""One mistake each: every problem is found, at its line, with what to write instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bongsu.manual.check import check
from bongsu.manual.load import read
from bongsu.manual.problems import ManualError, Problem

HERE = Path(__file__).parent
MISTAKES = [
    pytest.param(case, id=f"{table.stem}: {case['mistake']}")
    for table in sorted((HERE / "mistakes").glob("*.yaml"))
    for case in yaml.safe_load(table.read_text("utf-8"))
]


def problems_in(folder: Path) -> list[Problem]:
    try:
        manual, places = read(folder)
    except ManualError as failure:
        return failure.problems
    return check(manual, places)


def spoil(folder: Path, case: dict[str, str]) -> None:
    file = folder / case["file"]
    text = file.read_text("utf-8")
    assert case["instead_of"] in text
    file.write_text(text.replace(case["instead_of"], case["written"], 1), "utf-8")


def test_the_small_manual_has_no_mistakes(folder: Path) -> None:
    assert problems_in(folder) == []


@pytest.mark.parametrize("case", MISTAKES)
def test_each_mistake_is_told_with_its_line_and_its_mend_in_both_languages(
    folder: Path, case: dict[str, Any]
) -> None:
    spoil(folder, case)
    problems = problems_in(folder)
    assert [str(problem) for problem in problems] == case["says"]
    for problem in problems:
        korean = problem.say("ko")
        assert re.search("[가-힣]", korean)
        assert not re.search(r"\{\w+(:\S+/\S+)?\}", korean), "a value was not filled in"


def test_the_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    for name, old, new in (
        ("manual.yaml", "detection: 5m", "detection: 5"),
        ("manual.yaml", "locale: en", "locale: fr"),
        ("team.yaml", "held_by: [kim]", "hold_by: [kim]"),
        ("services.yaml", "tier: 2", "tier: two"),
        ("playbooks/cache.yaml", "type: integer", "type: whole"),
    ):
        spoil(folder, {"file": name, "instead_of": old, "written": new})
    (folder / "templates" / "broken.md").write_bytes(b"ok\n\xff\n")
    (folder / "signals.yaml").unlink()
    assert [(p.file, p.line) for p in problems_in(folder)] == [
        ("manual.yaml", 2),
        ("manual.yaml", 4),
        ("playbooks/cache.yaml", 3),
        ("services.yaml", 8),
        ("signals.yaml", 0),
        ("team.yaml", 4),
        ("templates/broken.md", 2),
    ]
