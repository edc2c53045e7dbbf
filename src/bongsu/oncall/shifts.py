"""Who is on call, at any instant, and why.

The answer for a slot is found from the top of this list:

1. an override of the slot, the one that is listed last where several overlap;
2. before the rotation's first shift: nobody;
3. on a public holiday, the rotation that ``on_holidays`` names;
4. outside ``hours``, the rotation that ``outside_hours`` names, or nobody;
5. the shift of the cycle.

Each of these holds over a stretch of time, and where they meet is the *turn*: the longest stretch
with the same person for the same reason. Two shifts are never one turn, even of the same person.
Turns that were asked for are kept, so that the next question is a search in a list.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from zoneinfo import ZoneInfo

import msgspec

from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.oncall import Override, Rotation
from bongsu.oncall import reasons as r
from bongsu.oncall.cycle import Cycle, OpenHours
from bongsu.oncall.dayoff import DaysOff
from bongsu.oncall.spans import ALWAYS, FOR_EVER, SINCE_EVER, Span, Track, layered, utc

_KEPT = 10_000
"""turns kept per slot: two centuries of weeks"""
_START = attrgetter("start")


class Turn(msgspec.Struct, frozen=True):
    """One stretch in which a slot is answered by the same person for the same reason.

    ``start`` and ``until`` (exclusive) are UTC; what has no beginning or end has
    `spans.SINCE_EVER` or `spans.FOR_EVER`, which only happens where nobody is on call.
    """

    rotation: str
    slot: str
    person: str | None
    start: datetime
    until: datetime
    why: r.Why


class Callee(msgspec.Struct, frozen=True):
    """A person whom a target leads to, and why."""

    person: str
    why: r.Why


class Callees(msgspec.Struct, frozen=True):
    """Whom a target leads to, to be looped over in the order in which they are asked."""

    people: tuple[Callee, ...]
    why: r.Why
    """why the first of them, or why nobody"""

    def __iter__(self) -> Iterator[Callee]:
        return iter(self.people)

    def __len__(self) -> int:
        return len(self.people)


class _Duty:
    """One slot of one rotation."""

    def __init__(self, rotation: str, slot: str, spec: Rotation, zone: ZoneInfo) -> None:
        self.rotation, self.slot, self.spec, self.zone = rotation, slot, spec, zone
        self.cycle = Cycle(spec, zone)
        self.hours = OpenHours(spec.hours, zone) if spec.hours else None
        self.overrides: Track[Override] = Track(())
        self.known: list[Turn] = []

    def turn(self, span: Span, person: str | None, why: r.Why) -> Turn:
        return Turn(self.rotation, self.slot, person, span.start, span.until, why)

    def remembered(self, at: datetime) -> Turn | None:
        following = bisect_right(self.known, at, key=_START)
        turn = self.known[following - 1] if following else None
        return turn if turn and at < turn.until else None

    def remember(self, turn: Turn) -> Turn:
        if len(self.known) >= _KEPT:
            self.known.clear()
        insort(self.known, turn, key=_START)
        return turn


class Shifts:
    """The rotations of a manual with their overrides, ready to be asked.

    ``overrides`` come on top of the manual's own, oldest first; a change needs a new `Shifts`,
    which is cheap to make. The first question about a holiday loads the calendar library, which
    takes a few tenths of a second.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: a rotation's time zone does not exist.
    """

    def __init__(self, manual: Manual, overrides: Sequence[Override] = ()) -> None:
        self.manual = manual
        self._duties = {
            (name, slot): _Duty(name, slot, spec, self.zone(name))
            for name, spec in manual.oncall.rotations.items()
            for slot in spec.slots
        }
        self.stray = self._add((*manual.oncall.overrides, *overrides))
        """overrides of no effect: their slot is gone, or they end before they begin"""

    def zone(self, rotation: str) -> ZoneInfo:
        """Return the time zone of a rotation; the manual's for one that does not exist."""
        spec = self.manual.oncall.rotations.get(rotation)
        return ZoneInfo((spec.timezone if spec else None) or self.manual.overview.timezone)

    def who(self, rotation: str, slot: str, at: datetime) -> Turn:
        """Return who is on call at an instant, from when to when, and why.

        Raises:
            ValueError: ``at`` has no time zone.
        """
        at = utc(at)
        duty = self._duties.get((rotation, slot))
        if duty is None:
            return self._find(rotation, slot, at)
        return duty.remembered(at) or duty.remember(self._find(rotation, slot, at))

    def timeline(self, rotation: str, slot: str, start: datetime, until: datetime) -> list[Turn]:
        """Return the turns that fill a span without gap or overlap, cut to its ends."""
        asked = Span(utc(start), utc(until))
        found = []
        for turn in self.turns(rotation, slot, start, until):
            inside = asked.meet(Span(turn.start, turn.until))
            found.append(msgspec.structs.replace(turn, start=inside.start, until=inside.until))
        return found

    def turns(self, rotation: str, slot: str, start: datetime, until: datetime) -> Iterator[Turn]:
        """Yield the turns that a span touches, whole, even where they reach beyond it."""
        at, until = utc(start), utc(until)
        while at < until:
            turn = self.who(rotation, slot, at)
            yield turn
            at = turn.until

    def next_handoff(self, rotation: str, at: datetime) -> datetime | None:
        """Return when a rotation's shift changes next after ``at``; None if it does not exist."""
        spec, at = self.manual.oncall.rotations.get(rotation), utc(at)
        if spec is None:
            return None
        cycle = Cycle(spec, self.zone(rotation))
        return cycle.begins if at < cycle.begins else cycle.handoff(cycle.number(at) + 1)

    def targets(self, ref: str, at: datetime) -> Callees:
        """Return whom ``person:x``, ``role:y`` or ``rotation:r/slot`` leads to at an instant.

        Never raises for a manual that passed its check; a target that leads to nobody gives an
        empty list whose ``why`` says so.
        """
        kind, _, name = ref.partition(":")
        match kind:
            case "person":
                return self._person(name)
            case "role":
                return self._role(name)
            case "rotation":
                turn = self.who(*_split(name), at)
                found = (Callee(turn.person, turn.why),) if turn.person else ()
                return Callees(found, turn.why)
            case _:
                return Callees((), r.NotATarget(ref))

    def duties(self, rotation: str | None = None) -> list[tuple[str, str]]:
        """Return the (rotation, slot) pairs of one rotation, or of all that stand by themselves.

        A rotation that only answers in place of another one, and that no escalation names, counts
        as part of that other one: its people are on call when the other one sends them.
        """
        if rotation is not None:
            return [key for key in self._duties if key[0] == rotation]
        rotations = self.manual.oncall.rotations
        instead = {n for s in rotations.values() for n in (s.outside_hours, s.on_holidays) if n}
        instead -= set(_paged(self.manual))
        return [key for key in self._duties if key[0] not in instead]

    def _add(self, overrides: Sequence[Override]) -> tuple[Override, ...]:
        by_slot: dict[tuple[str, str], list[tuple[Span, Override]]] = {}
        stray = []
        for override in overrides:
            key, span = (override.rotation, override.slot), _span_of(override)
            if key in self._duties and span.start < span.until:
                by_slot.setdefault(key, []).append((span, override))
            else:
                stray.append(override)
        for key, entries in by_slot.items():
            self._duties[key].overrides = Track(layered(entries))
        return tuple(stray)

    def _find(self, rotation: str, slot: str, at: datetime, path: tuple[str, ...] = ()) -> Turn:
        """Ask the layers from the top; ``path`` are the rotations that sent the question here."""
        duty = self._duties.get((rotation, slot))
        if duty is None:
            return Turn(rotation, slot, None, *ALWAYS, self._unknown(rotation, slot))
        if rotation in path:
            return duty.turn(ALWAYS, None, r.Circle((*path, rotation)))
        span, override = duty.overrides.at(at)
        if override is not None:
            why = r.Overridden(*_span_of(override), override.reason)
            return duty.turn(span, override.person, why)
        if at < duty.cycle.begins:
            before = span.meet(Span(SINCE_EVER, duty.cycle.begins))
            return duty.turn(before, None, r.NotStarted(duty.cycle.begins))
        span = span.meet(Span(duty.cycle.begins, FOR_EVER))
        return self._by_the_plan(duty, at, span, (*path, rotation))

    def _by_the_plan(self, duty: _Duty, at: datetime, span: Span, path: tuple[str, ...]) -> Turn:
        """Ask for holidays, hours and the cycle, in this order."""
        spec = duty.spec
        if spec.on_holidays:
            day, holiday = self._holidays.around(at, duty.zone)
            span = span.meet(day)
            if holiday:
                other = self._find(spec.on_holidays, duty.slot, at, path)
                date_, name = holiday
                why = r.OnHoliday(date_, name.ko, name.en, other.rotation, other.why)
                return duty.turn(span.meet(Span(other.start, other.until)), other.person, why)
        if duty.hours:
            open_, window = duty.hours.around(at)
            span = span.meet(window)
            if not open_:
                return self._outside_hours(duty, at, span, path)
        return self._in_cycle(duty, at, span)

    def _outside_hours(self, duty: _Duty, at: datetime, span: Span, path: tuple[str, ...]) -> Turn:
        if duty.spec.outside_hours is None:
            return duty.turn(span, None, r.Closed())
        other = self._find(duty.spec.outside_hours, duty.slot, at, path)
        why = r.OutsideHours(other.rotation, other.why)
        return duty.turn(span.meet(Span(other.start, other.until)), other.person, why)

    def _in_cycle(self, duty: _Duty, at: datetime, span: Span) -> Turn:
        number, shifts = duty.cycle.number(at), duty.spec.shifts
        span = span.meet(duty.cycle.shift(number))
        position = number % len(shifts)
        shift = shifts[position]
        value = shift.get(duty.slot, "")
        role = value.removeprefix("role:") if value.startswith("role:") else None
        why = r.InCycle(number + 1, position + 1, len(shifts), shift.get("name", ""), role)
        if not value:
            return duty.turn(span, None, r.EmptySlot(why))
        person = value if role is None else next(iter(self._holders(role)), None)
        return duty.turn(span, person, why if person else r.NoHolder(why))

    @cached_property
    def _holidays(self) -> DaysOff:
        return DaysOff(self.manual.oncall.holidays)

    def _unknown(self, rotation: str, slot: str) -> r.Why:
        if rotation in self.manual.oncall.rotations:
            return r.NoSuchSlot(rotation, slot)
        return r.NoSuchRotation(rotation)

    def _person(self, person: str) -> Callees:
        if self.manual.person(person) is None:
            return Callees((), r.NoSuchPerson(person))
        return Callees((Callee(person, r.Named()),), r.Named())

    def _role(self, role: str) -> Callees:
        holders = self._holders(role)
        if holders:
            found = (Callee(p, r.HoldsRole(role, n)) for n, p in enumerate(holders, start=1))
            return Callees(tuple(found), r.HoldsRole(role, 1))
        known = role in self.manual.team.roles
        return Callees((), r.RoleVacant(role) if known else r.NoSuchRole(role))

    def _holders(self, role: str) -> list[str]:
        known = self.manual.team.roles.get(role)
        return known.held_by if known else []


def _span_of(override: Override) -> Span:
    return Span(utc(override.start), utc(override.until))


def _split(name: str) -> tuple[str, str]:
    rotation, _, slot = name.partition("/")
    return rotation, slot


def _paged(manual: Manual) -> Iterator[str]:
    """Yield the rotations that the escalation names."""
    for response in manual.response.severities.values():
        deputies = response.commander.deputies if response.commander else []
        for target in (*(t for step in response.escalation for t in step.page), *deputies):
            if target.startswith("rotation:"):
                yield _split(target.removeprefix("rotation:"))[0]
