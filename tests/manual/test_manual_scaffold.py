"""The manual that `bongsu init` begins with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bongsu.manual.check import check
from bongsu.manual.load import load, read
from bongsu.manual.problems import UnreadableManual
from bongsu.manual.scaffold import begin
from bongsu.manual.templates import render_template


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_a_new_manual_works_from_the_first_minute(tmp_path: Path, lang: str) -> None:
    begin(tmp_path / "new", lang)
    manual, places = read(tmp_path / "new")
    assert check(manual, places) == []
    assert manual.overview.locale == lang
    for template in manual.communication.templates:
        assert render_template(manual, template, {})


def test_both_languages_begin_with_the_same_procedure(tmp_path: Path) -> None:
    begin(tmp_path / "ko", "ko")
    begin(tmp_path / "en", "en")
    ko, en = load(tmp_path / "ko"), load(tmp_path / "en")
    assert ko.response.severities == en.response.severities
    assert ko.oncall.rotations["main"].shifts[0]["primary"] == "junho"
    assert ko.signals == en.signals
    assert ko.overview.targets == en.overview.targets


def test_its_comments_are_in_the_writers_language(tmp_path: Path) -> None:
    for file in begin(tmp_path / "ko", "ko"):
        if file.suffix == ".yaml":
            comments = re.findall(
                r"^# (?!yaml-language-server)(.*)", file.read_text("utf-8"), re.MULTILINE
            )
            assert comments
            assert re.search("[가-힣]", comments[0])
    for file in begin(tmp_path / "en", "en"):
        if file.suffix in (".yaml", ".md"):
            assert not re.search("[가-힣]", file.read_text("utf-8").replace("ko: 검색", ""))


def test_an_editor_finds_the_schema_of_every_file(tmp_path: Path) -> None:
    for file in begin(tmp_path, "en"):
        if file.suffix == ".yaml":
            line = file.read_text("utf-8").splitlines()[0]
            link = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", line)
            assert link is not None
            assert (file.parent / link[1]).is_file()


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UnreadableManual, match="is not empty"):
        begin(tmp_path, "en")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_fresh_git_repository_is_taken(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    begin(tmp_path, "en")
    assert load(tmp_path).overview.name == "Our service"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreadableManual, match="can't be written"):
        begin(tmp_path / "file", "en")
