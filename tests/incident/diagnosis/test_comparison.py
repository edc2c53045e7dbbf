from __future__ import annotations

from datetime import UTC, datetime

from bongsu.incident.alert import Remark
from bongsu.incident.diagnosis import compare
from bongsu.incident.report import Evidence, Finding, Looked, Proposal, Report, Verdict

NOW = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)


def report(*looked: Looked, severity: str | None = None) -> Report:
    return Report(
        started_at=NOW, taken_at=NOW, took_s=1.0, deadline_s=10.0, checks=looked,
        findings=tuple(one for check in looked for one in check.findings),
        proposal=Proposal(severity=severity),  # type: ignore[arg-type]
    )  # fmt: skip


def check(name: str, verdict: Verdict, *codes: str, subject: str = "", **numbers: float) -> Looked:
    found = tuple(Finding(c, Remark(c), "degraded", check=name, subject=subject) for c in codes)
    return Looked(name, verdict, 0.1, findings=found, evidence=Evidence(numbers=numbers))


def test_what_got_better_and_worse_is_told_apart():
    before = report(check("api", "unhealthy"), check("db", "healthy"), check("dns", "healthy"))
    after = report(check("api", "degraded"), check("db", "unhealthy"), check("dns", "healthy"))
    compared = compare(before, after)
    assert [(one.check, one.before, one.after) for one in compared.better] == [
        ("api", "unhealthy", "degraded")
    ]
    assert [one.check for one in compared.worse] == ["db"]
    assert compared.unseen == ()


def test_what_could_not_be_looked_at_is_neither_better_nor_worse_and_its_findings_are_not_gone():
    before = report(check("api", "unhealthy", "http_slow"), check("db", "unknown"))
    after = report(check("api", "unknown"), check("db", "degraded", "slow_query"))
    compared = compare(before, after)
    assert (compared.better, compared.worse) == ((), ())
    assert {one.check for one in compared.unseen} == {"api", "db"}
    assert (compared.new, compared.gone) == ((), ())


def test_findings_are_new_or_gone_and_the_same_trouble_of_another_process_is_the_same():
    before = report(check("db", "degraded", "lock_wait", "old_one", subject="pid/100"))
    after = report(check("db", "degraded", "lock_wait", "new_one", subject="pid/207"))
    compared = compare(before, after)
    assert [one.code for one in compared.new] == ["new_one"]
    assert [one.code for one in compared.gone] == ["old_one"]


def test_numbers_that_moved_are_told_and_those_that_hardly_did_are_not():
    before = report(check("db", "degraded", connections=100.0, active=1000.0, limit=100.0))
    after = report(check("db", "healthy", connections=20.0, active=1010.0, limit=100.0))
    (number,) = compare(before, after).numbers
    assert (number.check, number.name, number.before, number.after) == (
        "db", "connections", 100.0, 20.0,
    )  # fmt: skip


def test_how_long_a_look_took_is_told_only_where_it_is_much_longer_or_shorter():
    before = report(check("api", "healthy", took_s=0.4), check("pods", "healthy", took_s=0.02))
    after = report(check("api", "healthy", took_s=0.5), check("pods", "healthy", took_s=0.09))
    assert compare(before, after).numbers == ()
    (number,) = compare(before, report(check("api", "healthy", took_s=1.9))).numbers
    assert (number.name, number.before, number.after) == ("took_s", 0.4, 1.9)


def test_numbers_of_a_look_that_failed_are_not_compared():
    failed = report(check("pods", "unknown", exit_code=1.0, took_s=9.0))
    seen = report(check("pods", "healthy", exit_code=0.0, took_s=0.1))
    assert compare(failed, seen).numbers == ()
    assert compare(seen, failed).numbers == ()


def test_severities_are_told_where_they_differ():
    assert compare(report(severity="P0"), report()).severity == ("P0", "")
    assert compare(report(severity="P1"), report(severity="P1")).severity is None


def test_a_report_compared_with_itself_says_nothing():
    one = report(check("db", "degraded", "slow_query", connections=5.0), severity="P1")
    compared = compare(one, one)
    assert not any((compared.better, compared.worse, compared.new, compared.gone, compared.numbers))
