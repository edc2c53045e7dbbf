"""Manuals for the tests of the core, built in Python: like the seed's, but seen at a glance."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from bongsu.manual.schema.document import Manual

Chapter = dict[str, Any]

ANNOUNCEMENT = """\
🚨 **INCIDENT ALERT** 🚨

**Severity**: {{severity}}
**Description**: {{description}}
**Affected Services**: {{services}}
**On-Call Engineer**: {{oncall_engineer}}

War Room: {{war_room_link}}
Status Page: {{status_page_link}}

@here Please join the war room if you're part of the response team.
"""


def manual(**changes: Any) -> Manual:
    """Build the manual below with ``changes`` merged into it; None takes an entry away."""
    whole = _merged(_seed_like(), changes)
    sha = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
    return Manual.model_validate({**whole, "sha": sha})


def severity(level: str, **changes: Any) -> Manual:
    """Build a manual in which one severity is answered otherwise."""
    return manual(response={"severities": {level: changes}})


def _merged(base: Chapter, changes: Chapter) -> Chapter:
    merged = dict(base)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _merged(base[key], value)
        else:
            merged[key] = value
    return merged


def _seed_like() -> Chapter:
    return {
        "overview": _overview(),
        "team": _team(),
        "oncall": _oncall(),
        "services": _services(),
        "signals": {"integrations": {"prometheus": {"name": "Prometheus", "formats": ["generic"]}}},
        "response": {
            "severities": {"P0": _p0(), "P1": _p1(), "P2": _p2(), "P3": _p3()},
            "checklists": _checklists(),
        },
        "playbooks": _playbooks(),
        "communication": _communication(),
        "texts": {"templates/incident_notification.md": ANNOUNCEMENT},
    }


def _overview() -> Chapter:
    return {
        "name": "Korea Public Data",
        "targets": {
            "detection": "5m",
            "first_response": "5m",
            "response": "10m",
            "communication": "15m",
            "recovery": "30m",
        },
        "severities": {
            "P0": {"name": "Critical", "means": "전체 서비스 중단", "recover_within": "30m"},
            "P1": {"name": "High", "means": "핵심 기능 장애", "recover_within": "2h"},
            "P2": {"name": "Medium", "means": "부분 기능 장애", "recover_within": "1d"},
            "P3": {"name": "Low", "means": "경미한 이슈", "recover_within": "1w"},
        },
        "incident_types": {
            "infrastructure": {
                "server_down": {"name": {"ko": "서버 다운", "en": "Server down"}},
                "database_failure": {"name": {"ko": "데이터베이스 장애", "en": "Database failure"}},
            },
            "security": {"data_breach": {"name": {"ko": "데이터 유출", "en": "Data breach"}}},
        },
    }


def _person(name: str, person: str) -> Chapter:
    return {
        "name": name,
        "contacts": [
            {"channel": "slack", "to": f"@{person}"},
            {"channel": "email", "to": f"{person}@company.com", "after": "1m"},
        ],
    }


def _team() -> Chapter:
    people = {
        "pm": "PM",
        "senior-dev": "Senior Dev",
        "marketing": "Marketing",
        "backend-a": "Backend-A",
        "backend-b": "Backend-B",
        "frontend-a": "Frontend-A",
        "devops-a": "DevOps-A",
        "devops-b": "DevOps-B",
    }
    lead = "incident_commander"
    return {
        "roles": {
            lead: {"name": {"ko": "장애 지휘자", "en": "Incident Commander"}, "held_by": ["pm"]},
            "technical_lead": {
                "name": {"ko": "기술 책임자", "en": "Technical Lead"},
                "reports_to": lead,
                "held_by": ["senior-dev"],
            },
            "communications_lead": {
                "name": {"ko": "소통 담당", "en": "Communications Lead"},
                "reports_to": lead,
                "held_by": ["marketing"],
            },
            "devops_engineer": {
                "name": {"ko": "데브옵스 엔지니어", "en": "DevOps Engineer"},
                "reports_to": "technical_lead",
                "held_by": ["devops-a", "devops-b"],
            },
        },
        "people": {person: _person(name, person) for person, name in people.items()},
        "links": {
            "status_page": "https://status.korea-public-data.com",
            "war_room": "https://meet.google.com/war-room",
        },
    }


def _oncall() -> Chapter:
    lead = "role:technical_lead"
    weeks = [
        {"name": "Week 1", "primary": "backend-a", "secondary": "frontend-a", "escalation": lead},
        {"name": "Week 2", "primary": "backend-b", "secondary": "frontend-a", "escalation": lead},
        {"name": "Week 3", "primary": "devops-a", "secondary": "backend-a", "escalation": lead},
        {"name": "Week 4", "primary": "devops-b", "secondary": "frontend-a", "escalation": lead},
    ]
    return {
        "rotations": {
            "main": {
                "name": "24/7 On-Call",
                "start": "2025-08-11",
                "handoff": {"day": "mon", "time": "10:00"},
                "slots": ["primary", "secondary", "escalation"],
                "shifts": weeks,
            }
        }
    }


def _services() -> Chapter:
    return {
        "recovery_order": {
            1: {"name": {"ko": "사용자 안전 확보", "en": "The users' safety"}},
            2: {"name": {"ko": "핵심 기능 복구", "en": "Core functions"}},
            3: {"name": {"ko": "부가 기능 복구", "en": "Further functions"}},
            4: {"name": {"ko": "성능 최적화", "en": "Performance"}},
        },
        "services": {
            "korea-backend": {"name": {"ko": "API 서버", "en": "API server"}, "tier": 2},
            "mongodb": {"name": {"ko": "데이터베이스", "en": "Database"}, "tier": 1},
        },
    }


def _p0() -> Chapter:
    """As the seed's: who is called, by when they must answer, who joins."""
    return {
        "escalation": [
            {"after": "0s", "page": ["rotation:main/primary"]},
            {"after": "3m", "page": ["rotation:main/secondary"]},
            {"after": "6m", "page": ["rotation:main/escalation"]},
        ],
        "repeat": {"every": "10m", "times": "forever"},
        "verify": {"within": "2m", "unanswered": "presume_real"},
        "commander": {
            "role": "incident_commander",
            "answer_within": "3m",
            "deputies": ["role:technical_lead"],
            "repeat": {"every": "10m", "times": "forever"},
        },
        "assemble": {
            "roles": ["technical_lead", "communications_lead", "devops_engineer"],
            "at_latest": "5m",
            "answer_within": "5m",
        },
        "announce": [
            {"template": "incident_notification", "to": "#critical-alerts", "when": "confirmed"}
        ],
    }


def _p1() -> Chapter:
    return {
        **_p0(),
        "escalation": [
            {"after": "0s", "page": ["rotation:main/primary"]},
            {"after": "4m", "page": ["rotation:main/secondary"]},
        ],
        "repeat": {"every": "20m", "times": "forever"},
        "assemble": {"roles": ["technical_lead", "communications_lead"], "at_latest": "5m"},
    }


def _p2() -> Chapter:
    return {
        "escalation": [
            {"after": "0s", "page": ["rotation:main/primary"]},
            {"after": "30m", "page": ["rotation:main/secondary"]},
        ],
        "repeat": {"every": "1h", "times": 3},
        "verify": {"within": "15m", "unanswered": "remind"},
        "targets": {"first_response": "1h", "response": "4h", "communication": "1d"},
    }


def _p3() -> Chapter:
    return {
        "escalation": [{"after": "0s", "page": ["rotation:main/primary"]}],
        "verify": {"within": "4h", "unanswered": "remind"},
        "targets": {"first_response": "1d", "response": "2d", "communication": "1w"},
        "resolve_when_clear": "1h",
    }


def _checklists() -> Chapter:
    return {
        "first_look": {
            "name": {"ko": "장애 확인 체크리스트", "en": "Is it real?"},
            "phase": "detected",
            "within": "5m",
            "items": [
                {"text": {"ko": "모니터링 대시보드 확인", "en": "Look at the dashboards"}},
                {
                    "text": {"ko": "파드 상태 확인", "en": "How are the pods?"},
                    "command": ["kubectl", "get", "pods", "-n", "korea-prod"],
                },
            ],
        },
        "commander_first": {
            "name": {"ko": "지휘자의 첫 조치", "en": "The commander's first steps"},
            "phase": "verified",
            "within": "10m",
            "severities": ["P0", "P1"],
            "items": [
                {
                    "text": {"ko": "워룸 시작", "en": "Start the war room"},
                    "role": "incident_commander",
                }
            ],
        },
    }


def _playbooks() -> Chapter:
    step = {"kind": "human", "name": "x", "instruction": "x"}
    return {
        "server_down": {
            "name": {"ko": "서버 다운", "en": "Server down"},
            "types": ["server_down"],
            "severities": ["P0", "P1"],
            "steps": [step],
        },
        "database_failure": {
            "name": {"ko": "데이터베이스 장애", "en": "Database failure"},
            "types": ["database_failure"],
            "approve": "incident_commander",
            "steps": [step],
        },
    }


def _communication() -> Chapter:
    return {
        "audiences": {},
        "templates": {
            "incident_notification": {
                "name": "Slack",
                "file": "templates/incident_notification.md",
                "kind": "alert",
            }
        },
    }


def verification() -> Chapter:
    """What a manual that verifies recoveries adds."""
    check = {
        "name": {"ko": "사용자 로그인", "en": "User login"},
        "test": {"kind": "command", "argv": ["npm", "run", "test:login"]},
        "passes": "exit_code == 0",
        "criterion": {"ko": "통과율 100%", "en": "100% pass rate"},
    }
    return {"smoke": {"user_login": check}, "watch": "15m"}
