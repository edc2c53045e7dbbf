"""Messages to send: the seed's database failure, paged and announced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bongsu.channels.message import Action, Links, Message, Person, mentions_of

STARTED = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)
ANSWER_BY = datetime(2025, 8, 14, 5, 35, tzinfo=UTC)

SEED_TEMPLATE = """\
🚨 **INCIDENT ALERT** 🚨

**Severity**: {{severity}}
**Description**: {{description}}
**Affected Services**: {{services}}
**On-Call Engineer**: {{oncall_engineer}}

War Room: {{war_room_link}}
Status Page: {{status_page_link}}

@here Please join the war room if you're part of the response team.
"""
VALUES = {
    "severity": "P0 Critical",
    "description": "데이터베이스 연결이 끊겼습니다",
    "services": "백엔드 API",
    "oncall_engineer": "백엔드 A",
    "war_room_link": "https://meet.google.com/war-room",
    "status_page_link": "https://status.korea-public-data.com",
}


def a_page(**changes: Any) -> Message:
    """A page to the first on-call, with everything a page can have."""
    fields: dict[str, Any] = {
        "kind": "page",
        "delivery_id": "01K2/p1/0/1",
        "incident_id": "01K2",
        "incident_number": "INC-20250814-01",
        "title": "데이터베이스 장애",
        "severity": "P0",
        "severity_name": "Critical",
        "started_at": STARTED,
        "description": "connection refused: mongodb:27017",
        "type": "database_failure",
        "type_name": "데이터베이스 장애",
        "service_name": "백엔드 API",
        "phase": "detected",
        "person": Person("backend-a", "김서연"),
        "answer_by": ANSWER_BY,
        "why": "매뉴얼은 1차 당직을 먼저 호출합니다",
        "links": Links(
            "https://bongsu.example.com/incidents/01K2",
            "https://meet.google.com/war-room",
            "https://status.korea-public-data.com",
        ),
        "actions": (
            Action("ack", "확인", "01K2:p1", "https://bongsu.example.com/go/ack-token"),
            Action("dismiss", "오탐", "01K2:p1", "https://bongsu.example.com/go/dismiss-token"),
        ),
    }
    return Message(**{**fields, **changes})


def a_notice(template: str = SEED_TEMPLATE, /, **values: str) -> Message:
    """A notice from a template, rendered as the manual would."""
    text = template
    for name, value in {**VALUES, **values}.items():
        text = text.replace("{{" + name + "}}", value)
    return a_page(
        kind="notice", delivery_id="01K2/n1/0/1", text=text, mentions=mentions_of(template),
        person=None, answer_by=None, why="", actions=(),
    )  # fmt: skip
