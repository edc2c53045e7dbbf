"""Shifts, overrides and load as programs read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from bongsu.i18n import Translator
from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts, Turn, explain
from bongsu.oncall.findings import Finding, findings
from bongsu.oncall.load import Load, Roster, loads
from bongsu.oncall.spans import FOR_EVER, SINCE_EVER
from bongsu.oncall.words import describe, rotation_name, slot_name
from bongsu.store.overrides import KeptOverride
from bongsu.web.api.views import Named, named

_HOUR = timedelta(hours=1)
Duty = tuple[str, str]
"""(rotation, slot)"""


class TurnView(msgspec.Struct, frozen=True):
    """A stretch in which a slot is answered by the same person for the same reason.

    `person` is null where nobody is on call, `start` and `until` where there is no such end.
    """

    rotation: Named
    slot: Named
    person: Named | None
    start: datetime | None
    until: datetime | None
    why: str


class OnCallNow(msgspec.Struct, frozen=True):
    """Who is on call at `at`, in the order in which a rotation's slots are called."""

    at: datetime
    turns: list[TurnView]


class OnCallTimeline(msgspec.Struct, frozen=True):
    """The turns that fill a span, slot by slot, without gap or overlap."""

    start: datetime
    until: datetime
    turns: list[TurnView]


class OverrideView(msgspec.Struct, frozen=True):
    """Somebody stands in for a slot (대체 근무); `until` is exclusive."""

    id: int
    rotation: Named
    slot: Named
    person: Named
    start: datetime
    until: datetime
    reason: str
    made_by: Named
    made_at: datetime


class OverrideList(msgspec.Struct, frozen=True):
    """Overrides that people made, on top of the manual's own."""

    overrides: list[OverrideView]


class LoadView(msgspec.Struct, frozen=True):
    """What one person carries in a span, in hours."""

    person: Named
    on_call_hours: float
    night_hours: float
    weekend_hours: float
    holiday_hours: float
    longest_week_hours: float
    turns: int


class ShiftFindingView(msgspec.Struct, frozen=True):
    """Something about the rotations that somebody should mend; `hard` breaks the law's limit."""

    code: str
    hard: bool
    person: Named | None
    text: str
    times: int
    first: datetime | None


class LoadSurvey(msgspec.Struct, frozen=True):
    """Everybody's load in a span, and what is too much or unfair about it."""

    start: datetime
    until: datetime
    loads: list[LoadView]
    findings: list[ShiftFindingView]


class Shown:
    """Shows turns in one language."""

    def __init__(self, manual: Manual, t: Translator) -> None:
        self.manual, self.t = manual, t

    def turn(self, turn: Turn) -> TurnView:
        """Show one turn with its reason in words."""
        return TurnView(
            self._rotation(turn.rotation), self._slot(turn.slot), named(turn.person, self.manual),
            None if turn.start == SINCE_EVER else turn.start,
            None if turn.until == FOR_EVER else turn.until,
            explain(turn, self.t.lang, self.manual),
        )  # fmt: skip

    def override(self, kept: KeptOverride) -> OverrideView:
        """Show one override."""
        return OverrideView(
            kept.id, self._rotation(kept.rotation), self._slot(kept.slot),
            self._person(kept.person), kept.starts_at, kept.ends_at, kept.reason,
            self._person(kept.made_by), kept.made_at,
        )  # fmt: skip

    def survey(self, shifts: Shifts, start: datetime, until: datetime) -> LoadSurvey:
        """Measure a span; takes about a tenth of a second for a year."""
        roster = Roster(shifts, start, until)
        return LoadSurvey(
            start, until,
            [self._load(one) for one in loads(roster)],
            [self._finding(one) for one in findings(roster)],
        )  # fmt: skip

    def _load(self, load: Load) -> LoadView:
        return LoadView(
            self._person(load.person), _hours(load.on_call), _hours(load.nights),
            _hours(load.weekends), _hours(load.holidays), _hours(load.longest_week), load.turns,
        )  # fmt: skip

    def _finding(self, found: Finding) -> ShiftFindingView:
        first = found.spans[0].start if found.spans else None
        text = describe(found, self.t.lang, self.manual)
        person = named(found.person, self.manual)
        return ShiftFindingView(found.code, found.hard, person, text, len(found.spans), first)

    def _person(self, person: str) -> Named:
        return named(person, self.manual) or Named(person, person)

    def _rotation(self, rotation: str) -> Named:
        return Named(rotation, rotation_name(rotation, self.t.lang, self.manual))

    def _slot(self, slot: str) -> Named:
        return Named(slot, slot_name(slot, self.t.lang))


def _hours(length: timedelta) -> float:
    return round(length / _HOUR, 1)


def now(shifts: Shifts, at: datetime, shown: Shown) -> OnCallNow:
    """Show who is on call at an instant."""
    return OnCallNow(at, [shown.turn(shifts.who(*duty, at)) for duty in shifts.duties()])


def filled(
    shifts: Shifts,
    duties: Iterable[tuple[str, str]],
    start: datetime,
    until: datetime,
    shown: Shown,
) -> OnCallTimeline:
    """Show the turns of a span."""
    found = [turn for duty in duties for turn in shifts.timeline(*duty, start, until)]
    return OnCallTimeline(start, until, [shown.turn(turn) for turn in found])
