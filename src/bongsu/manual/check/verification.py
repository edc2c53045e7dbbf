"""verification.yaml: tests that can be run, and criteria that could be missed and could be met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from bongsu.i18n import N_
from bongsu.manual.check.conditions import scope_of
from bongsu.manual.check.procedure import empty
from bongsu.manual.conditions import Condition, ConditionError, samples
from bongsu.manual.problems import KeyPath, Problem, error
from bongsu.manual.schema.base import SEVERITY_LEVELS, format_duration
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.verification import VerificationCheck

_SOON = timedelta(milliseconds=1)
_WELL = {"p95": _SOON, "p99": _SOON, "took": _SOON}
"""what a test measures where all is well, as far as a sample is not that good"""


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at every check of the recovery, and at the watch after it."""
    for group in ("smoke", "performance", "monitoring"):
        for name, check in getattr(manual.verification, group).items():
            path = ("verification", group, name)
            yield from _test(path, check)
            yield from _shares(path, check)
            yield from _required(path, check)
    yield from _watch(manual)


def _test(path: KeyPath, check: VerificationCheck) -> Iterator[Problem]:
    if check.test.kind == "command" and not check.test.argv:
        yield empty((*path, "test", "argv"), "argv")
    if check.test.kind == "no_alerts" and not check.test.severities:
        yield empty((*path, "test", "severities"), "severities")


def _shares(path: KeyPath, check: VerificationCheck) -> Iterator[Problem]:
    """Shares go from 0 to 1; who writes percent lets everything pass, or nothing."""
    here, known = (*path, "passes"), {**samples(scope_of(check)), **_WELL}
    if _holds(check, {**known, "error_rate": 0.5}, "error_rate"):
        yield error(
            here, N_("it is met even where half of the requests fail"),
            N_("error_rate is a share: write 0.01 for 1 %"),
        )  # fmt: skip
    if _holds(check, {**known, "pass_rate": 100.0}, "pass_rate") and not _holds(
        check, {**known, "pass_rate": 1.0}, "pass_rate"
    ):
        yield error(
            here, N_("it is not met even where every test passes"),
            N_("pass_rate is a share: write 1.0 for 100 %"),
        )  # fmt: skip


def _holds(check: VerificationCheck, values: Mapping[str, object], about: str) -> bool:
    """Whether a criterion that asks about ``about`` is met; one that can't be read is said so."""
    try:
        condition = Condition(check.passes)
        return about in condition.variables and condition.holds(values)
    except ConditionError:
        return False


def _required(path: KeyPath, check: VerificationCheck) -> Iterator[Problem]:
    everywhere = len(set(check.required)) == len(SEVERITY_LEVELS)
    for index, level in enumerate(check.required):
        if level not in check.severities and not everywhere:
            yield error(
                (*path, "required", index), N_("it is not run for {level}"),
                N_("add {level} to its severities, or take it out here"), level=level,
            )  # fmt: skip


def _watch(manual: Manual) -> Iterator[Problem]:
    watch, reopen = manual.verification.watch, manual.signals.reopen_within
    if watch > reopen:
        yield error(
            ("verification", "watch"),
            N_("an alert that comes back {reopen} after the end opens another incident"),
            N_("write reopen_within: {watch} in signals.yaml, or a shorter watch"),
            watch=format_duration(watch), reopen=format_duration(reopen),
        )  # fmt: skip
