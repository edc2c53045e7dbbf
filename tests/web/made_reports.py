"""Reports as diagnosis makes them, for the pages, the API and the messages that show them."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from bongsu.engine.diagnosis import Asked
from bongsu.incident.alert import Remark
from bongsu.incident.report import (
    Affected,
    Change,
    Evidence,
    Finding,
    Looked,
    NextAction,
    Proposal,
    Report,
    Verdict,
)
from bongsu.logs.analysis import Analysis, Pattern, Variable
from bongsu.manual.schema.document import Manual

ANSWER = "HTTP/1.1 503 Service Unavailable\nretry-after: 30\n"


def finding(code: str, text: str, verdict: Verdict = "unhealthy", **more: object) -> Finding:
    return Finding(code=code, says=Remark(text), verdict=verdict, **more)  # type: ignore[arg-type]


def full(now: datetime, incident: str = "INC-1", findings: int = 0) -> Report:
    """One of everything; with ``findings`` that many more of the same kind."""
    evidence = Evidence(
        command="curl -fsS https://api.korea-public-data.com/health", output=ANSWER,
        numbers={"took_s": 5.012, "status": 503}, link="https://grafana.example/d/1",
    )  # fmt: skip
    found = (
        finding("http_status", "https://api.korea-public-data.com/health: 503", weight=0.9,
                check="api_health", service="backend", evidence=evidence),
        finding("connections_exhausted", "MongoDB 연결 98/100", "degraded", weight=0.7,
                check="mongodb", evidence=Evidence(numbers={"connections": 98, "limit": 100})),
        *(finding("pod_crash_loop", f"파드 {n}: CrashLoopBackOff", subject=f"pod/korea-backend-{n}",
                  weight=0.5, evidence=Evidence(output="back-off 5m0s restarting failed"))
          for n in range(findings)),
    )  # fmt: skip
    unknown = Looked(
        check="redis", verdict="unknown", took_s=5.0, group="database",
        why=Remark("the environment variable {name} is not set", {"name": "REDIS_DSN"}),
    )  # fmt: skip
    checks = (
        Looked(check="api_health", verdict="unhealthy", took_s=5.0, group="api_health"),
        Looked(check="mongodb", verdict="degraded", took_s=0.2, group="database"),
        Looked(check="dns", verdict="healthy", took_s=0.01, group="external"),
        unknown,
    )
    long_ago = Remark("{hours} h {minutes} min before the onset", {"hours": "3", "minutes": "0"})
    changes = (
        Change(at=now - timedelta(minutes=4), kind="deployment", subject="deployment/korea-backend",
               says=Remark("v1.2.3 → v1.2.4"), service="backend", source="kubernetes", score=0.82,
               reasons=(Remark("the service itself"),), link="https://ci/817"),
        Change(at=now - timedelta(hours=3), kind="flag", subject="new-search",
               says=Remark("turned on the flag New search"), source="launchdarkly", score=0.1,
               reasons=(long_ago,)),
    )  # fmt: skip
    pattern = Pattern(
        template="ERROR pool exhausted after <*> ms", novelty="new", score=91.0, count=412,
        expected=0.0, sample="ERROR pool exhausted after 5003 ms\n  at acquire(pool.py:88)",
        first_seen=now - timedelta(minutes=3), rate=(0, 0, 0, 0, 1, 8, 40, 120, 243),
        variables=(Variable(0, (("5003", 200), ("5001", 100)), 112),), error=True,
    )  # fmt: skip
    logs = Analysis(
        sources=("k8s:korea-backend",), lines=10_432, records=9_876, bytes=1_234_567, templates=48,
        since=now - timedelta(minutes=5), until=now, patterns=(pattern,),
    )  # fmt: skip
    return Report(
        incident=incident, started_at=now - timedelta(minutes=2), taken_at=now, took_s=5.1,
        deadline_s=10.0, findings=found, checks=checks, not_checked=(unknown,), changes=changes,
        proposal=Proposal(severity="P1", type="database_failure", why="api_health == 'unhealthy'"),
        affected=(Affected("backend", "unhealthy"), Affected("search", "degraded", ("backend",))),
        logs={"recent_errors": logs},
        next_actions=(
            NextAction(says={"ko": "연결 풀을 확인해요", "en": "Check the connection pool"},
                       command="./scripts/check_db_pool.py", because=("connections_exhausted",)),
            NextAction(says={"ko": "백엔드를 다시 시작해요", "en": "Restart the backend"},
                       playbook="restart-backend", because=("http_status",)),
        ),
    )  # fmt: skip


async def diagnose(manual: Manual, asked: Asked) -> Report:
    """Find one of everything."""
    return full(asked.started_at, asked.incident)


def recovered(before: Report) -> Report:
    """The same some time later: the API answers again."""
    checks = tuple(
        msgspec.structs.replace(one, verdict="healthy") if one.check == "api_health" else one
        for one in before.checks
    )
    findings = tuple(one for one in before.findings if one.check != "api_health")
    return msgspec.structs.replace(
        before, checks=checks, findings=findings, proposal=Proposal(), affected=(),
        taken_at=before.taken_at + timedelta(minutes=10),
    )  # fmt: skip
