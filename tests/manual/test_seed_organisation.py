"""Overview, classification and organisation of the first user's document are in its manual.

The facts are written out here, in the order of the document, so that nothing gets lost unseen.
"""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from bongsu.manual.schema.base import format_duration
from bongsu.manual.schema.document import Manual

MINUTE = timedelta(minutes=1)


# ── 장애 대응 개요 ───────────────────────────────────────────────────────────────────────


def test_the_four_principles_stand_in_their_order(seed: Manual) -> None:
    assert [text.ko for text in seed.overview.principles] == [
        "**Safety First**: 사용자 안전과 데이터 보호 최우선",
        "**Fast Response**: 신속한 초기 대응 (5분 이내)",
        "**Clear Communication**: 명확하고 투명한 소통",
        "**Learn & Improve**: 지속적인 개선과 학습",
    ]


def test_the_targets_are_those_of_the_document(seed: Manual) -> None:
    targets = seed.overview.targets
    assert targets.detection == 5 * MINUTE
    assert targets.first_response == 5 * MINUTE
    assert targets.response == 10 * MINUTE
    assert targets.communication == 15 * MINUTE
    assert targets.recovery == 30 * MINUTE


def test_introduction_and_closing_sentence_are_kept(seed: Manual) -> None:
    assert seed.overview.name == "Korea Public Data"
    assert seed.overview.summary is not None
    assert seed.overview.closing is not None
    assert "신속하고 체계적인 장애 대응을 위한 종합 가이드" in seed.overview.summary.ko
    assert "정기적인 훈련을 통해 대응 능력을 향상" in seed.overview.closing.ko


# ── 장애 분류 체계 ───────────────────────────────────────────────────────────────────────


def test_the_severities_are_the_rows_of_the_table(seed: Manual) -> None:
    rows = [
        (level, row.name.ko, row.means.ko, [text.ko for text in row.examples],
         format_duration(row.recover_within))
        for level, row in seed.overview.severities.items()
    ]  # fmt: skip
    assert rows == [
        ("P0", "Critical", "전체 서비스 중단", ["서버 다운", "DB 장애"], "30m"),
        ("P1", "High", "핵심 기능 장애", ["로그인 불가", "검색 오류"], "2h"),
        ("P2", "Medium", "부분 기능 장애", ["UI 오류", "성능 저하"], "1d"),
        ("P3", "Low", "경미한 이슈", ["표시 오류", "로깅 문제"], "1w"),
    ]


def test_all_sixteen_incident_types_stand_in_their_categories(seed: Manual) -> None:
    types = {
        category: {name: kind.name.ko for name, kind in kinds.items()}
        for category, kinds in seed.overview.incident_types.items()
    }
    assert types == {
        "infrastructure": {
            "server_down": "서버 다운",
            "network_issue": "네트워크 장애",
            "database_failure": "데이터베이스 장애",
            "storage_full": "스토리지 부족",
        },
        "application": {
            "deployment_failure": "배포 실패",
            "memory_leak": "메모리 누수",
            "infinite_loop": "무한 루프",
            "api_timeout": "API 타임아웃",
        },
        "security": {
            "ddos_attack": "DDoS 공격",
            "data_breach": "데이터 유출",
            "unauthorized_access": "무단 접근",
            "malware_detected": "악성코드 탐지",
        },
        "external": {
            "third_party_outage": "외부 서비스 장애",
            "dns_issue": "DNS 문제",
            "cdn_failure": "CDN 장애",
            "payment_gateway": "결제 게이트웨이 문제",
        },
    }


# ── 대응 조직 구성 ───────────────────────────────────────────────────────────────────────


def test_the_organisation_is_the_tree_of_eleven_roles(seed: Manual) -> None:
    tree = {
        role.name.en: seed.role_name(role.reports_to).en
        for role in seed.team.roles.values()
        if role.reports_to
    }
    assert tree == {
        "Technical Lead": "Incident Commander",
        "Communications Lead": "Incident Commander",
        "Customer Support Lead": "Incident Commander",
        "Backend Engineer": "Technical Lead",
        "Frontend Engineer": "Technical Lead",
        "DevOps Engineer": "Technical Lead",
        "Internal Communications": "Communications Lead",
        "External Communications": "Communications Lead",
        "User Support": "Customer Support Lead",
        "Stakeholder Updates": "Customer Support Lead",
    }


@pytest.mark.parametrize(
    ("role", "first_holder", "contact", "duties"),
    [
        ("incident_commander", "PM", "#pm-contact", "전체 대응 총괄, 의사결정"),
        ("technical_lead", "Senior Dev", "#tech-lead", "기술적 해결 방안 수립"),
        ("communications_lead", "Marketing", "#comms-team", "내외부 커뮤니케이션"),
        ("backend_engineer", "Backend-A", "#backend-team", "서버 사이드 이슈 해결"),
        ("frontend_engineer", "Frontend-A", "#frontend-team", "클라이언트 사이드 이슈 해결"),
        ("devops_engineer", "DevOps-A", "#devops-team", "인프라 및 배포 이슈 해결"),
    ],
)
def test_a_role_is_its_row_of_the_table(
    seed: Manual, role: str, first_holder: str, contact: str, duties: str
) -> None:
    found = seed.team.roles[role]
    assert seed.team.people[found.held_by[0]].name == first_holder
    assert found.contact == contact
    assert ", ".join(duty.ko for duty in found.duties) == duties


def test_every_role_is_held_by_somebody_who_can_be_paged(seed: Manual) -> None:
    for role in seed.team.roles.values():
        assert role.held_by
        assert all(seed.team.people[person].contacts for person in role.held_by)


def test_the_rotation_is_the_four_weeks_of_the_table(seed: Manual) -> None:
    rotation = seed.oncall.rotations["main"]
    weeks = [
        (shift["name"], seed.team.people[shift["primary"]].name,
         seed.team.people[shift["secondary"]].name, shift["escalation"])
        for shift in rotation.shifts
    ]  # fmt: skip
    assert weeks == [
        ("Week 1", "Backend-A", "Frontend-A", "role:technical_lead"),
        ("Week 2", "Backend-B", "Frontend-B", "role:technical_lead"),
        ("Week 3", "DevOps-A", "Backend-A", "role:technical_lead"),
        ("Week 4", "DevOps-B", "Frontend-A", "role:technical_lead"),
    ]
    assert rotation.slots == ["primary", "secondary", "escalation"]
    assert rotation.every == timedelta(weeks=1)
    assert (rotation.handoff.day, rotation.handoff.time) == ("mon", time(10))
    assert rotation.start.weekday() == 0
    assert rotation.start <= date(2025, 8, 14)
    assert seed.overview.timezone == "Asia/Seoul"
