"""An incident's log in words, one line an event, in Korean or English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from bongsu.i18n import Translator
from bongsu.incident import events as e
from bongsu.incident.reasons import (
    channel_name,
    clock_name,
    explain,
    integration_name,
    person_name,
    target_name,
)
from bongsu.incident.runs.state import RunEvent
from bongsu.incident.runs.words import RunReader
from bongsu.incident.times import moment, span
from bongsu.incident.verification.state import VerificationEvent
from bongsu.incident.verification.words import said
from bongsu.manual.schema.document import Manual

Tone = Literal[
    "life", "page", "delivery", "notice", "people", "alert", "check", "run", "fact", "trouble"
]


class Entry(NamedTuple):
    """One line of the timeline."""

    seq: int
    at: datetime
    actor: str
    """who did it, for people; empty for Bongsu itself"""
    kind: str
    tone: Tone
    text: str
    why: str


def timeline(log: Iterable[e.Event], manual: Manual, t: Translator) -> Iterator[Entry]:
    """Put a log into words, oldest first."""
    reader = _Reader(manual, t)
    for event in log:
        yield reader.read(event)


def actor_name(actor: str, manual: Manual, lang: str) -> str:
    """Return who did it, for people; empty for Bongsu itself."""
    kind, _, name = actor.partition(":")
    match kind:
        case "person":
            return person_name(name, manual)
        case "integration":
            return integration_name(name, manual, lang)
        case e.SYSTEM:
            return ""
        case _:
            return actor


class _Reader:
    """Reads a log from its beginning, and so knows what later events only name by its id."""

    def __init__(self, manual: Manual, t: Translator) -> None:
        self._manual, self._t = manual, t
        self._runs = RunReader(manual, t)
        self._paged: dict[str, str] = {}
        """page → person"""
        self._sent: dict[str, str] = {}
        """delivery → where to, in words"""

    def read(self, event: e.Event) -> Entry:
        match event.body:
            case e.Paged():
                self._paged[event.body.page] = event.body.person
            case e.DeliveryDue():
                self._sent[event.body.delivery] = self._destination(event.body)
        tone, text = self._said(event.body)
        reason = getattr(event.body, "why", None)
        why = explain(reason, self._manual, self._t) if isinstance(reason, e.Reason) else ""
        actor, kind = actor_name(event.actor, self._manual, self._t.lang), e.kind_of(event.body)
        return Entry(event.seq, event.at, actor, kind, tone, text, why)

    def _said(self, body: e.AnyBody) -> tuple[Tone, str]:
        if isinstance(body, RunEvent):
            trouble, text = self._runs.read(body)
            return "trouble" if trouble else "run", text
        if isinstance(body, VerificationEvent):
            return said(body, self._manual, self._t)
        return self._words(body)

    def _words(  # noqa: C901, PLR0911, PLR0912, PLR0915  one exhaustive match over the sum type
        self, body: e.IncidentBody
    ) -> tuple[Tone, str]:
        t, name, role = self._t, self._name, self._role
        match body:
            case e.Opened():
                return "life", t(
                    "Incident opened as {severity}: {title}",
                    severity=body.severity, title=body.title,
                )  # fmt: skip
            case e.Confirmed():
                return "life", _noted(t("Confirmed: it is real"), body.note)
            case e.PresumedReal():
                return "life", t("Treated as real")
            case e.Dismissed():
                return "life", _noted(t("Dismissed as a false alarm"), body.note)
            case e.ResponseStarted():
                return "life", t("The response has begun")
            case e.RecoveryStarted():
                return "life", _noted(t("Recovery has begun"), body.note)
            case e.Recovered():
                return "life", _noted(t("Recovered; it is being watched"), body.note)
            case e.Relapsed():
                return "trouble", t("It came back")
            case e.Resolved():
                return "life", _noted(t("The incident is resolved"), body.note)
            case e.Reopened():
                return "trouble", _noted(t("The incident is open again"), body.note)
            case e.Reviewed():
                return "life", _noted(t("The review is done"), body.note)
            case e.MergedInto():
                return "life", t("Goes on in incident {incident}", incident=body.incident)
            case e.Absorbed():
                return "life", t("Incident {incident} goes on in this one", incident=body.incident)
            case e.AlertsAdded():
                return "alert", _of(body.sample, t(
                    "+{added} alerts; {firing} are firing",
                    added=f"{body.added:,}", firing=f"{body.firing:,}",
                ))  # fmt: skip
            case e.AlertsResolved():
                return "alert", t(
                    "{resolved} alerts stopped; {firing} are firing",
                    resolved=f"{body.resolved:,}", firing=f"{body.firing:,}",
                )  # fmt: skip
            case e.Paged() if body.role:
                return "page", t(
                    "{person} is called for the role {role}",
                    person=name(body.person), role=role(body.role),
                )  # fmt: skip
            case e.Paged():
                return "page", t("{person} is called", person=name(body.person))
            case e.NobodyToPage():
                return "trouble", t("Nobody to call: {target}", target=self._targets(body.target))
            case e.Unreachable():
                return "trouble", t("{person} cannot be reached", person=name(body.person))
            case e.Advanced():
                return "page", t("The next call is brought forward")
            case e.Acknowledged():
                return "page", self._via(t("{person} acknowledged", person=name(body.person)), body)
            case e.Unacknowledged():
                return "trouble", t("No longer acknowledged; the calls begin anew")
            case e.PageAnswered():
                return "page", self._via(
                    t("{person} answered the call", person=name(body.person)), body
                )
            case e.DeliveryDue() if body.attempt > 1:
                return "delivery", t(
                    "Sending, attempt {attempt}: {to}",
                    attempt=body.attempt, to=self._destination(body),
                )  # fmt: skip
            case e.DeliveryDue():
                return "delivery", t("Sending: {to}", to=self._destination(body))
            case e.Delivered():
                return "delivery", t("Delivered: {to}", to=self._to(body.delivery))
            case e.DeliveryFailed():
                return "trouble", t(
                    "Not delivered: {to}: {error}", to=self._to(body.delivery), error=body.error
                )
            case e.DeliveryWithdrawn():
                return "delivery", t("Not sent any more: {to}", to=self._to(body.delivery))
            case e.NoticeDue():
                return "notice", t("Notice to {to}", to=f"{self._channel(body.channel)} {body.to}")
            case e.RoleAssigned() if body.former:
                return "people", t(
                    "{person} takes over the role {role} from {former}",
                    person=name(body.person), role=role(body.role), former=name(body.former),
                )  # fmt: skip
            case e.RoleAssigned():
                return "people", t(
                    "{person} takes the role {role}", person=name(body.person), role=role(body.role)
                )
            case e.RoleReleased():
                return "people", t("The role {role} is open again", role=role(body.role))
            case e.TeamAssembled():
                roles = ", ".join(role(one) for one in body.roles)
                return "people", t("The team is called in: {roles}", roles=roles)
            case e.WarRoomOpened():
                return "people", t("War room opened: {link}", link=body.link)
            case e.SeverityChanged():
                text = t(
                    "Severity {former} → {severity}", former=body.former, severity=body.severity
                )
                return "fact", _noted(text, body.note)
            case e.TypeChanged():
                return "fact", t("Type: {type}", type=self._type(body.type))
            case e.Retitled():
                return "fact", t("Title: {title}", title=body.title)
            case e.NoteAdded():
                return "fact", body.text
            case e.ChecklistTicked() if body.done:
                return "fact", t("Done: {item}", item=self._item(body))
            case e.ChecklistTicked():
                return "fact", t("Not done after all: {item}", item=self._item(body))
            case e.Snoozed():
                until = moment(body.until, self._manual.overview.timezone)
                return "page", _noted(t("Calls are snoozed until {until}", until=until), body.note)
            case e.SnoozeEnded():
                return "page", t("The snooze has ended; the calls begin anew")
            case e.ClockBreached():
                return "trouble", t(
                    "Target missed: {clock} within {target}",
                    clock=clock_name(body.clock, t), target=span(body.target_seconds, t),
                )  # fmt: skip
            case e.DiagnosisDue():
                return "check", t("The first report is being made")
            case e.Diagnosed():
                return "check", self._report(body)
            case e.DiagnosisSkipped():
                return "check", t("No report is made by itself")
            case e.ManualAdopted():
                return "fact", t("Decided by manual {manual} from here on", manual=body.manual[:12])

    def _report(self, body: e.Diagnosed) -> str:
        """``Report: 3 findings, 2 checks could not look; severity P0 is proposed``."""
        t = self._t
        text = t("Report: {findings} findings in {took} s", findings=body.findings,
                 took=f"{body.took:.1f}")  # fmt: skip
        if body.unknown:
            text += t(", {unknown} checks could not look", unknown=body.unknown)
        if body.severity:
            text += t("; severity {severity} is proposed", severity=body.severity)
        return text

    def _name(self, person: str) -> str:
        return person_name(person, self._manual)

    def _role(self, role: str) -> str:
        return self._manual.role_name(role).in_(self._t.lang)

    def _channel(self, channel: str) -> str:
        return channel_name(channel, self._t)

    def _targets(self, targets: str) -> str:
        names = (target_name(target, self._manual, self._t) for target in targets.split(", "))
        return ", ".join(names)

    def _destination(self, body: e.DeliveryDue) -> str:
        """Whom a message goes to: ``Backend-A, Slack @backend-a``; a notice names no person."""
        person = self._paged.get(body.ref)
        where = f"{self._channel(body.channel)} {body.to}"
        return f"{self._name(person)}, {where}" if person else where

    def _to(self, delivery: str) -> str:
        return self._sent.get(delivery, delivery)

    def _via(self, text: str, body: e.Acknowledged | e.PageAnswered) -> str:
        return f"{text} ({self._channel(body.via)})" if body.via else text

    def _type(self, type_: str | None) -> str:
        found = self._manual.incident_type(type_) if type_ else None
        return found[1].name.in_(self._t.lang) if found else type_ or "-"

    def _item(self, body: e.ChecklistTicked) -> str:
        item = e.Reason("checklist_item", {"item": f"{body.checklist}:{body.item}"})
        return explain(item, self._manual, self._t)


def _noted(text: str, note: str) -> str:
    return f"{text}: {note}" if note else text


def _of(sample: str, text: str) -> str:
    return f"{text} ({sample})" if sample else text
