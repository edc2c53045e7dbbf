"""The manual's verification as the demo can run it: by the small backend, at the demo's speed.

What needs the user's own programs or their Prometheus is left out; the demo has neither.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

from bongsu.manual.schema.base import parse_duration
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.verification import ProbeTest, QuietTest, VerificationCheck

GROUPS = ("smoke", "performance", "monitoring")
_DURATION = re.compile(r"duration\('(\w+)'\)")


def verifiable(manual: Manual, backend: str, speed: float) -> Manual:
    """Return the manual with checks that ask ``backend`` (an address), and alerts, alone."""
    lists = {
        group: {
            name: fitted
            for name, check in getattr(manual.verification, group).items()
            if (fitted := _fitted(check, backend, speed)) is not None
        }
        for group in GROUPS
    }
    watch = manual.verification.watch / speed
    verification = manual.verification.model_copy(update={**lists, "watch": watch})
    sha = hashlib.sha256(f"{manual.sha} verified at {backend}".encode()).hexdigest()
    return manual.model_copy(update={"verification": verification, "sha": sha})


def _fitted(check: VerificationCheck, backend: str, speed: float) -> VerificationCheck | None:
    match check.test:
        case ProbeTest():
            return check.model_copy(update={"test": check.test.model_copy(update={"url": backend})})
        case QuietTest():
            shorter = check.test.model_copy(
                update={"duration": _sooner(check.test.duration, speed)}
            )
            passes = _DURATION.sub(lambda found: _in_seconds(found[1], speed), check.passes)
            return check.model_copy(update={"test": shorter, "passes": passes})
        case _:
            return None


def _sooner(time: timedelta, speed: float) -> timedelta:
    """A manual is kept with whole seconds."""
    return timedelta(seconds=max(1, int(time.total_seconds() / speed)))


def _in_seconds(text: str, speed: float) -> str:
    return f"duration('{_sooner(parse_duration(text), speed).total_seconds():.0f}s')"
