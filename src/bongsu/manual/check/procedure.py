"""response.yaml's announcements, checklists and phases, and what must be there for them."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.check.addresses import address
from bongsu.manual.check.references import refer
from bongsu.manual.problems import KeyPath, Problem, error
from bongsu.manual.schema.document import Manual


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at what is said first, what is ticked off, and the frames of the phases."""
    yield from _announcements(manual)
    yield from _checklists(manual)
    for index, guide in enumerate(manual.response.phases):
        if guide.until <= guide.start:
            yield error(
                ("response", "phases", index, "until"), N_("it ends before it begins"),
                N_("let until be later than from"),
            )  # fmt: skip


def _announcements(manual: Manual) -> Iterator[Problem]:
    for level, response in manual.response.severities.items():
        for index, announce in enumerate(response.announce):
            path = ("response", "severities", level, "announce", index)
            templates = manual.communication.templates
            yield from refer((*path, "template"), "template", announce.template, templates)
            yield from address((*path, "to"), announce.channel, announce.to)


def _checklists(manual: Manual) -> Iterator[Problem]:
    for name, checklist in manual.response.checklists.items():
        path = ("response", "checklists", name)
        if not checklist.items:
            yield empty((*path, "items"), "items")
        for index, item in enumerate(checklist.items):
            here = (*path, "items", index)
            yield from refer((*here, "role"), "role", item.role, manual.team.roles)
            if item.command == []:
                yield empty((*here, "command"), "command")


def empty(path: KeyPath, key: str) -> Problem:
    """Say that something was begun and left empty."""
    return error(path, N_("{key} is empty"), N_("add one, or delete the key"), key=key)
