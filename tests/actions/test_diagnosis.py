from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.actions.probes.conftest import listening, never_answers
from tests.waiting import PATIENCE

from bongsu.actions.diagnosis import Way, diagnose, left_behind
from bongsu.actions.looking import PROMETHEUS_URL, LookContext
from bongsu.incident.alert import Remark
from bongsu.incident.diagnosis import Facts
from bongsu.incident.report import Change, Evidence, Finding, Looked, Report, Verdict
from bongsu.logs.analysis import Analysis, Pattern
from bongsu.manual.load import load
from bongsu.manual.schema.diagnosis import Check, CommandProbe, Diagnosis, Probe
from bongsu.manual.schema.document import Manual

SEED = load(Path(__file__).parents[2] / "manuals" / "korea-public-data")
NOW = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)
ENV = {"PATH": "/usr/bin:/bin"}


def context(env: Mapping[str, str] = ENV) -> LookContext:
    return LookContext(env=env, now=lambda: NOW, timeout_s=PATIENCE)


def with_checks(deadline_s: float = PATIENCE, **probes: Probe) -> Manual:
    """Return the seed's manual with other checks, and neither logs nor rules.

    None of them ends by a time of its own before the deadline.
    """
    checks = {
        name: Check.model_validate({"name": name, "timeout": timedelta(hours=1), "probe": probe})
        for name, probe in probes.items()
    }
    own = Diagnosis(deadline=timedelta(seconds=deadline_s), checks=checks)
    return SEED.model_copy(update={"diagnosis": own, "services": _without_health(SEED)})


def _without_health(manual: Manual) -> Any:
    services = {
        name: one.model_copy(update={"health": None})
        for name, one in manual.services.services.items()
    }
    return manual.services.model_copy(update={"services": services})


async def no_analysis(*_asked: object) -> Analysis:
    return Analysis(sources=(), lines=0, records=0, bytes=0, templates=0)


async def no_changes(*_asked: object) -> tuple[Change, ...]:
    return ()


def seeing(otherwise: Verdict = "healthy", **verdicts: Verdict) -> Way:
    """Return a way in which each check has the verdict that is given for it."""

    async def look(check: str, _probe: Probe, _context: LookContext) -> Looked:
        verdict = verdicts.get(check, otherwise)
        findings: tuple[Finding, ...] = ()
        if verdict in ("degraded", "unhealthy"):
            evidence = Evidence(command=f"look {check}")
            findings = (Finding(f"{check}_bad", Remark(check), verdict, 0.5, evidence=evidence),)
        why = Remark("could not") if verdict == "unknown" else None
        return Looked(check, verdict, 0.0, why=why, findings=findings)

    return Way(look, no_analysis, no_changes)


def unlooking(manual: Manual = SEED) -> Way:
    return seeing()._replace(look=Way().look)


async def test_a_look_at_the_whole_manual_has_every_check_once_with_its_group():
    report = await diagnose(SEED, context=context(), way=seeing())
    assert [one.check for one in report.checks] == list(SEED.diagnosis.checks)
    assert {one.group for one in report.checks} == set(SEED.diagnosis.groups)
    assert (report.findings, report.affected, report.not_checked) == ((), (), ())
    assert report.manual == SEED.sha
    assert (report.started_at, report.taken_at) == (NOW, NOW)


async def test_a_service_is_looked_at_with_what_it_leans_on_and_what_is_nobodys():
    report = await diagnose(SEED, facts=Facts(service="redis"), context=context(), way=seeing())
    nobodys = {"events", "nodes", "top_cpu", "top_memory"}
    assert {one.check for one in report.checks} == {"redis", "reach_redis", *nobodys}


async def test_an_incident_is_looked_at_whole_for_what_leans_on_its_service_says_how_grave_it_is():
    facts = Facts(incident="INC-1", service="redis", started_at=NOW - timedelta(minutes=5))
    report = await diagnose(SEED, facts=facts, context=context(), way=seeing())
    assert len(report.checks) == len(SEED.diagnosis.checks)
    assert report.started_at == NOW - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("bad", "severity", "kind", "playbook"),
    [
        ({"api_health": "unhealthy", "mongodb": "unhealthy"}, "P0", "database_failure",
         "database_failure"),
        ({"api_health": "unhealthy", "rollout": "unhealthy"}, "P0", "deployment_failure",
         "emergency_rollback"),
        ({"api_health": "unhealthy", "nodes": "unhealthy"}, "P0", "server_down", "server_down"),
        ({"dns": "unhealthy"}, "P1", "dns_issue", "dns_issue"),
        ({"mongodb": "degraded"}, "P1", "database_failure", "database_connection_issues"),
        ({"cpu": "unhealthy"}, "P2", "infinite_loop", "high_cpu_usage"),
        ({"open_data_portal": "unhealthy", "api_health": "degraded"}, "P1", "third_party_outage",
         "third_party_outage"),
        ({"response_time": "degraded"}, "P2", "api_timeout", "external_api_timeout"),
        ({}, None, None, None),
    ],
)  # fmt: skip
async def test_the_seeds_rules_name_severity_type_and_playbook(
    bad: dict[str, Verdict], severity: str | None, kind: str | None, playbook: str | None
):
    report = await diagnose(SEED, context=context(), way=seeing(**bad))
    assert (report.proposal.severity, report.proposal.type) == (severity, kind)
    playbooks = [one.playbook for one in report.next_actions if one.playbook]
    assert playbooks[:1] == ([playbook] if playbook else [])
    commands = [one.command for one in report.next_actions if one.command]
    assert sorted(commands) == sorted(f"look {name}" for name in bad)


async def test_what_could_not_be_looked_at_makes_no_rule_true():
    """``checks.api_health != 'healthy'`` would be, of a check that nobody could look at."""
    bad: dict[str, Verdict] = {"open_data_portal": "unhealthy", "api_health": "unknown"}
    report = await diagnose(SEED, context=context(), way=seeing(**bad))
    assert report.proposal.severity is None
    everything = await diagnose(SEED, context=context(), way=seeing("unknown"))
    assert (everything.proposal.severity, everything.next_actions) == (None, ())
    assert len(everything.not_checked) == len(SEED.diagnosis.checks)


async def test_a_look_that_fails_by_itself_stops_no_other_and_is_unknown():
    async def look(check: str, _probe: Probe, _context: LookContext) -> Looked:
        if check == "mongodb":
            raise ZeroDivisionError("password=hunter2secret")
        return Looked(check, "healthy", 0.0)

    report = await diagnose(SEED, context=context(), way=seeing()._replace(look=look))
    (failed,) = report.not_checked
    assert (failed.check, failed.verdict) == ("mongodb", "unknown")
    assert failed.why is not None
    assert "ZeroDivisionError" in failed.why.says("en")
    assert "hunter2secret" not in repr(report)


async def test_all_checks_hang_at_once_and_the_report_comes_at_the_deadline_and_says_so():
    from bongsu.manual.schema.diagnosis import DatabaseProbe, HttpProbe, NetworkProbe

    stubborn = CommandProbe(kind="command", argv=["sh", "-c", "trap '' TERM; sleep 600"])
    async with listening(never_answers) as port:
        env = {
            **ENV, "PG": f"postgresql://x@127.0.0.1:{port}/x", "R": f"redis://127.0.0.1:{port}/0",
            "M": f"mongodb://127.0.0.1:{port}/", PROMETHEUS_URL: f"http://127.0.0.1:{port}",
        }  # fmt: skip
        manual = with_checks(
            0.7,
            api=HttpProbe(kind="http", url=f"http://127.0.0.1:{port}/"),
            postgresql=DatabaseProbe(kind="postgresql", dsn_env="PG"),
            redis=DatabaseProbe(kind="redis", dsn_env="R"),
            mongodb=DatabaseProbe(kind="mongodb", dsn_env="M"),
            tls=NetworkProbe(kind="tls", host="127.0.0.1", port=port),
            own=stubborn,
        )
        report = await diagnose(manual, context=context(env), way=unlooking())
        assert await left_behind(PATIENCE)
    assert [one.verdict for one in report.checks] == ["unknown"] * 6
    assert 0.7 <= report.took_s < PATIENCE  # each of them would have hung for minutes
    assert {one.why.says("en") for one in report.not_checked if one.why} == {
        "it did not answer within 0.7 s"
    }


async def test_a_look_that_ignores_its_end_does_not_hold_up_the_report():
    let_go = asyncio.Event()

    async def look(check: str, _probe: Probe, _context: LookContext) -> Looked:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        return Looked(check, "healthy", 0.0)

    told: list[Looked] = []
    manual = with_checks(0.3, own=CommandProbe(kind="command", argv=["true"]))
    way = seeing()._replace(look=look)
    report = await diagnose(manual, context=context(), way=way, on_looked=told.append)
    assert report.not_checked[0].check == "own"
    assert not await left_behind(0.05)
    let_go.set()
    assert await left_behind(PATIENCE)
    assert [one.verdict for one in told] == ["unknown"], "a late answer changes nothing"


async def test_each_check_is_told_as_soon_as_it_is_done():
    told: list[str] = []
    first_told = asyncio.Event()

    def tell(one: Looked) -> None:
        told.append(one.check)
        first_told.set()

    async def look(check: str, _probe: Probe, _context: LookContext) -> Looked:
        if check == "slow":
            await first_told.wait()
        return Looked(check, "healthy", 0.0)

    own = CommandProbe(kind="command", argv=["true"])
    report = await diagnose(
        with_checks(slow=own, quick=own), context=context(), way=seeing()._replace(look=look),
        on_looked=tell,
    )  # fmt: skip
    assert told == ["quick", "slow"]
    assert [one.verdict for one in report.checks] == ["healthy"] * 2


async def test_new_log_patterns_become_findings_and_logs_that_hang_are_told():
    pattern = Pattern("pool exhausted for <*>", "new", 9.0, 40, 0.0, "pool exhausted", error=True)
    found = Analysis(
        sources=("x",), lines=50, records=50, bytes=1, templates=1, patterns=(pattern,)
    )

    async def analysis(*_asked: object) -> Analysis:
        return found

    async def hangs(*_asked: object) -> Analysis:
        await asyncio.sleep(600)
        return found

    report = await diagnose(SEED, context=context(), way=seeing()._replace(analysis_of=analysis))
    assert [one.code for one in report.findings] == ["log_pattern_new"]
    assert report.logs == {"recent_errors": found}
    way = seeing()._replace(analysis_of=hangs)
    late = await diagnose(SEED, context=context(), deadline_s=0.2, way=way)
    assert [one.check for one in late.not_checked] == ["logs.recent_errors"]
    assert len(late.checks) == len(SEED.diagnosis.checks)


async def test_told_changes_and_the_clusters_are_ranked_together():
    def change(subject: str, minutes: int) -> Change:
        at = NOW - timedelta(minutes=minutes)
        return Change(at, "deployment", subject, Remark(subject), service="korea-backend")

    async def of_cluster(*_asked: object) -> tuple[Change, ...]:
        return (change("deployment/korea-backend", 4),)

    facts = Facts(incident="INC-1", service="korea-backend", started_at=NOW)
    report = await diagnose(
        SEED, facts=facts, context=context(), changes=[change("flag", 300)],
        way=seeing()._replace(changes_of=of_cluster),
    )  # fmt: skip
    assert [one.subject for one in report.changes] == ["deployment/korea-backend", "flag"]
    assert report.changes[0].score > report.changes[1].score


async def test_a_report_is_the_same_after_it_was_kept_as_json():
    way = seeing(api_health="unhealthy", mongodb="unknown")
    report = await diagnose(SEED, context=context(), way=way)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


async def test_where_prometheus_is_may_stand_in_the_manual_and_the_environment_comes_before_it():
    asked: list[str] = []

    async def look(check: str, _probe: Probe, given: LookContext) -> Looked:
        asked.append(given.env[PROMETHEUS_URL])
        return Looked(check, "healthy", 0.0)

    own = with_checks(own=CommandProbe(kind="command", argv=["true"]))
    placed = own.diagnosis.model_copy(update={"prometheus": "http://prometheus:9090"})
    manual = own.model_copy(update={"diagnosis": placed})
    way = seeing()._replace(look=look)
    await diagnose(manual, context=context(), way=way)
    await diagnose(manual, context=context({PROMETHEUS_URL: "http://here"}), way=way)
    assert asked == ["http://prometheus:9090", "http://here"]


async def test_a_services_health_address_is_a_check_where_no_other_asks_for_it():
    report = await diagnose(
        SEED.model_copy(update={"diagnosis": Diagnosis()}), context=context(), way=seeing()
    )
    assert [(one.check, one.service) for one in report.checks] == [
        ("health.korea-backend", "korea-backend")
    ]
