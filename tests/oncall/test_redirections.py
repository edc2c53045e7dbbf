"""Hours that end, holidays, and the rotations that answer instead."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.oncall.manuals import manual, shifts

from bongsu.oncall import Shifts, explain
from bongsu.oncall import reasons as r

KST = timezone(timedelta(hours=9))
OFFICE = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "18:00"}]


def kst(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


def rotation(person: str, **rest: Any) -> dict[str, Any]:
    return {
        "name": person.title(),
        "start": "2025-01-06",
        "handoff": {"day": "mon", "time": "10:00"},
        "slots": ["primary"],
        "shifts": [{"name": f"{person}'s", "primary": person}],
        **rest,
    }


def office(**rest: Any) -> dict[str, Any]:
    return {
        "day": rotation("backend-a", hours=OFFICE, **rest),
        "night": rotation("devops-a"),
        "holiday": rotation("pm"),
    }


def people(answering: Shifts, start: str, until: str) -> list[tuple[str, str | None]]:
    turns = answering.timeline("day", "primary", kst(start), kst(until))
    return [(f"{turn.start.astimezone(KST):%a %H:%M}", turn.person) for turn in turns]


def test_outside_its_hours_another_rotation_answers() -> None:
    found = people(shifts(office(outside_hours="night")), "2025-08-07T12:00", "2025-08-11T12:00")
    assert found == [
        ("Thu 12:00", "backend-a"),
        ("Thu 18:00", "devops-a"),
        ("Fri 09:00", "backend-a"),
        ("Fri 18:00", "devops-a"),
        ("Mon 09:00", "backend-a"),
        ("Mon 10:00", "backend-a"),  # the handoff, to the next shift of the same person
    ]


def test_outside_its_hours_nobody_answers_where_no_other_rotation_is_named() -> None:
    closed = shifts(office())
    turn = closed.who("day", "primary", kst("2025-08-09T12:00"))
    assert (turn.person, turn.why) == (None, r.Closed())
    assert (turn.start, turn.until) == (kst("2025-08-08T18:00"), kst("2025-08-11T09:00"))
    assert explain(turn, "ko", closed.manual) == (
        "Backend-A 1차 당직이 없어요. 이 순환의 근무 시간이 아니고, 대신 받는 순환도 없어요."
    )


def test_hours_run_past_midnight() -> None:
    late = [{"days": ["fri"], "from": "22:00", "until": "06:00"}]
    found = people(
        shifts({"day": rotation("backend-a", hours=late)}), "2025-08-08T12:00", "2025-08-10T00:00"
    )
    assert found == [("Fri 12:00", None), ("Fri 22:00", "backend-a"), ("Sat 06:00", None)]


def test_hours_that_end_when_they_begin_last_24_hours() -> None:
    long = [{"days": ["fri", "sat"], "from": "09:00", "until": "09:00"}]
    found = people(
        shifts({"day": rotation("backend-a", hours=long)}), "2025-08-08T00:00", "2025-08-11T00:00"
    )
    assert found == [("Fri 00:00", None), ("Fri 09:00", "backend-a"), ("Sun 09:00", None)]


def test_whichever_day_is_asked_first_closing_time_is_as_long() -> None:
    hour = [{"days": ["sun"], "from": "10:00", "until": "11:00"}]
    plan = manual({"day": rotation("backend-a", every="52w", hours=hour)})
    for day in range(90):
        at = kst("2025-03-04T06:00") + timedelta(days=day)
        turn = Shifts(plan).who("day", "primary", at)
        assert turn.until - turn.start == timedelta(hours=167)
        assert f"{turn.start.astimezone(KST):%a %H:%M}" == "Sun 11:00"


def test_hours_that_cover_the_whole_week_make_no_difference() -> None:
    day_and_night = [
        {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": start, "until": until}
        for start, until in (("08:00", "20:00"), ("20:00", "08:00"))
    ]
    with_hours = shifts({"day": rotation("backend-a", every="12w", hours=day_and_night)})
    without = shifts({"day": rotation("backend-a", every="12w")})
    span = kst("2025-08-08T00:00"), kst("2025-12-08T00:00")
    assert with_hours.timeline("day", "primary", *span) == without.timeline("day", "primary", *span)


def test_on_a_korean_holiday_the_holiday_rotation_answers_from_midnight_to_midnight() -> None:
    found = people(
        shifts(office(outside_hours="night", on_holidays="holiday")),
        "2025-08-14T20:00",
        "2025-08-16T12:00",
    )
    assert found == [("Thu 20:00", "devops-a"), ("Fri 00:00", "pm"), ("Sat 00:00", "devops-a")]


def test_each_holiday_is_named_in_the_readers_language() -> None:
    answering = shifts(office(on_holidays="holiday"))
    turn = answering.who("day", "primary", kst("2025-10-08T12:00"))
    assert isinstance(turn.why, r.OnHoliday)
    assert turn.why.day == date(2025, 10, 8)
    assert explain(turn, "ko", answering.manual) == (
        "Backend-A 1차 당직은 Pm이에요. 2025-10-08은 공휴일(추석 대체 휴일)이라 Pm이 대신 받아요. "
        "pm's, 순환 1교대 가운데 1번째예요."
    )
    assert explain(turn, "en", answering.manual) == (
        "Pm is on call (Backend-A, primary). 2025-10-08 is a public holiday (Alternative holiday "
        "for Chuseok), so Pm answers. pm's, number 1 of 1 in the cycle."
    )


def test_the_manual_adds_and_removes_holidays() -> None:
    answering = shifts(
        office(on_holidays="holiday"),
        holidays={
            "add": [{"date": "2025-09-02", "name": {"ko": "창립 기념일", "en": "Foundation"}}],
            "remove": ["2025-08-15"],
        },
    )
    assert answering.who("day", "primary", kst("2025-09-02T12:00")).person == "pm"
    assert answering.who("day", "primary", kst("2025-08-15T12:00")).person == "backend-a"
    assert answering.who("day", "primary", kst("2025-10-03T12:00")).person == "pm"


def test_a_country_without_a_calendar_has_the_manuals_holidays_alone() -> None:
    added = [{"date": "2025-09-02", "name": "Foundation"}]
    answering = shifts(office(on_holidays="holiday"), holidays={"country": "XX", "add": added})
    assert answering.who("day", "primary", kst("2025-09-02T12:00")).person == "pm"
    assert answering.who("day", "primary", kst("2025-10-03T12:00")).person == "backend-a"


def test_a_holiday_is_a_day_of_the_rotations_own_zone() -> None:
    abroad = office(on_holidays="holiday")
    abroad["day"]["timezone"] = "America/New_York"
    del abroad["day"]["hours"]
    answering = shifts(abroad)
    eastern = timezone(timedelta(hours=-4))
    turn = answering.who("day", "primary", datetime(2025, 8, 15, 23, 59, tzinfo=eastern))
    assert turn.person == "pm"
    assert turn.until == datetime(2025, 8, 16, tzinfo=eastern)


def test_a_holiday_ends_at_the_first_of_two_midnights() -> None:
    """A minute after midnight the clock in Newfoundland went back to 23:01 of the day before."""
    abroad = {"day": rotation("backend-a", on_holidays="holiday"), "holiday": rotation("pm")}
    for spec in abroad.values():
        spec |= {"timezone": "America/St_Johns", "start": "2010-01-04"}
    holidays = {"country": "XX", "add": [{"date": "2010-11-06", "name": "x"}]}
    midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    for minutes, person in ((-1, "pm"), (0, "backend-a"), (1, "backend-a"), (60, "backend-a")):
        answering = shifts(abroad, holidays=holidays)
        at = midnight + timedelta(minutes=minutes)
        assert answering.who("day", "primary", at).person == person


def test_a_slot_that_the_other_rotation_lacks_has_nobody_and_says_so() -> None:
    two = office(outside_hours="night")
    two["day"]["slots"] = ["primary", "secondary"]
    answering = shifts(two)
    turn = answering.who("day", "secondary", kst("2025-08-09T12:00"))
    assert turn.person is None
    assert turn.why == r.OutsideHours("night", r.NoSuchSlot("night", "secondary"))
    assert "Devops-A에는 secondary라는 자리가 없어요." in explain(turn, "ko", answering.manual)


@pytest.mark.parametrize("other", ["day", "night"])
def test_rotations_that_point_to_each_other_end_in_nobody(other: str) -> None:
    circle = office(outside_hours=other)
    circle["night"] = rotation("devops-a", hours=OFFICE, outside_hours="day")
    turn = shifts(circle).who("day", "primary", kst("2025-08-09T12:00"))
    assert turn.person is None
    path = ("day", "night", "day") if other == "night" else ("day", "day")
    assert r.root_of(turn.why) == r.Circle(path)


def test_a_rotation_that_only_stands_in_is_no_duty_of_its_own() -> None:
    spec = office(outside_hours="night", on_holidays="holiday")
    assert shifts(spec).duties() == [("day", "primary")]
    paged = manual(spec, escalation=["rotation:day/primary", "rotation:night/primary"])
    assert Shifts(paged).duties() == [("day", "primary"), ("night", "primary")]
    assert shifts(spec).duties("holiday") == [("holiday", "primary")]
