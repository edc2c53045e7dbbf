from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.incident.manuals import manual

from bongsu.incident.alert import Remark
from bongsu.incident.diagnosis.facts import NOTHING_KNOWN, Facts
from bongsu.incident.diagnosis.rules import Ruled, conclude
from bongsu.incident.report import Evidence, Finding, Looked, Verdict
from bongsu.manual.conditions import samples
from bongsu.manual.schema.document import Manual

PROBE = {"kind": "command", "argv": ["true"]}


def ruled_by(*rules: Mapping[str, Any]) -> Manual:
    checks = {name: {"name": name, "probe": PROBE} for name in ("api", "db", "cdn-1")}
    return manual(diagnosis={"checks": checks, "rules": [*rules]})


def conclude_from(
    rules: Manual, facts: Facts | None = None, new: int = 0, **verdicts: Verdict
) -> Ruled:
    looked = [Looked(name.replace("_", "-"), verdict, 0.0) for name, verdict in verdicts.items()]
    return conclude(rules, facts or Facts(), looked, [], new)


def test_every_variable_of_the_manuals_conditions_has_a_value_without_an_incident():
    of_diagnosis = {"checks", "unhealthy", "degraded", "new_log_patterns"}
    assert samples("findings").keys() - of_diagnosis == NOTHING_KNOWN.keys()
    for name, sample in samples("findings").items():
        if name not in of_diagnosis:
            assert type(NOTHING_KNOWN[name]) is type(sample)


def test_the_first_rule_that_holds_names_the_severity_and_all_of_them_say_what_to_do():
    rules = ruled_by(
        {"when": "checks.db == 'unhealthy'", "severity": "P0", "next": ["protect the data"]},
        {"when": "checks.api == 'unhealthy'", "severity": "P1", "next": ["look at the pods"]},
        {"when": "size(unhealthy) > 1", "severity": "P2", "next": ["call everybody"]},
    )
    ruled = conclude_from(rules, api="unhealthy", db="healthy")
    assert (ruled.proposal.severity, ruled.proposal.why) == ("P1", "checks.api == 'unhealthy'")
    both = conclude_from(rules, api="unhealthy", db="unhealthy")
    assert both.proposal.severity == "P0"
    assert [one.says["en"] for one in both.actions] == [
        "protect the data", "look at the pods", "call everybody",
    ]  # fmt: skip
    assert [one.because for one in both.actions] == [("db",), ("api",), ()]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("checks.api != 'healthy'", False),
        ("!(checks.api == 'healthy')", False),
        ("checks.api == 'unknown'", True),
        ("checks['cdn-1'] == 'degraded'", True),
        ("'cdn-1' in degraded && size(unhealthy) == 0", True),
        ("checks.exists(name, checks[name] != 'healthy')", True),
        ("new_log_patterns > 3", True),
        ("service == 'api' && lasted > duration('10m')", True),
    ],
)
def test_what_a_rule_may_ask(when: str, holds: bool):
    """``api`` could not be looked at: only a rule that asks for just that is true of it."""
    facts = Facts(service="api", values={"lasted": timedelta(minutes=20)})
    rules = ruled_by({"when": when, "severity": "P1"})
    verdicts: dict[str, Verdict] = {"api": "unknown", "cdn_1": "degraded"}
    ruled = conclude_from(rules, facts, 4, **verdicts)
    assert (ruled.proposal.severity == "P1") == holds
    assert ruled.troubles == ()


def test_a_rule_that_cannot_be_answered_is_told_and_stops_no_other():
    rules = ruled_by(
        {"when": "labels.team == 'data'", "severity": "P0"},
        {"when": "checks.api == 'unhealthy'", "severity": "P1"},
    )
    ruled = conclude_from(rules, api="unhealthy")
    assert ruled.proposal.severity == "P1"
    (trouble,) = ruled.troubles
    assert (trouble.code, trouble.verdict) == ("rule_unanswered", "unknown")
    assert "labels.team" in trouble.says.says("en")


def test_a_type_comes_from_the_rule_that_names_the_severity_else_from_the_next():
    rules = ruled_by(
        {"when": "checks.api == 'unhealthy'", "severity": "P0"},
        {"when": "checks.db == 'degraded'", "severity": "P1", "type": "database_failure"},
    )
    ruled = conclude_from(rules, api="unhealthy", db="degraded")
    assert (ruled.proposal.severity, ruled.proposal.type) == ("P0", "database_failure")


def test_a_command_is_offered_once_for_all_findings_that_it_shows():
    evidence = Evidence(command="kubectl get pods")
    bad = [
        Finding(code, Remark(code), "unhealthy", evidence=evidence)
        for code in ("pod_crash_loop", "pod_oom", "pod_crash_loop")
    ]
    fine = Finding("x", Remark("x"), "healthy", evidence=Evidence(command="true"))
    ruled = conclude(ruled_by(), Facts(), [], [*bad, fine], 0)
    (action,) = ruled.actions
    assert action.command == "kubectl get pods"
    assert action.because == ("pod_crash_loop", "pod_oom")
