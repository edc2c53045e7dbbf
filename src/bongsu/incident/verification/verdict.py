"""Whether what was measured meets the manual's criterion: passed, failed, or inconclusive."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from bongsu.incident.body import Reason
from bongsu.incident.verification.measured import Measured
from bongsu.incident.verification_events import Outcome
from bongsu.manual.check.conditions import scope_of
from bongsu.manual.conditions import Condition, ConditionError, samples
from bongsu.manual.schema.verification import VerificationCheck

MOST_FAILED = {"p95": 0.05, "p99": 0.01}
"""A percentile of the answers says nothing for users once more requests than this have failed:
a request that failed was slower than any."""

OWN_LIMITS = frozenset({"thresholds_missed", "limits_missed"})
"""flaws by which a test itself says that it failed; a criterion that asks for ``exit_code`` has
thought of them"""


class Verdict(NamedTuple):
    """What a check came to."""

    outcome: Outcome
    why: Reason
    numbers: Mapping[str, float]
    """what was measured; times in seconds"""


def judge(check: VerificationCheck, measured: Measured) -> Verdict:
    """Hold what was measured against the check's criterion.

    Only what the criterion asks for must be there; a pass must be whole, a failure need not be.
    A test whose own limits were missed has failed, unless the criterion asks for ``exit_code``.
    """
    return Verdict(*_judged(check, measured), numbers=numbers(measured.values))


def inconclusive(why: Reason, values: Mapping[str, object] | None = None) -> Verdict:
    """Say that nothing is known; ``values`` is what was measured all the same."""
    return Verdict("inconclusive", why, numbers(values or {}))


def _judged(check: VerificationCheck, measured: Measured) -> tuple[Outcome, Reason]:
    condition, told = Condition(check.passes), Reason("no_data")
    missed = _hopeless(condition, measured.values)
    if missed is not None:
        return "failed", missed
    for values in _each(measured):
        if (why := _unusable(check, condition, values)) is not None:
            return "inconclusive", why
        told = Reason("criterion_met", {"numbers": in_short(values, condition.variables)})
        try:
            if not condition.holds(values):
                return "failed", Reason("criterion_missed", told.values)
        except ConditionError as error:
            return "inconclusive", Reason("criterion_unanswered", {"error": error.reason[:200]})
    return _believed(condition, measured.flaw, told)


def _believed(condition: Condition, flaw: Reason | None, told: Reason) -> tuple[Outcome, Reason]:
    """Say what a criterion that holds is worth."""
    if flaw is not None and flaw.code not in OWN_LIMITS:
        return "inconclusive", flaw
    if flaw is not None and "exit_code" not in condition.variables:
        return "failed", flaw
    return ("inconclusive" if told.code == "no_data" else "passed"), told


def _each(measured: Measured) -> Iterator[Mapping[str, object]]:
    if not measured.series:
        yield measured.values
    for value in measured.series:
        yield {**measured.values, "value": value}


def _hopeless(condition: Condition, values: Mapping[str, object]) -> Reason | None:
    """Failures that a criterion on times would not see."""
    rate = values.get("error_rate")
    if (
        not isinstance(rate, float)
        or not math.isfinite(rate)
        or "error_rate" in condition.variables
    ):
        return None
    if rate >= 1:
        return Reason("all_failed")
    allowed = [most for name, most in MOST_FAILED.items() if name in condition.variables]
    if allowed and rate > min(allowed):
        return Reason("too_many_failed", {"share": percent(rate)})
    return None


def _unusable(
    check: VerificationCheck, condition: Condition, values: Mapping[str, object]
) -> Reason | None:
    """Why the criterion can't be answered by these values."""
    asked = condition.variables
    for name in sorted(asked):
        if name not in samples(scope_of(check)) or values.get(name) is None:
            return Reason("not_measured", {"name": name})
        found = values[name]
        if isinstance(found, float) and not math.isfinite(found):
            return Reason("not_a_number", {"name": name, "value": str(found)})
    if not asked:
        return Reason("asks_nothing")
    return None


def numbers(values: Mapping[str, object]) -> dict[str, float]:
    """Return what JSON can hold of it: finite numbers, times as seconds."""
    found = {name: _number(value) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def _number(value: object) -> float | None:
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 6)
    if isinstance(value, (int, float)) and math.isfinite(value):
        return round(float(value), 6)
    return None


def in_short(values: Mapping[str, object], names: frozenset[str]) -> str:
    """Write values as a criterion names them: ``error_rate 0.4%, p95 412 ms``."""
    return ", ".join(f"{name} {written(name, values[name])}" for name in sorted(names))


def written(name: str, value: object) -> str:
    """Write one value for people, in the unit that its name has."""
    if isinstance(value, timedelta):
        return _time(value.total_seconds())
    if isinstance(value, (int, float)) and name in ("error_rate", "pass_rate"):
        return percent(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    minutes, left = divmod(seconds, 60)
    return f"{minutes:.0f} min {left:.0f} s" if minutes else f"{left:.3g} s"


def percent(share: float) -> str:
    """Write a share for people; one that is not whole is never rounded to it."""
    text = f"{share * 100:.3g}%"
    return f"{math.floor(share * 1000) / 10}%" if text == "100%" and share < 1 else text
