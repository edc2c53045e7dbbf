"""Whom to call and by when: drawn per severity, and compared in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Figures, Heading, Prose, Table
from bongsu.manual.render.edition import Edition
from bongsu.manual.render.figures.escalation import escalation_figure
from bongsu.manual.schema.base import SEVERITY_LEVELS, SeverityLevel
from bongsu.manual.schema.response import Announce, Repeat, SeverityResponse

Answer = Callable[[Edition, SeverityResponse], str]


def blocks(edition: Edition) -> Iterator[Block]:
    """The escalation of every severity that the manual answers."""
    t, levels = edition.t, _levels(edition)
    yield Heading(t("Paging and escalation"), 4, "escalation")
    yield Prose(
        t("Whoever does not answer in time is not waited for: the next one is called as well.")
    )
    yield Figures(tuple(escalation_figure(edition, level) for level in levels))
    yield Table(
        (t("What the manual says"), *(edition.severity(level) for level in levels)),
        tuple(_rows(edition, levels)),
    )


def _levels(edition: Edition) -> list[SeverityLevel]:
    return [level for level in SEVERITY_LEVELS if level in edition.manual.response.severities]


def _rows(edition: Edition, levels: list[SeverityLevel]) -> Iterator[tuple[str, ...]]:
    t = edition.t
    questions: tuple[tuple[str, Answer], ...] = (
        (t("Who is called, and when"), _calls),
        (t("If nobody answers"), lambda edition, how: _repeat(edition, how.repeat)),
        (t("Is it real?"), _verify),
        (t("Once it is real"), _commander),
        (t("The team that is called in"), _team),
        (t("First message"), _announce),
        (t("Own targets"), _targets),
        (t("How it ends"), _ends),
    )
    for question, answer in questions:
        cells = [answer(edition, edition.manual.respond(level)) for level in levels]
        if any(cell != inline.NONE for cell in cells):
            yield (inline.strong(question), *cells)


def _calls(edition: Edition, how: SeverityResponse) -> str:
    return inline.listing(
        f"{edition.moment(step.after)}: {inline.listing(map(edition.target, step.page))}"
        for step in how.escalation
    )


def _repeat(edition: Edition, repeat: Repeat | None) -> str:
    t = edition.t
    if repeat is None:
        return t("it is not repeated")
    every = edition.duration(repeat.every)
    if repeat.times == "forever":
        return t("again every {every}, until somebody answers", every=every)
    return t("again every {every}, {n} times", every=every, n=repeat.times)


def _verify(edition: Edition, how: SeverityResponse) -> str:
    t, within = edition.t, edition.duration(how.verify.within)
    if how.verify.unanswered == "presume_real":
        return t("to be said within {within}, else it counts as real", within=within)
    return t("to be said within {within}, else there is a reminder", within=within)


def _commander(edition: Edition, how: SeverityResponse) -> str:
    commander = how.commander
    if commander is None:
        return inline.NONE
    t, role = edition.t, edition.role(commander.role)
    if not commander.deputies:
        return t("{role} is called", role=role)
    return t(
        "{role} is called, then after {wait} each: {deputies}",
        role=role,
        wait=edition.duration(commander.answer_within),
        deputies=inline.listing(map(edition.target, commander.deputies)),
    )


def _team(edition: Edition, how: SeverityResponse) -> str:
    plan = how.assemble
    if plan is None:
        return inline.NONE
    t, wait = edition.t, edition.duration(plan.at_latest)
    roles = inline.listing(map(edition.role, plan.roles))
    if plan.war_room:
        roles = inline.listing((roles, t("war room")), " + ")
    return t("at the latest {wait} later: {roles}", wait=wait, roles=roles)


def _announce(edition: Edition, how: SeverityResponse) -> str:
    return inline.listing(_message(edition, rule) for rule in how.announce)


def _message(edition: Edition, rule: Announce) -> str:
    where = f"{edition.channel(rule.channel)} {inline.plain(rule.to)}"
    return f"{where} ({edition.template(rule.template)})"


def _targets(edition: Edition, how: SeverityResponse) -> str:
    t, own = edition.t, how.targets
    named = (
        (t("First response"), own.first_response),
        (t("Response"), own.response),
        (t("Communication"), own.communication),
    )
    return inline.listing(f"{name} {edition.duration(limit)}" for name, limit in named if limit)


def _ends(edition: Edition, how: SeverityResponse) -> str:
    t, quiet = edition.t, how.resolve_when_clear
    if quiet is None:
        return t("when a person resolves it")
    return t("by itself, after {wait} without an alert", wait=edition.duration(quiet))
