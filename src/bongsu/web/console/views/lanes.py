"""The escalation as a picture: who was called when, who will be, and where the present stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from bongsu.i18n import Translator
from bongsu.incident.ladders import Ladder, ladders
from bongsu.incident.reasons import explain, person_name, target_name
from bongsu.incident.state import Incident, Page, Rung
from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts
from bongsu.web.console.views.words import clock, percent

State = Literal["answered", "waiting", "unanswered", "unreachable", "planned"]

AHEAD = 4
"""rungs of each ladder that are drawn before they are taken"""
WIDEST = timedelta(hours=2)
"""what is longer ago than this before the picture's end is left out"""
SHORTEST = timedelta(minutes=10)
TICKS = 4
_LEAST_WIDTH = 1.5
"""percent, so that a call answered at once can still be seen"""


@dataclass(frozen=True)
class Block:
    """One call: where it begins and how wide it is, in percent of the picture."""

    left: float
    width: float
    state: State
    label: str
    why: str


@dataclass(frozen=True)
class Lane:
    """Everything that concerns one person."""

    name: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Lanes:
    """The whole picture; ``now`` is in percent, None where the present lies outside."""

    lanes: tuple[Lane, ...]
    start: datetime
    until: datetime
    now: float | None
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class _Call:
    who: str
    start: datetime
    until: datetime
    state: State
    why: str


def lanes(
    manual: Manual, incident: Incident, shifts: Shifts, t: Translator, now: datetime
) -> Lanes | None:
    """Draw the calls of an incident; None where nobody was or will be called."""
    calls = [*_made(manual, incident, t, now), *_planned(manual, incident, shifts, t, now)]
    if not calls:
        return None
    running = incident.open and incident.acknowledged_at is None
    ends = [c.until for c in calls]
    latest = max(*ends, now) if running else max(ends)
    start = max(min(c.start for c in calls), latest - WIDEST)
    until = max(latest, start + SHORTEST)
    inside = [c for c in calls if c.until > start]
    names = dict.fromkeys(c.who for c in inside)
    zone = manual.overview.timezone
    found = tuple(
        Lane(name, tuple(_block(c, start, until, zone) for c in inside if c.who == name))
        for name in names
    )
    here = percent(now - start, until - start) if start <= now <= until else None
    return Lanes(found, start, until, here, tuple(_ticks(start, until, zone)))


def _made(manual: Manual, incident: Incident, t: Translator, now: datetime) -> Iterator[_Call]:
    since = incident.reopened_at or incident.opened_at or now
    for page in incident.pages.values():
        if page.at >= since:
            state, until = _outcome(incident, page, now)
            who, why = person_name(page.person, manual), explain(page.why, manual, t)
            yield _Call(who, page.at, max(until, page.at), state, why)


def _outcome(incident: Incident, page: Page, now: datetime) -> tuple[State, datetime]:
    """How a call ended, and when; one that nobody waits for any more was not answered."""
    if page.answered_at is not None:
        return "answered", page.answered_at
    if page.unreachable:
        return "unreachable", page.answer_by
    over = page.answer_by <= now or not incident.open
    return ("unanswered" if over else "waiting"), page.answer_by


def _planned(
    manual: Manual, incident: Incident, shifts: Shifts, t: Translator, now: datetime
) -> Iterator[_Call]:
    for ladder in ladders(manual, incident):
        rungs = islice(_following(ladder, incident.progress.get(ladder.name)), AHEAD)
        for rung in rungs:
            at = max(ladder.at(rung), now)
            for who in _people(ladder.steps[rung.step].targets, manual, shifts, t, at):
                yield _Call(who, at, ladder.answer_by(rung, at), "planned", "")


def _following(ladder: Ladder, rung: Rung | None) -> Iterator[Rung]:
    while (rung := ladder.after(rung)) is not None:
        yield rung


def _people(
    targets: Iterable[str], manual: Manual, shifts: Shifts, t: Translator, at: datetime
) -> Iterator[str]:
    for target in targets:
        callees = shifts.targets(target, at)
        yield from (person_name(callee.person, manual) for callee in callees)
        if not len(callees):
            yield target_name(target, manual, t)


def _block(call: _Call, start: datetime, until: datetime, zone: str) -> Block:
    whole = until - start
    left = min(percent(max(call.start, start) - start, whole), 100 - _LEAST_WIDTH)
    width = percent(call.until - max(call.start, start), whole)
    width = min(max(width, _LEAST_WIDTH), 100 - left)
    return Block(left, width, call.state, clock(call.start, zone)[:5], call.why)


def _ticks(start: datetime, until: datetime, zone: str) -> Iterator[tuple[float, str]]:
    for number in range(TICKS + 1):
        at = start + (until - start) * number / TICKS
        yield 100 * number / TICKS, clock(at, zone)[:5]
