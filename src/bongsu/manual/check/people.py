"""team.yaml: the tree of roles, who holds them, and whether whoever may be paged can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from bongsu.i18n import N_
from bongsu.manual.check.addresses import address, web
from bongsu.manual.check.reach import called_roles, calls, people_behind
from bongsu.manual.check.references import arrows, circles, refer, refer_all
from bongsu.manual.problems import KeyPath, Problem, error, instead, warning
from bongsu.manual.schema.base import format_duration
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.team import Person


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at roles, people, contacts and links."""
    yield from timezone(("overview", "timezone"), manual.overview.timezone)
    yield from _roles(manual)
    yield from _people(manual)
    yield from _unreachable(manual)
    yield from _links(manual)


def timezone(path: KeyPath, name: str | None) -> Iterator[Problem]:
    """Yield a problem if a time zone is given and doesn't exist."""
    if name is None or _exists(name):
        return
    mend, values = instead(name, _cities())
    if "known" in values:
        mend, values = N_("write for example Asia/Seoul or UTC"), {}
    yield error(path, N_("there is no time zone {name}"), mend, name=name, **values)


@cache
def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError):  # a folder's name, a path, or simply unknown (a KeyError, too)
        return False
    except KeyError:
        return False
    return True


@cache
def _cities() -> frozenset[str]:
    return frozenset(available_timezones())


def _roles(manual: Manual) -> Iterator[Problem]:
    roles = manual.team.roles
    for name, role in roles.items():
        path = ("team", "roles", name)
        yield from refer((*path, "reports_to"), "role", role.reports_to, roles)
        yield from refer_all((*path, "held_by"), "person", role.held_by, manual.team.people)
    tree = {n: [r.reports_to] for n, r in roles.items() if r.reports_to and r.reports_to in roles}
    for circle in circles(tree):
        yield error(
            ("team", "roles", circle[0], "reports_to"),
            N_("the roles report in a circle: {circle}"),
            N_("let one of them report to nobody"), circle=arrows(circle),
        )  # fmt: skip


def _people(manual: Manual) -> Iterator[Problem]:
    for name, person in manual.team.people.items():
        path = ("team", "people", name)
        yield from timezone((*path, "timezone"), person.timezone)
        if person.email is not None:
            yield from address((*path, "email"), "email", person.email)
        for index, contact in enumerate(person.contacts):
            yield from address((*path, "contacts", index, "to"), contact.channel, contact.to)
        yield from _late(path, person)


def _late(path: KeyPath, person: Person) -> Iterator[Problem]:
    first = min((contact.after for contact in person.contacts), default=timedelta(0))
    if first:
        yield warning(
            (*path, "contacts"),
            N_("{person} is told of a page only {after} after it"),
            N_("leave out after at the first contact"),
            person=person.name, after=format_duration(first),
        )  # fmt: skip


def _unreachable(manual: Manual) -> Iterator[Problem]:
    """Everybody who can be paged needs a contact: a page without one reaches nobody, silently."""
    reported: set[str] = set()
    for _path, target in calls(manual):
        for name in sorted(people_behind(manual, target) - reported):
            if not manual.team.people[name].contacts:
                reported.add(name)
                yield _no_contact(manual, name, target)
    for role in called_roles(manual):
        if role in manual.team.roles and not manual.team.roles[role].held_by:
            yield error(
                ("team", "roles", role, "held_by"),
                N_("nobody holds the role {name}, but it is called"),
                N_("add people to held_by"), name=role,
            )  # fmt: skip


def _no_contact(manual: Manual, name: str, target: str) -> Problem:
    return error(
        ("team", "people", name),
        N_("{person} can be paged (by {target}) but has no contact"),
        N_("add contacts: [email:{name}@example.com] or another channel"),
        person=manual.team.people[name].name, name=name, target=target,
    )  # fmt: skip


def _links(manual: Manual) -> Iterator[Problem]:
    links = manual.team.links
    for name in ("status_page", "monitoring", "war_room", "tracker"):
        yield from web(("team", "links", name), getattr(links, name))
    for name, url in links.others.items():
        yield from web(("team", "links", "others", name), url)
