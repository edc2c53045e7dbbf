"""Every reason that the core gives, in words.

A reason's code is stable: it stands in logs for ever. Its words may be improved.
"""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter

from bongsu.i18n import N_, Translator
from bongsu.incident.both import in_one
from bongsu.incident.events import Reason
from bongsu.incident.times import span
from bongsu.incident.verification.reasons import REFUSED, VERDICTS
from bongsu.manual.schema.base import parse_duration
from bongsu.manual.schema.document import Manual

DECISIONS = {
    "first_step": N_("the manual calls {target} first"),
    "step_unanswered": N_("nobody answered, so the manual calls {target} next"),
    "round_repeated": N_("nobody answered, so round {round} calls {target} again"),
    "role_called": N_("{role} is needed"),
    "role_unanswered": N_("{role} is needed and nobody has taken it yet, so {target} is called"),
    "verify_reminder": N_("it was answered, but nobody has said whether it is real"),
    "asked": N_("a person asked for {target}"),
    "asked_to_escalate": N_("a person asked to escalate"),
    "nobody_reachable": N_("{target} leads to nobody who can be reached"),
    "nobody_reached": N_("{person} could not be reached on any channel, so nobody waits for them"),
    "every_contact_failed": N_("every channel failed"),
    "first_contact": N_("their first contact"),
    "next_contact": N_("their next contact"),
    "retry": N_("tried again after: {error}"),
    "notice_written": N_("a notice was written"),
    "report_made": N_("the first report is there"),
    "announced_when_opened": N_("the manual tells the team as soon as an incident opens"),
    "announced_when_confirmed": N_("the manual tells the team once an incident is real"),
    "template_failed": N_("its template failed, so a plain text goes out: {error}"),
    "snooze_ran_out": N_("the snooze ran out"),
    "severity_raised": N_("it turned out to be more severe"),
    "merged_worse": N_("{incident}, which was more severe, goes on in this one"),
    "ended_by_person": N_("a person ended it"),
    "not_verified_in_time": N_("nobody said in time whether it is real"),
    "commander_in_charge": N_("the commander has taken over"),
    "commander_late": N_("the commander has not answered in time"),
    "no_commander": N_("the manual calls the team without waiting for anybody"),
    "more_roles_needed": N_("the manual now asks for more roles"),
    "team_assembled": N_("the team is called in"),
    "on_call_responds": N_("the on-call responder handles it"),
    "team_at_work": N_("the first of the team has taken a role"),
    "alerts_cleared": N_("all its alerts stopped"),
    "alerts_back": N_("{firing} alerts fire again"),
    "quiet_long_enough": N_("its alerts stayed quiet as long as the manual asks"),
    "taken_back": N_("a person took the answer back"),
    "signal": N_("a signal of {integration} matched route {route}"),
    "default_route": N_("a signal of {integration} matched no route, so the default applies"),
    "alert_severity": N_("an alert of this severity joined"),
    "fired_again": N_("it fired again within {within} of its end"),
    "declared": N_("{person} declared it"),
    "sender_resolved": N_("the sender resolved it"),
    "first_report": N_("the manual has the first report made by itself"),
    "too_many_at_once": N_("too many incidents at once; ask for it if you need it"),
    "approval_wanted": N_("the playbook “{playbook}” needs the yes of {role}"),
    "approval_refused": N_("{person} said no for {role}"),
    "approval_lapsed": N_("nobody answered for {role} in time"),
    "stopped_by_person": N_("a person stopped it"),
    "undone_by_person": N_("a person had it taken back"),
    "undo_called_off": N_("it is not taken back after all, and stays as it had ended"),
    "step_failed": N_("step {step} failed: {name}"),
    "step_refused": N_("step {step} was not begun: {name}"),
    "playbook_notice": N_("a step of the playbook sends it"),
    "run_undecidable": N_("it can't be gone on with: {error}"),
    "run_failed": N_("the playbook “{playbook}” did not do what it is for: {outcome}"),
    "run_bounded": N_("the playbook “{playbook}” may not run by itself again so soon"),
    "playbook_automatic": N_("the manual lets it run by itself where {condition}"),
    "automation_bound": N_("it ran by itself {times} times within {per}; a person has to decide"),
    "lock_taken": N_("another run holds {lock}: {run} of {incident}"),
    "runner_not_there": N_("no worker --runner {runner} took it within {wait}"),
    "lock_lost": N_("{lock} was held by others for too long"),
    "no_longer_wanted": N_("it was answered or ended before this left"),
}

REFUSALS = {
    "already_acknowledged": N_("{person} has acknowledged it already"),
    "not_acknowledged": N_("nobody has acknowledged it"),
    "not_open": N_("the incident is {phase}; reopen it first"),
    "not_in_this_phase": N_("the incident is {phase}; the manual allows no such step from there"),
    "merged_elsewhere": N_("the incident goes on in {incident}"),
    "ladder_at_its_end": N_("everybody whom the manual names has been called; name somebody"),
    "unknown_role": N_("there is no role {role}; write one of {known}"),
    "unknown_person": N_("there is no person {person}; write one of {known}"),
    "unknown_type": N_("there is no incident type {type}; write one of {known}"),
    "unknown_item": N_("checklist {checklist} has no item {item}"),
    "role_already_theirs": N_("{person} has the role {role} already"),
    "role_not_taken": N_("nobody has the role {role}"),
    "severity_unchanged": N_("the severity is {severity} already"),
    "empty_text": N_("the text is empty"),
    "snooze_out_of_range": N_("a snooze ends in the future and within 7 days"),
    "snoozed": N_("the incident is snoozed; end the snooze first"),
    "not_snoozed": N_("the incident is not snoozed"),
    "group_goes_on": N_("another open incident has its alerts; go on in that one"),
    "unknown_playbook": N_("there is no playbook {playbook}; write one of {known}"),
    "unknown_parameter": N_("there is no parameter {parameter}; write one of {known}"),
    "no_parameters": N_("there is no parameter {parameter}; the playbook takes none"),
    "missing_parameter": N_("the parameter {parameter} is missing"),
    "parameter_empty": N_("the parameter {parameter} is empty"),
    "parameter_type": N_("{value} does not fit the parameter {parameter}, whose type is {type}"),
    "parameter_range": N_("{value} is out of bounds for {parameter}: from {low} to {high}"),
    "parameter_choice": N_("{value} is no choice for {parameter}; write one of {choices}"),
    "parameter_pattern": N_("{value} does not match the pattern of {parameter}: {pattern}"),
    "parameter_characters": N_("{parameter} has characters that can't be used there: {value}"),
    "parameter_look_alike": N_(
        "{parameter} has characters that only look like those expected: {value}; type them anew"
    ),
    "parameter_too_long": N_("{parameter} is longer than {longest} characters"),
    "argument_is_option": N_("{value} would be read as an option; it can't begin with a dash"),
    "argument_changes_form": N_("{value} would say something else than {argument} is meant to"),
    "header_names_variable": N_("{value} would send an environment variable"),
    "playbooks_in_circle": N_("the playbooks call each other in a circle: {circle}"),
    "plan_too_long": N_("“{playbook}” grows to more than {most} steps with what it calls"),
    "locks_differ": N_(
        "“{playbook}” and what it calls lock different targets ({locks}); give them the same lock"
    ),
    "unknown_run": N_("there is no run {run}; write one of {known}"),
    "run_is_over": N_("the run {run} is over"),
    "no_approval_wanted": N_("the run {run} waits for nobody's approval"),
    "not_theirs_to_approve": N_("{person} can't answer for {role}"),
    "no_answer_wanted": N_("step {step} of {run} waits for nobody's answer"),
    "nothing_to_undo": N_("the run {run} changed nothing that could be taken back"),
    "merge_with_itself": N_("an incident can't be merged with itself"),
}

GUIDANCE = {
    "acknowledge": N_("Acknowledge the call"),
    "call_by_hand": N_("No call is waiting for an answer; reach somebody yourself"),
    "verify": N_("Say whether it is real: confirm it, or dismiss it as a false alarm"),
    "take_role": N_("Take the role {role}"),
    "snoozed_until": N_("Calls are snoozed; they begin anew at this time"),
    "assemble_team": N_("Take command and call in the team"),
    "checklist_item": "{item}",
    "first_notice": N_("Send the first notice"),
    "run_playbook": N_("Run the playbook “{playbook}”"),
    "run_playbook_approved": N_("Run the playbook “{playbook}” once {role} has approved it"),
    "approve_run": N_("Approve or refuse for {role}: the playbook “{playbook}” waits"),
    "approve_step": N_("Approve or refuse for {role}: “{playbook}”, step {step}: {step_name}"),
    "do_step": N_("Do step {step} of “{playbook}” and say so: {instruction}"),
    "say_of_step": N_(
        "Say whether step {step} of “{playbook}” was done: {step_name}; whoever ran it died at it"
    ),
    "runner_missing": N_(
        "Start the worker {runner}, or stop the run: nobody takes “{playbook}”, step {step}"
    ),
    "recover": N_("Bring the service back, and say so when it works again"),
    "recover_in_order": N_(
        "Bring {service} back (recovery order {tier}), and say so when it works again"
    ),
    "verify_recovery": N_("Verify the recovery: {verification}"),
    "verification_runs": N_("Being verified: {verification}"),
    "verification_failed": N_("Failed, so it is not over: {verification}"),
    "verification_inconclusive": N_("Nothing could be concluded; run it again: {verification}"),
    "keep_watching": N_("Keep watching until this time, then resolve it"),
    "resolve_once_verified": N_(
        "Resolve it once its checks pass; a commander may override them with a reason"
    ),
    "resolve": N_("Resolve it: it has been watched for as long as the manual asks"),
    "review": N_("Hold the review and write down what will be improved"),
}

PHASES = {
    "detected": N_("detected"),
    "verified": N_("verified"),
    "responding": N_("responding"),
    "recovering": N_("recovering"),
    "monitoring": N_("monitoring"),
    "resolved": N_("resolved"),
    "reviewed": N_("reviewed"),
    "dismissed": N_("dismissed"),
}

CLOCKS = {
    "detection": N_("detection"),
    "first_response": N_("first response"),
    "verification": N_("verification"),
    "response": N_("response"),
    "communication": N_("communication"),
    "recovery": N_("recovery"),
}

CHANNELS = {
    "slack": "Slack",
    "email": N_("Email"),
    "sms": "SMS",
    "kakao": N_("KakaoTalk"),
    "call": N_("Phone call"),
    "terminal": N_("Terminal"),
    "webhook": N_("Webhook"),
    "status_page": N_("Status page"),
    "console": N_("Console"),
    "link": N_("Link"),
    "cli": "CLI",
    "api": "API",
    "signal": N_("Signal"),
}

RUN_OUTCOMES = {
    "succeeded": N_("succeeded"),
    "failed": N_("failed"),
    "undone": N_("was taken back"),
    "undo_failed": N_("could not be taken back in full"),
    "stopped": N_("was stopped"),
    "refused": N_("was not begun"),
}

_TEXTS = {**DECISIONS, **REFUSALS, **GUIDANCE, **VERDICTS, **REFUSED}


def explain(reason: Reason, manual: Manual, t: Translator) -> str:
    """Return a reason in words; a code of another release is shown as it is."""
    text = _TEXTS.get(reason.code)
    if text is None:
        return " ".join([reason.code, *reason.values.values()])
    blanks = {name: "-" for _, name, _, _ in Formatter().parse(text) if name}
    values = {
        name: _READERS[name](value, manual, t) if name in _READERS else value
        for name, value in reason.values.items()
    }
    return t(text, **{**blanks, **values})


def person_name(person: str, manual: Manual) -> str:
    """Return a person's name for people; somebody whom the manual does not know keeps the id."""
    known = manual.person(person)
    if known is not None:
        return known.name
    kind, _, name = person.partition(":")
    return integration_name(name, manual) if kind == "integration" else person


def integration_name(integration: str, manual: Manual, lang: str | None = None) -> str:
    """Return a sender's name for people; one that the manual does not know keeps its id."""
    known = manual.signals.integrations.get(integration)
    return known.name.in_(lang or manual.overview.locale) if known else integration


def phase_name(phase: str, t: Translator) -> str:
    """Return a phase's name for people."""
    return t(PHASES.get(phase, phase))


def clock_name(clock: str, t: Translator) -> str:
    """Return a clock's name for people."""
    return t(CLOCKS.get(clock, clock))


def channel_name(channel: str, t: Translator) -> str:
    """Return the name of a channel, or of whatever way an answer came, for people."""
    return t(CHANNELS.get(channel, channel))


def target_name(target: str, manual: Manual, t: Translator) -> str:
    """Return a target for people: ``rotation:main/primary`` is read as ``primary (main)``."""
    kind, _, name = target.partition(":")
    match kind:
        case "person":
            return person_name(name, manual)
        case "role":
            return manual.role_name(name).in_(t.lang)
        case "rotation":
            rotation, _, slot = name.partition("/")
            known = manual.oncall.rotations.get(rotation)
            return f"{t(slot)} ({known.name.in_(t.lang) if known else rotation})"
        case _:
            return target


# ── the ids in a reason, as people read them ─────────────────────────────────────────────


def _targets(value: str, manual: Manual, t: Translator) -> str:
    return ", ".join(target_name(one, manual, t) for one in value.split(", "))


def _people(value: str, manual: Manual, _: Translator) -> str:
    return ", ".join(person_name(one, manual) for one in value.split(", "))


def _role(value: str, manual: Manual, t: Translator) -> str:
    return manual.role_name(value).in_(t.lang)


def _playbook(value: str, manual: Manual, t: Translator) -> str:
    known = manual.playbooks.get(value)
    return known.name.in_(t.lang) if known else value


def _in_one(value: str, _: Manual, t: Translator) -> str:
    """Read what was written in both languages; a plain text is as it is."""
    return in_one(value, t.lang)


def _service(value: str, manual: Manual, t: Translator) -> str:
    known = manual.services.services.get(value)
    return known.name.in_(t.lang) if known else value


def _tier(value: str, manual: Manual, t: Translator) -> str:
    order = {str(tier): line for tier, line in manual.services.recovery_order.items()}
    return f"{value}. {order[value].name.in_(t.lang)}" if value in order else value


def _item(value: str, manual: Manual, t: Translator) -> str:
    """``first_look:0`` is the first item of the checklist *first_look*."""
    name, _, index = value.partition(":")
    checklist = manual.response.checklists.get(name)
    if checklist is None or not index.isdecimal() or int(index) >= len(checklist.items):
        return value
    return checklist.items[int(index)].text.in_(t.lang)


def _verification(value: str, manual: Manual, t: Translator) -> str:
    """``smoke:user_login`` is a check of the recovery, with what it must show."""
    group, _, name = value.partition(":")
    lists = manual.verification
    groups = {
        "smoke": lists.smoke,
        "performance": lists.performance,
        "monitoring": lists.monitoring,
    }
    check = groups.get(group, {}).get(name)
    return f"{check.name.in_(t.lang)} ({check.criterion.in_(t.lang)})" if check else value


def _verifications(value: str, manual: Manual, t: Translator) -> str:
    return ", ".join(_verification(one, manual, t) for one in value.split(", "))


def _duration(value: str, _: Manual, t: Translator) -> str:
    try:
        return span(parse_duration(value), t)
    except ValueError:
        return value


_READERS: dict[str, Callable[[str, Manual, Translator], str]] = {
    "target": _targets,
    "person": _people,
    "role": _role,
    "playbook": _playbook,
    "name": _in_one,
    "error": _in_one,
    "step_name": _in_one,
    "instruction": _in_one,
    "service": _service,
    "tier": _tier,
    "item": _item,
    "verification": _verifications,
    "within": _duration,
    "phase": lambda value, _, t: phase_name(value, t),
    "outcome": lambda value, _, t: t(RUN_OUTCOMES.get(value, value)),
    "integration": lambda value, manual, t: integration_name(value, manual, t.lang),
}
