"""Rotations, hours, holidays and overrides in zones whose clocks change, against an oracle.

The oracle asks `dateutil`, which reads the time zones by itself, and looks at one instant only.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest
from dateutil import tz  # type: ignore[import-untyped]  # comes with icalendar; no types needed
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oncall.manuals import shifts as make_shifts

from bongsu.manual.schema.oncall import WEEKDAYS
from bongsu.oncall import Shifts

ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Seoul"]
PEOPLE = ["backend-a", "backend-b", "devops-a", "devops-b"]
KOREAN_HOLIDAYS = holidays.country_holidays("KR", years=range(2024, 2031))
EARLIEST, LATEST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC)

instants = st.datetimes(
    EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)
)
clock = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
clock_near_changes = st.sampled_from(
    ["00:00", "01:30", "01:45", "02:00", "02:15", "02:30", "03:00"]
)
times = clock | clock_near_changes
hours = st.fixed_dictionaries(
    {"days": st.lists(st.sampled_from(WEEKDAYS), min_size=1), "from": times, "until": times}
)


@st.composite
def rotations(draw: st.DrawFn, *, alone: bool = False) -> dict[str, Any]:
    """Draw a rotation; unless ``alone``, it may send questions on to ``other``."""
    spec: dict[str, Any] = {
        "name": "x",
        "timezone": draw(st.sampled_from(ZONES)),
        "start": str(draw(st.dates(date(2025, 1, 1), date(2026, 1, 1)))),
        "handoff": {"day": draw(st.sampled_from(WEEKDAYS)), "time": draw(times)},
        "every": draw(st.sampled_from(["1d", "3d", "1w", "2w", "30d"])),
        "slots": ["primary"],
        "shifts": [{"primary": p} for p in draw(st.lists(st.sampled_from(PEOPLE), min_size=1))],
        "hours": draw(st.lists(hours, max_size=3)),
    }
    if not alone:
        spec["outside_hours"] = draw(st.none() | st.just("other"))
        spec["on_holidays"] = draw(st.none() | st.just("other"))
    return spec


@st.composite
def overrides(draw: st.DrawFn) -> dict[str, str]:
    """Draw an override of up to three weeks."""
    start = draw(instants).replace(microsecond=0)
    length = timedelta(minutes=draw(st.integers(1, 30_000)))
    return {
        "rotation": draw(st.sampled_from(["main", "other"])),
        "slot": "primary",
        "person": draw(st.sampled_from(PEOPLE)),
        "from": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "until": f"{start + length:%Y-%m-%dT%H:%M:%SZ}",
    }


worlds = st.fixed_dictionaries(
    {
        "rotations": st.fixed_dictionaries({"main": rotations(), "other": rotations(alone=True)}),
        "overrides": st.lists(overrides(), max_size=6),
    }
)


@cache
def moment(zone: str, day: date, at: str) -> datetime:
    """Return when a zone's clock shows a time, by the rule of RFC 5545."""
    local = datetime.combine(day, datetime.strptime(at, "%H:%M").time())  # noqa: DTZ007  local
    found: datetime = tz.resolve_imaginary(local.replace(tzinfo=tz.gettz(zone)))
    return found.astimezone(UTC)


def local_day(spec: dict[str, Any], at: datetime) -> date:
    return at.astimezone(tz.gettz(spec["timezone"])).date()


def oracle(world: dict[str, Any], rotation: str, at: datetime) -> str | None:
    """Say who is on call in a drawn world, looking at one instant."""
    spec = world["rotations"][rotation]
    for override in reversed(world["overrides"]):
        start, until = (datetime.fromisoformat(override[key]) for key in ("from", "until"))
        if override["rotation"] == rotation and start <= at < until:
            return str(override["person"])
    if at < moment(spec["timezone"], date.fromisoformat(spec["start"]), spec["handoff"]["time"]):
        return None
    if spec.get("on_holidays") and local_day(spec, at) in KOREAN_HOLIDAYS:
        return oracle(world, spec["on_holidays"], at)
    if spec["hours"] and not is_open(spec, at):
        return oracle(world, spec["outside_hours"], at) if spec.get("outside_hours") else None
    return str(spec["shifts"][handoffs_until(spec, at) % len(spec["shifts"])]["primary"])


def is_open(spec: dict[str, Any], at: datetime) -> bool:
    today = local_day(spec, at)
    for day in (today - timedelta(days=1), today):
        for part in spec["hours"]:
            ends = day if part["from"] < part["until"] else day + timedelta(days=1)
            inside = (
                moment(spec["timezone"], day, part["from"])
                <= at
                < moment(spec["timezone"], ends, part["until"])
            )
            if WEEKDAYS[day.weekday()] in part["days"] and inside:
                return True
    return False


def handoffs_until(spec: dict[str, Any], at: datetime) -> int:
    """Walk from day to day and count the handoffs after the first shift's start."""
    days = {"1d": 1, "3d": 3, "1w": 7, "2w": 14, "30d": 30}[spec["every"]]
    day = date.fromisoformat(spec["start"])
    if days % 7 == 0:
        while WEEKDAYS[day.weekday()] != spec["handoff"]["day"]:
            day -= timedelta(days=1)
    passed = 0
    while moment(spec["timezone"], day + timedelta(days=days), spec["handoff"]["time"]) <= at:
        day += timedelta(days=days)
        passed += 1
    return passed


relaxed = settings(max_examples=100)


@relaxed
@given(worlds, st.lists(instants, min_size=5, max_size=20))
def test_who_agrees_with_the_oracle_at_any_instant(
    world: dict[str, Any], asked: list[datetime]
) -> None:
    shifts = make_shifts(world["rotations"], overrides=world["overrides"])
    for at in asked:
        assert shifts.who("main", "primary", at).person == oracle(world, "main", at)


CHANGES = [(2026, 3, 8), (2026, 3, 29), (2026, 4, 5), (2025, 10, 5), (2025, 10, 26), (2025, 11, 2)]


@relaxed
@given(worlds, st.sampled_from(CHANGES), st.lists(st.integers(-2880, 2880), min_size=5))
def test_who_agrees_with_the_oracle_where_the_clock_changes(
    world: dict[str, Any], change: tuple[int, int, int], minutes: list[int]
) -> None:
    """Ask around the days of the changes, which random instants rarely meet."""
    shifts = make_shifts(world["rotations"], overrides=world["overrides"])
    for offset in minutes:
        at = datetime(*change, tzinfo=UTC) + timedelta(minutes=offset)
        assert shifts.who("main", "primary", at).person == oracle(world, "main", at)


@relaxed
@given(worlds, instants, st.integers(1, 120), st.data())
def test_a_timeline_is_without_gap_or_overlap_and_agrees_with_who(
    world: dict[str, Any],
    start: datetime,
    days: int,
    data: st.DataObject,
) -> None:
    shifts = make_shifts(world["rotations"], overrides=world["overrides"])
    until = start + timedelta(days=days)
    turns = shifts.timeline("main", "primary", start, until)
    assert turns[0].start == start
    assert turns[-1].until == until
    for turn, following in pairwise(turns):
        assert turn.start < turn.until == following.start
        assert (turn.person, turn.why) != (following.person, following.why)
    fresh = make_shifts(world["rotations"], overrides=world["overrides"])
    for part in data.draw(st.lists(st.integers(0, 999), min_size=3, max_size=10)):
        at = start + (until - start) * part / 1000
        (here,) = (turn for turn in turns if turn.start <= at < turn.until)
        alone = fresh.who("main", "primary", at)
        assert (alone.person, alone.why) == (here.person, here.why)
        assert max(alone.start, start) == here.start
        assert min(alone.until, until) == here.until


@relaxed
@given(worlds, instants, st.sampled_from([*ZONES, "Pacific/Kiritimati", "America/St_Johns"]))
def test_the_answer_does_not_depend_on_the_zone_in_which_the_question_is_asked(
    world: dict[str, Any], at: datetime, zone: str
) -> None:
    one = make_shifts(world["rotations"], overrides=world["overrides"])
    other = make_shifts(world["rotations"], overrides=world["overrides"])
    asked = at.astimezone(ZoneInfo(zone))
    assert one.who("main", "primary", at) == other.who("main", "primary", asked)


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Asia/Kolkata"])
def test_the_answer_does_not_depend_on_the_zone_of_the_machine(
    seed: Shifts, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    start, until = datetime(2025, 8, 11, tzinfo=UTC), datetime(2025, 10, 11, tzinfo=UTC)
    here = seed.timeline("main", "primary", start, until)
    try:
        monkeypatch.setitem(os.environ, "TZ", zone)
        time.tzset()
        assert make_shifts().timeline("main", "primary", start, until) == here
    finally:
        monkeypatch.undo()
        time.tzset()


def weekly(zone: str, day: str, at: str, start: str, every: str = "1w") -> dict[str, Any]:
    return {
        "x": {
            "name": "x",
            "timezone": zone,
            "start": start,
            "handoff": {"day": day, "time": at},
            "every": every,
            "slots": ["primary"],
            "shifts": [{"primary": "backend-a"}, {"primary": "backend-b"}],
        }
    }


@pytest.mark.parametrize("zone", ZONES)
def test_a_handoff_keeps_its_local_time_when_the_clock_changes(zone: str) -> None:
    shifts = make_shifts(weekly(zone, "mon", "10:00", "2025-01-06"))
    turns = [*shifts.turns("x", "primary", EARLIEST + timedelta(days=10), LATEST)]
    assert {f"{turn.start.astimezone(ZoneInfo(zone)):%a %H:%M}" for turn in turns} == {"Mon 10:00"}
    lengths = {round((turn.until - turn.start) / timedelta(minutes=30)) / 2 for turn in turns}
    jump = {"Asia/Seoul": 0, "Australia/Lord_Howe": 0.5}.get(zone, 1)
    assert lengths == {168 - jump, 168, 168 + jump}


@pytest.mark.parametrize(
    ("zone", "day", "at", "start", "handoff"),
    [
        # 02:30 is skipped: the clock goes from 02:00 EST to 03:00 EDT.
        ("America/New_York", "sun", "02:30", "2026-03-01", "2026-03-08T03:30-04:00"),
        # 01:30 comes twice: the first is meant.
        ("America/New_York", "sun", "01:30", "2026-10-25", "2026-11-01T01:30-04:00"),
        ("Europe/London", "sun", "01:15", "2026-03-22", "2026-03-29T02:15+01:00"),
        ("Europe/London", "sun", "01:15", "2026-10-18", "2026-10-25T01:15+01:00"),
        # Lord Howe's clock moves by half an hour.
        ("Australia/Lord_Howe", "sun", "02:15", "2026-09-27", "2026-10-04T02:45+11:00"),
        ("Australia/Lord_Howe", "sun", "01:45", "2026-03-29", "2026-04-05T01:45+11:00"),
        # A minute after midnight the clock went back to 23:01 of the day before.
        ("America/St_Johns", "sun", "00:00", "2010-10-31", "2010-11-07T00:00-02:30"),
    ],
)
def test_a_handoff_that_the_clock_skips_or_shows_twice(
    zone: str, day: str, at: str, start: str, handoff: str
) -> None:
    spec, expected = weekly(zone, day, at, start), datetime.fromisoformat(handoff)
    assert make_shifts(spec).next_handoff("x", expected - timedelta(days=1)) == expected
    for minutes, person in ((-1, "backend-a"), (0, "backend-b"), (1, "backend-b")):
        asked = expected + timedelta(minutes=minutes)
        assert make_shifts(spec).who("x", "primary", asked).person == person


def test_a_day_that_a_zone_skips_leaves_no_hole() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    shifts = make_shifts(weekly("Pacific/Apia", "mon", "10:00", "2011-12-26", "1d"))
    turns = shifts.timeline(
        "x", "primary", datetime(2011, 12, 28, 20, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)
    )
    assert [turn.until - turn.start for turn in turns[:3]] == [timedelta(days=1)] * 3
    assert all(turn.until == following.start for turn, following in pairwise(turns))


def test_the_first_shift_is_shorter_where_it_does_not_begin_on_the_handoff_day() -> None:
    shifts = make_shifts(weekly("Asia/Seoul", "mon", "10:00", "2025-08-14"))  # a Thursday
    turns = [
        *shifts.turns("x", "primary", *(datetime(2025, 8, d, 3, tzinfo=UTC) for d in (14, 26)))
    ]
    assert [f"{turn.start:%a %d} {turn.person}" for turn in turns] == [
        "Thu 14 backend-a",
        "Mon 18 backend-b",
        "Mon 25 backend-a",
    ]


def test_a_shift_of_three_days_takes_no_notice_of_the_handoff_day() -> None:
    shifts = make_shifts(weekly("Asia/Seoul", "mon", "10:00", "2025-08-14", "3d"))
    turns = [
        *shifts.turns("x", "primary", *(datetime(2025, 8, d, 3, tzinfo=UTC) for d in (14, 21)))
    ]
    assert [turn.start.day for turn in turns] == [14, 17, 20]
