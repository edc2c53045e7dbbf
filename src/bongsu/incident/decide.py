"""What is due for an incident now, and when to look again: the one decision of Bongsu.

``decide`` is pure: the same manual, incident, shifts and time give the same answer. The engine,
the simulator, the drill and the replay all call it. `RULES` is the order in which the manual's
sentences are asked; each rule yields event bodies that are due and the times at which it wants
to be asked again. A rule sees what the rules before it have written, so that nobody is called
for an incident that ends at the same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.incident.case import Case
from bongsu.incident.clocks import clocks
from bongsu.incident.contacts import Finding, attempts, notice_delivery, page_deliveries
from bongsu.incident.ladders import ASKED, AT_WORK, Ladder, ladders
from bongsu.incident.notices import announcement
from bongsu.incident.phases import Phase
from bongsu.incident.runs import rules
from bongsu.incident.runs.approving import APPROVAL, still_asked
from bongsu.incident.runs.calling import CALLS, still_called
from bongsu.incident.state import Delivery, Incident, Page, Rung, apply
from bongsu.incident.verification import plan
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.response import Commander
from bongsu.oncall import Shifts

MAX_ROUNDS = 50


class Decision(NamedTuple):
    """What must be written to the log now, and the next time that something can become due."""

    due: tuple[e.AnyBody, ...]
    look_at: datetime | None
    troubles: tuple[Trouble, ...] = ()


class Trouble(NamedTuple):
    """A rule that could not be asked; the other rules were, and what they said stands."""

    rule: str
    error: str


class Settled(NamedTuple):
    """An incident after everything that was due has been written."""

    incident: Incident
    events: tuple[e.Event, ...]
    look_at: datetime | None
    troubles: tuple[Trouble, ...] = ()


Rule = Callable[[Case], Iterator[Finding]]


class UnsettledError(Exception):
    """Deciding did not come to an end; the incident is put aside and reported."""


def decide(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> Decision:
    """Return all that is due at ``now`` (UTC), and when to look again after it; None is never.

    Raises:
        UnsettledError: there is no end to what is due.
    """
    settled = settle(manual, incident, shifts, now)
    due = tuple(event.body for event in settled.events)
    return Decision(due, settled.look_at, settled.troubles)


def settle(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> Settled:
    """Ask every rule and write what is due, until nothing more is due at ``now``.

    A rule that fails is not asked again this time, and stops none of the others: whatever is wrong
    with a notice, people are paged.

    Raises:
        UnsettledError: after `MAX_ROUNDS` rounds something is still due.
    """
    written: list[e.Event] = []
    troubles: dict[Rule, Trouble] = {}
    if incident.opened_at is None:
        return Settled(incident, (), None)
    for _ in range(MAX_ROUNDS):
        former, later = incident.seq, list[datetime]()
        for rule in RULES:
            if rule in troubles:
                continue
            try:
                incident, events, again = _asked(rule, Case(manual, incident, shifts, now))
            except Exception as error:  # noqa: BLE001  one rule's failure is no other's; recorded
                troubles[rule] = Trouble(rule.__name__, repr(error))
            else:
                written += events
                later += again
        if incident.seq == former:
            look_at = min(later, default=None)
            return Settled(incident, tuple(written), look_at, tuple(troubles.values()))
    msg = f"{incident.number}: still {e.kind_of(written[-1].body)} after {MAX_ROUNDS} rounds"
    raise UnsettledError(msg)


def _asked(rule: Rule, case: Case) -> tuple[Incident, list[e.Event], list[datetime]]:
    """Let a rule write what it finds due; also when it wants to be asked again."""
    incident, events, later = case.incident, list[e.Event](), list[datetime]()
    for finding in list(rule(case)):
        if isinstance(finding, datetime):
            later.append(finding)
        else:
            events.append(e.Event(incident.seq + 1, case.now, e.SYSTEM, finding))
            incident = apply(incident, events[-1])
    return incident, events, later


# ── the rules, in the order in which they are asked ──────────────────────────────────────


def wake_from_snooze(case: Case) -> Iterator[Finding]:
    """A snooze ends at its time, and whoever is on call then is paged."""
    until = case.incident.snoozed_until
    if until is None or not case.incident.open:
        return
    yield until if until > case.now else e.SnoozeEnded(e.Reason("snooze_ran_out"))


def call_people(case: Case) -> Iterator[Finding]:
    """Every ladder that runs calls the rungs that are due."""
    number = 0
    for ladder in ladders(case.manual, case.incident):
        taken = case.incident.progress.get(ladder.name)
        for rung in ladder.due(taken, case.now):
            for person, target in (called := _callees(case, ladder, rung)).items():
                number += 1
                yield e.Paged(
                    page=f"p{case.incident.seq}.{number}", person=person, ladder=ladder.name,
                    answer_by=ladder.answer_by(rung, case.now), why=_why(ladder, rung, target),
                    round=rung.round, step=rung.step, role=ladder.role,
                )  # fmt: skip
            if not called:
                yield from _nobody(case, ladder, rung)
            taken = rung
        following = ladder.after(taken)
        if following is not None:
            yield ladder.at(following)


def _callees(case: Case, ladder: Ladder, rung: Rung) -> dict[str, str]:
    """People of a rung who can be reached at all, each with the target that led to them."""
    found: dict[str, str] = {}
    for target in ladder.steps[rung.step].targets:
        for callee in case.shifts.targets(target, case.now):
            person = case.manual.person(callee.person) if callee.person else None
            if person is not None and person.contacts and callee.person:
                found.setdefault(callee.person, target)
    return found


def _nobody(case: Case, ladder: Ladder, rung: Rung) -> Iterator[Finding]:
    """A rung that leads to nobody is shown, and the next one does not wait for it."""
    targets = ", ".join(ladder.steps[rung.step].targets)
    why = e.Reason("nobody_reachable", {"target": targets})
    yield e.NobodyToPage(targets, ladder.name, why, rung.round, rung.step)
    yield from _advance(case, ladder, rung, why)


def _why(ladder: Ladder, rung: Rung, target: str) -> e.Reason:
    values = {"target": target, "step": str(rung.step + 1), "round": str(rung.round + 1)}
    if ladder.name == "verify":
        return e.Reason("verify_reminder", values)
    if ladder.role is not None:
        code = "role_called" if rung.step == 0 else "role_unanswered"
        return e.Reason(code, {**values, "role": ladder.role})
    if rung.round:
        return e.Reason("round_repeated", values)
    return e.Reason("first_step" if rung.step == 0 else "step_unanswered", values)


def reach_people(case: Case) -> Iterator[Finding]:
    """Every page that still waits for an answer goes out on the person's contacts."""
    running = {ladder.name for ladder in ladders(case.manual, case.incident)}
    sent = attempts(case.incident)
    for page in case.incident.pages.values():
        if waiting(case.incident, page, running):
            person = case.manual.person(page.person)
            contacts = person.contacts if person else ()
            yield from page_deliveries(page, contacts, sent, case.now)


def pass_over_unreachable(case: Case) -> Iterator[Finding]:
    """Where a rung's call reached nobody on any channel, the next rung does not wait for it."""
    for ladder in ladders(case.manual, case.incident):
        rung = case.incident.progress.get(ladder.name)
        called = [
            page for page in case.incident.pages.values()
            if page.ladder == ladder.name and Rung(page.round, page.step) == rung
        ]  # fmt: skip
        if rung and called and all(page.unreachable for page in called):
            people = ", ".join(page.person for page in called)
            yield from _advance(case, ladder, rung, e.Reason("nobody_reached", {"person": people}))


def wanted(manual: Manual, incident: Incident, delivery: Delivery) -> bool:
    """Whether a message is still to be sent: asked once more just before it leaves."""
    if delivery.subject == "notice":
        return True
    page = incident.pages.get(delivery.ref)
    running = {ladder.name for ladder in ladders(manual, incident)}
    return page is not None and waiting(incident, page, running)


def waiting(incident: Incident, page: Page, running: Container[str]) -> bool:
    """Whether a page still waits for an answer, given the names of the ladders that run."""
    if page.answered_at is not None or page.unreachable:
        return False
    if page.ladder.startswith(APPROVAL):
        return still_asked(incident, page.ladder)
    if page.ladder.startswith(CALLS):
        return incident.snoozed_until is None and still_called(incident, page.ladder)
    if page.ladder == ASKED:
        return incident.open and incident.snoozed_until is None
    return incident.open and page.ladder in running


def _advance(case: Case, ladder: Ladder, rung: Rung, why: e.Reason) -> Iterator[Finding]:
    """Let the next rung of this round be due now; a new round has to come by itself."""
    following = ladder.after(rung)
    if following is None or following.round != rung.round:
        return
    gained = ladder.at(following) - case.now
    if gained > timedelta():
        yield e.Advanced(ladder.name, ladder.origin - gained, why, following.round)


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


def follow_alerts(case: Case) -> Iterator[Finding]:
    """Alerts that stopped mean recovered; ones that came back mean a relapse.

    A relapse is acknowledged anew: whoever had answered may be asleep again.
    """
    incident = case.incident
    if incident.phase in (Phase.RESPONDING, Phase.RECOVERING):
        if _cleared_since_recovery_began(incident):
            yield e.Recovered(why=e.Reason("alerts_cleared"))
    elif incident.phase is Phase.MONITORING and _fired_since_recovery(incident):
        yield from _relapse(incident, e.Reason("alerts_back", {"firing": str(incident.firing)}))


def _relapse(incident: Incident, why: e.Reason) -> Iterator[Finding]:
    yield e.Relapsed(why)
    if incident.acknowledged_at is not None and incident.snoozed_until is None:
        yield e.Unacknowledged(why)


def _cleared_since_recovery_began(incident: Incident) -> bool:
    """A person may go on with the recovery although the alerts are quiet already."""
    cleared, began = incident.cleared_at, incident.recovering_at
    if cleared is None or _relapsed_quietly(incident):
        return False
    return incident.phase is Phase.RESPONDING or began is None or cleared >= began


def _relapsed_quietly(incident: Incident) -> bool:
    """A check found it broken again while no alert fired: their silence proves nothing."""
    cleared, relapsed = incident.cleared_at, incident.relapsed_at
    return cleared is not None and relapsed is not None and cleared < relapsed


def _fired_since_recovery(incident: Incident) -> bool:
    """A person may say that it works while an alert has yet to notice."""
    fired, recovered = incident.firing_at, incident.recovered_at
    return incident.firing > 0 and fired is not None and recovered is not None and fired > recovered


def resolve_when_clear(case: Case) -> Iterator[Finding]:
    """Where the manual says so, an incident whose alerts stayed quiet resolves by itself.

    Not while a playbook is at work: what it has begun, such as a server that is out of the load
    balancer, is not over, and who would have to see to it looks at open incidents.
    """
    incident = case.incident
    quiet = case.manual.respond(incident.severity).resolve_when_clear
    if quiet is None or incident.cleared_at is None or not incident.open:
        return
    at, why = incident.cleared_at + quiet, e.Reason("quiet_long_enough")
    if at > case.now:
        yield at
    elif not plan.unverified(case.manual, incident):
        if not any(run.at_work for run in incident.runs.values()):
            yield e.Resolved(why=why)
    elif incident.phase is not Phase.MONITORING and not _relapsed_quietly(incident):
        yield e.Recovered(why=why)


def verify_recovery(case: Case) -> Iterator[Finding]:
    """Where it works again, the manual's checks are run; a check that fails again is a relapse."""
    incident = case.incident
    failed = list(plan.relapsed(case.manual, incident))
    if failed and incident.phase in (Phase.MONITORING, Phase.RESOLVED):
        yield from _relapse_found(incident, failed)
        return
    names: dict[str, list[str]] = {}
    for found in plan.due(case.manual, incident, case.now):
        if isinstance(found, datetime):
            yield found
        else:
            names.setdefault(found[1], []).append(found[0])
    for code, checks in names.items():
        yield v.VerificationDue(checks, e.Reason(code))


def _relapse_found(incident: Incident, failed: list[str]) -> Iterator[Finding]:
    """Whoever ran the check themselves knows; otherwise people are called anew."""
    why = e.Reason("check_failed_again", {"verification": ", ".join(failed)})
    known = incident.verification.known
    if incident.phase is Phase.RESOLVED:
        yield e.Reopened(why=why)
    elif any(known[name].asked_for in plan.BY_ITSELF for name in failed):
        yield from _relapse(incident, why)
    else:
        yield e.Relapsed(why)


def watch_clocks(case: Case) -> Iterator[Finding]:
    """Each target that is missed is noted once, at its minute."""
    for clock in clocks(case.manual, case.incident):
        if clock.name in case.incident.breached:
            continue
        if clock.breached(case.now):
            yield e.ClockBreached(clock.name, clock.due_at, clock.target.total_seconds())
        elif clock.stopped_at is None:
            yield clock.due_at


def diagnose(case: Case) -> Iterator[Finding]:
    """The first report is made as soon as an incident begins or comes back; the pages go first."""
    incident, diagnosis = case.incident, case.manual.diagnosis
    if incident.looked_at is not None or not incident.open or incident.phase is Phase.MONITORING:
        return
    if diagnosis.checks and incident.severity in diagnosis.automatic:
        yield e.DiagnosisDue(e.Reason("first_report"))


def go_on_with_runs(case: Case) -> Iterator[Finding]:
    """Playbooks at work take their next step, whatever has become of the incident meanwhile."""
    yield from rules.go_on(case)


def begin_playbooks(case: Case) -> Iterator[Finding]:
    """What the manual lets run by itself begins when the report says so."""
    yield from rules.begin_by_themselves(case)


RULES: tuple[Rule, ...] = (
    watch_clocks,
    wake_from_snooze,
    resolve_when_clear,
    presume_real,
    follow_alerts,
    assemble_team,
    start_response,
    call_people,
    reach_people,
    pass_over_unreachable,
    announce,
    begin_playbooks,
    go_on_with_runs,
    verify_recovery,
    diagnose,
)
