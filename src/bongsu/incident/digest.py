"""A report in a few lines, for a message: what is wrong, what changed, what to do; then the link.

The lines are plain text without line breaks, bounded so that every channel can bear them. What a
monitored system may have said stays words: `markdown` writes it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bongsu.i18n import N_, Translator, translator
from bongsu.incident import events as e
from bongsu.incident.calls import REPORT
from bongsu.incident.literal import clean, literal
from bongsu.incident.report import Change, Finding, Report
from bongsu.incident.state import Incident, Notice
from bongsu.manual.schema.document import Manual

VERDICTS = {
    "healthy": N_("healthy"),
    "degraded": N_("degraded"),
    "unhealthy": N_("unhealthy"),
    "unknown": N_("could not look"),
}
KINDS = {
    "deployment": N_("deployment"),
    "config": N_("configuration"),
    "scale": N_("scaling"),
    "flag": N_("feature flag"),
    "event": N_("event"),
}
_MARKS = {"healthy": "✓", "degraded": "▲", "unhealthy": "✕", "unknown": "?"}
FINDINGS, CHANGES, PATTERNS, ACTIONS, NAMED = 5, 2, 2, 3, 5
"""how many of each are said"""
FIRST = N_("First report: {broken} of {count} checks found something wrong, in {seconds} s")
AGAIN = N_("Looked again: {broken} of {count} checks found something wrong, in {seconds} s")
LONGEST_LINE = 280
"""characters; with at most `FINDINGS` + … + 6 lines a digest stays below 6,000"""


class Digest(NamedTuple):
    """A report in a few lines."""

    title: str
    lines: tuple[str, ...]

    def markdown(self) -> str:
        """Return it as Markdown in which every word stays what it is."""
        lines = (f"- {literal(line)}" for line in self.lines)
        return "\n".join((f"**{literal(self.title)}**", "", *lines))


def digest(report: Report, manual: Manual, t: Translator) -> Digest:
    """Say the most telling of a report in few lines, in the translator's language."""
    lines = (_line(line) for line in _Teller(report, manual, t).lines())
    return Digest(_line(_title(report, t, FIRST)), tuple(lines))


def again(report: Report, former: e.Diagnosed, manual: Manual, t: Translator) -> Digest:
    """Say only what is otherwise than at the former report, for whoever has read that one."""
    lines = (_line(line) for line in _Teller(report, manual, t).moved(former))
    return Digest(_line(_title(report, t, AGAIN)), tuple(lines))


def report_notices(
    manual: Manual, incident: Incident, report_id: int, report: Report
) -> list[e.NoticeDue]:
    """Return what tells of a report at each Slack address that heard of the incident before.

    It goes out like every notice, as an answer to the first message there (`thread_of`), a page
    or a notice; who has heard nothing yet hears nothing of this either. Whoever has read a report
    of this incident is told only what has moved since.
    """
    sent = ((one.channel, one.to) for one in incident.deliveries.values())
    due = ((one.channel, one.to) for one in incident.notices.values())
    told = dict.fromkeys(to for channel, to in (*sent, *due) if channel == "slack")
    t, former = translator(manual.overview.locale), incident.diagnosed
    told_of = again(report, former, manual, t) if former else digest(report, manual, t)
    text = told_of.markdown()
    return [
        e.NoticeDue(
            f"r{report_id}.{index}", REPORT, "slack", to, text, e.Reason("report_made"), index
        )
        for index, to in enumerate(told)
    ]


def thread_of(incident: Incident, notice: Notice) -> str:
    """Return the receipt of the message that a report answers; empty where there is none."""
    if notice.template != REPORT:
        return ""
    reports = {one.id for one in incident.notices.values() if one.template == REPORT}
    sent = (
        one.receipt for one in incident.deliveries.values()
        if one.ref not in reports and (one.channel, one.to) == (notice.channel, notice.to)
    )  # fmt: skip
    return next((receipt for receipt in sent if receipt), "")


def _line(text: str) -> str:
    text = " ".join(clean(text).split())
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"


def _title(report: Report, t: Translator, text: str) -> str:
    broken = sum(one.verdict in ("unhealthy", "degraded") for one in report.checks)
    took = f"{report.took_s:.1f}"
    return t(text, broken=broken, count=len(report.checks), seconds=took)


class _Teller:
    def __init__(self, report: Report, manual: Manual, t: Translator) -> None:
        self.report, self.manual, self.t = report, manual, t

    def lines(self) -> Iterator[str]:
        """From the top: what is wrong, how severe, whom it concerns, what changed, what to do."""
        yield from self._findings()
        yield from self._proposal()
        yield from self._affected()
        yield from (self._change(one) for one in self._before()[:CHANGES])
        yield from self._patterns()
        yield from self._actions()
        yield from self._not_checked()

    def moved(self, former: e.Diagnosed) -> Iterator[str]:
        """What each check says otherwise than it did, and why."""
        before = dict(one.rpartition("=")[::2] for one in former.checks)
        looked = {one.check: one for one in (*self.report.checks, *self.report.not_checked)}
        found = [
            one for one in looked.values() if before.get(one.check, one.verdict) != one.verdict
        ]
        if not found:
            yield self.t(N_("Nothing has moved since the last report."))
        for one in found[:FINDINGS]:
            was, now = (self.t(VERDICTS[word]) for word in (before[one.check], one.verdict))
            says = (why.says for why in self.report.findings if why.check == one.check)
            why = next((f" · {each.says(self.t.lang)}" for each in says), "")
            yield f"{_MARKS[one.verdict]} {self._check(one.check)}: {was} → {now}{why}"
        if len(found) > FINDINGS:
            yield self.t("{count} more", count=f"{len(found) - FINDINGS:,}")

    def _findings(self) -> Iterator[str]:
        found = self.report.findings
        if not found:
            yield self.t(N_("No check that could look found anything wrong."))
        yield from (self._finding(one) for one in found[:FINDINGS])
        if len(found) > FINDINGS:
            yield self.t("{count} more", count=f"{len(found) - FINDINGS:,}")

    def _finding(self, found: Finding) -> str:
        return f"{_MARKS[found.verdict]} {found.says.says(self.t.lang)}"

    def _proposal(self) -> Iterator[str]:
        found = self.report.proposal
        if found.severity is not None:
            text = N_("By the manual's rules: {severity} ({why})")
            yield self.t(text, severity=found.severity, why=found.why or "-")

    def _affected(self) -> Iterator[str]:
        names = [self._service(one.service) for one in self.report.affected]
        if names:
            yield self.t("Affected: {services}", services=_few(names))

    def _before(self) -> list[Change]:
        return [one for one in self.report.changes if one.at <= self.report.started_at]

    def _change(self, change: Change) -> str:
        lang = self.t.lang
        why = " · ".join(reason.says(lang) for reason in change.reasons)
        kind = self.t(KINDS[change.kind])
        return self.t("Changed ({kind}): {what} - {why}", kind=kind, what=change.says.says(lang),
                      why=why)  # fmt: skip

    def _patterns(self) -> Iterator[str]:
        found = [
            one for analysis in self.report.logs.values() for one in analysis.patterns
            if one.novelty in ("new", "spiking")
        ]  # fmt: skip
        for one in sorted(found, key=lambda pattern: -pattern.score)[:PATTERNS]:
            text = N_("In the logs, {count} times: {template}")
            yield self.t(text, count=f"{one.count:,}", template=one.template)

    def _actions(self) -> Iterator[str]:
        for one in self.report.next_actions[:ACTIONS]:
            said = one.says.get(self.t.lang) or next(iter(one.says.values()), "")
            parts = (said, one.playbook or one.command)
            yield "→ " + " · ".join(part for part in parts if part)

    def _not_checked(self) -> Iterator[str]:
        names = [self._check(one.check) for one in self.report.not_checked]
        if names:
            yield self.t("Could not look: {checks}", checks=_few(names))

    def _service(self, name: str) -> str:
        known = self.manual.services.services.get(name)
        return known.name.in_(self.t.lang) if known else name

    def _check(self, name: str) -> str:
        known = self.manual.diagnosis.checks.get(name)
        return known.name.in_(self.t.lang) if known else name


def _few(names: Iterable[str]) -> str:
    known = list(dict.fromkeys(names))
    more = f" +{len(known) - NAMED:,}" if len(known) > NAMED else ""
    return ", ".join(known[:NAMED]) + more
