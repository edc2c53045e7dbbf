"""What is read from a folder, and what makes two manuals the same."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bongsu.manual.check import check, load_checked
from bongsu.manual.load import from_document, load, read, to_document
from bongsu.manual.problems import ManualError, UnreadableManual
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import HumanStep


def rewrite(folder: Path, name: str, old: str, new: str) -> None:
    file = folder / name
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_the_first_users_manual_works(seed: Manual) -> None:
    errors = [problem for problem in check(seed) if problem.level == "error"]
    assert errors == []


def test_comments_formatting_and_the_order_of_keys_do_not_change_the_hash(
    folder: Path, manual: Manual
) -> None:
    rewrite(
        folder,
        "manual.yaml",
        "name: Small shop\nlocale: en\n",
        "# hello\n'locale': \"en\"\nname:   Small shop\n",
    )
    rewrite(
        folder, "oncall.yaml", "    slots:", "    every: 1w  # the default, spelt out\n    slots:"
    )
    rewrite(
        folder,
        "services.yaml",
        "{name: Database, tier: 1, owner: lead}",
        "\n    owner: lead\n    tier: 1\n    name: {ko: Database, en: Database}",
    )
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert load(folder).sha == manual.sha


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("response.yaml", "after: 3m", "after: 2m"),
        ("templates/team_update.md", "Status", "State"),
        ("playbooks/cache.yaml", "name: Clear,", "name: Empty,"),
        ("oncall.yaml", "2025-02-05T10:00", "2025-02-05T11:00"),
    ],
)
def test_any_content_changes_the_hash(
    folder: Path, manual: Manual, name: str, old: str, new: str
) -> None:
    rewrite(folder, name, old, new)
    assert load(folder).sha != manual.sha


def test_a_stored_manual_is_read_back_identically(seed: Manual) -> None:
    again = from_document(to_document(seed))
    assert again == seed
    assert again.sha == seed.sha
    assert check(again) == check(seed)


def test_files_that_are_no_part_of_the_manual_are_left_alone(folder: Path, manual: Manual) -> None:
    (folder / "README.md").write_bytes(b"\xb8\xc5\xb4\xba\xbe\xf3")  # EUC-KR
    (folder / "notes.txt").write_text("to do")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.yaml").write_text("not: ours")
    assert load(folder).sha == manual.sha


@pytest.mark.parametrize("name", ["respones.yaml", "team.yml", "playbooks/more.yml"])
def test_a_file_that_was_meant_to_be_part_of_it_is_not_passed_over(folder: Path, name: str) -> None:
    (folder / name).write_text("")
    with pytest.raises(ManualError) as refused:
        load(folder)
    assert [problem.file for problem in refused.value.problems] == [name]


def test_chapters_that_may_be_missing_may_be_missing(folder: Path) -> None:
    for name in ("diagnosis", "verification", "obligations", "review"):
        (folder / f"{name}.yaml").unlink()
    for playbook in (folder / "playbooks").iterdir():
        playbook.unlink()
    manual = load(folder)
    assert manual.obligations is None
    assert manual.playbooks == {}
    assert [p.level for p in check(manual)] == ["warning", "warning"]  # two types without playbook


def test_yaml_keeps_what_people_write(folder: Path) -> None:
    rewrite(folder, "oncall.yaml", 'time: "10:00"', "time: 10:00")
    rewrite(folder, "team.yaml", 'to: "01012345678"', "to: 01012345678")
    rewrite(folder, "team.yaml", "name: Kim\n", "name: No\n")
    manual = load(folder)
    assert manual.oncall.rotations["main"].handoff.time == time(10)
    assert manual.team.people["lee"].contacts[1].to == "01012345678"
    assert manual.team.people["kim"].name == "No"


def test_anchors_and_merge_keys_save_repetition(folder: Path) -> None:
    rewrite(folder, "response.yaml", "  P1:\n    escalation:", "  P1: &slow\n    escalation:")
    rewrite(
        folder,
        "response.yaml",
        '  P2:\n    escalation:\n      - {after: 0s, page: "rotation:main/primary"}\n',
        "  P2:\n    <<: *slow\n    repeat: 1h\n",
    )
    response = load(folder).response.severities
    assert response["P2"].escalation == response["P1"].escalation
    assert response["P2"].repeat is not None


def test_a_mistake_beside_a_merged_entry_is_told_on_its_own_line(folder: Path) -> None:
    rewrite(folder, "response.yaml", "  P1:\n    escalation:", "  P1: &slow\n    escalation:")
    rewrite(
        folder,
        "response.yaml",
        '  P2:\n    escalation:\n      - {after: 0s, page: "rotation:main/primary"}\n',
        "  P2:\n    <<: *slow\n    repeat: 1\n",
    )
    with pytest.raises(ManualError, match=r"response\.yaml:19: repeat is 1"):
        load(folder)


def test_a_mistake_in_a_merged_entry_is_told_where_it_was_written(folder: Path) -> None:
    rewrite(
        folder,
        "response.yaml",
        "  P1:\n    escalation:",
        "  P1: &slow\n    repaet: 1h\n    escalation:",
    )
    rewrite(
        folder,
        "response.yaml",
        '  P2:\n    escalation:\n      - {after: 0s, page: "rotation:main/primary"}\n',
        "  P2: {<<: *slow}\n",
    )
    with pytest.raises(ManualError) as refused:
        load(folder)
    assert [p.line for p in refused.value.problems] == [15, 15]


def test_short_forms_mean_what_their_long_forms_mean(manual: Manual) -> None:
    kim = manual.team.people["kim"].contacts[0]
    assert (kim.channel, kim.to, kim.after) == ("email", "kim@example.com", timedelta(0))
    p0 = manual.respond("P0")
    assert p0.escalation[0].page == ["rotation:main/primary"]
    assert p0.repeat is not None
    assert (p0.repeat.every, p0.repeat.times) == (timedelta(minutes=10), "forever")
    assert manual.response.checklists["first_look"].items[0].text.en == "Look at the dashboards"
    step = manual.playbooks["restart"].steps[0]
    assert isinstance(step, HumanStep)
    assert step.instruction.en == "Look whether something was deployed lately"
    health = manual.services.services["backend"].health
    assert health is not None
    assert health.url == "https://api.example.com/health"


def test_points_in_time_keep_their_offset(manual: Manual) -> None:
    assert manual.oncall.overrides[0].start == datetime(2025, 2, 3, 1, tzinfo=UTC)


def test_the_lines_of_problems_come_from_the_folder(folder: Path) -> None:
    rewrite(folder, "team.yaml", "reports_to: commander", "reports_to: nobody")
    manual, places = read(folder)
    assert [str(p) for p in check(manual, places)] == [
        "team.yaml:7: there is no role nobody in team.yaml, write one of commander, lead"
    ]
    assert [(p.file, p.line) for p in check(manual)] == [("team.yaml", 0)]


def test_a_manual_that_would_not_work_is_refused_with_all_its_errors(folder: Path) -> None:
    rewrite(folder, "team.yaml", "reports_to: commander", "reports_to: nobody")
    rewrite(folder, "services.yaml", "owner: lead", "owner: nobody")
    with pytest.raises(ManualError) as refused:
        load_checked(folder)
    assert [p.file for p in refused.value.problems] == ["services.yaml", "team.yaml"]


def test_a_manual_that_works_comes_with_its_warnings(folder: Path) -> None:
    rewrite(folder, "response.yaml", "    repeat: 10m\n    commander", "    commander")
    manual, warnings = load_checked(folder)
    assert manual.respond("P0").repeat is None
    assert [p.level for p in warnings] == ["warning"]


def test_a_folder_without_manual_yaml_is_no_manual(folder: Path) -> None:
    (folder / "manual.yaml").unlink()
    with pytest.raises(UnreadableManual, match=r"is not a manual: it has no manual\.yaml"):
        load(folder)
