"""Which buttons an incident's page has: by phase, the most likely one first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bongsu.i18n import N_, Translator
from bongsu.incident import events as e
from bongsu.incident.phases import Phase, allowed
from bongsu.incident.state import Incident
from bongsu.incident.verification.plan import unverified
from bongsu.manual.schema.document import Manual
from bongsu.web.access.actor import Actor

Tone = Literal["primary", "plain", "danger"]


@dataclass(frozen=True)
class Button:
    """One thing that a person may do now; ``action`` is the last part of its address."""

    action: str
    label: str
    tone: Tone = "plain"
    confirm: str = ""
    """what is asked before it is done"""
    key: str = ""
    """its keyboard shortcut"""
    place: str = ""
    """where it leads to on the page, instead of doing something"""


@dataclass(frozen=True)
class Buttons:
    """The bar's buttons, and those that stand under “More”."""

    bar: tuple[Button, ...] = ()
    more: tuple[Button, ...] = ()


_LABELS: dict[str, tuple[str, Tone, str, str]] = {
    "ack": (N_("Acknowledge"), "plain", "", "a"),
    "confirm": (N_("It is real"), "plain", "", "c"),
    "dismiss": (N_("False alarm"), "danger", N_("End this incident as a false alarm?"), ""),
    "escalate": (N_("Call the next ones"), "plain", N_("Call the next people now?"), ""),
    "recovery": (N_("Recovery begins"), "plain", "", ""),
    "recovered": (N_("The service works again"), "plain", N_("Does the service work again?"), ""),
    "verifications": (N_("Verify now"), "plain", "", ""),
    "resolve": (N_("Resolve"), "danger", N_("Is it over? Nobody is called any more."), ""),
    "review": (N_("The review is done"), "plain", "", ""),
    "reopen": (N_("Reopen"), "danger", N_("Open it again? The calls begin anew."), ""),
    "unack": (N_("Take the answer back"), "danger", N_("Take it back? The calls begin anew."), ""),
    "unsnooze": (N_("End the snooze"), "plain", "", ""),
}

_UNVERIFIED = ("verifications", "recovery", "resolve")
"""what comes first while it is watched, as long as a required check has not passed"""
_BY_PHASE: dict[Phase, tuple[str, ...]] = {
    Phase.DETECTED: ("ack", "confirm", "dismiss", "escalate"),
    Phase.VERIFIED: ("ack", "recovery", "recovered", "escalate"),
    Phase.RESPONDING: ("ack", "recovery", "recovered", "escalate"),
    Phase.RECOVERING: ("ack", "recovered", "escalate"),
    Phase.MONITORING: ("resolve", "recovery"),
    Phase.RESOLVED: ("review", "reopen"),
    Phase.REVIEWED: ("reopen",),
    Phase.DISMISSED: ("reopen",),
}
_IN_THE_BAR = 3


def buttons(
    manual: Manual, incident: Incident, actor: Actor, t: Translator, answer: Button | None = None
) -> Buttons:
    """Return what this person may do to the incident as it stands.

    ``answer`` leads to where something waits for this person's answer, and comes first.
    """
    if not actor.may("responder") or incident.merged_into is not None:
        return Buttons()
    wanted = _BY_PHASE[incident.phase]
    if incident.phase is Phase.MONITORING and unverified(manual, incident):
        wanted = _UNVERIFIED
    names = [name for name in wanted if _possible(name, incident, actor)]
    room = _IN_THE_BAR - (answer is not None)
    rest = [*names[room:], *(name for name in _others(incident) if name not in names)]
    made = [_button(name, t) for name in names[:room]]
    if answer is not None:
        made.insert(0, answer)
    if made:
        made[0] = replace(made[0], tone="primary")
    return Buttons(tuple(made), tuple(_button(name, t) for name in rest))


def _possible(name: str, incident: Incident, actor: Actor) -> bool:
    match name:
        case "ack":
            return incident.acknowledged_at is None or _called(incident, actor.person)
        case "escalate":
            return incident.snoozed_until is None
        case "review":
            return actor.may("commander")
        case _:
            return True


def _called(incident: Incident, person: str) -> bool:
    """Whether a call to a role still waits for this person."""
    return any(
        page.person == person and page.answered_at is None and page.ladder != "oncall"
        for page in incident.pages.values()
    )


def _others(incident: Incident) -> list[str]:
    if not incident.open:
        return []
    found = [] if incident.snoozed_until is None else ["unsnooze"]
    found += ["unack"] if incident.acknowledged_at else []
    found += ["dismiss"] if allowed(incident.phase, e.Dismissed) else []
    found += ["resolve"] if allowed(incident.phase, e.Resolved) else []
    return found


def _button(name: str, t: Translator) -> Button:
    label, tone, confirm, key = _LABELS[name]
    return Button(name, t(label), tone, t(confirm) if confirm else "", key)
