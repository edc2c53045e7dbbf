"""What a button or a one-tap link does, for a person who needs not sign in to do it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bongsu.channels.message import ActionCode
from bongsu.engine.policy import Policy
from bongsu.i18n import N_, Translator
from bongsu.incident import commands as c
from bongsu.incident.phases import Phase
from bongsu.incident.reasons import person_name, phase_name
from bongsu.incident.runs import asking
from bongsu.incident.runs.approving import asked_on
from bongsu.incident.state import Incident
from bongsu.store.access import ROLES
from bongsu.web.access.actor import Via

if TYPE_CHECKING:
    from bongsu.engine.engine import Engine
    from bongsu.manual.schema.document import Manual
    from bongsu.web.services import Services

DONE: dict[ActionCode, str] = {
    "ack": N_("{person} acknowledged {number}."),
    "confirm": N_("{person} confirmed that {number} is real."),
    "dismiss": N_("{person} dismissed {number} as a false alarm."),
    "resolve": N_("{person} resolved {number}."),
    "escalate": N_("{person} escalated {number}."),
    "approve": N_("{person} approved it; it goes on."),
    "refuse": N_("{person} refused it; it is not done."),
}


async def shut_out(at: Services, person: str, t: Translator) -> str:
    """Say why a person may not act by a button or a link any more; empty: they may.

    A person of the manual needs no account; one who has an account may do what its role may.
    """
    if at.policy.manual.person(person) is None:
        return t(N_("The manual does not name you any more, so nothing was done."))
    account = await at.access.account(person)
    if account is None:
        return ""
    if account.disabled_at is not None:
        return t(N_("Your account is disabled, so nothing was done."))
    if ROLES.index(account.role) < ROLES.index("responder"):
        return t(N_("Your account may only look, so nothing was done."))
    return ""


async def perform(
    engine: Engine,
    code: ActionCode,
    incident_id: int,
    *,
    person: str,
    via: Via,
    page: str | None,
) -> Incident:
    """Do what the button says.

    Raises:
        UnknownIncidentError: there is no such incident.
        RefusedError: the incident does not allow it; often because it is done already.
    """

    def command(policy: Policy, incident: Incident, now: datetime) -> c.Bodies:
        match code:
            case "ack":
                return c.acknowledge(incident, person, via, page)
            case "confirm":
                return c.confirm(incident, person, via=via)
            case "dismiss":
                return c.dismiss(incident, person, via=via)
            case "resolve":
                return c.resolve(policy.manual, incident, person, via=via)
            case "escalate":
                return c.escalate(policy.manual, incident, policy.shifts, now)
            case "approve" | "refuse":
                run, step = _asked_by(incident, page)
                return asking.approve(
                    policy.manual,
                    incident,
                    run,
                    step,
                    person,
                    yes=code == "approve",
                    now=now,
                    via=via,
                )

    return await engine.act(incident_id, f"person:{person}", command)


def _asked_by(incident: Incident, page: str | None) -> tuple[str, int]:
    """Return the run and the step for whose approval a page calls."""
    known = incident.pages.get(page or "")
    found = asked_on(known.ladder) if known else None
    if found is None:
        raise c.RefusedError("no_approval_wanted", run="-")
    return found


def done(code: ActionCode, incident: Incident, person: str, manual: Manual, t: Translator) -> str:
    """Say what was done just now."""
    return t(DONE[code], person=person_name(person, manual), number=incident.number)


def standing(incident: Incident, manual: Manual, t: Translator) -> str:
    """Say how far an incident is: who has it, or how it ended."""
    if incident.merged_into is not None:
        return t("It goes on in incident {incident}.", incident=incident.merged_into)
    phase = phase_name(incident.phase, t)
    if incident.acknowledged_by and incident.phase is not Phase.DISMISSED:
        name = person_name(incident.acknowledged_by, manual)
        return t("{person} has acknowledged it; it is {phase}.", person=name, phase=phase)
    return t("It is {phase}.", phase=phase)
