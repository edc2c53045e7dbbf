"""Communication, recovery, review and references of the first user's document are in its manual.

The facts are written out here, in the order of the document, so that nothing gets lost unseen.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bongsu.manual.schema import verification as v
from bongsu.manual.schema.document import Manual

MINUTE = timedelta(minutes=1)


# ── 커뮤니케이션 계획 ────────────────────────────────────────────────────────────────────


def test_the_audiences_have_their_channels_pace_and_approval(seed: Manual) -> None:
    told = {
        name: ([(d.channel, d.to) for d in audience.destinations], audience.every)
        for name, audience in seed.communication.audiences.items()
    }
    assert told["immediate_team"] == (
        [("slack", "#critical-alerts"), ("slack", "#war-room")],
        "real_time",
    )
    assert told["management"] == (
        [("slack", "#leadership"), ("email", "leadership@company.com")],
        30 * MINUTE,
    )
    assert told["status_page"] == (
        [("status_page", "https://status.korea-public-data.com")],
        15 * MINUTE,
    )
    assert [channel for channel, _ in told["social_media"][0]] == ["twitter", "facebook"]
    assert [channel for channel, _ in told["user_notifications"][0]] == ["in_app", "email", "sms"]
    assert seed.communication.audiences["press_release"].approve == "ceo"


INCIDENT_NOTIFICATION = """\
🚨 **INCIDENT ALERT** 🚨

**Severity**: {{severity}}
**Description**: {{description}}
**Affected Services**: {{services}}
**On-Call Engineer**: {{oncall_engineer}}

War Room: {{war_room_link}}
Status Page: {{status_page_link}}

@here Please join the war room if you're part of the response team.
"""


def test_the_call_to_the_team_stands_exactly_as_in_the_document(seed: Manual) -> None:
    assert seed.template_text("incident_notification") == INCIDENT_NOTIFICATION


@pytest.mark.parametrize(
    ("template", "sentences"),
    [
        ("team_update", ["**Update**: {{timestamp}}", "**ETA**: {{estimated_resolution}}"]),
        ("management_update", ["**Incident Summary**", "- Expected Resolution: {{eta}}"]),
        (
            "outage_notice",
            [
                "🚨 **서비스 장애 안내**",
                "현재 Korea Public Data 서비스에 일시적인 장애가 발생하여 접속이 어려우실 수",
                "- 발생 시간: ",
                "- 영향 범위: ",
                "- 예상 복구: ",
                "복구 진행 상황은 지속적으로 업데이트해드리겠습니다.",
            ],
        ),
        (
            "recovery_notice",
            [
                "✅ **서비스 정상화 완료**",
                "Korea Public Data 서비스가 정상 복구되었습니다.",
                "- 복구 완료: ",
                "- 장애 지속 시간: ",
                "- 원인: ",
                "재발 방지를 위한 개선 작업을 진행하겠습니다.",
            ],
        ),
    ],
)
def test_a_notice_has_the_documents_words_and_none_of_its_example_dates(
    seed: Manual, template: str, sentences: list[str]
) -> None:
    text = seed.template_text(template) or ""
    for sentence in sentences:
        assert sentence in text
    assert "2025" not in text


# ── 복구 전략 ────────────────────────────────────────────────────────────────────────────


def test_the_recovery_order_is_safety_core_extras_performance(seed: Manual) -> None:
    order = seed.services.recovery_order
    assert [order[tier].name.ko for tier in sorted(order)] == [
        "사용자 안전 확보",
        "핵심 기능 복구",
        "부가 기능 복구",
        "성능 최적화",
    ]
    assert [text.ko for text in order[2].what] == ["로그인", "검색", "공고 조회"]
    tiers = {name: service.tier for name, service in seed.services.services.items()}
    assert [tiers[name] for name in ("login", "search", "announcements")] == [2, 2, 2]
    assert [tiers[name] for name in ("notifications", "statistics", "administration")] == [3, 3, 3]


def test_the_services_of_the_document_are_there_with_their_address(seed: Manual) -> None:
    services = seed.services.services
    assert {"korea-frontend", "korea-backend", "mongodb", "redis", "ingress"} <= services.keys()
    backend = services["korea-backend"]
    assert backend.health is not None
    assert backend.health.url == "https://api.korea-public-data.com/health"
    assert backend.workload is not None
    assert (backend.workload.namespace, backend.workload.selector) == (
        "korea-prod",
        "app=korea-backend",
    )


@pytest.mark.parametrize(
    ("group", "check", "criterion"),
    [
        ("smoke", "user_login", "100% pass rate"),
        ("smoke", "search_response_time", "Response time < 2s"),
        ("smoke", "database_queries", "All queries successful"),
        ("performance", "load_test", "95th percentile < 500ms"),
        ("performance", "stress_test", "Error rate < 1%"),
        ("monitoring", "alert_silence", "No critical alerts for 15 minutes"),
        ("monitoring", "error_rate", "Error rate < 0.1%"),
        ("monitoring", "response_time", "95th percentile < 200ms"),
    ],
)
def test_a_verification_check_has_the_documents_criterion(
    seed: Manual, group: str, check: str, criterion: str
) -> None:
    checks = getattr(seed.verification, group)
    assert checks[check].criterion.en == criterion
    assert checks[check].required


def test_the_verification_commands_are_those_of_the_document(seed: Manual) -> None:
    every = {**seed.verification.smoke, **seed.verification.performance}
    commands = [c.test.argv for c in every.values() if isinstance(c.test, v.CommandTest)]
    assert ["npm", "run", "test:login"] in commands
    assert ["npm", "run", "test:search"] in commands
    assert ["python", "test_db_queries.py"] in commands
    assert any(
        line[:2] == ["artillery", "run"] and line[-1] == "load-test.yml" for line in commands
    )
    assert any(line[:2] == ["k6", "run"] and line[-1] == "stress-test.js" for line in commands)


# ── 사후 분석, 참고 자료, 이력 ───────────────────────────────────────────────────────────


def test_the_review_template_has_every_heading_of_the_document(seed: Manual) -> None:
    lines = seed.texts[seed.review.template].splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# Incident Post-Mortem",
        "## Summary",
        "## Timeline",
        "## Root Cause Analysis",
        "### What went wrong?",
        "### Why did it happen?",
        "## Impact Assessment",
        "## What went well?",
        "## What could be improved?",
        "## Action Items",
        "## Lessons Learned",
    ]
    for fact in ("Incident ID", "Date", "Duration", "Severity"):
        assert any(line.startswith(f"**{fact}**: {{{{") for line in lines)


def test_the_improvements_are_tracked_with_owner_status_and_date(seed: Manual) -> None:
    tracked = [
        (track, item.item.en, item.status, item.owner, str(item.due))
        for track, items in seed.review.improvements.items()
        for item in items.values()
    ]
    assert tracked == [
        ("preventive_measures", "Enhanced monitoring for DB connections", "in_progress",
         "DevOps Team", "2025-08-21"),
        ("preventive_measures", "Automated rollback triggers", "planned", "Backend Team",
         "2025-08-28"),
        ("process_improvements", "Incident response training", "scheduled", "PM", "2025-08-25"),
    ]  # fmt: skip


def test_the_emergency_contacts_and_links_are_kept(seed: Manual) -> None:
    phones = {
        person.name: (person.phone, person.email)
        for person in seed.team.people.values()
        if person.phone
    }
    assert phones == {
        "PM": ("010-XXXX-XXXX", "pm@company.com"),
        "Senior Dev": ("010-XXXX-XXXX", "tech-lead@company.com"),
        "DevOps": ("010-XXXX-XXXX", "devops@company.com"),
    }
    links = seed.team.links
    assert links.status_page == "https://status.korea-public-data.com"
    assert links.monitoring == "https://monitoring.korea-public-data.com"
    assert links.war_room == "https://meet.google.com/war-room"
    assert links.tracker == "https://jira.company.com/incidents"


def test_the_history_begins_with_version_1_0_0(seed: Manual) -> None:
    first = seed.overview.history[0]
    assert (first.version, first.date, first.author) == ("1.0.0", date(2025, 8, 14), "PM")
    assert first.changes.ko == "초기 장애 대응 매뉴얼 작성"


# ── what the law adds ────────────────────────────────────────────────────────────────────


def test_all_eleven_legal_duties_have_version_question_and_a_person_who_confirms(
    seed: Manual,
) -> None:
    assert seed.obligations is not None
    hours = {
        name: duty.within and duty.within // timedelta(hours=1)
        for name, duty in seed.obligations.duties.items()
    }
    assert hours == {
        "pipa-subject": 72,
        "pipa-possible": 72,
        "pipa-authority": 72,
        "ict-report": 24,
        "ict-supplement": 24,
        "ict-user": None,
        "telecom-outage": None,
        "telecom-damages": 30 * 24,
        "cloud-outage": None,
        "fin-outage": 24,
        "egov": None,
    }
    assert seed.obligations.confirmed_by in seed.team.roles
    for duty in seed.obligations.duties.values():
        assert duty.version
        assert duty.question.ko.count("?") == 1
    unconfirmed = {n for n, duty in seed.obligations.duties.items() if duty.unconfirmed}
    assert {"ict-user", "egov"} <= unconfirmed
    assert seed.obligations.duties["ict-supplement"].repeats
