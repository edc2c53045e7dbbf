"""The time of a record is read whatever its form; without one it has that of the one before."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.logs.timeforms import UNKNOWN
from bongsu.logs.timestamps import Clock

NOW = datetime(2025, 8, 14, 6, 0, tzinfo=UTC)
KST = timezone(timedelta(hours=9), "KST")
AT = datetime(2025, 8, 14, 5, 30, 5, tzinfo=UTC)


def times(lines, zone=KST, now=NOW, clock=None):
    data = b"".join(line.encode() + b"\n" for line in lines)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10).astype(np.int64)
    starts = np.r_[0, ends[:-1] + 1].astype(np.int64)
    found = (clock or Clock(now, zone)).times(data, starts, ends)
    return [None if t == UNKNOWN else datetime.fromtimestamp(int(t), UTC) for t in found]


@pytest.mark.parametrize(
    "line",
    [
        "2025-08-14T05:30:05Z started",
        "2025-08-14T14:30:05.123+09:00 started",
        "2025-08-14 14:30:05,123 INFO started",
        "[2025-08-14 14:30:05] started",
        "2025/08/14 14:30:05 [error] 1#1: *1 open() failed",
        "Aug 14 14:30:05 web-1 sshd[1]: started",
        "I0814 14:30:05.123456       1 server.go:12] started",
        "1755149405.123 started",
        "1755149405123 started",
        '10.0.0.1 - - [14/Aug/2025:14:30:05 +0900] "GET / HTTP/1.1" 200 1',
        "[Thu Aug 14 14:30:05 2025] [error] started",
        "25/08/14 14:30:05 INFO started",
        "20250814 14:30:05 started",
        "08-14 14:30:05.123  1  2 D started",
        '{"level":"error","ts":"2025-08-14T05:30:05.1Z","msg":"x"}',
        '{"msg":"x","time":1755149405.12}',
        "2025. 8. 14. 오후 2:30:05 접속",
        "2025-08-14 오후 02:30:05 접속",
        "2025년 8월 14일 14시 30분 5초 접속",
        "2025. 08. 14. 14:30:05 접속",
        "2025-08-14T05:30:05.123456789Z stderr F started",
        "[pod/web-1/app] 2025-08-14T05:30:05.123456789Z started",
    ],
)
def test_the_time_of_a_record_is_read(line):
    assert times([line]) == [AT]


def test_a_record_without_a_time_has_that_of_the_one_before():
    assert times(["no time", "2025-08-14T05:30:05Z a", "went on", "and on"]) == [None, AT, AT, AT]


def test_the_time_before_is_remembered_from_block_to_block():
    clock = Clock(NOW, KST)
    times(["2025-08-14T05:30:05Z a"], clock=clock)
    assert times(["went on"], clock=clock) == [AT]


def test_a_banner_of_many_lines_hides_no_times():
    lines = ["#####"] * 100 + ["2025-08-14T05:30:05Z a"] * 1000
    assert times(lines)[100:] == [AT] * 1000


def test_a_time_without_a_year_is_the_latest_that_is_not_ahead():
    new_year = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
    found = times(["Dec 31 23:59:59 a", "Jan  1 00:00:01 b"], UTC, new_year)
    assert found == [
        datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
    ]


def test_a_zone_that_would_put_records_into_the_future_is_not_taken():
    clock = Clock(NOW, UTC)
    assert times(["2025-08-14 14:30:05 a"], clock=clock) == [AT]
    assert clock.zone.tzname(None) == "KST"


def test_it_is_told_whether_the_log_names_its_zone():
    for line, zoned in (("2025-08-14T05:30:05Z a", True), ("2025-08-14 14:30:05 a", False)):
        clock = Clock(NOW, KST)
        times([line], clock=clock)
        assert clock.zoned is zoned


def test_times_in_a_different_column_in_each_record_are_read():
    lines = [f"{'x' * k} [14/Aug/2025:05:30:{k:02d} +0000] y" for k in range(60)]
    assert times(lines) == [AT.replace(second=k) for k in range(60)]


@given(
    st.lists(st.integers(40_000_000, 1_755_000_000), min_size=1, max_size=30),
    st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "x [%d/%b/%Y:%H:%M:%S +0000]", "%a %b %d %H:%M:%S %Y"]),
)
def test_every_second_is_read_as_python_reads_it(seconds, form):
    exact = [datetime.fromtimestamp(second, UTC) for second in seconds]
    assert times([f"{moment:{form}} message" for moment in exact], UTC) == exact


@given(st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b" ")), min_size=1))
def test_no_bytes_are_too_strange(lines):
    data = b"".join(line + b"\n" for line in lines)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10).astype(np.int64)
    starts = np.r_[0, ends[:-1] + 1].astype(np.int64)
    assert len(Clock(NOW, KST).times(data, starts, ends)) == len(lines)


def of_day(*lines, before=()):
    clock = Clock(NOW, UTC)
    if before:
        times(before, clock=clock)
    found = times(lines, clock=clock)
    assert clock.daily
    return [(at - found[0]).total_seconds() for at in found]


def test_times_of_day_go_on_past_midnight():
    assert of_day("23:59:58 a", "\tat x", "00:00:01 b", "00:00:04 c") == [0, 0, 3, 6]
    assert of_day("01:00:00 a", before=["23:00:00 a"]) == [0]


def test_two_records_the_wrong_way_round_make_no_day():
    assert of_day("10:00:01 a", "10:00:00 b", "10:00:03 c") == [0, -1, 2]
    assert of_day("23:59:58 a", "00:00:01 b", "23:59:59 c", "00:00:02 d") == [0, 3, 1, 4]


def test_a_quiet_day_is_no_night():
    assert of_day("08:00:00 a", "21:00:00 b", "06:00:00 c") == [0, 13 * 3600, 22 * 3600]


@pytest.mark.parametrize(
    "line", ["took 00:00:12 in all", "1:02:03 x", "12:34 x", "25:00:00 x", "12.34.56 is out", "#1"]
)
def test_what_looks_like_a_time_of_day_is_none(line):
    clock = Clock(NOW, UTC)
    assert times([line] * 3, clock=clock) == [None] * 3
    assert not clock.daily


def test_days_that_are_named_count_and_not_times_of_day():
    clock = Clock(NOW, UTC)
    assert times(["2025-08-14T05:30:05Z a", "12:00:00 b"], clock=clock) == [AT, AT]
    assert not clock.daily


@pytest.mark.parametrize(
    "form", ["%Y-%m-%dT%H:%M:%SZ", "%b %d %H:%M:%S", "[%d/%b/%Y:%H:%M:%S +0000]"]
)
def test_many_records_of_one_second_are_read_as_each_by_itself(form):
    seconds = [0, 0, 1, 1, 1, 2, 1, 60, 60, 600, 601, 601] * 20
    lines = [f"{AT + timedelta(seconds=k):{form}} x" for k in seconds]
    lines[7] = lines[100] = "nothing"
    alone = [times([line], UTC)[0] for line in lines]
    filled = [at or alone[k - 1] for k, at in enumerate(alone)]
    assert times(lines, UTC) == filled
