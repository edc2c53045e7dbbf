"""Who is called when, as lanes: one for each who is called, from their call to the next round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Figure
from bongsu.manual.render.edition import Edition
from bongsu.manual.render.figures import mermaid
from bongsu.manual.render.figures.drawing import draw, fit, width_of, wrap
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.response import Assemble, Commander, SeverityResponse

_WIDTH, _LANE, _LINE, _AXIS = 340.0, 40.0, 17.0, 26.0
_LABEL, _SMALL = 13.0, 11.0
_INSET = 6.0


@dataclass(frozen=True)
class Call:
    """Somebody who is called, and how long after the beginning."""

    who: str
    after: timedelta


@dataclass(frozen=True)
class Ladder:
    """Calls that count from the same beginning."""

    begins: str
    """what they count from"""
    calls: tuple[Call, ...]
    length: timedelta
    """how much of the time is drawn"""
    every: timedelta | None
    """after how long it begins again"""
    repeat: str
    """what happens at its end, "" where nothing does"""


@dataclass(frozen=True)
class Lane:
    """A drawn call."""

    who: str
    when: str
    x: float
    y: float


@dataclass(frozen=True)
class Panel:
    """A drawn ladder."""

    begins: tuple[str, ...]
    y: float
    top: float
    """where the lanes begin"""
    floor: float
    """where they end"""
    bottom: float
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    repeat: str


def escalation_figure(edition: Edition, level: SeverityLevel) -> Figure:
    """Draw the pages of one severity: until somebody answers, and once it is real."""
    found = list(ladders(edition, edition.manual.respond(level)))
    title = inline.bare(edition.severity(level))
    describe = " ".join(_sentence(edition, ladder) for ladder in found)
    svg = draw("escalation.svg", title=title, describe=describe, level=level, width=_WIDTH,
               right=_WIDTH - _INSET, panels=(panels := list(_panels(edition, found))),
               height=panels[-1].bottom if panels else 0)  # fmt: skip
    return Figure(title, describe, svg, svg, _mermaid(edition, title, found))


def ladders(edition: Edition, how: SeverityResponse) -> Iterator[Ladder]:
    """Yield the ladders of a severity in the order in which they begin."""
    t = edition.t
    calls = tuple(
        Call(inline.bare(inline.listing(map(edition.target, step.page))), step.after)
        for step in how.escalation
    )
    begins = t("From the signal, while nobody answers")
    repeat = how.repeat
    every = repeat.every if repeat else None
    yield Ladder(begins, calls, _length(calls, every), every, _repeat(edition, how))
    if how.commander or how.assemble:
        calls = tuple(_once_real(edition, how))
        wait = inline.bare(edition.duration(how.verify.within))
        begins = t("Once it is confirmed (or after {wait} without a word)", wait=wait)
        if how.verify.unanswered == "remind":
            begins = t("Once it is confirmed")
        yield Ladder(begins, calls, _length(calls, None), None, "")


def _repeat(edition: Edition, how: SeverityResponse) -> str:
    t = edition.t
    if how.repeat is None:
        return ""
    every = inline.bare(edition.duration(how.repeat.every))
    if how.repeat.times == "forever":
        return t("again every {every}, until somebody answers", every=every)
    return t("again every {every}, {n} times", every=every, n=how.repeat.times)


def _once_real(edition: Edition, how: SeverityResponse) -> Iterator[Call]:
    calls = list(_commander(edition, how.commander)) if how.commander else []
    if how.assemble:
        calls.append(Call(_team(edition, how.assemble), how.assemble.at_latest))
    yield from sorted(calls, key=lambda call: call.after)


def _team(edition: Edition, plan: Assemble) -> str:
    t, count = edition.t, len(plan.roles)
    if plan.war_room:
        return t("Team ({n} roles) and war room", n=count)
    return t("Team ({n} roles)", n=count)


def _commander(edition: Edition, how: Commander) -> Iterator[Call]:
    """The holders of the role in turn, as the first is called by the role's name; then deputies."""
    role = edition.manual.team.roles.get(how.role)
    names = [edition.person(name) for name in (role.held_by if role else [])] or [inline.NONE]
    first = f"{edition.role(how.role)} ({names[0]})"
    for index, who in enumerate([first, *names[1:], *map(edition.target, how.deputies)]):
        yield Call(inline.bare(who), how.answer_within * index)


def _length(calls: tuple[Call, ...], repeat: timedelta | None) -> timedelta:
    last = max((call.after for call in calls), default=timedelta())
    return max(repeat or last * 1.35, last * 1.1, timedelta(minutes=1))


# ── drawing ──────────────────────────────────────────────────────────────────────────────


def _panels(edition: Edition, found: list[Ladder]) -> Iterator[Panel]:
    y = 0.0
    for ladder in found:
        begins = tuple(wrap(ladder.begins, _WIDTH, _LABEL, 2))
        top = y + _LINE * len(begins) + 10
        lanes = tuple(_lanes(edition, ladder, top))
        floor = top + _LANE * len(lanes)
        bottom = floor + _AXIS + (_LINE if ladder.repeat else 0)
        ticks = tuple(_ticks(edition, ladder))
        yield Panel(begins, y, top, floor, bottom, lanes, ticks, ladder.repeat)
        y = bottom + 14


def _x(ladder: Ladder, after: timedelta) -> float:
    return round(_INSET + (after / ladder.length) * (_WIDTH - 2 * _INSET), 1)


def _lanes(edition: Edition, ladder: Ladder, top: float) -> Iterator[Lane]:
    for index, call in enumerate(ladder.calls):
        when = inline.bare(edition.moment(call.after))
        room = _WIDTH - width_of(when, _SMALL) - 16
        yield Lane(fit(call.who, room, _LABEL), when, _x(ladder, call.after), top + _LANE * index)


def _ticks(edition: Edition, ladder: Ladder) -> Iterator[tuple[float, str]]:
    """Marks under the lanes; one that would run into its neighbour keeps its line only."""
    free = 0.0
    ends = [ladder.every] if ladder.every else []
    moments = dict.fromkeys([timedelta(), *(call.after for call in ladder.calls), *ends])
    for after in moments:
        x = _x(ladder, after)
        label = inline.bare(edition.duration(after)) if after else "0"
        room = width_of(label, _SMALL)
        left = min(max(x - room / 2, 0.0), _WIDTH - room)
        if left >= free:
            yield x, label
            free = left + room + 8
        else:
            yield x, ""


# ── words ────────────────────────────────────────────────────────────────────────────────


def _sentence(edition: Edition, ladder: Ladder) -> str:
    moments = [(inline.bare(edition.moment(call.after)), call.who) for call in ladder.calls]
    calls = "; ".join(f"{moment}: {who}" for moment, who in moments)
    return f"{ladder.begins}: {calls}." + (f" {ladder.repeat}." if ladder.repeat else "")


def _mermaid(edition: Edition, title: str, found: list[Ladder]) -> str:
    t, who = edition.t, dict.fromkeys(call.who for ladder in found for call in ladder.calls)
    names = {name: f"p{number}" for number, name in enumerate(who, start=1)}
    lines = [f"participant p0 as {mermaid.escape(title)}"]
    lines += [f"participant {short} as {mermaid.escape(name)}" for name, short in names.items()]
    last = f"p{len(names)}"
    for ladder in found:
        over = f"Note over p0,{last}: "
        lines.append(over + mermaid.escape(ladder.begins))
        lines += [
            f"p0->>{names[call.who]}: {mermaid.escape(inline.bare(edition.moment(call.after)))}"
            for call in ladder.calls
        ]
        if ladder.repeat:
            lines.append(over + mermaid.escape(ladder.repeat))
    if not names:
        nobody = t("nobody is called")
        lines.append(f"Note over p0: {mermaid.escape(nobody)}")
    return mermaid.diagram("sequenceDiagram", lines)
