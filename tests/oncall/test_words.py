"""Every answer can be said in Korean and in English, and kept as JSON."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest

from bongsu.oncall import Shifts, explain, say
from bongsu.oncall import reasons as r
from bongsu.oncall.findings import Code, Finding
from bongsu.oncall.spans import Span
from bongsu.oncall.words import describe

AT = datetime(2025, 8, 13, 6, tzinfo=UTC)
CYCLE = r.InCycle(3, 3, 4, role="technical_lead")
REASONS: list[r.Why] = [
    CYCLE,
    r.InCycle(3, 3, 4, "Week 3"),
    r.Overridden(AT, AT + timedelta(hours=3)),
    r.Overridden(AT, AT + timedelta(hours=3), "병원"),
    r.OnHoliday(date(2025, 8, 15), "광복절", "Liberation Day", "main", CYCLE),
    r.OutsideHours("main", r.OutsideHours("other", r.Closed())),
    r.Closed(),
    r.NotStarted(AT),
    r.EmptySlot(CYCLE),
    r.NoHolder(CYCLE),
    r.NoSuchRotation("ghost"),
    r.NoSuchSlot("main", "ghost"),
    r.Circle(("main", "other", "main")),
    r.Named(),
    r.HoldsRole("technical_lead", 2),
    r.RoleVacant("technical_lead"),
    r.NoSuchRole("ghost"),
    r.NoSuchPerson("ghost"),
    r.NotATarget("ghost"),
]
SPAN = Span(AT, AT + timedelta(days=15, hours=1))
FINDINGS = [
    Finding(code, "backend-a", (("main", "primary"),), (SPAN,), SPAN.length)
    for code in get_args(Code)
]
HANGUL = re.compile(r"[가-힣]")


def test_the_examples_below_leave_out_no_reason() -> None:
    assert {type(why) for why in REASONS} == set(get_args(r.Why))


@pytest.mark.parametrize("why", REASONS, ids=repr)
def test_a_reason_is_told_in_both_languages(seed: Shifts, why: r.Why) -> None:
    korean, english = (say(why, lang, seed.manual, "main") for lang in ("ko", "en"))
    assert HANGUL.search(korean)
    assert korean != english
    assert "{" not in korean + english
    assert english.endswith((".", ": 병원"))


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: str(finding.code))
def test_a_finding_is_told_in_both_languages(seed: Shifts, finding: Finding) -> None:
    korean, english = (describe(finding, lang, seed.manual) for lang in ("ko", "en"))
    assert HANGUL.search(korean)
    assert not HANGUL.search(english)
    assert "{" not in korean + english


@pytest.mark.parametrize("why", REASONS, ids=repr)
def test_a_reason_survives_being_kept_as_json(why: r.Why) -> None:
    assert r.decode_why(r.encode_why(why)) == why


def test_a_week_without_a_label_is_counted(seed: Shifts) -> None:
    assert say(r.InCycle(7, 3, 4), "ko", seed.manual, "main").startswith("3주차,")
    assert say(r.InCycle(7, 3, 4), "en", seed.manual, "main").startswith("Week 3,")
    assert say(r.InCycle(7, 3, 4), "en", seed.manual, "ghost").startswith("Shift 3,")


def test_a_rotation_that_has_not_begun_says_when_it_will(seed: Shifts) -> None:
    turn = seed.who("main", "primary", datetime(2025, 8, 10, tzinfo=UTC))
    assert explain(turn, "ko", seed.manual) == (
        "24/7 온콜 1차 당직이 없어요. 이 순환은 2025-08-11 10:00 (KST)에 시작해요."
    )
