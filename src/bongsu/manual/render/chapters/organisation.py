"""The organisation (대응 조직 구성): the tree of roles, who does what, who is on call."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Bullets, Chapter, Figures, Heading, Table
from bongsu.manual.render.edition import Edition
from bongsu.manual.render.figures.organisation import organisation_figure
from bongsu.manual.render.figures.rotation import rotation_figure
from bongsu.manual.schema.oncall import Handoff, Hours, Rotation

_WEEKDAYS = {
    "mon": N_("Monday"),
    "tue": N_("Tuesday"),
    "wed": N_("Wednesday"),
    "thu": N_("Thursday"),
    "fri": N_("Friday"),
    "sat": N_("Saturday"),
    "sun": N_("Sunday"),
}


def chapter(edition: Edition) -> Chapter:
    """The response organisation."""
    t = edition.t
    return Chapter(
        "organisation",
        t("Response organisation"),
        (
            Heading(t("Incident Response Team (IRT)"), 3, "response-team"),
            Figures((organisation_figure(edition),)),
            Heading(t("Responsibilities by role"), 3, "roles"),
            _roles(edition),
            Heading(t("On-call rotation"), 3, "rotation"),
            *_rotations(edition),
        ),
    )


def _roles(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("Role"), t("Held by"), t("Contact"), t("Responsibilities")),
        tuple(
            (
                inline.strong(edition.text(role.name)),
                inline.listing(edition.person(person) for person in role.held_by),
                inline.plain(role.contact or inline.NONE),
                edition.texts(role.duties),
            )
            for role in edition.manual.team.roles.values()
        ),
    )


def _rotations(edition: Edition) -> Iterator[Block]:
    for name, rotation in edition.manual.oncall.rotations.items():
        yield Heading(edition.text(rotation.name), 4, f"rotation-{name}")
        yield _shifts(edition, rotation)
        yield Figures((rotation_figure(edition, rotation),))
        yield Bullets(tuple(_terms(edition, rotation)))
    overrides = edition.manual.oncall.overrides
    if overrides:
        yield Heading(edition.t("Overrides"), 4, "overrides")
        yield _overrides(edition)


def _shifts(edition: Edition, rotation: Rotation) -> Table:
    t = edition.t
    return Table(
        (t("Shift"), *(edition.slot(slot) for slot in rotation.slots)),
        tuple(
            (
                inline.strong(inline.plain(shift.get("name", number))),
                *(
                    edition.holder(shift[slot]) if slot in shift else inline.NONE
                    for slot in rotation.slots
                ),
            )
            for number, shift in enumerate(rotation.shifts, start=1)
        ),
    )


def _terms(edition: Edition, rotation: Rotation) -> Iterator[str]:
    t, zone = edition.t, rotation.timezone or edition.manual.overview.timezone
    yield t("Time zone: {zone}", zone=inline.plain(zone))
    yield t("The first shift begins on {date}.", date=rotation.start)
    yield _handoff(edition, rotation, rotation.handoff)
    if rotation.hours:
        hours = inline.listing(_hours(edition, hours) for hours in rotation.hours)
        yield t("It answers at these times: {hours}", hours=hours)
    if rotation.outside_hours:
        other = _rotation_name(edition, rotation.outside_hours)
        yield t("At other times this one answers: {rotation}", rotation=other)
    if rotation.on_holidays:
        other = _rotation_name(edition, rotation.on_holidays)
        yield t("On public holidays this one answers: {rotation}", rotation=other)


def _handoff(edition: Edition, rotation: Rotation, handoff: Handoff) -> str:
    t, at = edition.t, handoff.time.strftime("%H:%M")
    every = edition.duration(rotation.every)
    if rotation.every.days % 7:
        return t("A shift lasts {every}; it is handed over at {time}.", every=every, time=at)
    day = t(_WEEKDAYS[handoff.day])
    return t(
        "A shift lasts {every}; it is handed over on {day} at {time}.",
        every=every, day=day, time=at,
    )  # fmt: skip


def _hours(edition: Edition, hours: Hours) -> str:
    days = ", ".join(edition.t(_WEEKDAYS[day]) for day in hours.days)
    return f"{days} {hours.start:%H:%M}–{hours.until:%H:%M}"


def _rotation_name(edition: Edition, name: str) -> str:
    known = edition.manual.oncall.rotations.get(name)
    return edition.text(known.name) if known else inline.plain(name)


def _overrides(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("From"), t("Until"), t("Rotation"), t("Slot"), t("Stands in"), t("Reason")),
        tuple(
            (
                f"{override.start:%Y-%m-%d %H:%M %z}",
                f"{override.until:%Y-%m-%d %H:%M %z}",
                _rotation_name(edition, override.rotation),
                edition.slot(override.slot),
                edition.person(override.person),
                inline.plain(override.reason or inline.NONE),
            )
            for override in edition.manual.oncall.overrides
        ),
    )
