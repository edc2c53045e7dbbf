"""The drawings show what the manual says: the organisation, the escalation, the rotation."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from bongsu.manual.render.edition import Edition
from bongsu.manual.render.figures import mermaid
from bongsu.manual.render.figures.drawing import fit, width_of, wrap
from bongsu.manual.render.figures.escalation import escalation_figure, ladders
from bongsu.manual.render.figures.organisation import (
    Drawing,
    Role,
    indented,
    organisation_figure,
    roles,
    top_down,
)
from bongsu.manual.render.figures.rotation import Calendar, rotation_figure, turns
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.oncall import WEEKDAYS, Rotation
from bongsu.oncall.cycle import Cycle

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="session")
def edition(seed: Manual) -> Edition:
    return Edition(seed, "en")


# ── organisation ─────────────────────────────────────────────────────────────────────────


def test_the_tree_has_one_top_with_its_two_levels_and_two_roles_apart(edition: Edition) -> None:
    tree, *apart = roles(edition)
    assert tree.name == "Incident Commander"
    assert [role.name for role in tree.under] == [
        "Technical Lead",
        "Communications Lead",
        "Customer Support Lead",
    ]
    assert [len(role.under) for role in tree.under] == [3, 2, 2]
    assert [role.name for role in apart] == ["DevOps Lead", "CEO"]


def test_the_drawing_says_who_reports_to_whom(edition: Edition) -> None:
    figure = organisation_figure(edition)
    assert "Backend Engineer reports to Technical Lead." in figure.describe
    assert "n_technical_lead --> n_backend_engineer" in figure.mermaid
    for svg in (figure.wide, figure.narrow):
        text = BeautifulSoup(svg, "html.parser").get_text(" ")
        assert "Senior Dev" in text
    assert figure.wide != figure.narrow


trees = st.recursive(
    st.builds(Role, st.just("x"), st.just("A role"), st.just("Somebody"), st.just(())),
    lambda under: st.builds(
        Role, st.just("x"), st.just("A role"), st.just("Somebody"),
        st.lists(under, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=8,
)  # fmt: skip


def count(role: Role) -> int:
    return 1 + sum(map(count, role.under))


def overlaps(drawing: Drawing) -> list[object]:
    boxes = drawing.boxes
    return [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[i + 1 :]
        if a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    ]


@given(st.lists(trees, max_size=3))
def test_every_role_is_drawn_once_inside_the_drawing_and_over_no_other(forest: list[Role]) -> None:
    for drawing in (indented(forest), top_down(forest)):
        if drawing is None:
            assert sum(role.columns for role in forest) > 8 or max(r.columns for r in forest) > 8
            continue
        assert len(drawing.boxes) == sum(map(count, forest))
        assert len(drawing.lines) == sum(count(role) - 1 for role in forest)
        assert overlaps(drawing) == []
        for box in drawing.boxes:
            assert box.x >= 0
            assert box.x + box.width <= drawing.width + 0.01
            assert box.y + box.height <= drawing.height


# ── escalation ───────────────────────────────────────────────────────────────────────────


def test_the_ladders_of_a_p0_are_those_of_the_manual(edition: Edition) -> None:
    unanswered, confirmed = ladders(edition, edition.manual.respond("P0"))
    assert [(call.who, call.after // MINUTE) for call in unanswered.calls] == [
        ("Primary on-call", 0),
        ("Secondary on-call", 3),
        ("Escalation (Technical Lead)", 6),
        ("Incident Commander", 9),
    ]
    assert unanswered.repeat == "again every 10 minutes, until somebody answers"
    assert [(call.who, call.after // MINUTE) for call in confirmed.calls] == [
        ("Incident Commander (PM)", 0),
        ("Technical Lead", 3),
        ("Team (6 roles) and war room", 3),
    ]


def test_a_p3_has_no_second_ladder(edition: Edition) -> None:
    assert len(list(ladders(edition, edition.manual.respond("P3")))) == 1


def test_marks_stand_at_their_time_on_a_common_scale(edition: Edition) -> None:
    svg = BeautifulSoup(escalation_figure(edition, "P0").wide, "html.parser")
    at = [float(str(mark["cx"])) for mark in svg.find_all("circle")][:4]
    steps = [later - earlier for earlier, later in pairwise(at)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.2)  # 0, 3, 6 and 9 minutes


@pytest.mark.parametrize("level", ["P0", "P1", "P2", "P3"])
def test_everything_of_an_escalation_lies_inside_its_drawing(edition: Edition, level: str) -> None:
    figure = escalation_figure(edition, level)  # type: ignore[arg-type]  # the four levels
    svg = BeautifulSoup(figure.wide, "html.parser").svg
    assert svg is not None
    _, _, width, height = map(float, str(svg["viewbox"]).split())
    for mark in svg.find_all("circle"):
        assert 6 <= float(str(mark["cx"])) <= width - 6
    for text in svg.find_all("text"):
        assert float(str(text["y"])) <= height


# ── rotation ─────────────────────────────────────────────────────────────────────────────


def test_the_calendar_shows_the_four_weeks_from_handoff_to_handoff(edition: Edition) -> None:
    rotation = edition.manual.oncall.rotations["main"]
    figure = rotation_figure(edition, rotation)
    first = "Week 1 (2025-08-11 10:00 – 2025-08-18 10:00): Primary on-call Backend-A, "
    assert figure.describe.startswith(first)
    assert "Backend-A :2025-08-11 10:00, 2025-08-18 10:00" in figure.mermaid
    for svg in (figure.wide, figure.narrow):
        text = BeautifulSoup(svg, "html.parser").get_text(" ")
        for person in ("Backend-A", "Backend-B", "DevOps-A", "DevOps-B", "Frontend-A"):
            assert f"{person} ·" in text


@given(
    start=st.dates(date(2020, 1, 1), date(2035, 1, 1)),
    day=st.sampled_from(WEEKDAYS),
    days=st.integers(1, 21),
    shifts=st.integers(1, 6),
)
def test_the_drawn_shifts_are_those_that_the_on_call_engine_computes(
    start: date, day: str, days: int, shifts: int
) -> None:
    rotation = Rotation.model_validate(
        {
            "name": "x",
            "start": start.isoformat(),
            "handoff": {"day": day, "time": "10:00"},
            "every": f"{days}d",
            "slots": ["primary"],
            "shifts": [{"primary": f"p{number}"} for number in range(shifts)],
        }
    )
    zone = ZoneInfo("Asia/Seoul")
    cycle = Cycle(rotation, zone)
    drawn = [(turn.start.replace(tzinfo=zone), turn.until.replace(tzinfo=zone))
             for turn in turns(rotation)]  # fmt: skip
    assert drawn == [(cycle.shift(n).start, cycle.shift(n).until) for n in range(shifts)]


def test_the_bars_of_a_week_fill_it_without_a_gap_once_the_rotation_runs(edition: Edition) -> None:
    rotation = edition.manual.oncall.rotations["main"]
    calendar = Calendar(edition, rotation, turns(rotation), 700)
    assert len(calendar.weeks) == 4
    for number, week in enumerate(calendar.weeks):
        rows: dict[float, list[tuple[float, float]]] = {}
        for bar in week.bars:
            rows.setdefault(bar.y, []).append((bar.x, bar.x + bar.width))
        assert len(rows) == len(rotation.slots)
        for spans in rows.values():
            ends = [0.0 if number else 41.7, *(end for _, end in spans)]
            assert [start for start, _ in spans] == pytest.approx(ends[:-1], abs=0.2)
            assert ends[-1] == pytest.approx(700, abs=0.2)


def test_a_person_has_the_same_colour_in_every_slot_and_week(edition: Edition) -> None:
    rotation = edition.manual.oncall.rotations["main"]
    svg = BeautifulSoup(rotation_figure(edition, rotation).wide, "html.parser")
    colours: dict[str, set[str]] = {}
    for group in svg.find_all("g"):
        if group.find("text"):
            name = group.get_text().strip().split(" · ")[0]
            colours.setdefault(name, set()).add(str(group["class"]))
    assert all(len(found) == 1 for found in colours.values())
    people = {name: found.pop() for name, found in colours.items()}
    assert len(set(people.values())) == len(people)


# ── texts in drawings ────────────────────────────────────────────────────────────────────


@given(st.text(max_size=60), st.floats(20, 300), st.integers(1, 3))
def test_a_text_never_runs_out_of_the_room_it_is_given(text: str, room: float, lines: int) -> None:
    assert width_of(fit(text, room, 13), 13) <= max(room, width_of("…", 13))
    wrapped = wrap(text, room, 13, lines)
    assert len(wrapped) <= lines
    assert all(width_of(line, 13) <= max(room, width_of("…", 13)) for line in wrapped)


def test_a_long_name_breaks_between_words_and_a_short_one_stays_whole() -> None:
    assert wrap("Internal Communications", 110, 13, 2) == ["Internal", "Communications"]
    assert wrap("대표이사", 110, 13, 2) == ["대표이사"]


@given(st.text())
def test_no_character_of_a_name_means_anything_to_mermaid(name: str) -> None:
    escaped = re.sub(r"#(?:quot|lt|gt|\d+);", "", mermaid.escape(name))
    assert not set(escaped) & set('#;"<>:`%{}()[]\n\r')
    assert re.fullmatch(r"n_\w*", mermaid.node_id(name))
