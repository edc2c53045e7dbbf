"""Two reports, before and after: what is better, worse, new, gone, and which numbers moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from bongsu.incident.diagnosis.ranking import BROKEN
from bongsu.incident.report import Evidence, Finding, Report, Verdict

STEPS: Mapping[Verdict, int] = {"healthy": 0, "degraded": 1, "unhealthy": 2}
LEAST_CHANGE = 0.05
"""a number that moved by a smaller share of itself has not moved"""
TIMINGS = frozenset({"took_s", "dns_s", "connect_s", "tls_s", "first_byte_s"})
"""how long a look itself took, which is another time with every look"""
LEAST_SLOWER, LEAST_SLOWER_S = 0.5, 0.1
"""share of itself, and seconds, by which those must have moved"""


class Moved(msgspec.Struct, frozen=True):
    """A check whose verdict is another one."""

    check: str
    before: Verdict
    after: Verdict


class Number(msgspec.Struct, frozen=True):
    """A number that moved."""

    check: str
    name: str
    before: float
    after: float


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a second report says otherwise than a first one."""

    before: datetime
    """when the first was taken"""
    after: datetime
    better: tuple[Moved, ...] = ()
    worse: tuple[Moved, ...] = ()
    unseen: tuple[Moved, ...] = ()
    """checks that could be looked at only one of the two times, which says nothing of them"""
    new: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    """findings of checks that could be looked at both times"""
    numbers: tuple[Number, ...] = ()
    severity: tuple[str, str] | None = None
    """the proposed severities, where they differ; '' is none"""


def compare(before: Report, after: Report) -> Comparison:
    """Compare two reports of the same thing."""
    moved = list(_moved(before, after))
    severities = (before.proposal.severity or "", after.proposal.severity or "")
    return Comparison(
        before=before.taken_at,
        after=after.taken_at,
        better=tuple(one for one in moved if _steps(one) < 0),
        worse=tuple(one for one in moved if _steps(one) > 0),
        unseen=tuple(one for one in moved if _steps(one) == 0),
        new=tuple(_only(after, before)),
        gone=tuple(_only(before, after)),
        numbers=tuple(_numbers(before, after)),
        severity=severities if severities[0] != severities[1] else None,
    )


def _moved(before: Report, after: Report) -> Iterator[Moved]:
    former = {one.check: one.verdict for one in before.checks}
    for one in after.checks:
        was = former.get(one.check)
        if was is not None and was != one.verdict:
            yield Moved(one.check, was, one.verdict)


def _steps(one: Moved) -> int:
    """Return by how much it got worse; 0 where one of the two could not be looked at."""
    if "unknown" in (one.before, one.after):
        return 0
    return STEPS[one.after] - STEPS[one.before]


def _only(here: Report, there: Report) -> Iterator[Finding]:
    """Yield the findings of one report that the other, which could look, does not have."""
    known = {_same(one) for one in there.findings}
    seen = {one.check for one in there.checks if one.verdict != "unknown"}
    seen |= {f"logs.{name}" for name in there.logs}
    for one in here.findings:
        if one.verdict in BROKEN and one.check in seen and _same(one) not in known:
            yield one


def _same(one: Finding) -> tuple[str, str, str]:
    """Return what makes a finding the same again; a process' number makes none another one."""
    kind, _, name = one.subject.partition("/")
    return one.code, one.check, kind if name.isdigit() else one.subject


def _numbers(before: Report, after: Report) -> Iterator[Number]:
    former = {one.check: one.evidence for one in before.checks if one.verdict != "unknown"}
    for one in after.checks:
        if one.verdict == "unknown":
            continue  # its numbers are those of a look that failed
        was = former.get(one.check, Evidence()).numbers
        for name in _shared(was, one.evidence.numbers):
            old, new = was[name], one.evidence.numbers[name]
            if _has_moved(name, old, new):
                yield Number(one.check, name, old, new)


def _has_moved(name: str, old: float, new: float) -> bool:
    by, most = abs(new - old), max(abs(old), abs(new))
    if name in TIMINGS:
        return by > LEAST_SLOWER_S and by > LEAST_SLOWER * most
    return by > LEAST_CHANGE * most


def _shared(old: Mapping[str, float], new: Mapping[str, float]) -> Iterable[str]:
    return [name for name in new if name in old]
