"""Who is on call by the seed's manual, worked out from its table alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from tests.waiting import until_true

KST = timezone(timedelta(hours=9))
FIRST_HANDOFF = datetime(2025, 8, 11, 10, tzinfo=KST)
WEEKS = (
    ("backend-a", "frontend-a"),
    ("backend-b", "frontend-b"),
    ("devops-a", "backend-a"),
    ("devops-b", "frontend-a"),
)
"""primary and secondary of Week 1 to Week 4"""
STAYS = timedelta(minutes=2)
CHANNEL = {"backend": "#backend-team", "frontend": "#frontend-team", "devops": "#devops-team"}


def on_call(at: datetime) -> tuple[str, str]:
    """Return the ids of who is primary and secondary at an instant."""
    return WEEKS[(at - FIRST_HANDOFF) // timedelta(weeks=1) % len(WEEKS)]


async def primary_now() -> str:
    """Return who is primary now and stays so while a test goes on; waits for a handoff till then.

    Ask before anybody is to be paged.
    """
    return await until_true(_primary, within=2 * STAYS.total_seconds(), every=1)


def _primary() -> str | None:
    now = datetime.now(UTC)
    primary, later = on_call(now)[0], on_call(now + STAYS)[0]
    return primary if primary == later else None


def mailbox(person: str) -> str:
    """Return the address at which the seed reaches somebody of the rotation."""
    return f"{person}@company.com"


def channel(person: str) -> str:
    """Return the Slack channel in which the seed reaches somebody of the rotation."""
    return CHANNEL[person.split("-", maxsplit=1)[0]]
