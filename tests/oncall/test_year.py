"""A year of the seed's rotation, against a calculation that shares nothing with the code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.oncall import Shifts, explain
from bongsu.oncall.reasons import InCycle, NotStarted
from bongsu.oncall.spans import FOR_EVER

KST = timezone(timedelta(hours=9))
FIRST = datetime(2025, 8, 11, 10, tzinfo=KST)
TABLE = (
    {"primary": "backend-a", "secondary": "frontend-a", "escalation": "senior-dev"},
    {"primary": "backend-b", "secondary": "frontend-b", "escalation": "senior-dev"},
    {"primary": "devops-a", "secondary": "backend-a", "escalation": "senior-dev"},
    {"primary": "devops-b", "secondary": "frontend-a", "escalation": "senior-dev"},
)
"""the seed's 24/7 On-Call 순환표"""
MINUTE = timedelta(minutes=1)
YEAR_OF_HANDOFFS = [FIRST + timedelta(weeks=week) for week in range(53)]


def expected(at: datetime) -> dict[str, str]:
    """Count the weeks since the first handoff: KST has no DST, so that arithmetic is enough."""
    return TABLE[int((at - FIRST).total_seconds()) // 604_800 % 4]


def answered(shifts: Shifts, at: datetime) -> dict[str, str | None]:
    return {slot: shifts.who("main", slot, at).person for slot in TABLE[0]}


@pytest.mark.parametrize("handoff", YEAR_OF_HANDOFFS[1:], ids=lambda at: f"{at:%Y-%m-%d}")
def test_every_handoff_of_the_year_is_right_to_the_minute(seed: Shifts, handoff: datetime) -> None:
    before, after = handoff - MINUTE, handoff + MINUTE
    assert expected(before) != expected(handoff)
    for at in (before, handoff - timedelta(microseconds=1), handoff, after):
        assert answered(seed, at) == expected(at)
    assert seed.next_handoff("main", before) == handoff
    assert seed.next_handoff("main", handoff) == handoff + timedelta(weeks=1)


@given(st.timedeltas(timedelta(), timedelta(days=36_525)))
def test_any_instant_of_a_century_is_right(seed: Shifts, since: timedelta) -> None:
    at = FIRST + since
    assert answered(seed, at) == expected(at)


@pytest.mark.parametrize("handoff", YEAR_OF_HANDOFFS[1:], ids=lambda at: f"{at:%Y-%m-%d}")
def test_the_manual_that_we_ship_has_the_seeds_rotation(shipped: Shifts, handoff: datetime) -> None:
    for at in (handoff - MINUTE, handoff, handoff + MINUTE):
        assert answered(shipped, at) == expected(at)


def test_the_year_is_one_turn_a_week_that_names_its_place_in_the_cycle(seed: Shifts) -> None:
    turns = seed.timeline("main", "primary", YEAR_OF_HANDOFFS[0], YEAR_OF_HANDOFFS[-1])
    assert [(t.start, t.until) for t in turns] == [
        (start, start + timedelta(weeks=1)) for start in YEAR_OF_HANDOFFS[:-1]
    ]
    assert [t.why for t in turns] == [
        InCycle(n + 1, n % 4 + 1, 4, f"Week {n % 4 + 1}") for n in range(52)
    ]


def test_the_same_person_in_neighbouring_shifts_has_two_turns(seed: Shifts) -> None:
    turns = seed.timeline("main", "escalation", YEAR_OF_HANDOFFS[0], YEAR_OF_HANDOFFS[3])
    assert [t.person for t in turns] == ["senior-dev"] * 3
    assert [t.start for t in turns] == YEAR_OF_HANDOFFS[:3]


def test_nobody_is_on_call_before_the_rotation_begins(seed: Shifts) -> None:
    turn = seed.who("main", "primary", FIRST - MINUTE)
    assert turn.person is None
    assert turn.why == NotStarted(FIRST.astimezone(UTC))
    assert turn.until == FIRST
    assert seed.who("main", "primary", FIRST).person == "backend-a"
    assert seed.next_handoff("main", FIRST - timedelta(days=300)) == FIRST


def test_the_answer_explains_itself_in_both_languages(seed: Shifts) -> None:
    turn = seed.who("main", "primary", datetime(2025, 8, 28, 3, 0, tzinfo=KST))
    assert explain(turn, "en", seed.manual) == (
        "Devops-A is on call (24/7 on-call, primary). Week 3, number 3 of 4 in the cycle."
    )
    assert explain(turn, "ko", seed.manual) == (
        "24/7 온콜 1차 당직은 Devops-A예요. Week 3, 순환 4교대 가운데 3번째예요."
    )


def test_a_slot_of_a_role_says_that_its_first_holder_answers(seed: Shifts) -> None:
    turn = seed.who("main", "escalation", FIRST)
    assert explain(turn, "en", seed.manual).endswith("First holder of the role Technical Lead.")
    assert "Technical Lead 역할의 첫 번째 담당자예요." in explain(turn, "ko", seed.manual)


def test_an_instant_without_a_time_zone_is_refused(seed: Shifts) -> None:
    with pytest.raises(ValueError, match="2025-08-12 00:00:00 has no time zone"):
        seed.who("main", "primary", datetime(2025, 8, 12))  # noqa: DTZ001  that is the point


@pytest.mark.parametrize(
    "at",
    [
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_the_ends_of_the_calendar_have_an_answer(seed: Shifts, at: datetime) -> None:
    turn = seed.who("main", "primary", at)
    assert (turn.person is None) == (at.year == 1)
    assert turn.start < turn.until
    handoff = seed.next_handoff("main", at)
    assert handoff is not None
    assert turn.start <= handoff <= FOR_EVER
