"""The one place that asks what time it is; everything else is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

STEP = timedelta(seconds=1)
"""a machine's clock that moves by less against the time that has passed is only being trimmed"""

log = structlog.get_logger(__name__)


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """Return the time now, timezone-aware, in UTC."""
        ...


def _machine() -> datetime:
    return datetime.now(UTC)


class SystemClock:
    """The machine's clock, which is never set back while the process runs.

    Deadlines are held against this clock: if it went back by an hour, a page that nobody answers
    would be escalated an hour late. So it goes on from where it was, ahead of the machine's, until
    that one is set forward again or the process starts anew.
    """

    def __init__(
        self,
        machine: Callable[[], datetime] = _machine,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine, self._passed = machine, passed
        self._last, self._at = machine(), passed()
        self.ahead = timedelta()
        """by how much it leads the machine's clock"""

    def now(self) -> datetime:
        """Return the time in UTC."""
        machine, at = self._machine(), self._passed()
        back = self._last + timedelta(seconds=at - self._at) - machine
        self._last, self._at = machine, at
        if back > STEP or (-back > STEP and self.ahead):
            self.ahead = max(timedelta(), self.ahead + back)
            log.warning("clock.was_set", back_s=back.total_seconds(), ahead_s=self.ahead)
        return machine + self.ahead
