"""`bongsu manual` and `bongsu init`, as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bongsu.cli.manual import app


def bongsu(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rewrite(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), "utf-8")


def test_a_manual_that_works_exits_0(folder: Path) -> None:
    result = bongsu("check", folder, "--lang", "en")
    assert (result.exit_code, result.stdout) == (0, "The manual works.\n")


def test_a_mistake_exits_1_and_names_its_place(folder: Path) -> None:
    rewrite(folder, "team.yaml", "reports_to: commander", "reports_to: comander")
    result = bongsu("check", folder, "--lang", "en")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{folder}/team.yaml:7: there is no role comander in team.yaml, did you mean commander?",
        "1 errors, 0 warnings",
    ]


def test_a_key_that_is_unknown_exits_1_too(folder: Path) -> None:
    rewrite(folder, "team.yaml", "held_by: [kim]", "hold_by: [kim]")
    result = bongsu("check", folder, "--lang", "ko")
    assert result.exit_code == 1
    assert (
        f"{folder}/team.yaml:4: 여기에는 hold_by라는 키가 없어요. held_by를 뜻했나요?"
        in result.stdout
    )


def test_a_warning_fails_only_if_asked_to(folder: Path) -> None:
    rewrite(folder, "response.yaml", "    repeat: 10m\n    commander", "    commander")
    result = bongsu("check", folder, "--lang", "en")
    assert result.exit_code == 0
    assert "response.yaml:4: warning: a P0 that nobody answers" in result.stdout
    assert bongsu("check", folder, "--strict").exit_code == 1


@pytest.mark.parametrize("command", ["check", "render", "diff"])
def test_what_can_not_be_read_exits_2(command: str, tmp_path: Path) -> None:
    result = bongsu(command, tmp_path, *([tmp_path] if command == "diff" else []), "--lang", "en")
    assert result.exit_code == 2
    assert "is not a manual: it has no manual.yaml" in result.stderr


def test_a_machine_reads_problems_as_json(folder: Path) -> None:
    rewrite(folder, "team.yaml", "reports_to: commander", "reports_to: comander")
    result = bongsu("check", folder, "--json", "--lang", "en")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert len(answer["sha"]) == 64
    assert answer["problems"] == [
        {
            "file": "team.yaml",
            "line": 7,
            "column": 5,
            "path": "team.roles.lead.reports_to",
            "level": "error",
            "message": "there is no role comander in team.yaml, did you mean commander?",
        }
    ]


def test_a_machine_reads_why_there_is_no_manual(tmp_path: Path) -> None:
    result = bongsu("check", tmp_path / "nowhere", "--json", "--lang", "en")
    assert result.exit_code == 2
    assert "there is no folder" in json.loads(result.stdout)["error"]


def test_init_starts_a_manual_that_works_and_says_how_to_go_on(tmp_path: Path) -> None:
    result = bongsu("init", tmp_path / "new", "--lang", "ko")
    assert result.exit_code == 0
    assert f"bongsu manual check {tmp_path / 'new'}" in result.stdout
    assert bongsu("check", tmp_path / "new", "--strict").exit_code == 0


def test_init_leaves_a_folder_with_something_in_it_alone(folder: Path) -> None:
    before = sorted(path.read_bytes() for path in folder.rglob("*.yaml"))
    result = bongsu("init", folder, "--lang", "en")
    assert result.exit_code == 2
    assert "is not empty" in result.stderr
    assert sorted(path.read_bytes() for path in folder.rglob("*.yaml")) == before


def test_diff_says_what_changes(folder: Path, tmp_path: Path) -> None:
    bongsu("init", tmp_path / "one", "--lang", "en")
    bongsu("init", tmp_path / "two", "--lang", "en")
    rewrite(tmp_path / "two", "response.yaml", "after: 3m", "after: 2m")
    result = bongsu("diff", tmp_path / "one", tmp_path / "two", "--lang", "en")
    assert result.exit_code == 0
    assert result.stdout == ("P0: secondary (rotation:main/secondary) is paged after 2m, was 3m\n")
    same = bongsu("diff", folder, folder, "--lang", "en")
    assert same.stdout == "Nothing changes.\n"
    assert json.loads(bongsu("diff", folder, folder, "--json").stdout) == []


def test_schema_prints_one_chapter_or_all_or_writes_them(tmp_path: Path) -> None:
    one = json.loads(bongsu("schema", "team").stdout)
    assert one["title"] == "team.yaml"
    assert json.loads(bongsu("schema").stdout)["team"] == one
    bongsu("schema", "--out", tmp_path / "schemas")
    assert json.loads((tmp_path / "schemas" / "team.json").read_text("utf-8")) == one


def test_schema_names_the_chapter_that_was_meant() -> None:
    result = bongsu("schema", "tem")
    assert result.exit_code == 2
    assert "team" in result.stderr


def test_variables_lists_every_name(folder: Path) -> None:
    result = bongsu("variables", "--lang", "ko")
    assert "oncall_engineer" in result.stdout
    assert "users_affected" in result.stdout


def test_the_command_is_there_without_its_work_being_loaded() -> None:
    program = (
        "import sys; import bongsu.cli.manual;"
        "heavy = {'pydantic', 'yaml', 'jinja2', 'cel.cel', 'holidays', 'bongsu.manual'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
