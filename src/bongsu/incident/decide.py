"""What is due for an incident now, and when to look again: the one decision of Bongsu.

``decide`` is pure: the same manual, incident, shifts and time give the same answer. The engine,
the simulator, the drill and the replay all call it. `RULES` is the order in which the manual's
sentences are asked; each rule yields event bodies that are due and the times at which it wants
to be asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from bongsu.incident import events as e
from bongsu.incident.clocks import clocks
from bongsu.incident.contacts import Finding, notice_delivery, page_deliveries
from bongsu.incident.ladders import ASKED, AT_WORK, Ladder, ladders
from bongsu.incident.notices import announcement
from bongsu.incident.phases import Phase
from bongsu.incident.state import Delivery, Incident, Page, Rung, apply
from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts

MAX_ROUNDS = 50


class Decision(NamedTuple):
    """What must be written to the log now, and the next time that something can become due."""

    due: tuple[e.AnyBody, ...]
    look_at: datetime | None


class Settled(NamedTuple):
    """An incident after everything that was due has been written."""

    incident: Incident
    events: tuple[e.Event, ...]
    look_at: datetime | None


class Case(NamedTuple):
    """Everything a rule may look at."""

    manual: Manual
    incident: Incident
    shifts: Shifts
    now: datetime


class UnsettledError(Exception):
    """Deciding did not come to an end; the incident is put aside and reported."""


def decide(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> Decision:
    """Return what is due at ``now`` (UTC) and when to look again; None is never."""
    case = Case(manual, incident, shifts, now)
    due: list[e.AnyBody] = []
    later: list[datetime] = []
    for rule in RULES:
        for finding in rule(case):
            if isinstance(finding, datetime):
                later.append(finding)
            else:
                due.append(finding)
    return Decision(tuple(due), min(later, default=None))


def settle(manual: Manual, incident: Incident, shifts: Shifts, now: datetime) -> Settled:
    """Decide and apply until nothing more is due at ``now``.

    Raises:
        UnsettledError: after `MAX_ROUNDS` rounds something is still due.
    """
    written: list[e.Event] = []
    for _ in range(MAX_ROUNDS):
        decision = decide(manual, incident, shifts, now)
        if not decision.due:
            return Settled(incident, tuple(written), decision.look_at)
        for body in decision.due:
            event = e.Event(incident.seq + 1, now, e.SYSTEM, body)
            incident = apply(incident, event)
            written.append(event)
    msg = f"{incident.number}: still {e.kind_of(written[-1].body)} after {MAX_ROUNDS} rounds"
    raise UnsettledError(msg)


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
                yield _page(case, ladder, rung, target, person, f"p{case.incident.seq}.{number}")
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


def _page(
    case: Case, ladder: Ladder, rung: Rung, target: str, person: str, page: str
) -> e.Paged:
    return e.Paged(
        page=page, person=person, ladder=ladder.name,
        answer_by=ladder.answer_by(rung, case.now),
        why=_why(ladder, rung, target), round=rung.round, step=rung.step, role=ladder.role,
    )  # fmt: skip


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
    running = {ladder.name: ladder for ladder in ladders(case.manual, case.incident)}
    for page in case.incident.pages.values():
        if not _waiting(case.incident, page, running):
            continue
        person = case.manual.person(page.person)
        contacts = person.contacts if person else ()
        for finding in page_deliveries(case.incident, page, contacts, case.now):
            yield finding
            if isinstance(finding, e.Unreachable):
                yield from _after_unreachable(case, running.get(page.ladder), page)


def wanted(manual: Manual, incident: Incident, delivery: Delivery) -> bool:
    """Whether a message is still to be sent: asked once more just before it leaves."""
    if delivery.subject == "notice":
        return True
    page = incident.pages.get(delivery.ref)
    running = {ladder.name for ladder in ladders(manual, incident)}
    return page is not None and _waiting(incident, page, running)


def _waiting(incident: Incident, page: Page, running: Container[str]) -> bool:
    if page.answered_at is not None or page.unreachable or not incident.open:
        return False
    if page.ladder == ASKED:
        return incident.snoozed_until is None
    return page.ladder in running


def _after_unreachable(case: Case, ladder: Ladder | None, page: Page) -> Iterator[Finding]:
    rung = Rung(page.round, page.step)
    if ladder is not None and case.incident.progress.get(ladder.name) == rung:
        why = e.Reason("nobody_reached", {"person": page.person})
        yield from _advance(case, ladder, rung, why)


def _advance(case: Case, ladder: Ladder, rung: Rung, why: e.Reason) -> Iterator[Finding]:
    """Let the next rung of this round be due now; a new round keeps its time."""
    following = ladder.after(rung)
    if following is None or following.round != rung.round:
        return
    gained = ladder.at(following) - case.now
    if gained > timedelta():
        yield e.Advanced(ladder.name, ladder.origin - gained, why)


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
        if index in incident.announced or not incident.open:
            continue
        if rule.when == "opened" or incident.verified_at is not None:
            text, why = announcement(case.manual, incident, rule, case.shifts, case.now)
            yield e.NoticeDue(
                f"n{incident.seq}.{index}", rule.template, rule.channel, rule.to, text, why, index
            )
    for notice_id in incident.notices:
        yield from notice_delivery(incident, notice_id, case.now)


def assemble_team(case: Case) -> Iterator[Finding]:
    """The team is called when the commander takes over, at the latest when the manual says."""
    incident, policy = case.incident, case.manual.respond(case.incident.severity)
    plan = policy.assemble
    if plan is None or incident.phase not in AT_WORK or incident.assembled_at is not None:
        return
    if incident.verified_at is None:
        return
    commander = policy.commander.role if policy.commander else None
    if commander is None or commander in incident.roles:
        yield e.TeamAssembled(list(plan.roles), e.Reason("commander_in_charge"))
    elif (at := incident.verified_at + plan.at_latest) > case.now:
        yield at
        return
    else:
        yield e.TeamAssembled(list(plan.roles), e.Reason("commander_late"))
    link = case.manual.team.links.war_room
    if plan.war_room and link and incident.war_room is None:
        yield e.WarRoomOpened(link, e.Reason("team_assembled"))


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
    """Alerts that stopped mean recovered; ones that came back mean a relapse."""
    incident = case.incident
    if incident.phase in (Phase.RESPONDING, Phase.RECOVERING):
        if incident.cleared_at is not None:
            yield e.Recovered(why=e.Reason("alerts_cleared"))
    elif incident.phase is Phase.MONITORING and _fired_since_recovery(incident):
        yield e.Relapsed(e.Reason("alerts_back", {"firing": str(incident.firing)}))


def _fired_since_recovery(incident: Incident) -> bool:
    """A person may say that it works while an alert has yet to notice."""
    fired, recovered = incident.firing_at, incident.recovered_at
    return incident.firing > 0 and fired is not None and recovered is not None and fired > recovered


def resolve_when_clear(case: Case) -> Iterator[Finding]:
    """Where the manual says so, an incident whose alerts stayed quiet resolves by itself."""
    incident = case.incident
    quiet = case.manual.respond(incident.severity).resolve_when_clear
    if quiet is None or incident.cleared_at is None or not incident.open:
        return
    at = incident.cleared_at + quiet
    yield at if at > case.now else e.Resolved(why=e.Reason("quiet_long_enough"))


def watch_clocks(case: Case) -> Iterator[Finding]:
    """Each target that is missed is noted once, at its minute."""
    for clock in clocks(case.manual, case.incident):
        if clock.name in case.incident.breached:
            continue
        if clock.breached(case.now):
            yield e.ClockBreached(clock.name, clock.due_at, clock.target.total_seconds())
        elif clock.stopped_at is None:
            yield clock.due_at


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    call_people,
    reach_people,
    wake_from_snooze,
    presume_real,
    resolve_when_clear,
    follow_alerts,
    assemble_team,
    start_response,
    announce,
    watch_clocks,
)
