"""A report, a change and a comparison as programs read them: in words of the asked language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from bongsu.i18n import Translator
from bongsu.incident.alert import Link, Remark
from bongsu.incident.diagnosis import Comparison
from bongsu.incident.diagnosis.comparison import Moved
from bongsu.incident.report import Change, Evidence, Finding, Looked, NextAction, Report
from bongsu.incident.timeline import actor_name
from bongsu.logs.analysis import Analysis
from bongsu.manual.schema.base import Text
from bongsu.manual.schema.document import Manual
from bongsu.store.changes import KeptChange
from bongsu.store.reports import KeptReport, ReportRow
from bongsu.web.api.views import Named, named_service, named_type

Seconds = Annotated[float, Meta(description="seconds")]


class FindingView(msgspec.Struct, frozen=True):
    """One thing that is wrong or worth knowing (소견), with its evidence.

    `weight` (0 to 1) says how much it tells; `code` is stable.
    """

    code: str
    text: str
    verdict: str
    weight: float
    check: str
    check_name: str
    service: Named | None
    subject: str
    evidence: Evidence


class CheckView(msgspec.Struct, frozen=True):
    """What came of one check; `unknown` could not be looked at, and `why` says why."""

    check: str
    name: str
    group: str
    verdict: str
    took_seconds: Seconds
    why: str
    service: Named | None
    findings: int
    evidence: Evidence


class ReportChangeView(msgspec.Struct, frozen=True):
    """Something that was changed, and how well it explains the onset (`score`, 0 to 1)."""

    at: datetime
    kind: str
    subject: str
    text: str
    service: Named | None
    source: str
    score: float
    reasons: list[str]
    link: str
    evidence: Evidence


class ReportActionView(msgspec.Struct, frozen=True):
    """What the manual says to do about what was found; `because` names findings or checks."""

    text: str
    playbook: str
    command: str
    because: Sequence[str]


class AffectedView(msgspec.Struct, frozen=True):
    """A service that is broken, or leans on one that is (`through`)."""

    service: Named
    verdict: str
    through: list[Named]


class ProposalView(msgspec.Struct, frozen=True):
    """The severity and type that the manual's rules give to what was found."""

    severity: str | None
    type: Named | None
    why: str


class LogsView(msgspec.Struct, frozen=True):
    """The patterns of one log query, the most remarkable first."""

    query: str
    name: str
    analysis: Analysis


class ReportHead(msgspec.Struct, frozen=True):
    """A report in a list; `why` is `opened` or `asked`."""

    id: int
    taken_at: datetime
    asked_by: str
    asked_by_name: str
    why: str


class ReportView(msgspec.Struct, frozen=True):
    """The first report: what was looked at, what was found, what the manual says to do about it.

    Without an incident `id` is null. Findings and changes are ranked.
    """

    id: int | None
    incident: str
    service: Named | None
    started_at: datetime
    taken_at: datetime
    took_seconds: Seconds
    deadline_seconds: Seconds
    asked_by: str
    why: str
    proposal: ProposalView
    affected: list[AffectedView]
    checks: list[CheckView]
    findings: list[FindingView]
    not_checked: list[CheckView]
    changes: list[ReportChangeView]
    logs: list[LogsView]
    next_actions: list[ReportActionView]
    manual: str


class MovedView(msgspec.Struct, frozen=True):
    """A check whose verdict is another one."""

    check: str
    name: str
    before: str
    after: str


class NumberView(msgspec.Struct, frozen=True):
    """A number that moved; its unit is part of its name."""

    check: str
    check_name: str
    number: str
    before: float
    after: float


class ComparisonView(msgspec.Struct, frozen=True):
    """What the second report says otherwise than the first.

    `unseen` could be looked at only one of the two times, which says nothing of it. `severity` has
    both proposed ones where they differ; an empty one is none.
    """

    before: datetime
    after: datetime
    better: list[MovedView]
    worse: list[MovedView]
    unseen: list[MovedView]
    new: list[FindingView]
    gone: list[FindingView]
    numbers: list[NumberView]
    severity: tuple[str, str] | None


class ChangeView(msgspec.Struct, frozen=True):
    """A change event as it was told; `told_by` is an integration or `person:ID`."""

    id: int
    at: datetime
    received_at: datetime
    kind: str
    subject: str
    summary: str
    service: Named | None
    source: str
    told_by: str
    told_by_name: str
    links: Sequence[Link]
    details: dict[str, str]


class Shown:
    """Puts reports into the words of one manual and one language."""

    def __init__(self, manual: Manual, t: Translator) -> None:
        self.manual, self.t = manual, t
        self._checks: dict[str, Text] = {
            name: check.name for name, check in manual.diagnosis.checks.items()
        }
        self._logs: dict[str, Text] = {
            name: query.name for name, query in manual.diagnosis.logs.items()
        }

    def kept(self, kept: KeptReport) -> ReportView:
        """Show a report of an incident."""
        return self.report(kept.report, kept.row)

    def report(self, report: Report, row: ReportRow | None = None) -> ReportView:
        """Show a report."""
        proposal = report.proposal
        return ReportView(
            id=row.id if row else None, incident=report.incident,
            service=self.service(report.service or None), started_at=report.started_at,
            taken_at=report.taken_at, took_seconds=report.took_s,
            deadline_seconds=report.deadline_s, asked_by=row.asked_by if row else "",
            why=row.why if row else "asked", manual=report.manual,
            proposal=ProposalView(
                proposal.severity, named_type(proposal.type, self.manual, self.t), proposal.why
            ),
            affected=[
                AffectedView(
                    self.a_service(one.service), one.verdict,
                    [self.a_service(name) for name in one.through],
                )
                for one in report.affected
            ],
            checks=[self.check(one) for one in report.checks],
            findings=[self.finding(one) for one in report.findings],
            not_checked=[self.check(one) for one in report.not_checked],
            changes=[self.report_change(one) for one in report.changes],
            logs=[LogsView(name, self.log_name(name), one) for name, one in report.logs.items()],
            next_actions=[self.action(one) for one in report.next_actions],
        )  # fmt: skip

    def head(self, row: ReportRow) -> ReportHead:
        """Show a line of the list of reports."""
        who = actor_name(row.asked_by, self.manual, self.t.lang)
        return ReportHead(row.id, row.taken_at, row.asked_by, who, row.why)

    def finding(self, found: Finding) -> FindingView:
        """Show a finding."""
        return FindingView(
            found.code, self.says(found.says), found.verdict, found.weight, found.check,
            self.check_name(found.check), self.service(found.service), found.subject,
            found.evidence,
        )  # fmt: skip

    def check(self, looked: Looked) -> CheckView:
        """Show what came of a check."""
        return CheckView(
            looked.check, self.check_name(looked.check), looked.group, looked.verdict,
            looked.took_s, self.says(looked.why), self.service(looked.service),
            len(looked.findings), looked.evidence,
        )  # fmt: skip

    def report_change(self, change: Change) -> ReportChangeView:
        """Show a change as a report ranks it."""
        return ReportChangeView(
            change.at, change.kind, change.subject, self.says(change.says),
            self.service(change.service), self.source(change.source), change.score,
            [self.says(why) for why in change.reasons], change.link, change.evidence,
        )  # fmt: skip

    def source(self, told_by: str) -> str:
        """Return who told of a change, for people: an integration, a person, or a system."""
        if told_by in self.manual.signals.integrations:
            told_by = f"integration:{told_by}"
        return actor_name(told_by, self.manual, self.t.lang)

    def action(self, action: NextAction) -> ReportActionView:
        """Show what to do."""
        text = action.says.get(self.t.lang) or next(iter(action.says.values()), "")
        return ReportActionView(text, action.playbook, action.command, action.because)

    def change(self, kept: KeptChange) -> ChangeView:
        """Show a change event."""
        event = kept.event
        return ChangeView(
            kept.id, event.at, kept.received_at, event.kind, event.subject, event.summary,
            self.service(event.service), event.source, kept.told_by,
            self.source(kept.told_by), event.links, event.details,
        )  # fmt: skip

    def compared(self, made: Comparison) -> ComparisonView:
        """Show two reports held against each other."""
        return ComparisonView(
            made.before, made.after, self.moved(made.better), self.moved(made.worse),
            self.moved(made.unseen), [self.finding(one) for one in made.new],
            [self.finding(one) for one in made.gone],
            [
                NumberView(one.check, self.check_name(one.check), one.name, one.before, one.after)
                for one in made.numbers
            ],
            made.severity,
        )  # fmt: skip

    def moved(self, some: Iterable[Moved]) -> list[MovedView]:
        """Show checks whose verdict is another one."""
        return [MovedView(o.check, self.check_name(o.check), o.before, o.after) for o in some]

    def says(self, remark: Remark | None) -> str:
        """Return a remark in the reader's language."""
        return remark.says(self.t.lang) if remark else ""

    def check_name(self, check: str) -> str:
        """Return what the manual calls a check."""
        if known := self._checks.get(check):
            return known.in_(self.t.lang)
        beside, _, name = check.partition(".")
        match beside:
            case "logs" if name:
                return self.log_name(name)
            case "changes" if name:
                return self.t("changes of {kind}", kind=name)
            case "health" if known_service := self.service(name):
                return known_service.name
        return check

    def log_name(self, query: str) -> str:
        """Return what the manual calls a log query."""
        known = self._logs.get(query)
        return known.in_(self.t.lang) if known else query

    def service(self, name: str | None) -> Named | None:
        """Return a service with its name."""
        return named_service(name, self.manual, self.t)

    def a_service(self, name: str) -> Named:
        """Return a service with its name."""
        return self.service(name) or Named(name, name)
