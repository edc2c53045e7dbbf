"""What is new or spiking is ranked first, and everything that is said of it is so."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bongsu.logs.analyser import Analyser

START = datetime(2025, 8, 14, 5, 0, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
END = START + HOUR + QUARTER
USUAL = [
    "INFO served GET /v1/orders/{n} in {n} ms",
    "INFO cache hit for key user:{n}",
    "WARN slow query took {n} ms",
    "INFO connection {n} opened from 10.0.0.{n}",
    "DEBUG heartbeat {n}",
]
USUAL_ERROR = "ERROR payment gateway answered 502 for order {n}"


def background(rnd, count=7500):
    """Lines of 75 minutes whose rates drift."""
    weights = [8.0, 4.0, 1.0, 2.0, 3.0, 0.5]
    lines = []
    for k in range(count):
        if k % 500 == 0:
            weights = [max(0.2, weight * rnd.uniform(0.6, 1.6)) for weight in weights]
        text = rnd.choices([*USUAL, USUAL_ERROR], weights)[0]
        lines.append((START + (HOUR + QUARTER) * k / count, text.format(n=rnd.randrange(1000))))
    return lines


def analysed(lines, **options):
    wanted: dict[str, Any] = {"now": END + HOUR, "since": QUARTER, "baseline": HOUR} | options
    analyser = Analyser(**wanted)
    text = "".join(f"{at:%Y-%m-%dT%H:%M:%S}.000Z {line}\n" for at, line in sorted(lines))
    analyser.feed("app.log", text.encode())
    return analyser.analysis()


def during(rnd, text, count, begin=START + HOUR, length=QUARTER):
    return [
        (begin + length * rnd.uniform(0.1, 0.9), text.format(n=rnd.randrange(1000)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [3, 40])
def test_an_error_never_seen_before_is_ranked_in_the_top_three(seed, count):
    rnd = random.Random(seed)
    hidden = "ERROR connection pool {n} exhausted"
    found = analysed(background(rnd) + during(rnd, hidden, count))
    top = [pattern for pattern in found.patterns[:3] if "exhausted" in pattern.template]
    assert len(top) == 1
    assert (top[0].novelty, top[0].count, top[0].expected, top[0].error) == ("new", count, 0, True)


@pytest.mark.parametrize("seed", range(8))
def test_a_usual_message_eight_times_as_often_is_ranked_first(seed):
    rnd = random.Random(seed)
    lines = background(rnd)
    usual = sum("gateway" in line for at, line in lines if at < START + HOUR) // 4
    found = analysed(lines + during(rnd, USUAL_ERROR, 8 * usual))
    assert "gateway" in found.patterns[0].template
    assert found.patterns[0].novelty == "spiking"
    assert found.patterns[0].count >= 8 * usual


def test_traffic_as_usual_has_nothing_new_or_spiking():
    found = analysed(background(random.Random(1)))
    assert {pattern.novelty for pattern in found.patterns} <= {"usual", "fading"}


def test_every_line_is_counted():
    lines = background(random.Random(1))
    found = analysed(lines, top=100)
    assert found.lines == found.records == len(lines)
    assert sum(pattern.count for pattern in found.patterns) == sum(
        at >= START + HOUR for at, _ in lines
    )
    assert sum(sum(pattern.rate) for pattern in found.patterns) == len(lines)


def test_the_window_ends_with_the_latest_record():
    found = analysed(background(random.Random(1)))
    assert found.until is not None
    assert abs(found.until - END) < timedelta(minutes=1)
    assert found.since == found.until + timedelta(seconds=1) - QUARTER
    assert found.baseline_since is not None
    assert abs(found.baseline_since - START) < timedelta(minutes=1)


def test_one_time_in_a_far_future_does_not_move_the_window():
    rnd = random.Random(9)
    lines = background(rnd) + during(rnd, "ERROR disk {n} is full", 30)
    broken = (END + timedelta(days=26_000), "INFO cache hit for key user:7")
    found = analysed([*lines, broken])
    assert (found.since, found.until) == (analysed(lines).since, analysed(lines).until)
    assert found.patterns[0].template.endswith("ERROR disk <*> is full")
    assert found.notes == ("app.log: times ahead of now that were not believed: 1",)


def test_a_log_that_lies_wholly_ahead_of_now_is_compared_by_its_order():
    lines = background(random.Random(9))
    found = analysed(lines, now=START - timedelta(days=30))
    assert found.until is None
    assert any("no times found" in note for note in found.notes)


def test_the_window_of_live_logs_ends_now():
    lines = background(random.Random(1))
    found = analysed(lines, live=True, now=END + timedelta(days=1))
    assert not any(pattern.count for pattern in found.patterns)
    assert any("latest record is older" in note for note in found.notes)


def test_first_and_last_seen_are_those_of_the_whole_log():
    rnd = random.Random(1)
    once = (START + timedelta(minutes=7), "ERROR disk 7 failed")
    again = (START + timedelta(minutes=70), "ERROR disk 8 failed")
    found = analysed([*background(rnd), once, again])
    pattern = next(pattern for pattern in found.patterns if "disk" in pattern.template)
    assert (pattern.first_seen, pattern.last_seen) == (once[0], again[0])


def test_what_was_there_before_the_baseline_is_not_new():
    rnd = random.Random(1)
    seen = [(START + timedelta(minutes=1), "ERROR disk 7 failed")]
    seen += during(rnd, "ERROR disk {n} failed", 3)
    found = analysed(background(rnd) + seen, baseline=timedelta(minutes=30))
    pattern = next(pattern for pattern in found.patterns if "disk" in pattern.template)
    assert pattern.novelty != "new"


TRACE = """ERROR order 7 failed
java.lang.IllegalStateException: no stock
\tat shop.Order.place(Order.java:17)
\tat shop.Main.main(Main.java:3)
Caused by: java.sql.SQLException: connection refused
\t... 2 more"""


def test_a_stack_trace_is_shown_whole():
    rnd = random.Random(1)
    text = TRACE.replace("\njava", "\n  java")
    found = analysed([*background(rnd), (START + HOUR + QUARTER / 2, text)])
    pattern = next(pattern for pattern in found.patterns if "order" in pattern.sample)
    assert pattern.sample.endswith(text)
    assert (found.lines - found.records, pattern.count) == (5, 1)


def test_the_values_of_what_varies_are_counted():
    rnd = random.Random(1)
    hidden = [(START + HOUR + QUARTER * k / 50, f"ERROR host db{k % 3} is down") for k in range(30)]
    found = analysed(background(rnd) + hidden)
    pattern = next(pattern for pattern in found.patterns if "is down" in pattern.template)
    assert dict(pattern.variables[-1].values) == {"db0": 10, "db1": 10, "db2": 10}


def test_no_secret_is_quoted():
    rnd = random.Random(1)
    hidden = during(rnd, "ERROR login of kim{n}@example.com (010-1234-5678) password=hunter{n}", 20)
    once = [(START + HOUR + QUARTER / 2, "FATAL mail kim@example.com, 900101-1234567")]
    whole = repr(analysed(background(rnd) + hidden + once).patterns)
    assert "ERROR login" in whole
    assert "FATAL mail" in whole
    for secret in ("example.com", "010-1234", "hunter", "900101"):
        assert secret not in whole


def test_no_terminal_is_commanded_by_a_log():
    hidden = [
        (START + HOUR + QUARTER / 2, "ERROR \x1b[31mred\x1b[0m \x1b]0;title\x07 \u202e x\x08")
    ]
    found = analysed(background(random.Random(1)) + hidden)
    sample = next(pattern.sample for pattern in found.patterns if "red" in pattern.sample)
    assert sample.isprintable()


def test_a_log_without_times_is_compared_by_its_order():
    rnd = random.Random(1)
    lines = [line for _, line in background(rnd)]
    lines[-100:-90] = ["ERROR something new"] * 10
    analyser = Analyser(now=END, since=QUARTER, baseline=HOUR)
    analyser.feed("app.log", "\n".join(lines).encode())
    found = analyser.analysis()
    assert (found.patterns[0].count, found.patterns[0].novelty) == (10, "new")
    assert found.since is None
    assert any("last 20% of records" in note for note in found.notes)


def test_a_log_without_a_baseline_says_so():
    found = analysed([(START, "ERROR a"), (START + QUARTER / 2, "ERROR a"), (START, "INFO b")])
    assert found.patterns[0].count == 2
    assert {pattern.novelty for pattern in found.patterns} == {"usual"}
    assert any("hardly any baseline" in note for note in found.notes)


def test_the_same_comes_of_one_block_and_of_many():
    lines = sorted(background(random.Random(1), 1500))
    text = [f"{at:%Y-%m-%dT%H:%M:%S}.000Z {line}\n".encode() for at, line in lines]
    found = []
    for size in (1500, 7):
        analyser = Analyser(now=END, since=QUARTER, baseline=HOUR)
        for k in range(0, len(text), size):
            analyser.feed("app.log", b"".join(text[k : k + size]))
        found.append(analyser.analysis())
    assert found[0] == found[1]


def test_several_sources_are_one_analysis():
    analyser = Analyser(now=END, since=QUARTER, baseline=HOUR)
    for source in ("a", "b"):
        for at, line in sorted(background(random.Random(1), 1000)):
            analyser.feed(source, f"{at:%Y-%m-%dT%H:%M:%S}Z {line}\n".encode())
    found = analyser.analysis()
    assert (found.sources, found.records) == (("a", "b"), 2000)


def told_by_the_clock(begin, form="%H:%M:%S", now=END):
    """Analyse 75 minutes whose lines say the time of day only; an error comes in the last ten."""
    rnd = random.Random(3)
    lines = background(rnd, 1500) + during(rnd, "ERROR disk {n} is full", 20)
    moved = begin - START
    text = "".join(f"{at + moved:{form}} {line}\n" for at, line in sorted(lines))
    analyser = Analyser(now=now, since=QUARTER, baseline=HOUR)
    for part in text.splitlines(keepends=True)[:800], text.splitlines(keepends=True)[800:]:
        analyser.feed("app.log", "".join(part).encode())
    return analyser.analysis()


@pytest.mark.parametrize(
    ("form", "hour"),
    [("%H:%M:%S", 5), ("[%H:%M:%S.123]", 23), ("%H:%M:%S,123", 22), ("%H:%M:%S", 0)],
)
def test_times_of_day_are_times_also_past_midnight_and_long_after(form, hour):
    begin = START.replace(hour=hour)
    for now in (begin + HOUR + QUARTER, begin + timedelta(days=40, minutes=20)):
        found = told_by_the_clock(begin, form, now)
        top = found.patterns[0]
        assert ("disk" in top.template, top.novelty, top.count) == (True, "new", 20)
        assert sum(top.rate) == 20
        assert found.since is not None
        assert found.until is not None
        assert top.first_seen is not None
        assert found.since <= top.first_seen < found.until
        assert now - timedelta(days=1) <= found.until <= now + timedelta(minutes=1)


def test_a_log_with_times_of_day_says_when_it_was_written_if_that_was_just_now():
    found = told_by_the_clock(START)
    assert found.until is not None
    assert END - timedelta(minutes=1) < found.until <= END + timedelta(minutes=1)
    assert any("name no day" in note for note in found.notes)


def test_a_source_without_days_does_not_move_the_window_of_those_with_them():
    analyser = Analyser(now=END, since=QUARTER, baseline=HOUR)
    lines = sorted(background(random.Random(1)))
    analyser.feed("dated", "".join(f"{at:%Y-%m-%dT%H:%M:%SZ} {x}\n" for at, x in lines).encode())
    alone = analyser.analysis()
    analyser.feed("daily", b"".join(b"23:%02d:00 nightly %d\n" % (k, k) for k in range(60)))
    both = analyser.analysis()
    assert (both.since, both.until) == (alone.since, alone.until)
    nightly = next(pattern for pattern in both.patterns if "nightly" in pattern.template)
    assert nightly.count == 15
