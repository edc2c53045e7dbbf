"""What is too much, unfair or without backup in the rotations: one rule a function.

No legal advice. How much of being on call at home is working time is judged by the facts
(근로기준법), so the manual's `LoadLimits.worked_share` states what is expected of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import combinations, pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from bongsu.oncall.cycle import Cycle
from bongsu.oncall.load import Roster, span_of, spans_of
from bongsu.oncall.reasons import is_gap
from bongsu.oncall.spans import Span, local_day, minus, shared, total, union

_TWO_WEEKS = 14
_A_DAY = timedelta(days=1)
_FAIR = 1.5
"""times the average of those who share a slot"""

Code = Literal[
    "week_over_limit",
    "short_rest",
    "consecutive_weeks",
    "two_slots",
    "no_backup",
    "uncovered",
    "uneven_holidays",
]
Slot = tuple[str, str]
"""(rotation, slot)"""


class Finding(msgspec.Struct, frozen=True):
    """Something about the rotations that deserves a look."""

    code: Code
    person: str | None
    slots: tuple[Slot, ...]
    """the slots that it is about"""
    spans: tuple[Span, ...]
    """where it happens, earliest first"""
    worst: timedelta
    """the longest expected week, the shortest rest, the most time on holidays; else the longest
    of ``spans``"""

    @property
    def hard(self) -> bool:
        """Whether it breaks the law's limit rather than being unwise."""
        return self.code == "week_over_limit"


def findings(roster: Roster) -> list[Finding]:
    """Return everything that the rules have to say about a span."""
    return [finding for rule in RULES for finding in rule(roster)]


def weeks_over_limit(roster: Roster) -> Iterator[Finding]:
    """Weeks whose expected work, regular and on call, is longer than the law allows.

    Only the first slot of a rotation is expected to work: those behind it stand by.
    """
    limits, rotations = roster.shifts.manual.oncall.limits, roster.shifts.manual.oncall.rotations
    first = {key: t for key, t in roster.turns.items() if key[1] == rotations[key[0]].slots[0]}
    for person in roster.people:
        spans = spans_of((turn for turns in first.values() for turn in turns), person)
        expected = {
            week: limits.regular_week + limits.worked_share * total(shared(spans, [week]))
            for week in roster.weeks(roster.zone(person))
        }
        over = [week for week, work in expected.items() if work > limits.week]
        if over:
            worst = max(expected[week] for week in over)
            yield Finding(
                "week_over_limit", person, _held(roster, person, first), tuple(over), worst
            )


def short_rests(roster: Roster) -> Iterator[Finding]:
    """Breaks between two stretches on call in which nobody can sleep."""
    for person in roster.people:
        breaks = [Span(a.until, b.start) for a, b in pairwise(roster.spans(person))]
        short = [rest for rest in breaks if rest.length < roster.shifts.manual.oncall.limits.rest]
        if short:
            worst = min(rest.length for rest in short)
            yield Finding("short_rest", person, _held(roster, person), tuple(short), worst)


def consecutive_weeks(roster: Roster) -> Iterator[Finding]:
    """Two weeks or more of shifts without one in between that is somebody else's."""
    for rotation in dict.fromkeys(name for name, _ in roster.turns):
        shifts = _shifts_of(roster, rotation)
        for person in roster.people:
            zone, spans = roster.shifts.zone(rotation), roster.spans(person)
            long = [run for run in _runs(shifts, spans) if _days(run, zone) >= _TWO_WEEKS]
            if long:
                yield _longest("consecutive_weeks", person, _held(roster, person), long)


def two_slots(roster: Roster) -> Iterator[Finding]:
    """One person in two slots at the same time: the second has nobody of its own."""
    for person in roster.people:
        mine = {key: spans_of(turns, person) for key, turns in roster.turns.items()}
        both = {pair: [*shared(mine[pair[0]], mine[pair[1]])] for pair in combinations(mine, 2)}
        slots = sorted({key for pair, spans in both.items() if spans for key in pair})
        if slots:
            spans = union(span for spans in both.values() for span in spans)
            yield _longest("two_slots", person, slots, spans)


def without_backup(roster: Roster) -> Iterator[Finding]:
    """Times at which all slots of a rotation lead to the same one person."""
    for rotation in dict.fromkeys(name for name, _ in roster.turns):
        slots = [key for key in roster.turns if key[0] == rotation]
        turns = [turn for key in slots for turn in roster.turns[key]]
        spans = {person: spans_of(turns, person) for person in roster.people}
        staffed = union(span for own in spans.values() for span in own)
        backed = union(span for a, b in combinations(spans.values(), 2) for span in shared(a, b))
        alone = [*minus(staffed, backed)]
        if alone:
            yield _longest("no_backup", None, slots, alone)


def uncovered(roster: Roster) -> Iterator[Finding]:
    """Times at which a slot has nobody although its rotation is meant to answer."""
    for key, turns in roster.turns.items():
        gaps = union(span_of(turn) for turn in turns if not turn.person and is_gap(turn.why))
        if gaps:
            yield _longest("uncovered", None, [key], gaps)


def uneven_holidays(roster: Roster) -> Iterator[Finding]:
    """Somebody with far more of the holidays than the others who share a slot.

    Says nothing of a span in which not everybody had a turn.
    """
    manual = roster.shifts.manual
    holidays = roster.holidays(ZoneInfo(manual.overview.timezone))
    for (rotation, slot), turns in roster.turns.items():
        spec = manual.oncall.rotations[rotation]
        if roster.span.length < spec.every * len(spec.shifts):
            continue
        mine = {p: [*shared(holidays, spans_of(turns, p))] for p in roster.people}
        shares = {p: total(mine[p]) for p in {turn.person for turn in turns if turn.person}}
        average = total(span for spans in mine.values() for span in spans) / max(len(shares), 1)
        for person, share in sorted(shares.items()):
            if share > max(average * _FAIR, average + _A_DAY):
                slots = ((rotation, slot),)
                yield Finding("uneven_holidays", person, slots, tuple(mine[person]), share)


RULES: tuple[Callable[[Roster], Iterator[Finding]], ...] = (
    weeks_over_limit,
    uncovered,
    without_backup,
    two_slots,
    short_rests,
    consecutive_weeks,
    uneven_holidays,
)


def _longest(code: Code, person: str | None, slots: Iterable[Slot], spans: list[Span]) -> Finding:
    worst = max(span.length for span in spans)
    return Finding(code, person, tuple(slots), tuple(spans), worst)


def _held(roster: Roster, person: str, among: Iterable[Slot] | None = None) -> tuple[Slot, ...]:
    """Return the slots in which a person has a turn."""
    keys = roster.turns if among is None else among
    return tuple(k for k in keys if any(turn.person == person for turn in roster.turns[k]))


def _days(run: Span, zone: ZoneInfo) -> int:
    """Count days on the calendar: a week in which the clock changes has an hour less or more."""
    return local_day(run.until, zone) - local_day(run.start, zone)


def _shifts_of(roster: Roster, rotation: str) -> list[tuple[Span, list[Span]]]:
    """Return each shift that lies in the span, with when anybody answers in it."""
    spec, zone = roster.shifts.manual.oncall.rotations[rotation], roster.shifts.zone(rotation)
    cycle, found = Cycle(spec, zone), []
    answered = union(span_of(t) for t in roster.all_turns() if t.rotation == rotation and t.person)
    number = cycle.number(max(roster.span.start, cycle.begins))
    while (shift := cycle.shift(number)).until <= roster.span.until:
        if shift.start >= roster.span.start:
            found.append((shift, [*shared(answered, [shift])]))
        number += 1
    return found


def _runs(shifts: list[tuple[Span, list[Span]]], mine: list[Span]) -> list[Span]:
    """Join the neighbouring shifts in which a person answers for at least half of the time."""
    held = (
        shift
        for shift, answered in shifts
        if answered and 2 * total(shared(answered, mine)) >= total(answered)
    )
    return union(held)
