"""What the manual's rules say to what was found: severity, type, next actions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bongsu.i18n import N_, translator
from bongsu.incident.alert import Remark
from bongsu.incident.diagnosis.facts import NOTHING_KNOWN, Facts
from bongsu.incident.diagnosis.ranking import BROKEN
from bongsu.incident.report import Finding, Looked, NextAction, Proposal, Verdict
from bongsu.manual.conditions import Condition, ConditionError
from bongsu.manual.schema.base import Text
from bongsu.manual.schema.diagnosis import FindingRule
from bongsu.manual.schema.document import Manual

MOST_COMMANDS = 5
_CHECK = re.compile(r"\bchecks(?:\.([\w-]+)|\[\s*['\"]([^'\"]+)['\"]\s*\])")
_ASKS_FOR_UNKNOWN = re.compile(r"['\"]unknown['\"]")


class Ruled(NamedTuple):
    """What the rules conclude."""

    proposal: Proposal
    actions: tuple[NextAction, ...]
    troubles: tuple[Finding, ...]
    """rules that could not be answered"""


def conclude(
    manual: Manual, facts: Facts, looked: Iterable[Looked], findings: Iterable[Finding],
    new_log_patterns: int,
) -> Ruled:  # fmt: skip
    """Ask every rule; the first that holds and names a severity proposes it."""
    verdicts = {one.check: one.verdict for one in looked}
    values = _values(manual, facts, verdicts, new_log_patterns)
    holding: list[FindingRule] = []
    troubles: list[Finding] = []
    for rule in manual.diagnosis.rules:
        try:
            if _holds(rule, values):
                holding.append(rule)
        except ConditionError as error:
            troubles.append(_unanswered(rule, error))
    proposal = _proposal(holding)
    actions = [*_of_rules(manual, holding, verdicts), *_of_type(manual, facts, proposal)]
    actions += _looking_closer(findings)
    return Ruled(proposal, _once(actions), tuple(troubles))


def _values(
    manual: Manual, facts: Facts, verdicts: Mapping[str, Verdict], new_log_patterns: int
) -> dict[str, Any]:
    every: dict[str, Verdict] = dict.fromkeys(manual.diagnosis.checks, "unknown")
    every |= verdicts
    given = {"service": facts.service or "", **facts.values}
    return {
        **NOTHING_KNOWN,
        **given,
        "checks": every,
        "unhealthy": [name for name, verdict in every.items() if verdict == "unhealthy"],
        "degraded": [name for name, verdict in every.items() if verdict == "degraded"],
        "new_log_patterns": new_log_patterns,
    }


def _holds(rule: FindingRule, values: Mapping[str, Any]) -> bool:
    """Say whether a rule holds, also if everything that could not be looked at were healthy.

    ``checks.api != 'healthy'`` is true of a check that nobody could look at; that must not raise
    the severity. Only a rule that asks for 'unknown' itself is taken at its word.

    Raises:
        ConditionError: it can't be answered.
    """
    condition = Condition(rule.when)
    if not condition.holds(values):
        return False
    if _ASKS_FOR_UNKNOWN.search(rule.when):
        return True
    seen = {
        name: "healthy" if verdict == "unknown" else verdict
        for name, verdict in values["checks"].items()
    }
    return condition.holds({**values, "checks": seen})


def _unanswered(rule: FindingRule, error: ConditionError) -> Finding:
    says = Remark(
        N_("a rule of the manual can't be answered ({rule}): {why}"),
        {"rule": rule.when, "why": error.reason},
    )
    return Finding(code="rule_unanswered", says=says, verdict="unknown", weight=0.1)


def _proposal(holding: Iterable[FindingRule]) -> Proposal:
    rules = list(holding)
    grave = next((rule for rule in rules if rule.severity), None)
    typed = grave if grave and grave.type else next((rule for rule in rules if rule.type), None)
    if grave is None and typed is None:
        return Proposal()
    reason = grave or typed
    return Proposal(
        severity=grave.severity if grave else None,
        type=typed.type if typed else None,
        why=reason.when if reason else "",
    )


def _of_rules(
    manual: Manual, holding: Iterable[FindingRule], verdicts: Mapping[str, Verdict]
) -> Iterable[NextAction]:
    for rule in holding:
        asked = [first or second for first, second in _CHECK.findall(rule.when)]
        because = tuple(dict.fromkeys(one for one in asked if verdicts.get(one) in BROKEN))
        for text in rule.next:
            yield NextAction(says=_both(text), because=because)
        for name in rule.playbooks:
            yield _playbook(manual, name, because)


def _of_type(manual: Manual, facts: Facts, proposal: Proposal) -> Iterable[NextAction]:
    """Name the playbooks that are written for the type, proposed or known."""
    kind = proposal.type or facts.values.get("type")
    for name, playbook in manual.playbooks.items():
        if kind and kind in playbook.types:
            yield _playbook(manual, name, (str(kind),))


def _playbook(manual: Manual, name: str, because: tuple[str, ...]) -> NextAction:
    known = manual.playbooks.get(name)
    text = known.name if known else Text.of(name)
    return NextAction(says=_both(text), playbook=name, because=because)


def _looking_closer(findings: Iterable[Finding]) -> Iterable[NextAction]:
    """Offer the commands by which a person sees the gravest findings himself."""
    by_command: dict[str, list[str]] = {}
    for one in findings:
        if one.verdict in BROKEN and one.evidence.command:
            by_command.setdefault(one.evidence.command, []).append(one.code)
    text = N_("See for yourself")
    says = {lang: translator(lang)(text) for lang in ("ko", "en")}
    for command, codes in list(by_command.items())[:MOST_COMMANDS]:
        yield NextAction(says=says, command=command, because=tuple(dict.fromkeys(codes)))


def _both(text: Text) -> dict[str, str]:
    return {"ko": text.ko, "en": text.en}


def _once(actions: Iterable[NextAction]) -> tuple[NextAction, ...]:
    """Keep the first of what is said several times; a playbook counts by its id."""
    kept: dict[str, NextAction] = {}
    for one in actions:
        kept.setdefault(one.playbook or one.command or one.says["en"], one)
    return tuple(kept.values())
