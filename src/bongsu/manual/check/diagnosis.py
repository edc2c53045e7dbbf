"""diagnosis.yaml: do its groups, rules and probes name what exists, and do they only read?"""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.check.addresses import web
from bongsu.manual.check.references import refer, refer_all
from bongsu.manual.problems import KeyPath, Problem, error, warning
from bongsu.manual.schema.base import format_duration
from bongsu.manual.schema.diagnosis import (
    Check,
    CommandProbe,
    HttpProbe,
    KubectlProbe,
    NetworkProbe,
)
from bongsu.manual.schema.document import Manual

_CHANGES = frozenset(
    [
        "annotate",
        "apply",
        "autoscale",
        "cordon",
        "create",
        "delete",
        "drain",
        "edit",
        "expose",
        "label",
        "patch",
        "replace",
        "run",
        "scale",
        "set",
        "taint",
        "uncordon",
    ]
)
"""kubectl's verbs that change the cluster; of ``rollout``, these do:"""
_ROLLOUT_CHANGES = frozenset(("pause", "restart", "resume", "undo"))


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at groups, checks, log queries and rules."""
    diagnosis = manual.diagnosis
    yield from web(("diagnosis", "prometheus"), diagnosis.prometheus)
    for name, checks in diagnosis.groups.items():
        yield from refer_all(("diagnosis", "groups", name), "check", checks, diagnosis.checks)
    for name, check in diagnosis.checks.items():
        path = ("diagnosis", "checks", name)
        yield from refer((*path, "service"), "service", check.service, manual.services.services)
        yield from _probe((*path, "probe"), check)
        if check.timeout > diagnosis.deadline:
            yield warning(
                (*path, "timeout"),
                N_("{timeout} is longer than the report's deadline, {deadline}"),
                N_("shorten it, or give diagnosis a later deadline"),
                timeout=format_duration(check.timeout),
                deadline=format_duration(diagnosis.deadline),
            )  # fmt: skip
    yield from _rules(manual)


def _probe(path: KeyPath, check: Check) -> Iterator[Problem]:
    match check.probe:
        case HttpProbe(url=url):
            yield from web((*path, "url"), url)
        case KubectlProbe(args=args):
            yield from _reads((*path, "args"), args)
        case CommandProbe(argv=[]):
            yield error(
                (*path, "argv"),
                N_("{key} is empty"),
                N_("write the program and its arguments"),
                key="argv",
            )
        case NetworkProbe(kind="tcp", port=None):
            yield error(path, N_("{key} is missing"), N_("add it here"), key="port")
        case _:
            pass


def _reads(path: KeyPath, args: list[str]) -> Iterator[Problem]:
    verb = args[0] if args else ""
    if verb in _CHANGES or (verb == "rollout" and _ROLLOUT_CHANGES & set(args[1:2])):
        yield error(
            path, N_("kubectl {verb} changes the cluster, and a check only reads"),
            N_("make it a step of a playbook"), verb=" ".join(args[:2]),
        )  # fmt: skip
    if not args:
        yield error(
            path, N_("{key} is empty"), N_("write the program and its arguments"), key="args"
        )


def _rules(manual: Manual) -> Iterator[Problem]:
    types = [name for names in manual.overview.incident_types.values() for name in names]
    for index, rule in enumerate(manual.diagnosis.rules):
        path = ("diagnosis", "rules", index)
        yield from refer((*path, "type"), "type", rule.type, types)
        yield from refer_all((*path, "playbooks"), "playbook", rule.playbooks, manual.playbooks)
        if not (rule.severity or rule.type or rule.next or rule.playbooks):
            yield warning(
                path, N_("this rule concludes nothing"), N_("add severity, type, next or playbooks")
            )
