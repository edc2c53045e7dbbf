"""Hours on call per person, and what is too much, unfair or without backup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.oncall.manuals import SEED, manual, shifts

from bongsu.oncall import Shifts
from bongsu.oncall.findings import Finding, findings
from bongsu.oncall.load import Load, Roster, loads
from bongsu.oncall.spans import Span, minus, shared, total, union
from bongsu.oncall.words import describe

KST = timezone(timedelta(hours=9))
FOUR_WEEKS = datetime(2025, 9, 8, 10, tzinfo=KST), datetime(2025, 10, 6, 10, tzinfo=KST)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def kst(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


def solo(person: str = "backend-a", **rest: Any) -> dict[str, Any]:
    return {
        "name": "x",
        "start": "2025-01-06",
        "handoff": {"day": "mon", "time": "10:00"},
        "slots": ["primary"],
        "shifts": [{"primary": person}],
        **rest,
    }


def one_load(answering: Shifts, person: str, start: datetime, until: datetime) -> Load:
    (found,) = (x for x in loads(Roster(answering, start, until)) if x.person == person)
    return found


def found_by(answering: Shifts, code: str, start: datetime, until: datetime) -> list[Finding]:
    return [f for f in findings(Roster(answering, start, until)) if f.code == code]


# ── the load ─────────────────────────────────────────────────────────────────────────────


def test_a_week_on_call_counts_its_hours_nights_and_weekend(seed: Shifts) -> None:
    """Backend-A has week 1 in first place and week 3 in second."""
    load = one_load(seed, "backend-a", *FOUR_WEEKS)
    assert load.on_call == hours(2 * 168)
    assert load.nights == hours(2 * 7 * 8)
    assert load.weekends == hours(2 * 48)
    assert load.turns == 2
    assert load.longest_week == hours(168 - 10)  # from Monday 10:00 to Sunday midnight


def test_holidays_count_from_midnight_to_midnight(seed: Shifts) -> None:
    """Seollal 2026 is Monday to Wednesday; the shift changes on Monday at ten."""
    span = kst("2026-02-09T10:00"), kst("2026-02-23T10:00")
    by_person = {load.person: load.holidays for load in loads(Roster(seed, *span))}
    week = seed.who("main", "primary", kst("2026-02-17T00:00")).person
    before = seed.who("main", "primary", kst("2026-02-16T09:00")).person
    assert week is not None
    assert before is not None
    assert by_person[week] == hours(62)
    assert by_person[before] == hours(10)


def test_nights_are_those_of_the_persons_own_zone() -> None:
    """Ann in New York, on call from 09:00 to 18:00 in Seoul, which is 20:00 to 05:00 there."""
    office = [{"days": ["tue"], "from": "09:00", "until": "18:00"}]
    answering = shifts({"x": solo("ann", hours=office)})
    load = one_load(answering, "ann", kst("2025-08-18T10:00"), kst("2025-08-25T10:00"))
    assert (load.on_call, load.nights) == (hours(9), hours(7))


def test_the_hours_before_dawn_belong_to_the_night_before() -> None:
    span = kst("2025-08-19T00:00"), kst("2025-08-20T00:00")
    assert one_load(shifts({"x": solo()}), "backend-a", *span).nights == hours(6 + 2)


def test_two_slots_at_once_count_once() -> None:
    both = solo(slots=["primary", "secondary"], shifts=[{"primary": "pm", "secondary": "pm"}])
    load = one_load(shifts({"x": both}), "pm", kst("2025-08-18T10:00"), kst("2025-08-20T10:00"))
    assert (load.on_call, load.turns) == (hours(48), 2)


def test_a_rotation_that_only_stands_in_counts_when_it_does() -> None:
    office = [{"days": ["mon"], "from": "00:00", "until": "12:00"}]
    rotations = {"day": solo(hours=office, outside_hours="night"), "night": solo("devops-a")}
    span = kst("2025-08-18T00:00"), kst("2025-08-19T00:00")
    assert one_load(shifts(rotations), "devops-a", *span).on_call == hours(12)


def test_the_load_of_all_is_the_time_of_all_slots(seed: Shifts) -> None:
    together = sum((load.on_call for load in loads(Roster(seed, *FOUR_WEEKS))), timedelta())
    assert together == 3 * (FOUR_WEEKS[1] - FOUR_WEEKS[0])


# ── the findings ─────────────────────────────────────────────────────────────────────────


def test_the_seeds_rotation_is_told_what_it_asks_of_frontend_a_and_the_tech_lead(
    seed: Shifts,
) -> None:
    """Week 4 and week 1 follow each other, and both have Frontend-A in second place."""
    year = FOUR_WEEKS[0], FOUR_WEEKS[0] + timedelta(weeks=52)
    found = {f.person: f for f in found_by(seed, "consecutive_weeks", *year)}
    assert set(found) == {"frontend-a", "senior-dev"}
    assert len(found["frontend-a"].spans) == 12
    assert found["frontend-a"].worst == timedelta(weeks=2)
    assert found["senior-dev"].worst == timedelta(weeks=52)
    assert describe(found["frontend-a"], "ko", seed.manual) == (
        "Frontend-A가 쉬는 주 없이 2주 이상 당직이에요(최장 14일, 12번)."
    )


def test_weeks_that_are_expected_over_the_limit_are_a_hard_finding(seed: Shifts) -> None:
    found = found_by(seed, "week_over_limit", *FOUR_WEEKS)
    assert [f.person for f in found] == ["backend-a", "backend-b", "devops-a", "devops-b"]
    assert all(f.hard for f in found)
    assert found[0].worst == hours(40) + 0.1 * hours(158)
    assert found[0].slots == (("main", "primary"),)
    assert describe(found[0], "ko", seed.manual) == (
        "당직 시간의 10%를 근무로 보면 Backend-A는 한 주에 최대 55.8시간을 일해서 "
        "52시간을 넘어요(1번)."
    )


def test_a_measured_share_of_work_decides_about_the_limit() -> None:
    calm = shifts({"main": SEED}, limits={"worked_share": 0.05})
    assert found_by(calm, "week_over_limit", *FOUR_WEEKS) == []


def test_a_break_shorter_than_eleven_hours_is_found_and_eleven_are_enough() -> None:
    every_day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    for until, short in (("20:00", False), ("20:01", True)):
        long_day = [{"days": every_day, "from": "07:00", "until": until}]
        answering = shifts({"x": solo(hours=long_day)})
        span = kst("2025-08-19T00:00"), kst("2025-08-22T00:00")
        found = found_by(answering, "short_rest", *span)
        assert [len(f.spans) for f in found] == ([2] if short else [])
        assert all(f.worst == hours(11) - timedelta(minutes=1) for f in found)


def test_two_weeks_of_working_days_are_two_consecutive_weeks() -> None:
    office = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "18:00"}]
    three = [{"primary": p} for p in ("backend-a", "backend-a", "devops-a")]
    answering = shifts({"x": solo(hours=office, shifts=three)})
    span = kst("2025-01-06T10:00"), kst("2025-02-17T10:00")
    (found,) = found_by(answering, "consecutive_weeks", *span)
    assert (found.person, len(found.spans)) == ("backend-a", 2)


def test_a_week_and_a_day_of_cover_are_no_two_weeks() -> None:
    cover = {"rotation": "main", "slot": "primary", "person": "backend-a"}
    times = {"from": "2025-09-15T10:00+09:00", "until": "2025-09-16T10:00+09:00"}
    answering = shifts({"main": SEED}, overrides=[cover | times])
    people = {f.person for f in found_by(answering, "consecutive_weeks", *FOUR_WEEKS)}
    assert "backend-a" not in people


def test_two_weeks_in_which_the_clock_goes_forward_are_two_weeks() -> None:
    answering = shifts({"x": solo(timezone="America/New_York")})
    span = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 20, tzinfo=UTC)
    (found,) = found_by(answering, "consecutive_weeks", *span)
    assert found.worst == timedelta(weeks=2) - hours(1)


def test_one_person_in_two_slots_is_found_and_has_no_backup() -> None:
    weeks = [{"primary": "pm", "secondary": "pm"}, {"primary": "pm", "secondary": "ann"}]
    answering = shifts({"x": solo(slots=["primary", "secondary"], shifts=weeks)})
    span = kst("2025-01-06T10:00"), kst("2025-01-20T10:00")
    first = Span(span[0].astimezone(UTC), kst("2025-01-13T10:00").astimezone(UTC))
    slots = (("x", "primary"), ("x", "secondary"))
    (doubled,) = found_by(answering, "two_slots", *span)
    assert (doubled.person, doubled.slots, doubled.spans) == ("pm", slots, (first,))
    (alone,) = found_by(answering, "no_backup", *span)
    assert (alone.person, alone.slots, alone.spans) == (None, slots, (first,))


def test_the_seeds_rotation_always_has_a_backup(seed: Shifts) -> None:
    year = FOUR_WEEKS[0], FOUR_WEEKS[0] + timedelta(weeks=52)
    for code in ("no_backup", "two_slots", "uncovered", "short_rest"):
        assert found_by(seed, code, *year) == []


def test_a_slot_without_anybody_is_found_but_closing_time_is_not() -> None:
    holes = solo(shifts=[{"primary": "pm"}, {"name": "nobody"}])
    span = kst("2025-01-06T10:00"), kst("2025-01-27T10:00")
    (found,) = found_by(shifts({"x": holes}), "uncovered", *span)
    assert found.slots == (("x", "primary"),)
    assert found.spans == (
        Span(kst("2025-01-13T10:00").astimezone(UTC), kst("2025-01-20T10:00").astimezone(UTC)),
    )
    office = [{"days": ["mon"], "from": "09:00", "until": "18:00"}]
    assert found_by(shifts({"x": solo(hours=office)}), "uncovered", *span) == []


def test_whoever_has_nearly_all_holidays_of_a_slot_is_found() -> None:
    turns = [{"primary": p} for p in ("backend-a", "backend-b", "devops-a")]
    added = [{"date": f"2025-02-0{day}", "name": "축제"} for day in (4, 5, 6)]
    answering = shifts(
        {"x": solo(start="2025-02-03", shifts=turns)}, holidays={"country": "XX", "add": added}
    )
    span = kst("2025-02-03T10:00"), kst("2025-02-24T10:00")
    (found,) = found_by(answering, "uneven_holidays", *span)
    assert (found.person, found.worst) == ("backend-a", hours(72))
    part = kst("2025-02-03T10:00"), kst("2025-02-17T10:00")
    assert found_by(answering, "uneven_holidays", *part) == []


def test_a_span_before_the_rotation_begins_has_no_load_and_is_uncovered() -> None:
    answering = Shifts(manual())
    roster = Roster(answering, kst("2025-01-01T00:00"), kst("2025-02-01T00:00"))
    assert loads(roster) == []
    assert {f.code for f in findings(roster)} == {"uncovered"}


# ── the arithmetic ───────────────────────────────────────────────────────────────────────

ORIGIN = datetime(2025, 1, 1, tzinfo=UTC)
drawn = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8)


def spans(pairs: list[tuple[int, int]]) -> list[Span]:
    return union(Span(ORIGIN + hours(start), ORIGIN + hours(until)) for start, until in pairs)


def members(pieces: list[Span]) -> set[int]:
    return {h for h in range(51) if any(s.start <= ORIGIN + hours(h) < s.until for s in pieces)}


@given(drawn, drawn)
def test_spans_are_joined_shared_and_subtracted_like_sets(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    mine, theirs = spans(one), spans(other)
    assert members(mine) == {h for start, until in one for h in range(start, until)}
    assert members([*shared(mine, theirs)]) == members(mine) & members(theirs)
    assert members([*minus(mine, theirs)]) == members(mine) - members(theirs)
    assert total(mine) == hours(len(members(mine)))
