"""What tools leave behind, read by their own formats; artillery's are recordings of its own."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bongsu.incident.body import Reason
from bongsu.incident.verification import artillery, junit, k6, locust
from bongsu.incident.verification.measured import Measured, Unreadable
from bongsu.incident.verification.results import Ran, read
from bongsu.manual.schema.verification import CommandTest

RECORDED = Path(__file__).parents[2] / "fixtures" / "load"


def why(call: Any, *given: Any) -> tuple[str, dict[str, str]]:
    with pytest.raises(Unreadable) as found:
        call(*given)
    return found.value.why.code, found.value.why.values


# ── artillery ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mood", "error_rate", "p95"),
    [("fast", 0.0, 6.0), ("slow", 0.0, 262.5), ("failing", 1.0, 3.0), ("down", 1.0, None)],
)
def test_artillerys_own_reports_are_read(mood: str, error_rate: float, p95: float | None):
    text = (RECORDED / f"artillery-{mood}.json").read_text()
    values = artillery.read(text).values
    assert (values["requests"], values["error_rate"]) == (20, error_rate)
    assert values.get("p95") == (timedelta(milliseconds=p95) if p95 else None)


def test_a_report_is_found_among_what_else_artillery_prints():
    values = artillery.read((RECORDED / "artillery-stdout.txt").read_text()).values
    assert (values["requests"], values["error_rate"]) == (20, 0.0)


def test_answers_that_fail_a_capture_or_never_come_are_failures():
    def counters(**more: int) -> str:
        return json.dumps({"aggregate": {"counters": {"http.requests": 10, **more}}})

    assert artillery.read(counters(**{"http.codes.200": 9})).values["error_rate"] == 0.1
    failed = {"http.codes.200": 10, "errors.Failed capture or match": 4}
    assert artillery.read(counters(**failed)).values["error_rate"] == 0.4


# ── k6 ───────────────────────────────────────────────────────────────────────────────────

CLASSIC: dict[str, dict[str, Any]] = {
    "metrics": {
        "http_reqs": {"type": "counter", "values": {"count": 1500, "rate": 24.79}},
        "http_req_failed": {
            "type": "rate", "values": {"rate": 0.02, "passes": 30, "fails": 1470},
        },
        "http_req_duration": {
            "type": "trend", "contains": "time",
            "values": {"avg": 245.67, "med": 234.56, "p(90)": 387.65, "p(95)": 421.32},
        },
    },
    "root_group": {"name": "", "path": ""},
}  # fmt: skip
EXPORTED = {
    "metrics": {
        "http_reqs": {"count": 1500, "rate": 24.79},
        "http_req_failed": {
            "value": 0.02, "passes": 30, "fails": 1470, "thresholds": {"rate<0.05": False},
        },
        "http_req_duration": {"avg": 245.67, "p(90)": 387.65, "p(95)": 421.32},
    }
}  # fmt: skip
VERSIONED = {
    "version": "1.0.0",
    "metadata": {"generatedAt": "2026-01-15T10:30:45.123Z", "k6Version": "2.0.0"},
    "config": {"execution": "local", "script": "stress-test.js", "duration": 60.0},
    "results": {
        "metrics": [
            {"contains": "default", "name": "http_reqs", "type": "counter",
             "values": {"count": 1500}},
            {"contains": "default", "name": "http_req_failed", "type": "rate",
             "values": {"matches": 30, "rate": 0.02, "total": 1500}},
            {"contains": "time", "name": "http_req_duration", "type": "trend",
             "values": {"avg": 245.67, "max": 480.1, "med": 234.56, "min": 3.2, "p(90)": 387.65,
                        "p(95)": 421.32}},
        ],
        "checks": {"metrics": [], "results": []},
    },
}  # fmt: skip


@pytest.mark.parametrize("summary", [CLASSIC, EXPORTED, VERSIONED], ids=["old", "flat", "new"])
def test_every_schema_of_k6_says_the_same(summary: object):
    values = k6.read(json.dumps(summary)).values
    assert values == {
        "requests": 1500, "error_rate": pytest.approx(0.02),
        "p95": timedelta(milliseconds=421.32),
    }  # fmt: skip


def test_a_summary_without_requests_is_no_result():
    assert why(k6.read, '{"metrics": {"checks": {"values": {"rate": 1}}}}')[0] == "no_requests"


def test_a_wrong_summary_names_the_place():
    assert why(k6.read, '{"metrics": []}')[1] == {"place": "metrics", "format": "object"}
    assert why(k6.read, '{"results": {"metrics": 3}}')[1]["place"] == "results.metrics"
    broken = json.dumps(CLASSIC).replace("421.32", '"fast"')
    assert why(k6.read, broken)[1] == {"place": "p(95)", "format": "number"}
    assert why(k6.read, "{\n  oops")[1]["place"].startswith("line 2, column 3")


# ── locust ───────────────────────────────────────────────────────────────────────────────


def entry(**more: object) -> dict[str, object]:
    return {
        "name": "/", "method": "GET", "num_requests": 100, "num_failures": 2,
        "response_times": {"10": 94, "250.0": 5, "900": 1}, **more,
    }  # fmt: skip


def test_locusts_histogram_gives_its_percentiles():
    values = locust.read(json.dumps([entry()])).values
    assert values == {
        "requests": 100, "error_rate": 0.02, "p95": timedelta(milliseconds=250),
        "p99": timedelta(milliseconds=250),
    }  # fmt: skip


def test_locusts_requests_are_counted_together():
    slow = entry(name="/search", num_failures=0, response_times={"3000": 100})
    values = locust.read(json.dumps([entry(), slow])).values
    assert (values["requests"], values["p95"]) == (200, timedelta(seconds=3))


CSV = (
    "Type,Name,Request Count,Failure Count,Median Response Time,95%,99%\n"
    "GET,/,60,3,10,40,80\n,Aggregated,60,3,10,40,N/A\n"
)


def test_locusts_table_is_read_by_its_last_line():
    assert locust.read(CSV).values == {
        "requests": 60, "error_rate": 0.05, "p95": timedelta(milliseconds=40),
    }  # fmt: skip
    assert why(locust.read, CSV.rpartition(",Aggregated")[0])[1]["place"] == "Aggregated"


# ── JUnit ────────────────────────────────────────────────────────────────────────────────

PYTEST = b"""<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
<testsuite name="pytest" errors="0" failures="1" skipped="1" tests="4" time="0.012">
<testcase classname="test_login" name="test_good" time="0.001" />
<testcase classname="test_login" name="test_bad" time="0.001">
<failure message="assert 401 == 200">E</failure></testcase>
<testcase classname="test_login" name="test_later"><skipped message="no"/></testcase>
<testcase classname="test_login" name="test_other" time="0.001" /></testsuite></testsuites>"""


def test_junit_counts_what_ran():
    values = junit.read(PYTEST).values
    assert values == {
        "tests": 3, "failures": 1, "skipped": 1, "pass_rate": pytest.approx(2 / 3)
    }  # fmt: skip


KOREAN = (
    '<testsuite><testcase name="로그인"/><testcase name="검색"><failure/></testcase></testsuite>'
)


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [("euc-kr", "euc-kr"), ("cp949", "cp949"), ("ks_c_5601-1987", "cp949"), ("UTF-8", "utf-8-sig"),
     ("utf-16", "utf-16-le"), ("utf-16", "utf-16-be"), ("utf-16", "utf-16"), ("utf-8", "utf-8")],
)  # fmt: skip
def test_junit_is_read_in_the_encoding_that_it_declares(encoding: str, codec: str):
    text = f'<?xml version="1.0" encoding="{encoding}"?>{KOREAN}'.encode(codec)
    assert junit.read(text).values["pass_rate"] == 0.5
    if codec == "utf-16-be":
        assert junit.read(b"\xfe\xff" + text).values["pass_rate"] == 0.5


def test_junit_is_read_however_deep_it_is_nested():
    deep = b"<testsuite>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"<testcase/></testsuite>"
    assert junit.read(deep).values["tests"] == 1


def test_a_suite_that_says_more_failed_than_it_lists_is_believed():
    text = b'<testsuite tests="1" failures="0" errors="1"><testcase name="a"/></testsuite>'
    assert junit.read(text).values["pass_rate"] == 0.0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "result_empty"), (b"<testsuites/>", "no_tests"),
        (b"<testsuite tests='1'><testcase><skipped/></testcase></testsuite>", "no_tests"),
        (PYTEST[:-20], "result_unreadable"), (b"<html></html>", "result_unreadable"),
        (b"all good", "result_unreadable"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite>&b;</testsuite>',
         "result_unreadable"),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x><testsuite/>'.encode("utf-16"),
         "result_unreadable"),
        (b"<testsuite tests='many'/>", "result_unreadable"),
        (b"<?xml version='1.0' encoding='klingon'?><testsuite/>", "result_unreadable"),
        (b"<?xml version='1.0' encoding='zip'?><testsuite/>", "result_unreadable"),
    ],
)  # fmt: skip
def test_what_is_no_whole_junit_is_no_result(text: bytes, code: str):
    assert why(junit.read, text)[0] == code


# ── the program that left it ─────────────────────────────────────────────────────────────


def by_program(result: str, exit_code: int, left: bytes, *, whole: bool = True) -> Measured:
    test = CommandTest(kind="command", argv=["x"], result=result)
    return read(test, Ran(exit_code, 1.5, left, whole))


def test_an_exit_code_is_a_result():
    assert by_program("exit", 3, b"").values == {"exit_code": 3, "took": timedelta(seconds=1.5)}


@pytest.mark.parametrize(
    ("result", "code", "left"),
    [("junit", 2, PYTEST), ("k6", 107, json.dumps(CLASSIC).encode()),
     ("junit", 1, PYTEST.replace(b"failure", b"note").replace(b'notes="1"', b""))],
)  # fmt: skip
def test_a_program_that_was_broken_off_can_not_have_passed(result: str, code: int, left: bytes):
    flaw = by_program(result, code, left).flaw
    assert flaw is not None
    assert flaw.code == "ended_badly"


@pytest.mark.parametrize(
    ("result", "code", "left"),
    [("junit", 1, PYTEST), ("locust", 1, json.dumps([entry()]).encode())],
)  # fmt: skip
def test_a_tools_own_verdict_by_exit_code_is_left_to_the_criterion(
    result: str, code: int, left: bytes
):
    assert by_program(result, code, left).flaw is None


@pytest.mark.parametrize(
    ("tool", "code", "left"),
    [("k6", 99, json.dumps(CLASSIC).encode()),
     ("artillery", 1, (RECORDED / "artillery-fast.json").read_bytes())],
)  # fmt: skip
def test_limits_of_the_script_itself_are_known_by_the_exit_code(tool: str, code: int, left: bytes):
    assert by_program(tool, code, left).flaw == Reason("limits_missed", {"code": str(code)})


@pytest.mark.parametrize("told", [True, {"ok": False}])
def test_k6s_missed_thresholds_are_named_whatever_the_exit_code(told: object):
    told_of = {"p(95)<400": told, "p(95)<500": False if told is True else {"ok": True}}
    summary = json.loads(json.dumps(CLASSIC))
    summary["metrics"]["http_req_duration"]["thresholds"] = told_of
    missed = {"thresholds": "http_req_duration p(95)<400"}
    for code in (0, 99):
        found = by_program("k6", code, json.dumps(summary).encode())
        assert found.flaw == Reason("thresholds_missed", missed)


def test_a_program_that_failed_before_it_tested_anything_says_so():
    assert why(by_program, "k6", 1, b"\n") == ("ended_without_result", {"code": "1"})


def test_a_result_that_was_cut_off_is_none():
    def cut() -> Measured:
        return by_program("junit", 0, PYTEST, whole=False)

    assert why(cut)[0] == "result_cut_off"
