"""One cycle of a rotation as a calendar: a row per week, a bar per slot, a colour per person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bongsu.i18n import N_
from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Figure
from bongsu.manual.render.edition import Edition
from bongsu.manual.render.figures import mermaid
from bongsu.manual.render.figures.drawing import draw, width_of
from bongsu.manual.schema.oncall import WEEKDAYS, Rotation

_WIDE, _NARROW = 728.0, 350.0
_TOP, _DATES, _BAR, _GAP = 22.0, 20.0, 20.0, 3.0
_NAME = 12.0
_MOST_WEEKS = 8
_COLOURS = 8
_WEEK = timedelta(days=7)
_DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


@dataclass(frozen=True)
class Turn:
    """One shift of the cycle, on the rotation's own clock."""

    name: str
    start: datetime
    until: datetime
    slots: dict[str, str]


@dataclass(frozen=True)
class Bar:
    """The part of a turn that falls into one week."""

    x: float
    y: float
    width: float
    label: str
    colour: str
    begins: bool
    """whether the turn begins here, rather than going on from the week before"""


@dataclass(frozen=True)
class Week:
    """A row of the calendar."""

    y: float
    height: float
    days: tuple[tuple[float, str], ...]
    bars: tuple[Bar, ...]


def rotation_figure(edition: Edition, rotation: Rotation) -> Figure:
    """Draw the first cycle of a rotation; it goes on like this for ever."""
    t, found = edition.t, turns(rotation)
    name = inline.bare(edition.text(rotation.name))
    cycle = inline.bare(edition.duration(rotation.every * len(found)))
    title = t("{name}: this repeats every {cycle}", name=name, cycle=cycle)
    describe = " ".join(_sentence(edition, turn) for turn in found)
    wide, narrow = (
        draw("rotation.svg", title=title, describe=describe, bar=_BAR,
             calendar=Calendar(edition, rotation, found, width))
        for width in (_WIDE, _NARROW)
    )  # fmt: skip
    return Figure(title, describe, wide, narrow, _mermaid(edition, rotation, title, found))


def turns(rotation: Rotation) -> list[Turn]:
    """Return the shifts of the first cycle, in the rotation's local time.

    As `bongsu.oncall.cycle`: where shifts last whole weeks they change on the handoff's weekday,
    so that a start on another day makes the first one shorter.
    """
    late = (rotation.start.weekday() - WEEKDAYS.index(rotation.handoff.day)) % 7
    anchor = rotation.start - timedelta(days=0 if rotation.every.days % 7 else late)
    begins = [anchor + rotation.every * number for number in range(len(rotation.shifts) + 1)]
    moments = [datetime.combine(day, rotation.handoff.time) for day in begins]
    moments[0] = datetime.combine(rotation.start, rotation.handoff.time)
    return [
        Turn(shift.get("name", str(number + 1)), moments[number], moments[number + 1], shift)
        for number, shift in enumerate(rotation.shifts)
    ]


def _sentence(edition: Edition, turn: Turn) -> str:
    slots = ", ".join(
        f"{inline.bare(edition.slot(slot))} {inline.bare(edition.holder(who))}"
        for slot, who in turn.slots.items()
        if slot != "name"
    )
    return f"{turn.name} ({turn.start:%Y-%m-%d %H:%M} – {turn.until:%Y-%m-%d %H:%M}): {slots}."


# ── drawing ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Calendar:
    """The drawn cycle at one width."""

    edition: Edition
    rotation: Rotation
    turns: list[Turn]
    width: float

    @property
    def heads(self) -> list[tuple[float, str]]:
        """The names of the weekdays, each with where its column begins."""
        return [(self._x(day), self.edition.t(name)) for day, name in enumerate(_DAYS)]

    @property
    def height(self) -> float:
        """Where the last week ends."""
        return _TOP + self._row * len(self._mondays)

    @property
    def weeks(self) -> list[Week]:
        """The rows of the calendar."""
        return [self._week(number, monday) for number, monday in enumerate(self._mondays)]

    @property
    def _mondays(self) -> list[date]:
        """From the Monday before the first shift to the last week of the cycle."""
        first, last = self.turns[0].start.date(), self.turns[-1].until.date()
        monday = first - timedelta(days=first.weekday())
        count = min(-(-(last - monday).days // 7), _MOST_WEEKS)
        return [monday + number * _WEEK for number in range(count)]

    @property
    def _row(self) -> float:
        return _DATES + len(self.rotation.slots) * (_BAR + _GAP) + 7

    def _x(self, days: float) -> float:
        return round(days * self.width / 7, 1)

    def _week(self, number: int, monday: date) -> Week:
        y = _TOP + number * self._row
        return Week(y, self._row, tuple(self._dates(monday)), tuple(self._bars(monday, y)))

    def _dates(self, monday: date) -> Iterator[tuple[float, str]]:
        for offset in range(7):
            day = monday + timedelta(days=offset)
            shown = f"{day.month}/{day.day}" if offset == 0 or day.day == 1 else str(day.day)
            yield self._x(offset), shown

    def _bars(self, monday: date, top: float) -> Iterator[Bar]:
        week = datetime.combine(monday, datetime.min.time())
        for turn in self.turns:
            start, until = max(turn.start, week), min(turn.until, week + _WEEK)
            if start >= until:
                continue
            x, end = (self._x((moment - week) / timedelta(days=1)) for moment in (start, until))
            for row, slot in enumerate(self.rotation.slots):
                if slot in turn.slots:
                    y = top + _DATES + row * (_BAR + _GAP)
                    yield self._bar(turn, slot, (x, y, end), begins=start == turn.start)

    def _bar(
        self, turn: Turn, slot: str, place: tuple[float, float, float], *, begins: bool
    ) -> Bar:
        x, y, end = place
        who, width = turn.slots[slot], round(end - x, 1)
        colour = colours(self.rotation).get(who, "c-role")
        return Bar(x, y, width, _label(self.edition, slot, who, width), colour, begins)


def colours(rotation: Rotation) -> dict[str, str]:
    """Give each person a colour in order of appearance; whoever holds a role has none."""
    people = dict.fromkeys(
        shift[slot] for shift in rotation.shifts for slot in rotation.slots if slot in shift
    )
    named = [who for who in people if not who.startswith("role:")]
    return {who: f"c{number % _COLOURS}" for number, who in enumerate(named)}


def _label(edition: Edition, slot: str, who: str, width: float) -> str:
    """Say who and in which slot; who alone, or nothing, where there is less room."""
    name, room = inline.bare(edition.holder(who)), width - 14
    whole = f"{name} · {inline.bare(edition.slot(slot))}"
    return next((text for text in (whole, name) if width_of(text, _NAME) <= room), "")


def _mermaid(edition: Edition, rotation: Rotation, title: str, found: list[Turn]) -> str:
    lines = [f"title {mermaid.escape(title)}", "dateFormat YYYY-MM-DD HH:mm", "axisFormat %m-%d"]
    for slot in rotation.slots:
        lines.append(f"section {mermaid.escape(inline.bare(edition.slot(slot)))}")
        for turn in found:
            if slot in turn.slots:
                who = mermaid.escape(inline.bare(edition.holder(turn.slots[slot])))
                lines.append(f"{who} :{turn.start:%Y-%m-%d %H:%M}, {turn.until:%Y-%m-%d %H:%M}")
    return mermaid.diagram("gantt", lines)
