"""oncall.yaml: does every shift name somebody for every slot, at every hour?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations

from bongsu.i18n import N_
from bongsu.manual.check.people import timezone
from bongsu.manual.check.reach import elsewhere
from bongsu.manual.check.references import arrows, circles, refer, refer_all
from bongsu.manual.problems import KeyPath, Problem, error, warning
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.oncall import WEEKDAYS, Rotation

_WEEK = timedelta(weeks=1)


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at rotations, overrides and holidays."""
    rotations = manual.oncall.rotations
    for name, rotation in rotations.items():
        path = ("oncall", "rotations", name)
        yield from timezone((*path, "timezone"), rotation.timezone)
        if rotation.every % _WEEK == timedelta(0):
            yield from _first_day(path, rotation)
        yield from _shifts(manual, path, rotation)
        yield from _hours(manual, path, rotation)
    graph = {n: [o for o in elsewhere(r) if o in rotations] for n, r in rotations.items()}
    for circle in circles(graph):
        yield _circle(rotations[circle[0]], circle)
    yield from _overrides(manual)
    yield from _country(manual.oncall.holidays.country)


def _circle(rotation: Rotation, circle: list[str]) -> Problem:
    key = "outside_hours" if rotation.outside_hours == circle[1] else "on_holidays"
    return error(
        ("oncall", "rotations", circle[0], key),
        N_("the rotations hand over in a circle: {circle}"),
        N_("let one of them answer at any time"), circle=arrows(circle),
    )  # fmt: skip


def _first_day(path: KeyPath, rotation: Rotation) -> Iterator[Problem]:
    day = WEEKDAYS[rotation.start.weekday()]
    if day != rotation.handoff.day:
        yield warning(
            (*path, "start"), N_("the first shift begins on {day}, but handoffs are on {handoff}"),
            N_("let start be a day on which a shift is handed over"),
            day=day, handoff=rotation.handoff.day,
        )  # fmt: skip


def _shifts(manual: Manual, path: KeyPath, rotation: Rotation) -> Iterator[Problem]:
    yield from refer_all((*path, "slots"), "slot", rotation.slots, rotation.slots)
    for index, shift in enumerate(rotation.shifts):
        here = (*path, "shifts", index)
        for slot in rotation.slots:
            if slot not in shift:
                yield error(here, N_("this shift names nobody for {slot}"), N_("add it"), slot=slot)
        for slot, holder in shift.items():
            if slot != "name":
                yield from refer((*here, slot), "slot", slot, rotation.slots)
                yield from _holder(manual, (*here, slot), holder)
        yield from _one_for_all(here, rotation, shift)


def _holder(manual: Manual, path: KeyPath, holder: str) -> Iterator[Problem]:
    kind, colon, name = holder.partition(":")
    if colon and kind != "role":
        yield error(
            path, N_("{holder} is not somebody who can be on call"),
            N_("write a person's id, or role:NAME"), holder=holder,
        )  # fmt: skip
        return
    if not colon:
        yield from refer(path, "person", holder, manual.team.people)
        return
    yield from refer(path, "role", name, manual.team.roles)


def _one_for_all(path: KeyPath, rotation: Rotation, shift: dict[str, str]) -> Iterator[Problem]:
    for one, other in combinations(rotation.slots, 2):
        if shift.get(one) is not None and shift.get(one) == shift.get(other):
            yield warning(
                path, N_("{person} is both {one} and {other}, so nobody stands behind them"),
                N_("name two people"), person=shift[one], one=one, other=other,
            )  # fmt: skip


def _hours(manual: Manual, path: KeyPath, rotation: Rotation) -> Iterator[Problem]:
    rotations = manual.oncall.rotations
    for key in ("outside_hours", "on_holidays"):
        other = getattr(rotation, key)
        yield from refer((*path, key), "rotation", other, rotations)
        if other in rotations:
            yield from _missing_slots((*path, key), rotation, other, rotations[other])
    if rotation.hours and rotation.outside_hours is None:
        yield warning(
            (*path, "hours"), N_("outside these hours nobody is on call"),
            N_("name the rotation that answers then: outside_hours"),
        )  # fmt: skip


def _missing_slots(
    path: KeyPath, rotation: Rotation, name: str, other: Rotation
) -> Iterator[Problem]:
    for slot in rotation.slots:
        if slot not in other.slots:
            yield error(
                path, N_("{rotation} has no slot {slot} that could answer for this one"),
                N_("give both rotations the same slots"), rotation=name, slot=slot,
            )  # fmt: skip


def _overrides(manual: Manual) -> Iterator[Problem]:
    for index, override in enumerate(manual.oncall.overrides):
        path = ("oncall", "overrides", index)
        yield from refer((*path, "person"), "person", override.person, manual.team.people)
        yield from refer(
            (*path, "rotation"), "rotation", override.rotation, manual.oncall.rotations
        )
        rotation = manual.oncall.rotations.get(override.rotation)
        if rotation is not None:
            yield from refer((*path, "slot"), "slot", override.slot, rotation.slots)
        if override.until <= override.start:
            yield _ends_first((*path, "until"))
    yield from _overlaps(manual)


def _ends_first(path: KeyPath) -> Problem:
    return error(path, N_("it ends before it begins"), N_("let until be later than from"))


def _overlaps(manual: Manual) -> Iterator[Problem]:
    for (first, one), (second, other) in combinations(enumerate(manual.oncall.overrides), 2):
        same = (one.rotation, one.slot) == (other.rotation, other.slot)
        if same and one.start < other.until and other.start < one.until:
            yield warning(
                ("oncall", "overrides", second),
                N_("this overlaps with override {number} for the same slot; the later one wins"),
                N_("let one end where the other begins"), number=first + 1,
            )  # fmt: skip


def _country(country: str) -> Iterator[Problem]:
    if country == "KR":  # by far the commonest, and it saves the library's import at the start
        return
    import holidays  # noqa: PLC0415  see above

    if country not in holidays.list_supported_countries(include_aliases=True):
        yield error(
            ("oncall", "holidays", "country"), N_("there is no holiday calendar for {country}"),
            N_("write a two-letter code, for example KR"), country=country,
        )  # fmt: skip
