"""response.yaml: does every ladder reach somebody, in order, in time, and again?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bongsu.i18n import N_
from bongsu.manual.check.references import refer, refer_all
from bongsu.manual.problems import KeyPath, Problem, error, warning
from bongsu.manual.schema.base import SeverityLevel, format_duration
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.response import Commander, SeverityResponse


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at the ladder of every severity, then at its commander and team."""
    for level, response in manual.response.severities.items():
        path = ("response", "severities", level)
        yield from _ladder(path, response)
        yield from _repeats(path, level, response)
        yield from _in_time(manual, path, level, response)
        for index, step in enumerate(response.escalation):
            yield from _targets(manual, (*path, "escalation", index, "page"), step.page)
        if response.commander:
            yield from _commander(manual, (*path, "commander"), response.commander)
        if response.assemble:
            here = (*path, "assemble", "roles")
            yield from refer_all(here, "role", response.assemble.roles, manual.team.roles)
            yield from _war_room(manual, (*path, "assemble"), response.assemble.war_room)


def _ladder(path: KeyPath, response: SeverityResponse) -> Iterator[Problem]:
    if not response.escalation:
        yield error(
            (*path, "escalation"), N_("nobody is paged"),
            N_('write for example - {after: 0s, page: "rotation:main/primary"}'),
        )  # fmt: skip
    before: timedelta | None = None
    for index, step in enumerate(response.escalation):
        here = (*path, "escalation", index)
        if before is not None and step.after <= before:
            yield error(
                (*here, "after"), N_("{after} is not later than the step before it, {before}"),
                N_("put the steps in the order of their time"),
                after=format_duration(step.after), before=format_duration(before),
            )  # fmt: skip
        if not step.page:
            yield error(
                (*here, "page"), N_("nobody is paged"), N_("name a target, or delete the step")
            )
        before = step.after


def _repeats(path: KeyPath, level: SeverityLevel, response: SeverityResponse) -> Iterator[Problem]:
    repeat = response.repeat
    if level == "P0" and (repeat is None or repeat.times != "forever"):
        yield warning(
            (*path, "repeat"), N_("a P0 that nobody answers is not paged for ever"),
            N_("write repeat: 10m"),
        )  # fmt: skip
    last = max((step.after for step in response.escalation), default=timedelta(0))
    if repeat is not None and repeat.every <= last:
        yield error(
            (*path, "repeat", "every"),
            N_("a new round begins after {every}, before the last step at {last}"),
            N_("let every be longer than {last}"),
            every=format_duration(repeat.every), last=format_duration(last),
        )  # fmt: skip


def _in_time(
    manual: Manual, path: KeyPath, level: SeverityLevel, response: SeverityResponse
) -> Iterator[Problem]:
    """Whoever is called for the first answer must be called before it is due."""
    target = response.targets.first_response or manual.overview.targets.first_response
    for index, step in enumerate(response.escalation[:2]):
        if step.after < target:
            continue
        what = (
            N_("the first page goes out after {after}, when the answer was due within {target}")
            if index == 0
            else N_("nobody else is paged before {after}, when the answer was due within {target}")
        )
        yield warning(
            (*path, "escalation", index, "after"), what,
            N_("page earlier, or give {level} a later targets.first_response"),
            after=format_duration(step.after), target=format_duration(target), level=level,
        )  # fmt: skip
        return


def _targets(manual: Manual, path: KeyPath, targets: list[str]) -> Iterator[Problem]:
    for index, target in enumerate(targets):
        yield from _target(manual, (*path, index), target)
        if target in targets[:index]:
            yield error(
                (*path, index),
                N_("{name} stands in this list twice"),
                N_("delete one"),
                name=target,
            )


def _target(manual: Manual, path: KeyPath, target: str) -> Iterator[Problem]:
    kind, _, name = target.partition(":")
    if kind == "person":
        yield from refer(path, "person", name, manual.team.people)
    elif kind == "role":
        yield from refer(path, "role", name, manual.team.roles)
    else:
        rotation, _, slot = name.partition("/")
        yield from refer(path, "rotation", rotation, manual.oncall.rotations)
        if rotation in manual.oncall.rotations:
            yield from refer(path, "slot", slot, manual.oncall.rotations[rotation].slots)


def _commander(manual: Manual, path: KeyPath, commander: Commander) -> Iterator[Problem]:
    yield from refer((*path, "role"), "role", commander.role, manual.team.roles)
    yield from _targets(manual, (*path, "deputies"), commander.deputies)
    role = manual.team.roles.get(commander.role)
    holders = len(role.held_by) if role else 0
    asked = commander.answer_within * (holders + bool(commander.deputies))
    if commander.repeat is not None and commander.repeat.every < asked:
        yield warning(
            (*path, "repeat", "every"),
            N_("a new round begins after {every}, before everybody had {within} to answer"),
            N_("let every be at least {asked}"),
            every=format_duration(commander.repeat.every), asked=format_duration(asked),
            within=format_duration(commander.answer_within),
        )  # fmt: skip


def _war_room(manual: Manual, path: KeyPath, opened: bool) -> Iterator[Problem]:  # noqa: FBT001  the manual's own word
    if opened and manual.team.links.war_room is None:
        yield warning(
            path, N_("a war room is opened, but team.yaml has no link to one"),
            N_("add war_room: https://… under links there, or write war_room: false"),
        )  # fmt: skip
