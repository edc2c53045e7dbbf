"""Whom each target of a page leads to, at any time: the union over all shifts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bongsu.manual.problems import KeyPath
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.oncall import Rotation
from bongsu.manual.schema.response import SeverityResponse


class Called(NamedTuple):
    """A place of the manual that pages a target."""

    path: KeyPath
    target: str


def calls(manual: Manual) -> Iterator[Called]:
    """Yield every place that pages somebody, the most urgent severity first."""
    for level, response in sorted(manual.response.severities.items()):
        yield from _calls(("response", "severities", level), response)
    for path, role in approvals(manual):
        yield Called(path, f"role:{role}")


def _calls(path: KeyPath, response: SeverityResponse) -> Iterator[Called]:
    for index, step in enumerate(response.escalation):
        for number, target in enumerate(step.page):
            yield Called((*path, "escalation", index, "page", number), target)
    if response.commander:
        yield Called((*path, "commander", "role"), f"role:{response.commander.role}")
        for number, target in enumerate(response.commander.deputies):
            yield Called((*path, "commander", "deputies", number), target)
    if response.assemble:
        for number, role in enumerate(response.assemble.roles):
            yield Called((*path, "assemble", "roles", number), f"role:{role}")


def approvals(manual: Manual) -> Iterator[tuple[KeyPath, str]]:
    """Yield every role that is asked for its yes, and where."""
    for name, playbook in manual.playbooks.items():
        if playbook.approve:
            yield ("playbooks", name, "approve"), playbook.approve
        for index, step in enumerate(playbook.steps):
            if step.approve:
                yield ("playbooks", name, "steps", index, "approve"), step.approve
    for name, audience in manual.communication.audiences.items():
        if audience.approve:
            yield ("communication", "audiences", name, "approve"), audience.approve
    if manual.obligations:
        yield ("obligations", "confirmed_by"), manual.obligations.confirmed_by


def called_roles(manual: Manual) -> list[str]:
    """Return every role that a ladder, an approval or a shift calls."""
    targets = [target for _path, target in calls(manual)]
    for rotation in manual.oncall.rotations.values():
        targets += [holder for shift in rotation.shifts for holder in shift.values()]
    roles = [target.removeprefix("role:") for target in targets if target.startswith("role:")]
    return list(dict.fromkeys(roles))


def people_behind(manual: Manual, target: str) -> frozenset[str]:
    """Return everybody whom a target may ever lead to; names that don't exist lead to nobody."""
    kind, _, name = target.partition(":")
    match kind:
        case "person":
            return frozenset({name} & manual.team.people.keys())
        case "role":
            role = manual.team.roles.get(name)
            return frozenset(role.held_by if role else ()) & manual.team.people.keys()
        case _:
            rotation, _, slot = name.partition("/")
            return _behind_slot(manual, rotation, slot, frozenset())


def _behind_slot(manual: Manual, name: str, slot: str, seen: frozenset[str]) -> frozenset[str]:
    rotation = manual.oncall.rotations.get(name)
    if rotation is None or name in seen:
        return frozenset()
    people: set[str] = set()
    for shift in rotation.shifts:
        people |= people_behind(manual, as_target(shift[slot])) if slot in shift else frozenset()
    for other in elsewhere(rotation):
        people |= _behind_slot(manual, other, slot, seen | {name})
    return frozenset(people)


def elsewhere(rotation: Rotation) -> list[str]:
    """Return the rotations that answer where this one does not."""
    return [name for name in (rotation.outside_hours, rotation.on_holidays) if name is not None]


def as_target(holder: str) -> str:
    """Write the holder of a shift as a target; a bare name is a person's."""
    return holder if holder.startswith("role:") else f"person:{holder}"
