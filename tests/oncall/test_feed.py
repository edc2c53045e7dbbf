"""The calendar that people subscribe to, read back by the library that calendars use."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event
from tests.oncall.manuals import SEED, shifts

from bongsu.oncall import Shifts
from bongsu.oncall.feed import calendar

KST = timezone(timedelta(hours=9))
START, UNTIL = datetime(2025, 8, 20, tzinfo=UTC), datetime(2025, 10, 1, tzinfo=UTC)
OVERRIDE = {
    "rotation": "main",
    "slot": "primary",
    "person": "pm",
    "from": "2025-09-02T09:00+09:00",
    "until": "2025-09-02T18:00+09:00",
    "reason": "예비군, 훈련; 종일\n확인",
}


def feed(answering: Shifts, **rest: Any) -> Calendar:
    asked: dict[str, Any] = {"start": START, "until": UNTIL, "lang": "ko"} | rest
    raw = calendar(answering, host="bongsu.example.com", **asked)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    found = Calendar.from_ical(raw)
    assert isinstance(found, Calendar)
    return found


def events(answering: Shifts, **rest: Any) -> list[Event]:
    return list(feed(answering, **rest).events)


def test_a_turn_is_an_event_on_the_rotations_clock_that_says_why(seed: Shifts) -> None:
    found = events(seed, rotation="main")
    (event,) = (e for e in found if e.start == datetime(2025, 8, 25, 10, tzinfo=KST)
                and "-primary@" in str(e["uid"]))  # fmt: skip
    assert event.end == datetime(2025, 9, 1, 10, tzinfo=KST)
    assert event["dtstart"].params["TZID"] == "Asia/Seoul"
    assert event["summary"] == "Devops-A · 24/7 온콜 1차 당직"
    assert event["description"] == (
        "24/7 온콜 1차 당직은 Devops-A예요. Week 3, 순환 4교대 가운데 3번째예요."
    )
    assert event["uid"] == "20250825T010000Z-main-primary@bongsu.example.com"
    assert event["transp"] == "TRANSPARENT"


def test_the_calendar_brings_its_time_zones_and_names_its_owner(seed: Shifts) -> None:
    found = feed(seed, person="frontend-a", lang="en")
    assert [zone.tz_name for zone in found.timezones] == ["Asia/Seoul"]
    assert found["x-wr-calname"] == "On call: Frontend-A"
    assert found["version"] == "2.0"
    assert tuple(line for line in found.to_ical().split(b"\r\n") if b"PT1H" in line) == (
        b"REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        b"X-PUBLISHED-TTL:PT1H",
    )
    assert found.get_missing_tzids() == set()


def test_turns_that_reach_beyond_the_span_are_not_cut(seed: Shifts) -> None:
    found = events(seed, rotation="main")
    assert min(event.start for event in found) == datetime(2025, 8, 18, 10, tzinfo=KST)
    assert max(event.end for event in found) == datetime(2025, 10, 6, 10, tzinfo=KST)


def test_uids_are_unique_and_stay_when_the_calendar_is_read_a_week_later(seed: Shifts) -> None:
    first = {str(event["uid"]) for event in events(seed)}
    assert len(first) == len(events(seed)) == 3 * 7
    week = timedelta(weeks=1)
    later = {str(event["uid"]) for event in events(seed, start=START + week, until=UNTIL + week)}
    assert len(first & later) == 3 * 6


def test_an_override_cuts_the_shift_and_keeps_its_uid() -> None:
    plain, cut = shifts({"main": SEED}), shifts({"main": SEED}, overrides=[OVERRIDE])
    before = {str(event["uid"]) for event in events(plain)}
    after = {str(event["uid"]): event for event in events(cut)}
    new = sorted(after.keys() - before)
    assert before <= after.keys()
    assert [after[uid]["summary"] for uid in new] == [
        "Pm · 24/7 온콜 1차 당직",
        "Devops-B · 24/7 온콜 1차 당직",
    ]
    assert str(after[new[0]]["description"]).endswith("예비군, 훈련; 종일\n확인")


def test_a_persons_calendar_has_their_turns_in_every_slot(seed: Shifts) -> None:
    found = [
        (f"{event.start:%m-%d}", str(event["summary"]))
        for event in events(seed, person="backend-a")
    ]
    assert found == [
        ("08-25", "Backend-A · 24/7 온콜 2차 당직"),
        ("09-08", "Backend-A · 24/7 온콜 1차 당직"),
        ("09-22", "Backend-A · 24/7 온콜 2차 당직"),
    ]


def test_a_hole_in_the_rotation_is_on_its_calendar_and_closing_time_is_not() -> None:
    hours = [{"days": ["mon", "tue"], "from": "09:00", "until": "18:00"}]
    spec = {**SEED, "shifts": [{"primary": "pm"}, {"secondary": "pm"}], "slots": ["primary"]}
    holes = events(shifts({"main": spec}), rotation="main")
    assert [str(event["summary"]) for event in holes][:2] == [
        "당직 없음 · 24/7 온콜 1차 당직",
        "Pm · 24/7 온콜 1차 당직",
    ]
    open_ = events(shifts({"main": {**spec, "hours": hours}}), rotation="main")
    assert {event.start.weekday() for event in open_} == {0, 1}


def test_the_time_before_the_first_shift_is_no_event(seed: Shifts) -> None:
    found = events(seed, start=datetime(2025, 7, 1, tzinfo=UTC), rotation="main")
    assert min(event.start for event in found) == datetime(2025, 8, 11, 10, tzinfo=KST)


def test_a_calendar_of_nobody_is_still_a_calendar(seed: Shifts) -> None:
    assert events(seed, person="ghost") == []


def utc(at: object) -> datetime:
    assert isinstance(at, datetime)
    return at.astimezone(UTC)


def through_the_changes(zone: str, handoff: str, override: datetime) -> Shifts:
    """Make a daily rotation with an override of nine hours."""
    spec = {**SEED, "timezone": zone, "every": "1d", "slots": ["primary"]}
    times = {
        "from": f"{override:%Y-%m-%dT%H:%M}Z",
        "until": f"{override + timedelta(hours=9):%Y-%m-%dT%H:%M}Z",
    }
    instead = {"rotation": "x", "slot": "primary", "person": "pm", **times}
    return shifts({"x": {**spec, "handoff": {"time": handoff}}}, overrides=[instead])


def assert_read_back(answering: Shifts) -> None:
    span = datetime(2025, 10, 1, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC)
    turns = [*answering.turns("x", "primary", *span)]
    found = events(answering, start=span[0], until=span[1])
    assert [(utc(event.start), utc(event.end)) for event in found] == [
        (turn.start, turn.until) for turn in turns
    ]


@settings(max_examples=30)
@given(
    st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe"]),
    st.times(),
    st.timedeltas(timedelta(), timedelta(days=180)),
)
def test_reading_the_calendar_gives_the_turns_as_they_are(
    zone: str, handoff: time, since: timedelta
) -> None:
    first = datetime(2025, 10, 2, tzinfo=UTC) + since
    assert_read_back(through_the_changes(zone, f"{handoff:%H:%M}", first))


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("America/New_York", datetime(2025, 11, 2, 6, 30, tzinfo=UTC)),
        ("Europe/London", datetime(2025, 10, 26, 1, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, 15, tzinfo=UTC)),
    ],
)
def test_a_time_that_comes_twice_is_not_mistaken_for_the_first_one(zone: str, at: datetime) -> None:
    assert at.astimezone(ZoneInfo(zone)).fold == 1
    for override in (at, at - timedelta(hours=9)):
        assert_read_back(through_the_changes(zone, "12:00", override))
