"""What a person may do to an incident, as events, or as a refusal that says why not.

Each function looks at the state and returns the bodies to write; none writes. The engine holds
the incident's lock while it asks, so the answer still holds when the bodies are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.incident.ladders import ASKED, Ladder, ladders
from bongsu.incident.phases import allowed
from bongsu.incident.runs.calling import CALLS
from bongsu.incident.state import Incident, Page, Rung
from bongsu.incident.verification import plan
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts

Bodies = list[e.AnyBody]


class RefusedError(Exception):
    """The incident does not allow it; ``reason`` says why in either language."""

    def __init__(self, code: str, **values: str) -> None:
        self.reason = e.Reason(code, values)
        super().__init__(f"{code} {values}" if values else code)


def acknowledge(incident: Incident, person: str, via: str = "", page: str | None = None) -> Bodies:
    """A person answers ``page``, or every call to them where none is named or it is long past.

    Answering a call to a role takes the role, unless somebody else has taken it meanwhile. A run
    may call after the incident has ended.
    """
    calls = _calls(incident, person, page)
    if not incident.open and any(call.ladder.startswith(CALLS) for call in calls):
        calls = [call for call in calls if call.ladder.startswith(CALLS)]
        return [e.PageAnswered(call.id, person, via) for call in calls]
    _must_be_open(incident)
    bodies: Bodies = [
        body
        for call in calls
        for body in (e.PageAnswered(call.id, person, via), *_take_if_free(incident, call, person))
    ]
    if incident.acknowledged_at is None:
        return [e.Acknowledged(person, via, page), *bodies]
    if not bodies:
        raise RefusedError("already_acknowledged", person=incident.acknowledged_by or "")
    return bodies


def _calls(incident: Incident, person: str, page: str | None) -> list[Page]:
    """The calls that an answer is for, besides those of the on-call ladder."""
    named = incident.pages.get(page or "")
    asked = [named] if named is not None else incident.pages.values()
    return [
        call
        for call in asked
        if call.ladder != "oncall"
        and call.answered_at is None
        and (call is named or call.person == person)
    ]


def _take_if_free(incident: Incident, call: Page, person: str) -> Bodies:
    if call.role is None or call.role in incident.roles:
        return []
    return _take(incident, call.role, person)


def unacknowledge(incident: Incident) -> Bodies:
    """Take the answer back: escalation starts anew."""
    _must_be_open(incident)
    if incident.acknowledged_at is None:
        raise RefusedError("not_acknowledged")
    return [e.Unacknowledged(e.Reason("taken_back"))]


def confirm(incident: Incident, person: str, note: str = "", via: str = "") -> Bodies:
    """It is real; who says so has answered, too."""
    _must_allow(incident, e.Confirmed)
    return [*_answered(incident, person, via), e.Confirmed(note)]


def dismiss(incident: Incident, person: str, note: str = "", via: str = "") -> Bodies:
    """It is a false alarm; who says so has answered, too."""
    _must_allow(incident, e.Dismissed)
    return [*_answered(incident, person, via), e.Dismissed(note)]


def start_recovery(incident: Incident, person: str, note: str = "") -> Bodies:
    """Somebody begins to change the system."""
    _must_allow(incident, e.RecoveryStarted)
    return [*_answered(incident, person), e.RecoveryStarted(note)]


def recovered(incident: Incident, person: str, note: str = "") -> Bodies:
    """The service works again; from here it is watched."""
    _must_allow(incident, e.Recovered)
    return [*_answered(incident, person), e.Recovered(note)]


def resolve(
    manual: Manual, incident: Incident, person: str, note: str = "", via: str = "", *,
    override: str = "",
) -> Bodies:  # fmt: skip
    """It is over: every check that the manual requires has passed since it works again.

    ``override`` is the reason for which a commander ends it without; who is one, is for the caller
    to know.
    """
    _must_allow(incident, e.Resolved)
    left = plan.unverified(manual, incident)
    bodies: Bodies = [*_answered(incident, person, via)]
    if left and not override.strip():
        code = "recovery_failed" if "failed" in left.values() else "recovery_not_verified"
        raise RefusedError(code, verification=", ".join(left))
    if left:
        bodies.append(v.VerificationOverridden(override.strip(), list(left)))
    return [*bodies, e.Resolved(note)]


def verify(manual: Manual, incident: Incident, checks: Sequence[str] = ()) -> Bodies:
    """Run checks of the recovery now, or all that the manual wants for this severity."""
    _must_be_open(incident)
    known = plan.applying(manual, incident)
    for check in checks:
        if check not in plan.every_check(manual):
            raise RefusedError("unknown_check", check=check, known=", ".join(known) or "-")
        if incident.drill and plan.is_load(check):
            raise RefusedError("no_load_in_a_drill", verification=check)
    wanted = list(dict.fromkeys(checks or known))
    if not wanted:
        raise RefusedError("nothing_to_verify", severity=incident.severity)
    left = [check for check in wanted if check not in incident.verification.running]
    if not left:
        raise RefusedError("verification_runs_already", verification=", ".join(wanted))
    return [v.VerificationDue(left, e.Reason(plan.ASKED))]


def reopen(incident: Incident, note: str = "", why: e.Reason | None = None) -> Bodies:
    """An ended incident starts again, escalation with it."""
    if incident.merged_into is not None:
        raise RefusedError("merged_elsewhere", incident=incident.merged_into)
    _must_allow(incident, e.Reopened)
    return [e.Reopened(note, why)]


def review(incident: Incident, note: str = "") -> Bodies:
    """The review is done."""
    _must_allow(incident, e.Reviewed)
    return [e.Reviewed(note)]


def escalate(
    manual: Manual, incident: Incident, shifts: Shifts, now: datetime, target: str | None = None
) -> Bodies:
    """Call the next ones now instead of later, or call exactly ``target``."""
    _must_be_open(incident)
    if incident.snoozed_until is not None:
        raise RefusedError("snoozed")
    ladder = next((it for it in ladders(manual, incident) if it.name == "oncall"), None)
    if target is None and ladder is not None:
        return [_hurry(incident, ladder, now)]
    targets = [target] if target is not None else _next_targets(manual, incident)
    found = [(t, c.person) for t in targets for c in shifts.targets(t, now) if c.person]
    callees = {p: t for t, p in found if (who := manual.person(p)) and who.contacts}
    if not callees:
        raise RefusedError("nobody_reachable", target=", ".join(targets))
    answer_by = now + manual.overview.targets.first_response
    return [
        e.Paged(f"p{incident.seq}.{n}", person, ASKED, answer_by, e.Reason("asked", {"target": t}))
        for n, (person, t) in enumerate(callees.items(), start=1)
    ]


def assign(incident: Incident, role: str, person: str, manual: Manual) -> Bodies:
    """Give a role to a person; a former wearer hands it over."""
    _must_be_open(incident)
    if role not in manual.team.roles:
        raise RefusedError("unknown_role", role=role, known=", ".join(sorted(manual.team.roles)))
    if manual.person(person) is None:
        known = ", ".join(sorted(manual.team.people))
        raise RefusedError("unknown_person", person=person, known=known)
    if incident.roles.get(role) == person:
        raise RefusedError("role_already_theirs", role=role, person=person)
    return _take(incident, role, person)


def release(incident: Incident, role: str) -> Bodies:
    """Open a role again; the manual's calls for it start anew."""
    _must_be_open(incident)
    if role not in incident.roles:
        raise RefusedError("role_not_taken", role=role)
    return [e.RoleReleased(role)]


def change_severity(incident: Incident, severity: SeverityLevel, note: str = "") -> Bodies:
    """Raise or lower the severity."""
    _must_be_open(incident)
    if severity == incident.severity:
        raise RefusedError("severity_unchanged", severity=severity)
    return severity_changed(incident, severity, note)


def severity_changed(
    incident: Incident, severity: SeverityLevel, note: str = "", why: e.Reason | None = None
) -> Bodies:
    """A worse severity ends a snooze: what was put off was something else."""
    bodies: Bodies = [e.SeverityChanged(severity, incident.severity, note, why)]
    if incident.snoozed_until is not None and severity < incident.severity:
        bodies.append(e.SnoozeEnded(e.Reason("severity_raised")))
    return bodies


def change_type(incident: Incident, type_: str, manual: Manual) -> Bodies:
    """Say what kind of incident it is."""
    _must_be_open(incident)
    if manual.incident_type(type_) is None:
        types = manual.overview.incident_types.values()
        known = ", ".join(name for group in types for name in group)
        raise RefusedError("unknown_type", type=type_, known=known)
    return [] if type_ == incident.type else [e.TypeChanged(type_, incident.type)]


def retitle(incident: Incident, title: str, description: str | None = None) -> Bodies:
    """Give it a better title or description."""
    if not title.strip():
        raise RefusedError("empty_text")
    if title.strip() == incident.title and description in (None, incident.description):
        return []
    return [e.Retitled(title.strip(), description)]


def note(text: str) -> Bodies:
    """Write something down; also after the end, for the review."""
    if not text.strip():
        raise RefusedError("empty_text")
    return [e.NoteAdded(text.strip())]


def tick(
    incident: Incident, manual: Manual, checklist: str, item: int, *, done: bool = True
) -> Bodies:
    """Tick an item of a checklist, or take the tick back."""
    known = manual.response.checklists.get(checklist)
    if known is None or not 0 <= item < len(known.items):
        raise RefusedError("unknown_item", checklist=checklist, item=str(item))
    if ((checklist, item) in incident.ticked) is done:
        return []
    return [e.ChecklistTicked(checklist, item, done)]


def snooze(incident: Incident, until: datetime, now: datetime, text: str = "") -> Bodies:
    """Nobody is paged until then; at most a week, so that nothing is forgotten."""
    _must_be_open(incident)
    if not now < until <= now + timedelta(days=7):
        raise RefusedError("snooze_out_of_range")
    return [e.Snoozed(until, text)]


def unsnooze(incident: Incident) -> Bodies:
    """End the snooze now."""
    if incident.snoozed_until is None:
        raise RefusedError("not_snoozed")
    return [e.SnoozeEnded(e.Reason("ended_by_person"))]


def merge(source: Incident, target: Incident) -> tuple[Bodies, Bodies]:
    """Let ``source`` go on in ``target``; returns what to write to each.

    The target becomes as severe as the worse of the two, and where nobody has answered for that,
    it calls people again: a merge must not silence anything.
    """
    _must_be_open(source)
    _must_be_open(target)
    if source.id == target.id:
        raise RefusedError("merge_with_itself")
    absorbed: Bodies = [e.Absorbed(source.id, source.alerts, source.firing)]
    if source.severity < target.severity:
        why = e.Reason("merged_worse", {"incident": source.number})
        absorbed += severity_changed(target, source.severity, why=why)
        if source.acknowledged_at is None and target.acknowledged_at is not None:
            absorbed.append(e.Unacknowledged(why))
    return [e.MergedInto(target.id)], absorbed


def _must_be_open(incident: Incident) -> None:
    if incident.merged_into is not None:
        raise RefusedError("merged_elsewhere", incident=incident.merged_into)
    if not incident.open:
        raise RefusedError("not_open", phase=incident.phase)


def _must_allow(incident: Incident, kind: type[e.AnyBody]) -> None:
    if incident.merged_into is not None:
        raise RefusedError("merged_elsewhere", incident=incident.merged_into)
    if not allowed(incident.phase, kind):
        raise RefusedError("not_in_this_phase", phase=incident.phase)


def _answered(incident: Incident, person: str, via: str = "") -> Bodies:
    return [] if incident.acknowledged_at else [e.Acknowledged(person, via)]


def _take(incident: Incident, role: str, person: str) -> Bodies:
    former = incident.roles.get(role)
    return [] if former == person else [e.RoleAssigned(role, person, former)]


def _hurry(incident: Incident, ladder: Ladder, now: datetime) -> e.AnyBody:
    following = ladder.after(incident.progress.get(ladder.name))
    if following is None:
        raise RefusedError("ladder_at_its_end")
    gained = max(ladder.at(following) - now, timedelta())
    why = e.Reason("asked_to_escalate")
    return e.Advanced(ladder.name, ladder.origin - gained, why, following.round)


def _next_targets(manual: Manual, incident: Incident) -> list[str]:
    """Whom the manual would have called next if nobody had answered."""
    steps = manual.respond(incident.severity).escalation
    taken = incident.progress.get("oncall", Rung(0, -1)).step
    return list(steps[min(taken + 1, len(steps) - 1)].page)
