"""What changes between two manuals, in words, and nothing of it silently."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bongsu.manual.diff import diff
from bongsu.manual.load import from_document, load, to_document
from bongsu.manual.schema.base import Model
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.response import Repeat

BASE = Path(__file__).parent / "base"


def changed(folder: Path, name: str, old: str, new: str, lang: str = "en") -> list[str]:
    before = load(folder)
    file = folder / name
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return diff(before, load(folder), lang)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "response.yaml", '{after: 3m, page: ["rotation:main/secondary", "person:kim"]}',
            '{after: 2m, page: ["rotation:main/secondary", "person:kim"]}',
            ["P0: secondary (rotation:main/secondary) is paged after 2m, was 3m",
             "P0: Kim (person:kim) is paged after 2m, was 3m"],
        ),
        (
            "response.yaml", ', "person:kim"]', "]",
            ["P0: Kim (person:kim) is not paged any more"],
        ),
        (
            "response.yaml", '- {after: 6m, page: "role:commander"}',
            '- {after: 6m, page: ["role:commander", "person:lee"]}',
            ["P0: Lee (person:lee) is paged too, after 6m"],
        ),
        (
            "response.yaml", "repeat: 10m\n    commander",
            "repeat: {every: 8m, times: 3}\n    commander",
            ["P0: rounds that nobody answered: every 8m, 3 times, was every 10m for ever"],
        ),
        (
            "response.yaml", "- Look at the dashboards",
            "- Look at the dashboards\n      - Ask support",
            ["checklist first_look: “Ask support” added"],
        ),
        (
            "response.yaml", "- Look at the dashboards\n      ", "",
            ["checklist first_look: “Look at the dashboards” removed"],
        ),
        (
            "manual.yaml", "recover_within: 30m", "recover_within: 20m",
            ["P0: to recover within: 20m, was 30m"],
        ),
        ("manual.yaml", "response: 10m", "response: 8m", ["target response: 8m, was 10m"]),
        (
            "manual.yaml", "  security:", "    dns: DNS\n  security:",
            ["incident type dns added"],
        ),
        (
            "team.yaml", "links:", "  park: {name: Park, contacts: [email:p@example.com]}\nlinks:",
            ["person Park (park) added"],
        ),
        (
            "team.yaml", "email:kim@example.com", "email:k@example.com",
            ["contacts of Kim (kim): email:k@example.com, was email:kim@example.com"],
        ),
        (
            "team.yaml", "held_by: [lee, kim]", "held_by: [kim, lee]",
            ["role Technical Lead is held by: kim, lee, was lee, kim"],
        ),
        (
            "oncall.yaml", "primary: kim, secondary: lee", "primary: lee, secondary: lee",
            ["rotation main, shift 1, primary: Lee (lee), was Kim (kim)"],
        ),
        (
            "oncall.yaml", "person: lee, from", "person: kim, from",
            ["oncall.yaml overrides[1].person: “kim”, was “lee”"],
        ),
        (
            "signals.yaml", "severity_words",
            "  - {match: ['job=\"db\"'], service: database}\nseverity_words",
            ['route job="db" → database added'],
        ),
        (
            "templates/team_update.md", "*Update* {{ timestamp }}", "State",
            ["text of templates/team_update.md, line 1: “State”, was “*Update* {{ timestamp }}”"],
        ),
        (
            "playbooks/restart.yaml", "  - Look whether something was deployed lately\n", "",
            ["playbook restart, step 1 “Look whether something was deployed lately” removed"],
        ),
        (
            "services.yaml", "tier: 2\n", "tier: 1\n",
            ["services.yaml services.backend.tier: 1, was 2"],
        ),
        (
            "communication.yaml", "    every: 30m\n", "",
            ["communication.yaml audiences.team.every: removed 30m"],
        ),
    ],
)  # fmt: skip
def test_a_change_is_told_in_words(
    folder: Path, name: str, old: str, new: str, said: list[str]
) -> None:
    assert changed(folder, name, old, new) == said


def test_a_change_is_told_in_korean(folder: Path) -> None:
    assert changed(folder, "response.yaml", "after: 3m", "after: 2m", "ko") == [
        "P0: secondary (rotation:main/secondary)를 2m 뒤에 불러요 (이전: 3m)",
        "P0: Kim (person:kim)을 2m 뒤에 불러요 (이전: 3m)",
    ]


def test_a_text_that_changes_in_the_other_language_alone_is_told_in_that(folder: Path) -> None:
    (line,) = changed(folder, "manual.yaml", "ko: 데이터 유출", "ko: 정보 유출")
    assert "“정보 유출”, was “데이터 유출”" in line


def test_an_entry_put_in_between_is_not_a_change_of_those_below(folder: Path) -> None:
    lines = changed(
        folder, "signals.yaml", "routes:\n", "routes:\n  - {match: ['a=\"b\"'], severity: P3}\n"
    )
    assert lines == ['route a="b" → P3 added']


def test_equal_manuals_have_no_difference(seed: Manual, manual: Manual) -> None:
    for one in (seed, manual):
        assert diff(one, from_document(to_document(one)), "ko") == []


# ── no change is silent ──────────────────────────────────────────────────────────────────────


def variants(entry: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield, for every leaf of an entry, a copy that differs in it alone."""
    if isinstance(entry, Model):
        for name in type(entry).model_fields.keys() - {"sha"}:
            for where, other in variants(getattr(entry, name), (*path, name)):
                yield where, entry.model_copy(update={name: other})
    elif isinstance(entry, dict):
        for key in entry:
            for where, other in variants(entry[key], (*path, key)):
                yield where, {**entry, key: other}
            yield (*path, key), {k: v for k, v in entry.items() if k != key}
    elif isinstance(entry, list):
        for index in range(len(entry)):
            for where, other in variants(entry[index], (*path, index)):
                yield where, [*entry[:index], other, *entry[index + 1 :]]
            yield (*path, index), [*entry[:index], *entry[index + 1 :]]
        yield path, [*entry, *(entry[:1] or ["x"])]
    else:
        yield path, changed_leaf(entry, str(path[-1]))


def changed_leaf(value: Any, name: str) -> Any:
    match value:
        case bool() | int() | float():
            return value + 1
        case timedelta() | date():
            return value + timedelta(days=1)
        case time():
            return value.replace(minute=59)
        case None if name == "repeat":
            return Repeat(every=timedelta(minutes=3))
        case None:
            return "x"
        case _:
            return f"{value} x"


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # a copy may hold what no file could
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_a_change_of_any_entry_is_told(manual: Manual, lang: str) -> None:
    seen = set()
    for path, variant in variants(manual):
        lines = diff(manual, variant, lang)
        assert lines, path
        assert all(line.strip() for line in lines)
        assert diff(variant, manual, lang), path
        seen.add(path)
    assert len(seen) > 500
