"""What the manual says to do next, by whom and by when; and in one line, what is broken.

Nothing here is kept: like `decide`, it follows from the manual, the incident and the time, and is
asked whenever somebody looks. Each function below is one sentence of the manual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from bongsu.i18n import Translator
from bongsu.incident.clocks import clocks
from bongsu.incident.events import Reason
from bongsu.incident.ladders import AT_WORK, ladders
from bongsu.incident.phases import Phase
from bongsu.incident.reasons import explain, person_name, phase_name, target_name
from bongsu.incident.recovery_order import Broken, recovery_order
from bongsu.incident.rules.paging import waiting
from bongsu.incident.runs.waits import latest, waits
from bongsu.incident.state import Incident, Page
from bongsu.incident.times import moment
from bongsu.incident.verification import plan
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.response import Checklist
from bongsu.manual.schema.verification import CommandTest, VerificationCheck
from bongsu.oncall import Shifts

COMMUNICATIONS = "communications_lead"
"""the role that writes notices, where the manual has it; else whoever leads does"""
_NEVER = datetime.max.replace(tzinfo=UTC)


class NextAction(NamedTuple):
    """One thing to do. Times are UTC."""

    text: Reason
    """what to do; `words` puts it into a language"""
    who: tuple[str, ...] = ()
    """targets: ``person:ID`` or ``role:ID``; nobody is anybody"""
    by: datetime | None = None
    command: tuple[str, ...] | None = None
    """argv of the manual's command that answers it, for a person to run"""
    checklist: tuple[str, int] | None = None
    """checklist and item (from 0) that is ticked when it is done"""
    playbook: str | None = None
    run: str | None = None
    """the run that waits for it"""
    done: bool = False
    overdue: bool = False

    @property
    def code(self) -> str:
        """The stable name of this kind of action."""
        return self.text.code

    def words(self, manual: Manual, t: Translator) -> str:
        """Say it in a language."""
        return explain(self.text, manual, t)

    def people(self, manual: Manual, t: Translator) -> str:
        """Name who is to do it; empty for anybody."""
        return ", ".join(target_name(target, manual, t) for target in self.who)


class Case(NamedTuple):
    """Everything that a sentence may look at."""

    manual: Manual
    incident: Incident
    shifts: Shifts
    now: datetime

    @property
    def opened_at(self) -> datetime:
        """From when the manual counts."""
        return self.incident.reopened_at or self.incident.opened_at or self.now


def next_actions(
    manual: Manual, incident: Incident, shifts: Shifts, now: datetime
) -> list[NextAction]:
    """Return what is to be done, the most pressing first and what is done last.

    What people must answer comes before what they work on, and that before what was left behind;
    each by its deadline.
    """
    if incident.opened_at is None or incident.merged_into is not None:
        return []
    case = Case(manual, incident, shifts, now)
    found = [
        (action.done, group, action.by or _NEVER, place, action)
        for group, sentences in enumerate((ANSWERS, WORK, LEFT_BEHIND))
        for place, sentence in enumerate(sentences)
        for action in sentence(case)
    ]
    found.sort(key=lambda entry: entry[:4])
    return [
        action._replace(overdue=not action.done and action.by is not None and action.by <= now)
        for *_, action in found
    ]


def headline(manual: Manual, incident: Incident, t: Translator) -> str:
    """Say in one line what is broken and who is on it."""
    service = manual.services.services.get(incident.service or "")
    kind = manual.incident_type(incident.type) if incident.type else None
    known = [
        service.name.in_(t.lang) if service else "",
        kind[1].name.in_(t.lang) if kind else "",
    ]
    what = " · ".join(name for name in known if name) or incident.title
    return f"{incident.severity} {what}: {_on_it(manual, incident, t)}"


def _on_it(manual: Manual, incident: Incident, t: Translator) -> str:
    if incident.merged_into is not None:
        return t("goes on in incident {incident}", incident=incident.merged_into)
    if not incident.open:
        return phase_name(incident.phase, t)
    if incident.snoozed_until is not None:
        until = moment(incident.snoozed_until, manual.overview.timezone)
        return t("calls are snoozed until {until}", until=until)
    if incident.acknowledged_by is None:
        return t("nobody has acknowledged it yet")
    on_it = person_name(incident.acknowledged_by, manual)
    leads = _commander(manual, incident)
    if leads is None:
        return t("{person} is on it", person=on_it)
    commander = person_name(leads, manual)
    return t("{person} is on it, {commander} commands", person=on_it, commander=commander)


# ── what people must answer ──────────────────────────────────────────────────────────────


def answer_the_call(case: Case) -> Iterator[NextAction]:
    """Somebody was called and has not answered; or nobody could be called at all."""
    incident = case.incident
    if incident.acknowledged_at is not None or not incident.open or incident.snoozed_until:
        return
    pages = _open_pages(case, "oncall")
    if pages:
        yield NextAction(Reason("acknowledge"), _called(pages), max(p.answer_by for p in pages))
    else:
        steps = case.manual.respond(incident.severity).escalation
        targets = [target for step in steps for target in step.page]
        people = [c.person for target in targets for c in case.shifts.targets(target, case.now)]
        who = tuple(f"person:{person}" for person in dict.fromkeys(people))
        yield NextAction(Reason("call_by_hand"), who, case.now)


def say_whether_it_is_real(case: Case) -> Iterator[NextAction]:
    """Whoever answered verifies within the manual's time."""
    incident = case.incident
    if incident.phase is not Phase.DETECTED or incident.acknowledged_at is None:
        return
    within = case.manual.respond(incident.severity).verify.within
    yield NextAction(Reason("verify"), _answerer(incident), incident.acknowledged_at + within)


def take_a_role(case: Case) -> Iterator[NextAction]:
    """Every role that is called for and that nobody wears yet."""
    for ladder in ladders(case.manual, case.incident):
        if ladder.role is None:
            continue
        pages = _open_pages(case, ladder.name)
        who = _called(pages) or (f"role:{ladder.role}",)
        by = max((page.answer_by for page in pages), default=None)
        yield NextAction(Reason("take_role", {"role": ladder.role}), who, by)


def wake_up(case: Case) -> Iterator[NextAction]:
    """A snooze ends, and then the calls begin anew."""
    until = case.incident.snoozed_until
    if until is not None and case.incident.open:
        yield NextAction(Reason("snoozed_until"), (), until)


def answer_for_runs(case: Case) -> Iterator[NextAction]:
    """What the runs of playbooks wait for: a yes, a person's step, a word on what is unknown."""
    for wait in waits(case.incident):
        who, playbook = wait.who or _owner(case), wait.run.asked.playbook
        yield NextAction(wait.text, who, wait.by, playbook=playbook, run=wait.run.id)


# ── what people work on ──────────────────────────────────────────────────────────────────


def assemble_the_team(case: Case) -> Iterator[NextAction]:
    """The team is called by the commander, or by Bongsu when they are late."""
    incident, policy = case.incident, case.manual.respond(case.incident.severity)
    if policy.assemble is None or incident.phase not in AT_WORK or incident.assembled_at:
        return
    since = incident.escalated_at or case.now
    yield NextAction(Reason("assemble_team"), _lead(case), since + policy.assemble.at_latest)


def work_off_checklists(case: Case) -> Iterator[NextAction]:
    """The checklists of this phase."""
    incident = case.incident
    for name, checklist in case.manual.response.checklists.items():
        if checklist.phase == incident.phase and incident.severity in checklist.severities:
            yield from _items(case, name, checklist)


def catch_up_on_checklists(case: Case) -> Iterator[NextAction]:
    """What earlier phases left undone."""
    phases = list(Phase)
    for name, checklist in case.manual.response.checklists.items():
        earlier = phases.index(Phase(checklist.phase)) < phases.index(case.incident.phase)
        if earlier and case.incident.open and case.incident.severity in checklist.severities:
            yield from (action for action in _items(case, name, checklist) if not action.done)


def _items(case: Case, name: str, checklist: Checklist) -> Iterator[NextAction]:
    by = case.opened_at + checklist.within if checklist.within else None
    for index, item in enumerate(checklist.items):
        yield NextAction(
            Reason("checklist_item", {"item": f"{name}:{index}"}),
            _wearer(case.incident, item.role) if item.role else _answerer(case.incident),
            by,
            command=tuple(item.command) if item.command else None,
            checklist=(name, index),
            done=(name, index) in case.incident.ticked,
        )


def send_the_first_notice(case: Case) -> Iterator[NextAction]:
    """Once it is real, somebody tells the others, within the communication target."""
    incident = case.incident
    if incident.communicated_at is not None or incident.phase not in (*AT_WORK, Phase.MONITORING):
        return
    known = COMMUNICATIONS in case.manual.team.roles
    who = _wearer(incident, COMMUNICATIONS) if known else _lead(case)
    yield NextAction(Reason("first_notice"), who, _clock_due(case, "communication"))


def run_a_playbook(case: Case) -> Iterator[NextAction]:
    """The playbooks that the manual has for this type of incident."""
    incident = case.incident
    if incident.phase not in AT_WORK or incident.type is None:
        return
    for name, playbook in case.manual.playbooks.items():
        if incident.type in playbook.types and incident.severity in playbook.severities:
            code = "run_playbook_approved" if playbook.approve else "run_playbook"
            values = {"playbook": name, **({"role": playbook.approve} if playbook.approve else {})}
            who, by = _owner(case), _clock_due(case, "recovery")
            run = latest(incident, name)
            if run is None or run.over:
                done = run is not None and run.outcome == "succeeded"
                yield NextAction(Reason(code, values), who, by, playbook=name, done=done)


def bring_it_back(case: Case) -> Iterator[NextAction]:
    """What is broken works again within the recovery target, in the manual's order of recovery.

    That is the incident's service, and what its last report found broken besides.
    """
    incident, by = case.incident, _clock_due(case, "recovery")
    if incident.phase not in (Phase.RESPONDING, Phase.RECOVERING):
        return
    checks = tuple(incident.diagnosed.checks) if incident.diagnosed else ()
    broken = Broken(incident.service or "", incident.number, incident.type, checks)
    known = case.manual.services.services
    places = [one for one in recovery_order(case.manual, [broken]) if one.service in known]
    for place in places:
        values = {"service": place.service, "tier": str(place.tier)}
        yield NextAction(Reason("recover_in_order", values), _owner(case, place.service), by)
    if not places:
        yield NextAction(Reason("recover"), _owner(case), by)


def verify_the_recovery(case: Case) -> Iterator[NextAction]:
    """What must pass before anybody says that it is over (복구 검증)."""
    if case.incident.phase is not Phase.MONITORING:
        return
    for name, check in plan.applying(case.manual, case.incident).items():
        yield _verification(case, name, check)


_STANDING = {"failed": "verification_failed", "inconclusive": "verification_inconclusive"}


def _verification(case: Case, name: str, check: VerificationCheck) -> NextAction:
    command = tuple(check.test.argv) if isinstance(check.test, CommandTest) else None
    standing = plan.standing(case.incident, name)
    code = _STANDING.get(standing or "", "verify_recovery")
    if name in case.incident.verification.running:
        code = "verification_runs"
    text, passed = Reason(code, {"verification": name}), standing == "passed"
    return NextAction(text, _owner(case), _watched_until(case), command=command, done=passed)


def resolve_it(case: Case) -> Iterator[NextAction]:
    """It is watched for the manual's time and then resolved."""
    if case.incident.phase is Phase.MONITORING:
        until = _watched_until(case)
        code = "resolve" if until <= case.now else "keep_watching"
        if code == "resolve" and plan.unverified(case.manual, case.incident):
            code = "resolve_once_verified"
        yield NextAction(Reason(code), _lead(case), until)


def review_it(case: Case) -> Iterator[NextAction]:
    """A resolved incident is reviewed, where its severity asks for it."""
    incident, rules = case.incident, case.manual.review
    if incident.phase is Phase.RESOLVED and incident.severity in rules.required_for:
        by = (incident.ended_at or case.now) + rules.within
        yield NextAction(Reason("review"), _lead(case), by)


Sentence = Callable[[Case], Iterator[NextAction]]
ANSWERS: tuple[Sentence, ...] = (
    answer_the_call, say_whether_it_is_real, take_a_role, answer_for_runs, wake_up,
)  # fmt: skip
WORK: tuple[Sentence, ...] = (
    assemble_the_team,
    work_off_checklists,
    send_the_first_notice,
    run_a_playbook,
    bring_it_back,
    verify_the_recovery,
    resolve_it,
    review_it,
)
LEFT_BEHIND: tuple[Sentence, ...] = (catch_up_on_checklists,)


# ── who and when ─────────────────────────────────────────────────────────────────────────


def _open_pages(case: Case, ladder: str) -> list[Page]:
    """The calls of one ladder that still wait for an answer, the latest first."""
    pages = [page for page in case.incident.pages.values() if page.ladder == ladder]
    return [page for page in reversed(pages) if waiting(case.incident, page, {ladder})]


def _called(pages: list[Page]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"person:{page.person}" for page in pages))


def _answerer(incident: Incident) -> tuple[str, ...]:
    """Whoever has answered; before that, anybody."""
    return (f"person:{incident.acknowledged_by}",) if incident.acknowledged_by else ()


def _wearer(incident: Incident, role: str) -> tuple[str, ...]:
    """The person who wears a role; the role itself while nobody does."""
    person = incident.roles.get(role)
    return (f"person:{person}",) if person else (f"role:{role}",)


def _commander(manual: Manual, incident: Incident) -> str | None:
    commander = manual.respond(incident.severity).commander
    return incident.roles.get(commander.role) if commander else None


def _lead(case: Case) -> tuple[str, ...]:
    """Whoever leads: the commander where the manual wants one, else whoever answered."""
    commander = case.manual.respond(case.incident.severity).commander
    return _wearer(case.incident, commander.role) if commander else _answerer(case.incident)


def _owner(case: Case, broken: str | None = None) -> tuple[str, ...]:
    """Whoever looks after a service, else after the incident's, else whoever answered."""
    service = case.manual.services.services.get(broken or case.incident.service or "")
    if service is not None and service.owner is not None:
        return _wearer(case.incident, service.owner)
    return _answerer(case.incident)


def _clock_due(case: Case, name: str) -> datetime | None:
    due = (clock.due_at for clock in clocks(case.manual, case.incident) if clock.name == name)
    return next(due, None)


def _watched_until(case: Case) -> datetime:
    since = case.incident.recovered_at or case.now
    return since + case.manual.verification.watch
