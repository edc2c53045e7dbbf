"""The playbooks (장애 유형별 대응): every step as it will be run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from bongsu.i18n import N_
from bongsu.manual.render import inline
from bongsu.manual.render.blocks import (
    Block,
    Chapter,
    Heading,
    Instruction,
    Procedure,
    Prose,
    Table,
    Terms,
)
from bongsu.manual.render.edition import Edition
from bongsu.manual.schema import playbooks as p

_STAGES = {
    "immediate": N_("Immediate actions"),
    "investigation": N_("Investigation"),
    "recovery": N_("Recovery"),
}

_ON_FAILURE = {
    "undo": N_("what was done is taken back, the last step first"),
    "stop": N_("the run stops, and what was done stays"),
}

_TYPES = {
    "string": N_("text value"),
    "integer": N_("whole number"),
    "number": N_("number"),
    "boolean": N_("yes or no"),
    "address": N_("network address"),
}


def chapter(edition: Edition) -> Chapter:
    """Which playbook is for which type, and each of them in full."""
    return Chapter("playbooks", edition.t("Response by type of incident"), tuple(_blocks(edition)))


def _blocks(edition: Edition) -> Iterator[Block]:
    yield Heading(edition.t("First playbook by type"), 3, "playbooks-by-type")
    yield _by_type(edition)
    for name, playbook in edition.manual.playbooks.items():
        yield from _playbook(edition, name, playbook)


def index(edition: Edition) -> Iterator[Block]:
    """The list of all playbooks, for the phase in which they are run."""
    t, books = edition.t, edition.manual.playbooks
    if not books:
        return
    yield Heading(t("Emergency recovery"), 4, "recovery-playbooks")
    yield Table(
        (t("Playbook"), t("Types"), t("Severities"), t("Approval")),
        tuple(
            (
                inline.strong(edition.text(book.name)),
                inline.listing(map(edition.incident_type, book.types)),
                edition.severities(book.severities),
                _approval(edition, book),
            )
            for book in books.values()
        ),
    )


def _approval(edition: Edition, book: p.Playbook) -> str:
    if book.approve:
        return edition.role(book.approve)
    roles = dict.fromkeys(step.approve for step in book.steps if step.approve)
    if not roles:
        return inline.NONE
    return edition.t("single steps: {roles}", roles=inline.listing(map(edition.role, roles)))


def _by_type(edition: Edition) -> Table:
    t, manual = edition.t, edition.manual
    return Table(
        (t("Type"), t("Usual severity"), t("Playbooks")),
        tuple(
            (
                edition.text(kind.name),
                kind.default_severity or inline.NONE,
                inline.listing(
                    edition.text(book.name)
                    for book in manual.playbooks.values()
                    if name in book.types
                ),
            )
            for types in manual.overview.incident_types.values()
            for name, kind in types.items()
        ),
    )


def _playbook(edition: Edition, name: str, book: p.Playbook) -> Iterator[Block]:
    yield Heading(edition.text(book.name), 3, f"playbook-{name}")
    if book.purpose:
        yield Prose(edition.text(book.purpose))
    yield Terms(tuple(_terms(edition, name, book)))
    if book.parameters:
        yield _parameters(edition, book)
    yield Procedure(tuple(_steps(edition, book)))


def _terms(edition: Edition, name: str, book: p.Playbook) -> Iterator[tuple[str, str]]:
    t = edition.t
    yield t("Id"), inline.code(name)
    if book.types:
        yield t("Types"), inline.listing(map(edition.incident_type, book.types))
    yield t("Severities"), edition.severities(book.severities)
    yield t("Approval"), _approval(edition, book)
    if book.approve or any(step.approve for step in book.steps):
        yield t("An approval lapses after"), edition.duration(book.approve_within)
    if any(map(p.has_undo, book.steps)):
        yield t("If a step fails"), t(_ON_FAILURE[book.on_failure])
    if book.runner:
        yield t("Run by the worker"), inline.code(book.runner)
    if book.lock:
        yield t("One run at a time on"), inline.code(book.lock)
    if book.automatic:
        limit = t("{n} times per {time}", n=book.automatic.at_most,
                  time=edition.duration(book.automatic.per))  # fmt: skip
        yield t("By itself"), f"{inline.code(book.automatic.when)} ({limit})"


def _parameters(edition: Edition, book: p.Playbook) -> Table:
    t = edition.t
    return Table(
        (t("Parameter"), t("Meaning"), t("Default"), t("Allowed")),
        tuple(
            (
                inline.code(name),
                edition.text(parameter.means) or inline.NONE,
                inline.NONE if parameter.default is None else inline.code(str(parameter.default)),
                _allowed(edition, parameter),
            )
            for name, parameter in book.parameters.items()
        ),
    )


def _allowed(edition: Edition, parameter: p.Parameter) -> str:
    parts = [edition.t(_TYPES[parameter.type])]
    if parameter.choices:
        parts.append(inline.listing(inline.code(str(choice)) for choice in parameter.choices))
    if parameter.minimum is not None:
        parts.append(f"≥ {parameter.minimum:g}")
    if parameter.maximum is not None:
        parts.append(f"≤ {parameter.maximum:g}")
    if parameter.pattern:
        parts.append(inline.code(parameter.pattern))
    return inline.listing(parts)


def _steps(edition: Edition, book: p.Playbook) -> Iterator[Instruction]:
    stages = {step.stage or book.stage for step in book.steps}
    former = None
    for step in book.steps:
        stage = step.stage or book.stage
        begins = len(stages) > 1 and stage != former
        former = stage
        code, prose = _action(edition, step)
        yield Instruction(
            edition.text(step.name),
            code,
            prose,
            tuple(_conditions(edition, step)),
            edition.t(_STAGES[stage]) if begins else None,
        )


def _action(edition: Edition, step: p.Step) -> tuple[str | None, str | None]:  # noqa: PLR0911  one exhaustive match over the kinds of steps
    """The step as it is run, or what a person reads about it."""
    t = edition.t
    match step:
        case p.CommandStep():
            return inline.command(step.argv), None
        case p.KubectlStep():
            return _kubectl(edition, step, step.args), None
        case p.HttpStep():
            return _request(step), None
        case p.WaitStep():
            return None, t("Wait for {wait}.", wait=edition.duration(step.duration))
        case p.CheckStep():
            checks = inline.listing(map(edition.check, step.checks))
            return None, t("These must be healthy: {checks}", checks=checks)
        case p.HumanStep():
            return None, edition.text(step.instruction)
        case p.NotifyStep():
            return None, t("{template} → {audience}", template=edition.template(step.template),
                           audience=edition.audience(step.audience))  # fmt: skip
        case p.SubPlaybookStep():
            known = edition.manual.playbooks.get(step.playbook)
            return None, edition.text(known.name) if known else inline.plain(step.playbook)
        case _:
            assert_never(step)


def _kubectl(edition: Edition, step: p.KubectlStep, args: list[str]) -> str:
    service = edition.manual.services.services.get(step.service or "")
    where = ["-n", service.workload.namespace] if service and service.workload else []
    return inline.command(["kubectl", *where, *args])


def _request(step: p.HttpStep) -> str:
    lines = [f"{step.method} {step.url}", *(f"{k}: {v}" for k, v in step.headers.items())]
    return "\n".join([*lines, *(("", step.body) if step.body else ())])


def _conditions(edition: Edition, step: p.Step) -> Iterator[tuple[str, str]]:
    t = edition.t
    if step.when:
        yield t("Only if"), inline.code(step.when)
    if step.approve:
        yield t("Approval"), edition.role(step.approve)
    if isinstance(step, p.HumanStep) and step.role:
        yield t("Done by"), edition.role(step.role)
    if step.before:
        yield t("Before it, healthy"), inline.listing(map(edition.check, step.before))
    if step.after:
        yield t("After it, healthy"), inline.listing(map(edition.check, step.after))
    if step.retry.times:
        yield t("Tried again"), t("{n} times", n=step.retry.times)
    if not step.required:
        yield t("If it fails"), t("the run goes on")
    yield from _undo(edition, step)


def _undo(edition: Edition, step: p.Step) -> Iterator[tuple[str, str]]:
    match step:
        case p.CommandStep(undo=[*argv]):
            yield edition.t("To undo"), inline.code(inline.command(argv))
        case p.KubectlStep(undo=[*argv]):
            yield edition.t("To undo"), inline.code(_kubectl(edition, step, argv))
        case p.HttpStep() if p.has_undo(step):
            method, url = step.undo_method or step.method, step.undo_url or step.url
            yield edition.t("To undo"), inline.code(f"{method} {url}")
