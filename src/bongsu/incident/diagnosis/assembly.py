"""The report, of what came of looking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.changes import rank as rank_changes
from bongsu.incident.diagnosis.facts import Facts
from bongsu.incident.diagnosis.ranking import affected, rank
from bongsu.incident.diagnosis.rules import conclude
from bongsu.incident.report import Change, Evidence, Finding, Looked, Report
from bongsu.logs.analysis import Analysis, Novelty, Pattern
from bongsu.manual.schema.document import Manual

PATTERNS_A_QUERY = 3
"""log patterns that become findings; the others are in the report's ``logs``"""
UNUSUAL: dict[Novelty, tuple[str, str]] = {
    "new": ("log_pattern_new", N_("a new kind of log line, {count} times: {template}")),
    "spiking": (
        "log_pattern_spiking",
        N_("a log line {count} times where {expected} are usual: {template}"),
    ),
}
LONGEST_TEMPLATE = 160


def assemble(
    manual: Manual,
    facts: Facts,
    *,
    looked: Iterable[Looked],
    logs: Mapping[str, Analysis],
    changes: Iterable[Change] = (),
    not_looked: Iterable[Looked] = (),
    taken_at: datetime,
    began_at: datetime,
    took_s: float,
    deadline_s: float,
) -> Report:
    """Make the report; ``not_looked`` is what failed besides checks, such as reading logs."""
    checks = tuple(looked)
    services = manual.services.services
    onset = facts.started_at or began_at
    found = [one for check in checks for one in _told(check)]
    found += [one for name, analysis in logs.items() for one in _unusual(name, analysis)]
    new = sum(one.novelty == "new" for analysis in logs.values() for one in analysis.patterns)
    ranked = rank(found, services)
    ruled = conclude(manual, facts, checks, ranked, new)
    return Report(
        incident=facts.incident,
        service=facts.service or "",
        started_at=onset,
        taken_at=taken_at,
        took_s=round(took_s, 3),
        deadline_s=deadline_s,
        proposal=ruled.proposal,
        affected=affected(checks, services),
        checks=checks,
        findings=rank([*found, *ruled.troubles], services),
        logs=dict(logs),
        changes=rank_changes(changes, onset, facts.service, services),
        next_actions=ruled.actions,
        not_checked=(
            *(one for one in checks if one.verdict == "unknown"),
            *not_looked,
            *_not_read(logs),
        ),
        manual=manual.sha,
    )


def _told(check: Looked) -> Iterator[Finding]:
    """Let each finding say which check found it, and about which service."""
    for one in check.findings:
        yield msgspec.structs.replace(
            one, check=one.check or check.check, service=one.service or check.service
        )


def _not_read(logs: Mapping[str, Analysis]) -> Iterator[Looked]:
    """Tell of logs of which nothing could be read; those read in part have their ``troubles``."""
    for name, analysis in logs.items():
        if analysis.troubles and not analysis.records:
            why = Remark("{trouble}", {"trouble": "; ".join(analysis.troubles)})
            yield Looked(check=f"logs.{name}", verdict="unknown", took_s=0.0, why=why, group="logs")


def _unusual(query: str, analysis: Analysis) -> Iterator[Finding]:
    told = [one for one in analysis.patterns if one.error and one.novelty in UNUSUAL]
    for place, pattern in enumerate(told[:PATTERNS_A_QUERY]):
        yield _of_pattern(query, pattern, weight=0.6 - 0.1 * place)


def _of_pattern(query: str, pattern: Pattern, weight: float) -> Finding:
    code, text = UNUSUAL[pattern.novelty]
    values = {
        "count": f"{pattern.count:,}",
        "expected": f"{pattern.expected:,.1f}",
        "template": pattern.template[:LONGEST_TEMPLATE],
    }
    numbers = {"count": float(pattern.count), "expected": pattern.expected}
    return Finding(
        code=code, says=Remark(text, values), verdict="degraded", weight=round(weight, 3),
        check=f"logs.{query}", subject=pattern.template[:LONGEST_TEMPLATE],
        evidence=Evidence(output=pattern.sample, numbers=numbers),
    )  # fmt: skip
