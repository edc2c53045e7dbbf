"""What the response is held to: verified in time, told, a team at work, clocks, a first report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bongsu.incident import events as e
from bongsu.incident.case import Case
from bongsu.incident.clocks import clocks
from bongsu.incident.contacts import Finding, attempts, notice_delivery
from bongsu.incident.ladders import AT_WORK
from bongsu.incident.notices import announcement
from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident
from bongsu.manual.schema.response import Commander


def watch_clocks(case: Case) -> Iterator[Finding]:
    """Each target that is missed is noted once, at its minute."""
    for clock in clocks(case.manual, case.incident):
        if clock.name in case.incident.breached:
            continue
        if clock.breached(case.now):
            yield e.ClockBreached(clock.name, clock.due_at, clock.target.total_seconds())
        elif clock.stopped_at is None:
            yield clock.due_at


def presume_real(case: Case) -> Iterator[Finding]:
    """An incident that nobody verified in time is treated as real, where the manual says so."""
    incident, verify = case.incident, case.manual.respond(case.incident.severity).verify
    if incident.phase is not Phase.DETECTED or incident.acknowledged_at is None:
        return
    if verify.unanswered != "presume_real" or incident.snoozed_until is not None:
        return
    at = incident.acknowledged_at + verify.within
    yield at if at > case.now else e.PresumedReal(e.Reason("not_verified_in_time"))


def announce(case: Case) -> Iterator[Finding]:
    """The manual's first messages are written, and every message that waits goes out."""
    incident = case.incident
    if not incident.open and not incident.notices:
        return
    for index, rule in enumerate(case.manual.respond(incident.severity).announce):
        if (rule.template, rule.channel, rule.to) in incident.announced or not incident.open:
            continue
        if rule.when == "opened" or incident.verified_at is not None:
            text, why = announcement(case.manual, incident, rule, case.shifts, case.now)
            yield e.NoticeDue(
                f"n{incident.seq}.{index}", rule.template, rule.channel, rule.to, text, why, index
            )
    sent = attempts(incident)
    for notice in incident.notices.values():
        yield from notice_delivery(notice, sent, case.now)


def assemble_team(case: Case) -> Iterator[Finding]:
    """The team is called when the commander takes over, at the latest when the manual says.

    A role that a higher severity or a changed manual adds later is called then.
    """
    incident, policy = case.incident, case.manual.respond(case.incident.severity)
    plan, since = policy.assemble, incident.escalated_at
    if plan is None or since is None or incident.phase not in AT_WORK:
        return
    if incident.snoozed_until is not None:
        return
    missing = [role for role in plan.roles if role not in incident.assembled]
    if missing or incident.assembled_at is None:
        when = _when_to_assemble(incident, policy.commander, since + plan.at_latest, case.now)
        if isinstance(when, datetime):
            yield when
            return
        yield e.TeamAssembled(missing, when)
    link = case.manual.team.links.war_room
    if plan.war_room and link and incident.war_room is None:
        yield e.WarRoomOpened(link, e.Reason("team_assembled"))


def _when_to_assemble(
    incident: Incident, commander: Commander | None, at_latest: datetime, now: datetime
) -> e.Reason | datetime:
    """Return why it is time to call the team, or when it will be."""
    if incident.assembled_at is not None:
        return e.Reason("more_roles_needed")
    if commander is None:
        return e.Reason("no_commander")
    if commander.role in incident.roles:
        return e.Reason("commander_in_charge")
    return at_latest if at_latest > now else e.Reason("commander_late")


def start_response(case: Case) -> Iterator[Finding]:
    """The response has begun when the first of the team has taken a role."""
    incident, policy = case.incident, case.manual.respond(case.incident.severity)
    if incident.phase is not Phase.VERIFIED:
        return
    wanted = {policy.commander.role} if policy.commander else set()
    wanted |= set(policy.assemble.roles) if policy.assemble else set()
    if not wanted:
        yield e.ResponseStarted(e.Reason("on_call_responds"))
    elif wanted & incident.roles.keys():
        yield e.ResponseStarted(e.Reason("team_at_work"))


def diagnose(case: Case) -> Iterator[Finding]:
    """The first report is made as soon as an incident begins or comes back; the pages go first."""
    incident, diagnosis = case.incident, case.manual.diagnosis
    if incident.looked_at is not None or not incident.open or incident.phase is Phase.MONITORING:
        return
    if diagnosis.checks and incident.severity in diagnosis.automatic:
        yield e.DiagnosisDue(e.Reason("first_report"))
