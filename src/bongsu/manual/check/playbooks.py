"""playbooks/*.yaml: steps that name what exists, parameters that hold, and a playbook per type."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.check import parameters
from bongsu.manual.check.addresses import web
from bongsu.manual.check.references import arrows, circles, refer, refer_all
from bongsu.manual.problems import KeyPath, Problem, error, warning
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import (
    CheckStep,
    CommandStep,
    HttpStep,
    HumanStep,
    KubectlStep,
    NotifyStep,
    Playbook,
    Step,
    SubPlaybookStep,
    WaitStep,
)

_SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ash", "ksh"))


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at every playbook, then at how they call each other and what they are for."""
    types = [name for names in manual.overview.incident_types.values() for name in names]
    for name, playbook in manual.playbooks.items():
        path = ("playbooks", name)
        yield from refer_all((*path, "types"), "type", playbook.types, types)
        yield from refer((*path, "approve"), "role", playbook.approve, manual.team.roles)
        yield from parameters.problems(path, playbook)
        if not playbook.steps:
            yield error((*path, "steps"), N_("{key} is empty"), N_("add a step"), key="steps")
        for index, step in enumerate(playbook.steps):
            yield from _step(manual, (*path, "steps", index), step)
    yield from _calls(manual)
    yield from _without(manual)


def _step(manual: Manual, path: KeyPath, step: Step) -> Iterator[Problem]:
    checks = manual.diagnosis.checks
    yield from refer((*path, "approve"), "role", step.approve, manual.team.roles)
    yield from refer_all((*path, "before"), "check", step.before, checks)
    yield from refer_all((*path, "after"), "check", step.after, checks)
    match step:
        case CommandStep():
            yield from _command((*path, "argv"), step.argv)
            yield from _chosen(path, argv=step.argv, undo=step.undo, dry_run=step.dry_run)
        case KubectlStep():
            yield from refer((*path, "service"), "service", step.service, manual.services.services)
            yield from _workload(manual, (*path, "service"), step)
            yield from _namespace((*path, "args"), step)
            yield from _chosen(path, args=step.args, undo=step.undo)
        case HttpStep():
            yield from web((*path, "url"), parameters.filled(step.url))
            yield from web((*path, "undo_url"), parameters.filled(step.undo_url))
            yield from _headers((*path, "headers"), step)
        case CheckStep():
            yield from refer_all((*path, "checks"), "check", step.checks, checks)
        case HumanStep():
            yield from refer((*path, "role"), "role", step.role, manual.team.roles)
        case NotifyStep():
            plan = manual.communication
            yield from refer((*path, "audience"), "audience", step.audience, plan.audiences)
            yield from refer((*path, "template"), "template", step.template, plan.templates)
        case SubPlaybookStep():
            yield from _sub(manual, path, step)
            yield from _alone(path, step)
        case WaitStep():
            pass


def _command(path: KeyPath, argv: list[str]) -> Iterator[Problem]:
    if not argv:
        yield error(
            path, N_("{key} is empty"), N_("write the program and its arguments"), key="argv"
        )
    elif argv[0].rpartition("/")[2] in _SHELLS and "-c" in argv:
        yield warning(
            path, N_("this gives a line to a shell, where a parameter could become a command"),
            N_("write the program and its arguments, or a script's path"),
        )  # fmt: skip


def _chosen(path: KeyPath, **lines: list[str] | None) -> Iterator[Problem]:
    """What is run is the manual's to say; a run's values only say with what."""
    for key, line in lines.items():
        if line and parameters.filled_later(line[0]):
            yield error(
                (*path, key, 0), N_("a parameter can't choose what is run"),
                N_("write the program or command itself, a step for each"),
            )  # fmt: skip


def _workload(manual: Manual, path: KeyPath, step: KubectlStep) -> Iterator[Problem]:
    service = manual.services.services.get(step.service or "")
    if service is not None and service.workload is None and step.namespace is None:
        yield error(
            path, N_("{service} has no workload in services.yaml, so its namespace is unknown"),
            N_("add workload: {{namespace: …}} there"), service=step.service,
        )  # fmt: skip


def _namespace(path: KeyPath, step: KubectlStep) -> Iterator[Problem]:
    if step.service is None and step.namespace is None and not names_namespace(step.args):
        yield warning(
            path, N_("nothing says in which namespace, so kubectl takes its own default"),
            N_("name the service, whose workload has one"),
        )  # fmt: skip


def names_namespace(args: list[str]) -> bool:
    """Say whether kubectl's arguments name a namespace themselves, or all of them."""
    whole = ("-n", "-A", "--namespace", "--all-namespaces")
    ours = args[: args.index("--")] if "--" in args else args
    return any(arg in whole or arg.startswith(("--namespace=", "-n=")) for arg in ours)


def _headers(path: KeyPath, step: HttpStep) -> Iterator[Problem]:
    for name, value in step.headers.items():
        if value.startswith("env:") and parameters.filled_later(value):
            yield error(
                (*path, name), N_("a parameter can't choose which environment variable is sent"),
                N_("write env:NAME"),
            )  # fmt: skip


def _alone(path: KeyPath, step: SubPlaybookStep) -> Iterator[Problem]:
    """What can only be said of single steps."""
    written = {"required": not step.required, "retry": step.retry.times > 0,
               "idempotent": step.idempotent}  # fmt: skip
    for key in (key for key, is_written in written.items() if is_written):
        yield error(
            (*path, key), N_("{key} says nothing of a whole playbook"),
            N_("write it at the steps of {playbook}"), key=key, playbook=step.playbook,
        )  # fmt: skip


def _sub(manual: Manual, path: KeyPath, step: SubPlaybookStep) -> Iterator[Problem]:
    yield from refer((*path, "playbook"), "playbook", step.playbook, manual.playbooks)
    called = manual.playbooks.get(step.playbook)
    if called is None:
        return
    for name, value in step.parameters.items():
        here = (*path, "parameters", name)
        yield from refer(here, "parameter", name, called.parameters)
        if name in called.parameters and not parameters.filled_later(value):
            yield from parameters.value(here, called.parameters[name], value)
    yield from _ungiven(path, step, called)


def _ungiven(path: KeyPath, step: SubPlaybookStep, called: Playbook) -> Iterator[Problem]:
    for name, parameter in called.parameters.items():
        if parameter.default is None and name not in step.parameters:
            yield error(
                path, N_("{playbook} needs the parameter {name}"), N_("add it under parameters"),
                playbook=step.playbook, name=name,
            )  # fmt: skip


def _calls(manual: Manual) -> Iterator[Problem]:
    graph = {
        name: [
            s.playbook
            for s in p.steps
            if isinstance(s, SubPlaybookStep) and s.playbook in manual.playbooks
        ]
        for name, p in manual.playbooks.items()
    }
    yield from _apart(manual)
    for circle in circles(graph):
        yield error(
            ("playbooks", circle[0], "steps"),
            N_("the playbooks call each other in a circle: {circle}"),
            N_("take one of these steps out"), circle=arrows(circle),
        )  # fmt: skip


def _apart(manual: Manual) -> Iterator[Problem]:
    """A run has one runner; what it calls is done by that one, too."""
    for name, playbook in manual.playbooks.items():
        for index, step in enumerate(playbook.steps):
            if not isinstance(step, SubPlaybookStep):
                continue
            called = manual.playbooks.get(step.playbook)
            if called is not None and called.runner not in (None, playbook.runner):
                yield error(
                    ("playbooks", name, "steps", index),
                    N_("{playbook} is for the runner {runner}, and this one isn't"),
                    N_("give both the same runner"), playbook=step.playbook, runner=called.runner,
                )  # fmt: skip


def _without(manual: Manual) -> Iterator[Problem]:
    served = {name for playbook in manual.playbooks.values() for name in playbook.types}
    for category, types in manual.overview.incident_types.items():
        for name, kind in types.items():
            if name not in served:
                yield warning(
                    ("overview", "incident_types", category, name),
                    N_("no playbook is for {type}"),
                    N_("add {name} to the types of one, even if its steps are only for people"),
                    type=kind.name, name=name,
                )  # fmt: skip
