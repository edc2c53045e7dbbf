"""The first user's manual does what it says: its routes, its conditions, its texts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bongsu.incident.alert import Alert
from bongsu.manual.check import check
from bongsu.manual.conditions import Condition, samples
from bongsu.manual.schema.base import Model, Text
from bongsu.manual.schema.document import Manual
from bongsu.manual.templates import render_template, render_text
from bongsu.manual.templates import samples as template_samples
from bongsu.signals.routing import Routed, Router


def test_the_checker_finds_nothing_to_mend(seed: Manual) -> None:
    assert [str(problem) for problem in check(seed)] == []


def texts(entry: object) -> Iterator[Text]:
    if isinstance(entry, Text):
        yield entry
    elif isinstance(entry, Model):
        for name in type(entry).model_fields:
            yield from texts(getattr(entry, name))
    elif isinstance(entry, dict):
        for item in entry.values():
            yield from texts(item)
    elif isinstance(entry, list):
        for item in entry:
            yield from texts(item)


def test_every_korean_text_has_an_english_one_and_no_text_is_empty(seed: Manual) -> None:
    found = list(texts(seed))
    assert len(found) > 200
    for text in found:
        assert text.ko.strip()
        assert not any("가" <= letter <= "힣" for letter in text.en), text.en


# ── routes ───────────────────────────────────────────────────────────────────────────────


def routed(seed: Manual, labels: dict[str, str]) -> Routed:
    alert = Alert(
        key=labels["alertname"], status="firing", labels=labels, labels_json="{}",
        severity_word=labels.get("severity", ""),
    )  # fmt: skip
    return Router(seed).route(alert, "prometheus", datetime(2025, 8, 14, 5, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("alert", "kind"),
    [
        ("KubeNodeNotReady", "server_down"),
        ("InstanceDown", "server_down"),
        ("TargetDown", "server_down"),
        ("BackendDown", "server_down"),
        ("NodeNetworkReceiveErrs", "network_issue"),
        ("MongodbDown", "database_failure"),
        ("MongoDBTooManyConnections", "database_failure"),
        ("DatabaseConnectionPoolExhausted", "database_failure"),
        ("RedisDown", "database_failure"),
        ("NodeFilesystemAlmostOutOfSpace", "storage_full"),
        ("KubePersistentVolumeFillingUp", "storage_full"),
        ("KubeDeploymentRolloutStuck", "deployment_failure"),
        ("KubePodCrashLooping", "deployment_failure"),
        ("ContainerMemoryNearLimit", "memory_leak"),
        ("KubeContainerOOMKilled", "memory_leak"),
        ("HighCPUUsage", "infinite_loop"),
        ("APIHighLatency", "api_timeout"),
        ("HighErrorRate", "api_timeout"),
        ("DDoSAttackDetected", "ddos_attack"),
        ("DataBreachSuspected", "data_breach"),
        ("UnauthorizedAccess", "unauthorized_access"),
        ("MalwareDetected", "malware_detected"),
        ("ExternalApiTimeout", "third_party_outage"),
        ("DNSResolutionFailed", "dns_issue"),
        ("CDNErrorRateHigh", "cdn_failure"),
        ("PaymentGatewayErrors", "payment_gateway"),
    ],
)
def test_an_alert_of_a_usual_name_gets_its_type(seed: Manual, alert: str, kind: str) -> None:
    assert routed(seed, {"alertname": alert}).type == kind


def test_the_routes_reach_all_sixteen_types(seed: Manual) -> None:
    known = {name for kinds in seed.overview.incident_types.values() for name in kinds}
    assert {route.type for route in seed.signals.routes} == known


@pytest.mark.parametrize(
    ("labels", "severity"),
    [
        ({"alertname": "BackendDown", "severity": "critical"}, "P0"),
        ({"alertname": "BackendDown"}, "P0"),
        ({"alertname": "BackendDown", "severity": "warning"}, "P2"),
        ({"alertname": "MongodbDown", "severity": "error"}, "P1"),
        ({"alertname": "MalwareDetected", "severity": "info"}, "P0"),
        ({"alertname": "HighCPUUsage", "severity": "high"}, "P1"),
        ({"alertname": "HighCPUUsage", "severity": "nonsense"}, "P1"),
        ({"alertname": "SomethingElse", "severity": "critical"}, "P0"),
        ({"alertname": "SomethingElse"}, "P2"),
    ],
)
def test_the_severity_is_the_routes_else_the_senders_word_else_the_types_else_the_default(
    seed: Manual, labels: dict[str, str], severity: str
) -> None:
    assert routed(seed, labels).severity == severity


def test_an_alert_that_nothing_recognises_is_left_to_the_default(seed: Manual) -> None:
    found = routed(seed, {"alertname": "SomethingElse"})
    assert (found.route_index, found.type, found.service) == (None, None, None)


def test_alerts_of_one_service_are_one_incident_and_a_p0_has_its_own(seed: Manual) -> None:
    def group(**labels: str) -> str:
        return routed(seed, labels).group_key

    backend = {"service": "korea-backend", "severity": "critical"}
    down, unready = (
        group(alertname="BackendDown", **backend),
        group(alertname="PodNotReady", **backend),
    )
    assert down == unready
    assert down != group(alertname="BackendDown", service="korea-frontend", severity="critical")
    assert down != group(alertname="BackendDown", service="korea-backend", severity="warning")


def test_the_service_is_the_routes_else_the_alerts_label(seed: Manual) -> None:
    assert routed(seed, {"alertname": "MongodbDown", "service": "x"}).service == "mongodb"
    assert routed(seed, {"alertname": "BackendDown", "service": "login"}).service == "login"
    assert routed(seed, {"alertname": "BackendDown", "service": "unknown"}).service is None


def test_the_sign_of_life_of_the_monitoring_opens_no_incident(seed: Manual) -> None:
    assert routed(seed, {"alertname": "Watchdog", "severity": "none"}).silenced is not None
    assert routed(seed, {"alertname": "BackendDown"}).silenced is None


# ── conditions ───────────────────────────────────────────────────────────────────────────


def told(seed: Manual, audience: str, **values: object) -> bool:
    when = seed.communication.audiences[audience].when
    assert when is not None
    return Condition(when).holds({**samples("incident"), **values})


@pytest.mark.parametrize(
    ("severity", "share", "answer"),
    [("P0", 0.6, True), ("P1", 0.51, True), ("P0", 0.5, False), ("P2", 0.9, False)],
)
def test_social_media_hear_of_grave_incidents_of_more_than_half_of_the_users(
    seed: Manual, severity: str, share: float, answer: bool
) -> None:
    assert told(seed, "social_media", severity=severity, users_affected=share) is answer


def test_users_are_told_after_more_than_thirty_minutes(seed: Manual) -> None:
    assert not told(seed, "user_notifications", lasted=timedelta(minutes=30))
    assert told(seed, "user_notifications", lasted=timedelta(minutes=31))


def test_the_press_is_told_of_security_incidents_alone(seed: Manual) -> None:
    assert told(seed, "press_release", category="security", type="ddos_attack")
    assert told(seed, "press_release", category="security", type="data_breach")
    assert not told(seed, "press_release", category="infrastructure", type="server_down")


@pytest.mark.parametrize(
    ("verdicts", "kind", "severity", "playbook"),
    [
        ({"api_health": "unhealthy", "mongodb": "unhealthy"}, "database_failure", "P0",
         "database_failure"),
        ({"api_health": "unhealthy", "rollout": "unhealthy"}, "deployment_failure", "P0",
         "emergency_rollback"),
        ({"api_health": "unhealthy", "nodes": "unhealthy"}, "server_down", "P0", "server_down"),
        ({"mongodb": "degraded"}, "database_failure", "P1", "database_connection_issues"),
        ({"cpu": "unhealthy"}, "infinite_loop", "P2", "high_cpu_usage"),
        ({"open_data_portal": "unhealthy", "api_health": "degraded"}, "third_party_outage", "P1",
         "third_party_outage"),
    ],
)  # fmt: skip
def test_findings_lead_to_type_severity_and_playbook(
    seed: Manual, verdicts: dict[str, str], kind: str, severity: str, playbook: str
) -> None:
    checks = {**dict.fromkeys(seed.diagnosis.checks, "healthy"), **verdicts}
    values = {**samples("findings"), "checks": checks}
    rule = next(r for r in seed.diagnosis.rules if Condition(r.when).holds(values))
    assert (rule.type, rule.severity, rule.playbooks) == (kind, severity, [playbook])


def test_healthy_or_unknown_checks_lead_to_no_rule(seed: Manual) -> None:
    for verdict in ("healthy", "unknown"):
        checks = {**dict.fromkeys(seed.diagnosis.checks, verdict), "api_health": "healthy"}
        values = {**samples("findings"), "checks": checks}
        assert not any(Condition(rule.when).holds(values) for rule in seed.diagnosis.rules)


@pytest.mark.parametrize(
    ("check", "scope", "passing", "failing"),
    [
        ("load_test", "load", {"p95": timedelta(milliseconds=499)},
         {"p95": timedelta(milliseconds=500)}),
        ("stress_test", "load", {"error_rate": 0.009}, {"error_rate": 0.01}),
        ("search_response_time", "http", {"p95": timedelta(seconds=1.9), "error_rate": 0.0},
         {"p95": timedelta(seconds=1.9), "error_rate": 0.05}),
        ("user_login", "command", {"exit_code": 0}, {"exit_code": 1}),
        ("alert_silence", "quiet", {"quiet": timedelta(minutes=15)},
         {"quiet": timedelta(minutes=14)}),
        ("error_rate", "metric", {"value": 0.0009}, {"value": 0.001}),
        ("response_time", "metric", {"value": 0.199}, {"value": 0.2}),
    ],
)  # fmt: skip
def test_a_verification_check_passes_up_to_its_criterion_and_no_further(
    seed: Manual, check: str, scope: str, passing: dict[str, object], failing: dict[str, object]
) -> None:
    plan = seed.verification
    found = {**plan.smoke, **plan.performance, **plan.monitoring}[check]
    known = {"load": samples("load"), "http": samples("http"), "command": samples("command"),
             "quiet": samples("quiet"), "metric": samples("metric")}[scope]  # fmt: skip
    assert Condition(found.passes).holds({**known, **passing})
    assert not Condition(found.passes).holds({**known, **failing})


# ── texts ────────────────────────────────────────────────────────────────────────────────


def test_every_message_can_be_written(seed: Manual) -> None:
    for name, template in seed.communication.templates.items():
        text = render_template(seed, name, template_samples(template.kind), "ko")
        assert "{{" not in text
        assert text.strip()


def test_the_review_template_fills_its_timeline_targets_and_follow_ups(seed: Manual) -> None:
    text = render_text(
        seed.texts["postmortem.md"],
        {
            "incident_number": "INC-1",
            "timeline": [
                {"time": "14:30", "event": "Alert triggered", "actor": "system"},
                {"time": "15:15", "event": "Service restored", "actor": "DevOps-A"},
            ],
            "clocks": [
                {"name": "detection", "target": "5m", "actual": "2m", "met": True},
                {"name": "recovery", "target": "30m", "actual": "45m", "met": False},
            ],
            "action_items": [
                {"action": "Improve monitoring", "owner": "DevOps Team", "due": "2025-08-21",
                 "priority": "High"},
            ],
        },
        "en", "review",
    )  # fmt: skip
    assert "**Incident ID**: INC-1\n" in text
    assert "| 14:30 | Alert triggered | system | |\n| 15:15 |" in text
    assert "- SLA breach: recovered after 45m, target 30m\n" in text
    well, improve = text.split("## What could be improved?")
    assert "- detection: 2m (target 5m)" in well
    assert "- recovery: 45m (target 30m)" in improve
    assert "| Improve monitoring | DevOps Team | 2025-08-21 | High |" in text


def test_the_review_template_can_be_written_before_anything_is_known(seed: Manual) -> None:
    text = render_text(seed.texts["postmortem.md"], {}, "ko", "review")
    assert "## Lessons Learned" in text
