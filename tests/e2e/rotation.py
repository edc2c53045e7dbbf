"""Who is on call by the seed's manual, worked out from its table alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

KST = timezone(timedelta(hours=9))
FIRST_HANDOFF = datetime(2025, 8, 11, 10, tzinfo=KST)
WEEKS = (
    ("backend-a", "frontend-a"),
    ("backend-b", "frontend-b"),
    ("devops-a", "backend-a"),
    ("devops-b", "frontend-a"),
)
"""primary and secondary of Week 1 to Week 4"""
CHANNEL = {"backend": "#backend-team", "frontend": "#frontend-team", "devops": "#devops-team"}


def on_call(at: datetime) -> tuple[str, str]:
    """Return the ids of who is primary and secondary at an instant."""
    return WEEKS[(at - FIRST_HANDOFF) // timedelta(weeks=1) % len(WEEKS)]


def primary_now() -> str:
    """Return who is primary now; near a handoff, who will be in two minutes."""
    now = datetime.now(UTC)
    return on_call(now + timedelta(minutes=2))[0]


def mailbox(person: str) -> str:
    """Return the address at which the seed reaches somebody of the rotation."""
    return f"{person}@company.com"


def channel(person: str) -> str:
    """Return the Slack channel in which the seed reaches somebody of the rotation."""
    return CHANNEL[person.split("-", maxsplit=1)[0]]
