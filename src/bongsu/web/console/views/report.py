"""What a report shows on a page: the most telling first, and never more than a page can bear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bongsu.i18n import N_, Translator
from bongsu.incident.digest import VERDICTS as NAMES
from bongsu.incident.state import Incident
from bongsu.logs.analysis import Pattern
from bongsu.manual.schema.document import Manual
from bongsu.store.reports import KeptReport, ReportRow
from bongsu.web.access.actor import Actor
from bongsu.web.api.report_views import (
    AffectedView,
    CheckView,
    FindingView,
    ReportActionView,
    ReportChangeView,
    ReportHead,
    Shown,
)

VERDICTS = ("unhealthy", "degraded", "unknown", "healthy")
NOVELTIES = {
    "new": N_("new"),
    "spiking": N_("spiking"),
    "usual": N_("usual"),
    "fading": N_("fading"),
}
LONGEST_OUTPUT = 2_000
"""characters of an answer that a page shows; the API has the rest"""
SPARK_WIDTH, SPARK_HEIGHT, SPARK_BARS = 120, 24, 60


@dataclass(frozen=True)
class Most:
    """How much of each list is shown."""

    findings: int
    checks: int
    changes: int
    patterns: int


ON_THE_PAGE = Most(findings=5, checks=10, changes=5, patterns=3)
"""on the incident's page"""
WHOLE = Most(findings=200, checks=200, changes=100, patterns=20)
"""on the report's own page"""


@dataclass(frozen=True)
class Chip:
    """How many checks came to a verdict."""

    verdict: str
    name: str
    count: int


@dataclass(frozen=True)
class ProposalShown:
    """The severity that the manual's rules give, and whether it is another one than it has."""

    severity: str
    name: str
    why: str
    differs: bool
    may_change: bool


@dataclass(frozen=True)
class PatternShown:
    """One template of the logs."""

    query: str
    pattern: Pattern
    novelty: str
    spark: str
    """points of an SVG polygon, within `SPARK_WIDTH` × `SPARK_HEIGHT`"""


@dataclass(frozen=True)
class ReportShown:
    """One report on a page; ``more_…`` say how many there are beyond what is shown."""

    id: int
    taken_at: datetime
    took_s: float
    asked_by: str
    late: bool
    chips: tuple[Chip, ...]
    proposal: ProposalShown | None
    type: str
    affected: tuple[AffectedView, ...]
    findings: tuple[FindingView, ...]
    more_findings: int
    not_checked: tuple[CheckView, ...]
    more_not_checked: int
    checks: tuple[CheckView, ...]
    changes: tuple[ReportChangeView, ...]
    more_changes: int
    patterns: tuple[PatternShown, ...]
    more_patterns: int
    troubles: tuple[str, ...]
    actions: tuple[ReportActionView, ...]
    others: tuple[ReportHead, ...]
    """reports made before it"""


def report_shown(
    kept: KeptReport,
    incident: Incident,
    actor: Actor,
    manual: Manual,
    t: Translator,
    *,
    most: Most = ON_THE_PAGE,
    others: Sequence[ReportRow] = (),
) -> ReportShown:
    """Work out what a page shows of a report."""
    report, shown = kept.report, Shown(manual, t)
    patterns = _patterns(kept, shown)
    kind = manual.incident_type(report.proposal.type) if report.proposal.type else None
    return ReportShown(
        id=kept.row.id, taken_at=report.taken_at, took_s=round(report.took_s, 1),
        asked_by=shown.head(kept.row).asked_by_name,
        late=report.took_s >= report.deadline_s,
        chips=tuple(_chips(kept, t)),
        proposal=_proposal(kept, incident, actor, manual, t),
        type=kind[1].name.in_(t.lang) if kind else "",
        affected=tuple(
            AffectedView(
                shown.a_service(one.service), one.verdict,
                [shown.a_service(name) for name in one.through],
            )
            for one in report.affected[: most.checks]
        ),
        findings=tuple(shown.finding(one) for one in report.findings[: most.findings]),
        more_findings=max(len(report.findings) - most.findings, 0),
        not_checked=tuple(shown.check(one) for one in report.not_checked[: most.checks]),
        more_not_checked=max(len(report.not_checked) - most.checks, 0),
        checks=tuple(shown.check(one) for one in report.checks[: most.checks]),
        changes=tuple(shown.report_change(one) for one in report.changes[: most.changes]),
        more_changes=max(len(report.changes) - most.changes, 0),
        patterns=tuple(patterns[: most.patterns]),
        more_patterns=max(len(patterns) - most.patterns, 0),
        troubles=tuple(
            trouble for one in report.logs.values() for trouble in one.troubles
        )[: most.checks],
        actions=tuple(shown.action(one) for one in report.next_actions[: most.checks]),
        others=tuple(shown.head(row) for row in others if row.id != kept.row.id),
    )  # fmt: skip


def _chips(kept: KeptReport, t: Translator) -> list[Chip]:
    counted: Counter[str] = Counter(one.verdict for one in kept.report.checks)
    counted["unknown"] = max(counted["unknown"], len(kept.report.not_checked))
    return [Chip(one, t(NAMES[one]), counted[one]) for one in VERDICTS if counted[one]]


def _proposal(
    kept: KeptReport, incident: Incident, actor: Actor, manual: Manual, t: Translator
) -> ProposalShown | None:
    found = kept.report.proposal
    if found.severity is None:
        return None
    differs = found.severity != incident.severity
    # What was found may be less than what is broken: nothing is lowered while alerts fire.
    fits = found.severity < incident.severity or (differs and not incident.firing)
    return ProposalShown(
        found.severity, manual.overview.severities[found.severity].name.in_(t.lang), found.why,
        differs, fits and incident.open and actor.may("responder"),
    )  # fmt: skip


def _patterns(kept: KeptReport, shown: Shown) -> list[PatternShown]:
    """Return the patterns of all queries, the most remarkable first."""
    found = [
        PatternShown(
            shown.log_name(query), pattern,
            shown.t(NOVELTIES.get(pattern.novelty, pattern.novelty)), spark(pattern.rate),
        )
        for query, analysis in kept.report.logs.items()
        for pattern in analysis.patterns
    ]  # fmt: skip
    return sorted(found, key=lambda one: -one.pattern.score)


def spark(rate: Sequence[int]) -> str:
    """Return the points of a small area that shows a rate; empty where there is none."""
    counts = _fewer(rate)
    top = max(counts, default=0)
    if top <= 0:
        return ""
    step = SPARK_WIDTH / max(len(counts) - 1, 1)
    points = [
        f"{n * step:.1f},{SPARK_HEIGHT - count / top * SPARK_HEIGHT:.1f}"
        for n, count in enumerate(counts)
    ]
    return " ".join((f"0,{SPARK_HEIGHT}", *points, f"{SPARK_WIDTH},{SPARK_HEIGHT}"))


def _fewer(rate: Sequence[int]) -> list[int]:
    """Join neighbours until a picture can show them all; a peak stays a peak."""
    size = -(-len(rate) // SPARK_BARS) or 1
    return [max(rate[n : n + size]) for n in range(0, len(rate), size)]
