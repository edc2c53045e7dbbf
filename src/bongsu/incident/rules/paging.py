"""Who is called, by which rung of which ladder, and whether a call is still wanted."""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import timedelta

from bongsu.incident import events as e
from bongsu.incident.case import Case
from bongsu.incident.contacts import Finding, attempts, page_deliveries
from bongsu.incident.ladders import ASKED, Ladder, ladders
from bongsu.incident.runs.approving import APPROVAL, still_asked
from bongsu.incident.runs.calling import CALLS, still_called
from bongsu.incident.state import Delivery, Incident, Page, Rung
from bongsu.manual.schema.document import Manual


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


def _advance(case: Case, ladder: Ladder, rung: Rung, why: e.Reason) -> Iterator[Finding]:
    """Let the next rung of this round be due now; a new round has to come by itself."""
    following = ladder.after(rung)
    if following is None or following.round != rung.round:
        return
    gained = ladder.at(following) - case.now
    if gained > timedelta():
        yield e.Advanced(ladder.name, ladder.origin - gained, why, following.round)


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
