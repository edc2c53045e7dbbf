"""An incident's log in words, one line an event, in Korean or English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from bongsu.i18n import N_, Translator
from bongsu.incident import events as e
from bongsu.incident.reasons import CLOCKS, explain, person_name, target_name
from bongsu.manual.schema.base import format_duration
from bongsu.manual.schema.document import Manual

Tone = Literal["life", "page", "delivery", "notice", "people", "alert", "fact", "trouble"]


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
    people: dict[str, str] = {}
    channels: dict[str, str] = {}
    for event in log:
        match event.body:
            case e.Paged():
                people[event.body.page] = event.body.person
            case e.DeliveryDue():
                channels[event.body.delivery] = _destination(event.body, people, manual)
        yield _entry(event, manual, t, channels)


def _destination(body: e.DeliveryDue, people: dict[str, str], manual: Manual) -> str:
    person = people.get(body.ref)
    where = f"{body.channel} {body.to}"
    return f"{person_name(person, manual)}, {where}" if person else where


def _entry(event: e.Event, manual: Manual, t: Translator, channels: dict[str, str]) -> Entry:
    tone, text = _words(event.body, manual, t, channels)
    reason = getattr(event.body, "why", None)
    why = explain(reason, manual, t) if isinstance(reason, e.Reason) else ""
    kind = e.kind_of(event.body)
    return Entry(event.seq, event.at, actor_name(event.actor, manual), kind, tone, text, why)


def actor_name(actor: str, manual: Manual) -> str:
    """Return who did it, for people; empty for Bongsu itself."""
    kind, _, name = actor.partition(":")
    match kind:
        case "person":
            return person_name(name, manual)
        case "integration":
            known = manual.signals.integrations.get(name)
            return known.name.in_(manual.overview.locale) if known else name
        case e.SYSTEM:
            return ""
        case _:
            return actor


def _words(  # noqa: C901, PLR0911, PLR0912, PLR0915  one exhaustive match over the sum type
    body: e.AnyBody, manual: Manual, t: Translator, channels: dict[str, str]
) -> tuple[Tone, str]:
    def name(person: str | None) -> str:
        return person_name(person or "", manual)

    def role(role_id: str) -> str:
        return manual.role_name(role_id).in_(t.lang)

    match body:
        case e.Opened():
            return "life", t(
                "Incident opened as {severity}: {title}", severity=body.severity, title=body.title
            )
        case e.Confirmed():
            return "life", _noted(t(N_("Confirmed: it is real")), body.note)
        case e.PresumedReal():
            return "life", t(N_("Treated as real"))
        case e.Dismissed():
            return "life", _noted(t(N_("Dismissed as a false alarm")), body.note)
        case e.ResponseStarted():
            return "life", t(N_("The response has begun"))
        case e.RecoveryStarted():
            return "life", _noted(t(N_("Recovery has begun")), body.note)
        case e.Recovered():
            return "life", _noted(t(N_("Recovered; it is being watched")), body.note)
        case e.Relapsed():
            return "trouble", t(N_("It came back"))
        case e.Resolved():
            return "life", _noted(t(N_("Resolved")), body.note)
        case e.Reopened():
            return "trouble", _noted(t(N_("Reopened")), body.note)
        case e.Reviewed():
            return "life", _noted(t(N_("Reviewed")), body.note)
        case e.MergedInto():
            return "life", t("Goes on in incident {incident}", incident=body.incident)
        case e.Absorbed():
            return "life", t("Incident {incident} goes on in this one", incident=body.incident)
        case e.AlertsAdded():
            return "alert", t(
                "+{added} alerts ({sample}); {firing} are firing",
                added=f"{body.added:,}", sample=body.sample, firing=f"{body.firing:,}",
            )  # fmt: skip
        case e.AlertsResolved():
            return "alert", t(
                "{resolved} alerts stopped; {firing} are firing",
                resolved=f"{body.resolved:,}", firing=f"{body.firing:,}",
            )  # fmt: skip
        case e.Paged() if body.role:
            return "page", t(
                "{person} is paged for the role {role}",
                person=name(body.person), role=role(body.role),
            )  # fmt: skip
        case e.Paged():
            return "page", t("{person} is paged", person=name(body.person))
        case e.NobodyToPage():
            target = ", ".join(target_name(one, manual, t) for one in body.target.split(", "))
            return "trouble", t("Nobody to page: {target}", target=target)
        case e.Unreachable():
            return "trouble", t("{person} cannot be reached", person=name(body.person))
        case e.Advanced():
            return "page", t(N_("The next call is brought forward"))
        case e.Acknowledged():
            return "page", _via(t("{person} acknowledged", person=name(body.person)), body.via)
        case e.Unacknowledged():
            return "trouble", t(N_("No longer acknowledged; escalation starts anew"))
        case e.PageAnswered():
            text = t("{person} answered the call", person=name(body.person))
            return "page", _via(text, body.via)
        case e.DeliveryDue():
            to = channels.get(body.delivery, f"{body.channel} {body.to}")
            if body.attempt > 1:
                text = t("Sending (attempt {attempt}): {to}", to=to, attempt=body.attempt)
                return "delivery", text
            return "delivery", t("Sending: {to}", to=to)
        case e.Delivered():
            return "delivery", t("Delivered: {to}", to=channels.get(body.delivery, ""))
        case e.DeliveryFailed():
            return "trouble", t(
                "Not delivered: {to}: {error}",
                to=channels.get(body.delivery, ""), error=body.error,
            )  # fmt: skip
        case e.DeliveryWithdrawn():
            return "delivery", t("Not sent any more: {to}", to=channels.get(body.delivery, ""))
        case e.NoticeDue():
            return "notice", t("Notice to {to}", to=f"{body.channel} {body.to}")
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
            return "people", t("War room: {link}", link=body.link)
        case e.SeverityChanged():
            text = t("Severity {former} → {severity}", former=body.former, severity=body.severity)
            return "fact", _noted(text, body.note)
        case e.TypeChanged():
            return "fact", t("Type: {type}", type=_type_name(body.type, manual, t))
        case e.Retitled():
            return "fact", t("Title: {title}", title=body.title)
        case e.NoteAdded():
            return "fact", body.text
        case e.ChecklistTicked():
            item = _item_text(body, manual, t)
            return "fact", t("Done: {item}", item=item) if body.done else t(
                "Not done after all: {item}", item=item
            )
        case e.Snoozed():
            return "page", _noted(
                t("Snoozed until {until}", until=body.until.isoformat()), body.note
            )
        case e.SnoozeEnded():
            return "page", t(N_("The snooze has ended; escalation starts anew"))
        case e.ClockBreached():
            return "trouble", t(
                "Target missed: {clock} within {target}",
                clock=t(CLOCKS.get(body.clock, body.clock)),
                target=format_duration(timedelta(seconds=body.target_seconds)),
            )
        case e.ManualAdopted():
            return "fact", t("The manual is now {manual}", manual=body.manual[:12])


def _noted(text: str, note: str) -> str:
    return f"{text}: {note}" if note else text


def _via(text: str, via: str) -> str:
    return f"{text} ({via})" if via else text


def _type_name(type_: str | None, manual: Manual, t: Translator) -> str:
    found = manual.incident_type(type_) if type_ else None
    return found[1].name.in_(t.lang) if found else type_ or "-"


def _item_text(body: e.ChecklistTicked, manual: Manual, t: Translator) -> str:
    known = manual.response.checklists.get(body.checklist)
    if known is None or body.item >= len(known.items):
        return f"{body.checklist} {body.item}"
    return known.items[body.item].text.in_(t.lang)
