"""What has waited longest to be done: a decision, a new alert, a delivery."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

# Each subquery reads the first entry of a partial index.
EARLIEST = """
SELECT (SELECT min(look_at) FROM incidents WHERE look_at IS NOT NULL) AS decision,
       (SELECT min(look_at) FROM alerts WHERE look_at IS NOT NULL AND pending) AS alert,
       (SELECT min(look_at) FROM effects WHERE done_at IS NULL) AS effect
"""


class Earliest(NamedTuple):
    """The earliest times (UTC) at which work wanted to be done that is not done; None is nothing.

    An alert that triage has in hand and an effect that a worker has in hand move on by seconds
    each time they are found, so one that stays behind is one that nobody looks for.
    """

    decision: datetime | None
    alert: datetime | None
    effect: datetime | None

    def late(self, now: datetime) -> dict[str, float]:
        """Return the seconds that each kind of work is overdue; 0.0 where none is."""
        return {
            name: max(0.0, (now - at).total_seconds()) if at else 0.0
            for name, at in self._asdict().items()
        }


async def earliest(conn: PoolConnection) -> Earliest:
    """Ask the database."""
    row = await conn.fetchrow(EARLIEST)
    assert row is not None
    return Earliest(**row)
