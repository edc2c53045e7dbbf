"""On call on a terminal: who and why, the weeks ahead as a calendar, overrides, load."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.markup import escape
from rich.text import Text

from bongsu.cli.printing import Json, columns, console, moment, name_of, print_lines, t, table, zone
from bongsu.i18n import N_


def print_now(found: Json) -> None:
    """Print who is on call at one time, rotation by rotation, and why."""
    console.print(f"{moment(found['at'])} ({zone(found['at'])})", style="dim")
    for rotation, slots in groupby(found["turns"], lambda turn: turn["rotation"]["name"]):
        console.print(escape(rotation), style="bold")
        lines = columns()
        for turn in slots:
            said = Text(turn["why"], "dim")
            if turn["until"]:
                said = Text(t("until {time}", time=moment(turn["until"])) + "\n") + said
            lines.add_row(" ", escape(turn["slot"]["name"]), _person(turn), said)
        print_lines(lines)


def _person(turn: Json) -> Text:
    if turn["person"] is None:
        return Text(t(N_("nobody")), "bold red")
    return Text(turn["person"]["name"], "bold green")


def print_calendar(found: Json) -> None:
    """Print the turns of a span, a table a rotation: each line is a stretch without any change."""
    console.print(t("times in {zone}", zone=zone(found["start"])), style="dim")
    turns = sorted(found["turns"], key=lambda turn: turn["rotation"]["id"])
    for _, group in groupby(turns, lambda turn: turn["rotation"]["id"]):
        _print_rotation(list(group), found["until"])


def _print_rotation(turns: list[Json], until: str) -> None:
    slots = list(dict.fromkeys(turn["slot"]["id"] for turn in turns))
    names = {turn["slot"]["id"]: turn["slot"]["name"] for turn in turns}
    lines = table(N_("from"), N_("until"))
    for slot in slots:
        lines.add_column(escape(names[slot]))
    starts = sorted({turn["start"] for turn in turns})
    for start, end in zip(starts, [*starts[1:], until], strict=True):
        people = [_person(_at(turns, slot, start)) for slot in slots]
        lines.add_row(moment(start), moment(end), *people)
    console.print(escape(turns[0]["rotation"]["name"]), style="bold")
    print_lines(lines)


def _at(turns: list[Json], slot: str, start: str) -> Json:
    """Return the turn of a slot at an instant at which one of the turns begins."""
    own = [turn for turn in turns if turn["slot"]["id"] == slot and turn["start"] <= start]
    return max(own, key=lambda turn: turn["start"])


def print_overrides(overrides: list[Json]) -> None:
    """Print who stands in, one a line."""
    if not overrides:
        console.print(t(N_("Nobody stands in for anybody.")))
        return
    lines = table(
        N_("id"), N_("rotation"), N_("slot"), N_("person"), N_("from"), N_("until"), N_("why")
    )
    for one in overrides:
        lines.add_row(
            str(one["id"]), escape(one["rotation"]["name"]), escape(one["slot"]["name"]),
            escape(name_of(one["person"])), moment(one["start"]), moment(one["until"]),
            escape(one["reason"]),
        )  # fmt: skip
    print_lines(lines)


def print_load(found: Json) -> None:
    """Print everybody's hours, and what about them is too much or unfair."""
    console.print(f"{moment(found['start'])} ~ {moment(found['until'])}", style="dim")
    lines = table(
        N_("person"), N_("turns"), N_("on call"), N_("at night"), N_("weekends"), N_("holidays"),
        N_("longest week"),
    )  # fmt: skip
    for one in found["loads"]:
        hours = [_hours(one[name]) for name in HOURS]
        lines.add_row(escape(one["person"]["name"]), str(one["turns"]), *hours)
    print_lines(lines)
    for finding in found["findings"]:
        mark = Text("!", "bold red") if finding["hard"] else Text("▸", "yellow")
        line = columns()
        line.add_row(mark, escape(finding["text"]))
        print_lines(line)


HOURS = (
    "on_call_hours", "night_hours", "weekend_hours", "holiday_hours", "longest_week_hours",
)  # fmt: skip
"""the columns of a load, as the API names them"""


def _hours(hours: Any) -> str:
    return f"{hours:,.1f} h" if hours else "-"
