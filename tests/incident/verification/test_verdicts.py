"""What was measured, held against the manual's criterion; nothing passes by accident."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.incident.body import Reason
from bongsu.incident.verification.measured import Measured, Unreadable
from bongsu.incident.verification.results import Ran, read
from bongsu.incident.verification.verdict import Verdict, judge
from bongsu.manual.schema.verification import VerificationCheck

TESTS: dict[str, dict[str, Any]] = {
    "http": {"kind": "http", "url": "http://a", "times": 20},
    "query": {"kind": "prometheus", "query": "up"},
    "quiet": {"kind": "no_alerts", "severities": ["P0"], "duration": "15m"},
    **{
        tool: {"kind": "command", "argv": ["x"], "result": tool}
        for tool in ("exit", "junit", "k6", "artillery", "locust")
    },
}


def check(test: str, passes: str) -> VerificationCheck:
    return VerificationCheck.model_validate(
        {"name": "x", "criterion": "x", "test": TESTS[test], "passes": passes}
    )


def verdict(test: str, passes: str, **values: object) -> Verdict:
    return judge(check(test, passes), Measured(values))


def ms(value: float) -> timedelta:
    return timedelta(milliseconds=value)


def test_the_numbers_are_said_with_the_verdict():
    found = verdict("k6", "error_rate < 0.01", error_rate=0.004, requests=900, p95=ms(41))
    assert (found.outcome, found.why) == (
        "passed", Reason("criterion_met", {"numbers": "error_rate 0.4%"})
    )  # fmt: skip
    assert found.numbers == {"error_rate": 0.004, "requests": 900.0, "p95": 0.041}


@pytest.mark.parametrize(
    ("p95", "errors", "outcome", "code"),
    [(499, 0.0, "passed", "criterion_met"), (500, 0.0, "failed", "criterion_missed"),
     (3, 1.0, "failed", "all_failed"), (3, 0.06, "failed", "too_many_failed"),
     (3, 0.05, "passed", "criterion_met")],
)  # fmt: skip
def test_failures_count_as_slow_where_only_the_time_is_asked_for(
    p95: float, errors: float, outcome: str, code: str
):
    """The seed's load test is "95th percentile < 500ms": a service that fails fast is not fast."""
    found = verdict("artillery", "p95 < duration('500ms')", p95=ms(p95), error_rate=errors)
    assert (found.outcome, found.why.code) == (outcome, code)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_inconclusive(value: float):
    found = verdict("query", "value < 0.001 || value > -1.0", value=value)
    assert (found.outcome, found.why.code) == ("inconclusive", "not_a_number")
    assert found.numbers == {}


def test_what_was_not_measured_is_named():
    found = verdict("k6", "p99 < duration('1s')", p95=ms(3), error_rate=0.0, requests=10)
    assert (found.outcome, found.why) == ("inconclusive", Reason("not_measured", {"name": "p99"}))


def test_what_is_not_asked_for_may_be_missing():
    assert verdict("k6", "error_rate < 0.01", error_rate=0.0, p99=None).outcome == "passed"


def test_every_series_of_a_query_has_to_hold():
    def of(*series: float) -> Verdict:
        return judge(check("query", "value < 1.0"), Measured({"value": series[0]}, series=series))

    assert of(0.1, 0.2).outcome == "passed"
    assert of(0.1, 7.0).outcome == "failed"
    assert of(0.1, math.nan).outcome == "inconclusive"


def test_a_result_that_is_not_whole_may_fail_but_never_pass():
    flaw = Reason("cut_short", {"done": "3", "times": "20"})
    for p95, outcome in ((3000, "failed"), (3, "inconclusive")):
        measured = Measured({"p95": ms(p95), "error_rate": 0.0, "requests": 3}, flaw)
        found = judge(check("http", "p95 < duration('2s') && error_rate == 0.0"), measured)
        assert found.outcome == outcome


@pytest.mark.parametrize("code", ["thresholds_missed", "limits_missed"])
def test_a_test_whose_own_limits_were_missed_failed_unless_the_criterion_knows(code: str):
    values = {"error_rate": 0.0, "exit_code": 99}
    for passes, outcome in (
        ("error_rate < 0.01", "failed"), ("error_rate < 0.01 && exit_code in [0, 99]", "passed"),
    ):  # fmt: skip
        assert judge(check("k6", passes), Measured(values, Reason(code))).outcome == outcome


def test_a_criterion_that_asks_for_nothing_is_never_met():
    assert verdict("exit", "true", exit_code=0).outcome == "inconclusive"


def test_a_criterion_that_can_not_be_answered_is_inconclusive():
    found = verdict("exit", "exit_code < duration('1s')", exit_code=0)
    assert (found.outcome, found.why.code) == ("inconclusive", "criterion_unanswered")


# ── any result at all ────────────────────────────────────────────────────────────────────

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["metrics", "results", "aggregate", "counters", "values", "http_reqs",
                         "http_req_duration", "http_req_failed", "summaries", "name", "count",
                         "rate", "http.requests", "num_requests", "response_times", "p(95)"]),
        inner, max_size=5,
    ),
    max_leaves=30,
)  # fmt: skip
EASY = {
    "junit": "pass_rate >= 0.0 || tests > 0", "k6": "error_rate <= 1.0",
    "locust": "error_rate <= 1.0", "artillery": "error_rate <= 1.0",
}  # fmt: skip


def outcome_of(tool: str, left: bytes) -> str:
    made = check(tool, EASY[tool])
    assert made.test.kind == "command"
    try:
        measured = read(made.test, Ran(0, 1.0, left))
    except Unreadable:
        return "inconclusive"
    if measured.values.get("requests") or measured.values.get("tests"):
        return "measured"
    return judge(made, measured).outcome


@given(st.sampled_from(sorted(EASY)), JSON)
def test_no_json_passes_that_holds_no_requests(tool: str, whole: object):
    assert outcome_of(tool, json.dumps(whole).encode()) in ("inconclusive", "measured")


@given(
    st.sampled_from(sorted(EASY)), st.binary(max_size=300) | st.text(max_size=200).map(str.encode)
)
def test_no_bytes_pass_that_hold_no_result(tool: str, left: bytes):
    assert outcome_of(tool, left) in ("inconclusive", "measured")


@given(
    st.sampled_from(["p95", "p99", "error_rate", "requests"]),
    st.none() | st.floats(allow_nan=True) | st.text(max_size=3) | st.booleans() | st.integers(),
)
def test_no_value_of_a_wrong_kind_passes(name: str, value: object):
    """Durations are compared with durations, so that nothing else passes for one."""
    found = verdict("k6", f"{name} < duration('1s')", **{name: value})
    assert found.outcome != "passed"


def test_a_document_nested_beyond_reason_is_unreadable():
    with pytest.raises(Unreadable):
        read(check("k6", "p95 < duration('1s')").test, Ran(0, 1.0, b"[" * 100_000))  # type: ignore[arg-type]  # a command
