"""The procedure and the playbooks of the first user's document are in its manual.

The facts are written out here, in the order of the document, so that nothing gets lost unseen.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from bongsu.manual.schema import playbooks as p
from bongsu.manual.schema.document import Manual

MINUTE = timedelta(minutes=1)


# ── 장애 대응 절차 ───────────────────────────────────────────────────────────────────────


def test_the_three_phases_have_their_time_frames(seed: Manual) -> None:
    phases = [
        (phase.name.ko, phase.start // MINUTE, phase.until // MINUTE)
        for phase in seed.response.phases
    ]
    assert phases == [
        ("감지 및 초기 대응", 0, 10),
        ("분석 및 진단", 10, 30),
        ("대응 및 복구", 30, 120),
    ]


@pytest.mark.parametrize("level", ["P0", "P1"])
def test_a_grave_incident_goes_from_verification_to_commander_team_and_war_room(
    seed: Manual, level: str
) -> None:
    how = {str(key): row for key, row in seed.response.severities.items()}[level]
    assert how.verify.within == 2 * MINUTE
    assert how.commander is not None
    assert how.commander.role == "incident_commander"
    assert how.assemble is not None
    assert how.assemble.war_room
    assert [(a.template, a.channel, a.to, a.when) for a in how.announce] == [
        ("incident_notification", "slack", "#critical-alerts", "confirmed")
    ]


def test_a_p0_that_nobody_answers_climbs_every_three_minutes_for_ever(seed: Manual) -> None:
    how = seed.respond("P0")
    assert [(step.after // MINUTE, step.page) for step in how.escalation] == [
        (0, ["rotation:main/primary"]),
        (3, ["rotation:main/secondary"]),
        (6, ["rotation:main/escalation"]),
        (9, ["role:incident_commander"]),
    ]
    assert how.repeat is not None
    assert (how.repeat.every, how.repeat.times) == (10 * MINUTE, "forever")


def test_p2_and_p3_escalate_to_no_commander(seed: Manual) -> None:
    for how in (seed.respond("P2"), seed.respond("P3")):
        assert how.commander is None
        assert how.assemble is None


def test_a_lower_severity_is_never_more_impatient_than_a_higher_one(seed: Manual) -> None:
    second = [
        seed.respond(level).escalation[1].after for level in ("P0", "P1", "P2")
    ]  # P3 has no second step
    assert second == sorted(second)
    assert second[1] < seed.overview.targets.first_response


def test_the_checklist_and_the_commands_of_phase_1_are_there(seed: Manual) -> None:
    first_look = seed.response.checklists["first_look"]
    assert [item.text.ko for item in first_look.items] == [
        "모니터링 대시보드 확인",
        "알림 심각도 평가",
        "사용자 영향도 확인",
        "초기 원인 추정",
    ]
    commands = [item.command for item in seed.response.checklists["first_commands"].items]
    assert commands[0] == ["kubectl", "get", "pods", "-n", "korea-prod"]
    assert commands[1] is not None
    assert (commands[1][:2], commands[1][-1]) == (
        ["curl", "-f"],
        "https://api.korea-public-data.com/health",
    )
    assert commands[2] is not None
    assert (commands[2][0], commands[2][-1]) == ("tail", "/var/log/application.log")
    assert "-f" not in commands[2], "a command that never ends answers nothing"


def test_the_analyser_has_its_four_groups_and_the_log_script_its_three_parts(seed: Manual) -> None:
    groups = seed.diagnosis.groups
    assert list(groups)[:4] == ["api_health", "database", "external_services", "infrastructure"]
    query = seed.diagnosis.logs["recent_errors"]
    assert (query.since, query.top) == (5 * MINUTE, 10)
    assert "top_cpu" in groups["resource_usage"]
    reached = [seed.diagnosis.checks[check].service for check in groups["connectivity"]]
    assert reached == ["korea-frontend", "korea-backend", "mongodb", "redis"]
    assert all(seed.diagnosis.checks[check].name.ko for names in groups.values() for check in names)


# ── playbooks ────────────────────────────────────────────────────────────────────────────


def argv(step: p.Step) -> str:
    match step:
        case p.KubectlStep():
            return "kubectl " + " ".join(step.args)
        case p.CommandStep():
            return " ".join(step.argv)
        case p.HttpStep():
            return f"{step.method} {step.url}"
    return ""


def steps(seed: Manual, playbook: str) -> dict[str, str]:
    """Name in Korean → command or request of every step."""
    return {step.name.ko: argv(step) for step in seed.playbooks[playbook].steps}


def test_the_recovery_playbooks_have_the_actions_of_the_document(seed: Manual) -> None:
    english = {
        book: [step.name.en for step in seed.playbooks[book].steps]
        for book in ("high_cpu_usage", "database_connection_issues", "external_api_timeout")
    }
    assert {"Scale up pods", "Restart problematic pods"} <= set(english["high_cpu_usage"])
    assert {"Check connection pool", "Restart database connections"} <= set(
        english["database_connection_issues"]
    )
    assert {"Enable circuit breaker", "Switch to backup service"} <= set(
        english["external_api_timeout"]
    )
    cpu, api = steps(seed, "high_cpu_usage"), steps(seed, "external_api_timeout")
    assert cpu["파드 증설"] == "kubectl scale deployment/korea-backend --replicas={{ replicas }}"
    assert seed.playbooks["high_cpu_usage"].parameters["replicas"].default == 10
    assert cpu["문제 파드 재시작"] == "kubectl rollout restart deployment/korea-backend"
    assert '{"data":{"circuit_breaker":"true"}}' in api["서킷 브레이커 켜기"]


def test_the_rollback_shows_versions_undoes_watches_settles_and_checks(seed: Manual) -> None:
    book = seed.playbooks["emergency_rollback"]
    commands = [argv(step) for step in book.steps]
    assert "jsonpath={.spec.template.spec.containers[0].image}" in commands[0]
    assert commands[1] == "kubectl rollout history deployment/korea-backend"
    assert "IMAGE:" in commands[2], "the revisions are shown with their images"
    undo = commands.index(
        "kubectl rollout undo deployment/korea-backend --to-revision={{ revision }}"
    )
    assert book.parameters["revision"].type == "integer"
    assert commands[undo + 1].endswith("--timeout=300s")
    waits = [step.duration for step in book.steps if isinstance(step, p.WaitStep)]
    assert waits == [timedelta(seconds=30)]
    last = book.steps[-1]
    assert isinstance(last, p.CheckStep)
    assert "api_health" in last.checks


def test_server_down_keeps_its_nine_lines_under_their_three_headings(seed: Manual) -> None:
    book = seed.playbooks["server_down"]
    stages: dict[str, list[str]] = {"immediate": [], "investigation": [], "recovery": []}
    for step in book.steps:
        stages[step.stage or book.stage].append(step.name.ko)
    assert stages["immediate"] == [
        "Load balancer에서 문제 서버 제거",
        "트래픽을 정상 서버로 라우팅",
        "서버 재시작 시도",
    ]
    assert stages["investigation"] == [
        "정상 서버가 서비스하는지 확인",  # ours: before anybody has time to look at the broken one
        "서버 리소스 사용량 확인",
        "시스템 로그 분석",
        "하드웨어 상태 점검",
    ]
    recovery = stages["recovery"]
    assert recovery[:2] == ["서버 재시작 또는 교체", "서비스 정상화 확인"]
    assert recovery[-1] == "Load balancer에 서버 재등록"


def test_the_database_procedure_has_its_five_steps_in_order(seed: Manual) -> None:
    names = [step.name.ko for step in seed.playbooks["database_failure"].steps]
    wanted = [
        "읽기 전용 모드 활성화",
        "캐시 TTL 연장",
        "데이터베이스 연결 상태 확인",
        "백업에서 복구 준비",
        "사용자 공지",
    ]
    assert [name for name in names if name in wanted] == wanted
    assert seed.playbooks["database_failure"].parameters["cache_hours"].default == 2
    assert seed.template_text("limited_service") == (
        "시스템 점검으로 인해 일부 기능이 제한될 수 있습니다.\n"
    )


def test_the_security_procedure_keeps_evidence_before_it_isolates(seed: Manual) -> None:
    found = steps(seed, "security_incident")
    names = list(found)
    assert names.index("로그 보존") < names.index("의심 워크로드 격리")
    assert found["의심 워크로드 격리"].endswith("--replicas=0")
    assert found["공격 주소 차단"] == "bongsu address drop {{ malicious_address }}"
    assert names.index("사용자 세션 무효화") < names.index("의심 워크로드 격리")
    assert names.index("네트워크 트래픽 기록") < names.index("공격 주소 차단")
    assert names[names.index("증거 봉인") + 1] == "봉인 확인"
    assert names.index("의심 워크로드 격리") < names.index("증거 봉인")
    assert "invalidate_all_sessions()" in found["사용자 세션 무효화"]
    assert found["네트워크 트래픽 기록"].startswith("bongsu evidence capture")
    notify = next(s for s in seed.playbooks["security_incident"].steps if s.kind == "notify")
    assert isinstance(notify, p.NotifyStep)
    assert notify.audience == "security_team"


def test_every_incident_type_has_a_first_playbook(seed: Manual) -> None:
    covered = {kind for book in seed.playbooks.values() for kind in book.types}
    known = {name for kinds in seed.overview.incident_types.values() for name in kinds}
    assert covered == known


def test_every_type_has_one_for_every_severity_it_may_have(seed: Manual) -> None:
    wanted = {
        (kind, severity)
        for kinds in seed.overview.incident_types.values()
        for kind in kinds
        for severity in seed.overview.severities
    }
    books = seed.playbooks.values()
    assert wanted == {(k, s) for book in books for k in book.types for s in book.severities}


def test_what_the_pods_wrote_is_kept_before_they_are_replaced(seed: Manual) -> None:
    replaced = 0
    for name, book in seed.playbooks.items():
        kept = False
        for step in book.steps:
            what = argv(step)
            kept = kept or what.startswith(("kubectl logs", "bongsu evidence collect"))
            if what.startswith(("kubectl rollout restart", "kubectl rollout undo")):
                replaced += 1
                assert kept, f"{name}: {step.name.en}"
    assert replaced >= 4


def test_no_two_playbooks_are_the_same_but_for_their_names(seed: Manual) -> None:
    """A skeleton that was copied asks people the same thing twice."""
    asked = [
        step.instruction.ko
        for book in seed.playbooks.values()
        for step in book.steps
        if isinstance(step, p.HumanStep)
    ]
    assert len(asked) == len(set(asked)) >= 20


def test_no_step_needs_a_shell(seed: Manual) -> None:
    shells = {"sh", "bash", "zsh", "eval", "env", "xargs"}
    for book in seed.playbooks.values():
        for step in book.steps:
            assert argv(step).split(" ")[0].rsplit("/", 1)[-1] not in shells
