"""References (참고 자료): contacts and links; and the history (업데이트 이력)."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Bullets, Chapter, Heading, Table
from bongsu.manual.render.edition import Edition


def chapter(edition: Edition) -> Chapter:
    """Whom to reach and where to go."""
    t = edition.t
    return Chapter(
        "reference",
        t("References"),
        (
            Heading(t("Emergency contacts"), 3, "contacts"),
            _contacts(edition),
            Heading(t("Tools and links"), 3, "links"),
            Bullets(tuple(_links(edition))),
        ),
    )


def _contacts(edition: Edition) -> Table:
    """Everybody who can be reached, those with a telephone first."""
    t, people = edition.t, edition.manual.team.people
    return Table(
        (t("Person"), t("Role"), t("Telephone"), t("Email"), t("Paged on")),
        tuple(
            (
                inline.strong(inline.plain(person.name)),
                inline.listing(_roles_of(edition, name)),
                inline.plain(person.phone or inline.NONE),
                inline.link(f"mailto:{person.email}") if person.email else inline.NONE,
                inline.listing(dict.fromkeys(edition.channel(c.channel) for c in person.contacts)),
            )
            for name, person in sorted(people.items(), key=lambda item: item[1].phone is None)
        ),
    )


def _roles_of(edition: Edition, person: str) -> Iterator[str]:
    for role in edition.manual.team.roles.values():
        if person in role.held_by:
            yield edition.text(role.name)


def _links(edition: Edition) -> Iterator[str]:
    t, links = edition.t, edition.manual.team.links
    named = {
        t("Status page"): links.status_page,
        t("Monitoring"): links.monitoring,
        t("War room"): links.war_room,
        t("Incident tracker"): links.tracker,
        **{inline.plain(name): url for name, url in links.others.items()},
    }
    for name, url in named.items():
        if url:
            yield f"{inline.strong(name)}: {inline.link(url)}"


def history(edition: Edition) -> Chapter:
    """The manual's own versions."""
    t = edition.t
    blocks: tuple[Block, ...] = (
        Table(
            (t("Version"), t("Date"), t("Changes"), t("Author")),
            tuple(
                (
                    inline.strong(inline.plain(revision.version)),
                    str(revision.date),
                    edition.text(revision.changes),
                    inline.plain(revision.author),
                )
                for revision in edition.manual.overview.history
            ),
        ),
    )
    return Chapter("history", t("History of the manual"), blocks)
