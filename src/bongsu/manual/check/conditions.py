"""Every CEL condition of the manual: can it be read, and does it ask about what exists?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bongsu.i18n import N_
from bongsu.manual.check.references import refer
from bongsu.manual.conditions import Condition, ConditionError, Scope, samples
from bongsu.manual.problems import KeyPath, Problem, error, instead
from bongsu.manual.schema.base import SEVERITY_LEVELS
from bongsu.manual.schema.diagnosis import PrometheusProbe
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Playbook
from bongsu.manual.schema.verification import CommandTest, ProbeTest, QueryTest, VerificationCheck

_PARAMETERS: dict[str, object] = {
    "string": "", "address": "", "integer": 1, "number": 1.0, "boolean": True,
}  # fmt: skip


class _Use(NamedTuple):
    """A condition, where it stands, and what it may ask about."""

    path: KeyPath
    text: str
    scope: Scope
    more: Mapping[str, object] = {}
    """samples that depend on the manual"""


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at every condition of the manual."""
    words = _words(manual)
    for use in _uses(manual):
        yield from _condition(use)
        yield from _compared(use, words)
        yield from _keys(use)


def _uses(manual: Manual) -> Iterator[_Use]:
    checks: dict[str, object] = {"checks": dict.fromkeys(manual.diagnosis.checks, "healthy")}
    yield from _of_notices(manual)
    yield from _of_diagnosis(manual, checks)
    for name, playbook in manual.playbooks.items():
        yield from _of_playbook(("playbooks", name), playbook, checks)
    for group in ("smoke", "performance", "monitoring"):
        for name, verified in getattr(manual.verification, group).items():
            path = ("verification", group, name, "passes")
            yield _Use(path, verified.passes, scope_of(verified))


def _of_notices(manual: Manual) -> Iterator[_Use]:
    for name, audience in manual.communication.audiences.items():
        if audience.when is not None:
            yield _Use(("communication", "audiences", name, "when"), audience.when, "incident")
    for name, duty in (manual.obligations.duties if manual.obligations else {}).items():
        if duty.when is not None:
            yield _Use(("obligations", "duties", name, "when"), duty.when, "incident")


def _of_diagnosis(manual: Manual, checks: dict[str, object]) -> Iterator[_Use]:
    for index, rule in enumerate(manual.diagnosis.rules):
        yield _Use(("diagnosis", "rules", index, "when"), rule.when, "findings", checks)
    for name, check in manual.diagnosis.checks.items():
        if isinstance(check.probe, PrometheusProbe):
            path = ("diagnosis", "checks", name, "probe", "healthy")
            yield _Use(path, check.probe.healthy, "metric")


def _of_playbook(path: KeyPath, playbook: Playbook, checks: dict[str, object]) -> Iterator[_Use]:
    given = {name: p.default if p.default is not None else _PARAMETERS[p.type]
             for name, p in playbook.parameters.items()}  # fmt: skip
    more = {**checks, "parameters": given}
    if playbook.automatic:
        yield _Use((*path, "automatic", "when"), playbook.automatic.when, "playbook", more)
    for index, step in enumerate(playbook.steps):
        if step.when is not None:
            yield _Use((*path, "steps", index, "when"), step.when, "playbook", more)


def scope_of(check: VerificationCheck) -> Scope:
    """Return which variables a verification's criterion may ask about."""
    match check.test:
        case CommandTest(result="exit"):
            return "exit"
        case CommandTest(result="junit"):
            return "junit"
        case CommandTest():
            return "load"
        case QueryTest():
            return "metric"
        case ProbeTest():
            return "http"
        case _:
            return "quiet"


def _condition(use: _Use) -> Iterator[Problem]:
    try:
        condition = Condition(use.text)
    except ConditionError as failure:
        yield error(
            use.path, N_("this is not a condition in CEL ({error})"),
            N_("write for example severity in ['P0', 'P1'] && users_affected > 0.5"),
            error=failure.reason,
        )  # fmt: skip
        return
    known = samples(use.scope)
    unknown = sorted(condition.variables - known.keys())
    for name in unknown:
        yield _unknown_variable(use.path, name, known)
    if not unknown:
        yield from _answer(use, condition, {**known, **use.more})


def _unknown_variable(path: KeyPath, name: str, known: Mapping[str, object]) -> Problem:
    mend, values = instead(name, known)
    if name in SEVERITY_LEVELS:
        mend, values = N_("write it in quotes: '{name}'"), {}
    return error(path, N_("this condition can't ask about {name}"), mend, name=name, **values)


def _answer(use: _Use, condition: Condition, values: Mapping[str, object]) -> Iterator[Problem]:
    """Answer the condition once with samples, which shows types that don't fit."""
    samples = {**values, "labels": dict.fromkeys(_asked("labels", use.text), "")}
    try:
        condition.holds({name: samples[name] for name in condition.variables})
    except ConditionError as failure:
        if not isinstance(failure.__cause__, LookupError):  # those are `_keys`' to say
            yield error(
                use.path, N_("this condition can't be answered ({error})"),
                N_("compare a time with duration('30m'), and end in a comparison"),
                error=failure.reason,
            )  # fmt: skip


def _asked(mapping: str, text: str) -> list[str]:
    """Return the keys that a condition reads from a mapping."""
    found = re.findall(rf"\b{mapping}(?:\.(\w+)|\[['\"]([^'\"]+)['\"]\])", text)
    return [dotted or bracketed for dotted, bracketed in found]


def _keys(use: _Use) -> Iterator[Problem]:
    """Look at the keys that it reads: one that is not there would keep it from being answered."""
    for mapping, kind in (("checks", "check"), ("parameters", "parameter")):
        known = use.more.get(mapping, {})
        assert isinstance(known, Mapping)
        for key in _asked(mapping, use.text):
            yield from refer(use.path, kind, key, known)
    for label in sorted(set(_asked("labels", use.text))):
        guard = rf"has\(\s*labels\.{re.escape(label)}\s*\)|['\"]{re.escape(label)}['\"] in labels"
        if not re.search(guard, use.text):
            yield error(
                use.path, N_("an alert may have no label {name}"),
                N_("ask for it first: has(labels.{name}) && …"), name=label,
            )  # fmt: skip


def _words(manual: Manual) -> dict[str, list[str]]:
    """Return the variables whose values are names of the manual, with these names."""
    return {
        "severity": list(SEVERITY_LEVELS),
        "type": [name for names in manual.overview.incident_types.values() for name in names],
        "category": list(manual.overview.incident_types),
        "service": list(manual.services.services),
    }


_COMPARED = re.compile(
    r"\b(severity|type|category|service)\s*(?:(?:==|!=)\s*['\"]([^'\"]*)['\"]|in\s*\[([^\]]*)\])"
)


def _compared(use: _Use, words: Mapping[str, list[str]]) -> Iterator[Problem]:
    """A name that doesn't exist would make the condition false for ever, without a word."""
    for variable, one, several in _COMPARED.findall(use.text):
        for name in [one] if one else re.findall(r"['\"]([^'\"]*)['\"]", several):
            if name not in words[variable]:
                mend, values = instead(name, words[variable])
                yield error(
                    use.path, N_("{variable} is never {name}"), mend,
                    variable=variable, name=name, **values,
                )  # fmt: skip
