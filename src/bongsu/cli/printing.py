"""Incidents on a terminal: coloured where it is one, plain where it is a pipe."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bongsu.cli import language
from bongsu.i18n import N_, translator

t = translator(language())
STYLE = {"P0": "bold white on red", "P1": "bold red", "P2": "yellow", "P3": "cyan"}
TONE = {
    "life": "bold", "page": "magenta", "trouble": "red", "notice": "blue", "people": "green",
    "alert": "yellow", "delivery": "dim",
}  # fmt: skip
console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())

Json = dict[str, Any]


def print_json(value: object) -> None:
    """Print what a program reads."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def moment(text: str | None) -> str:
    """Write a time of the API in this machine's time zone: ``2025-08-14 14:30:05``."""
    if not text:
        return ""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def span(seconds: float) -> str:
    """Write a length of time for a person: ``3m 20s``, ``1h 05m``; none below a second."""
    minutes, left = divmod(int(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {left:02d}s" if minutes else f"{left}s"


def severity_text(level: str) -> Text:
    """Return a severity in its colour."""
    return Text(f" {level} ", STYLE.get(level, ""))


def print_list(incidents: list[Json]) -> None:
    """Print a list of incidents, one a line."""
    if not incidents:
        console.print(t(N_("No incident is open.")))
        return
    table = Table(box=None, pad_edge=False)
    for heading in (N_("id"), N_("severity"), N_("phase"), N_("title"), N_("who"), N_("alerts"), N_("opened")):
        table.add_column(t(heading), overflow="fold")
    for one in incidents:
        who = one["acknowledged_by"]["name"] if one["acknowledged_by"] else "-"
        alerts = f"{one['firing']:,}/{one['alerts']:,}"
        table.add_row(
            str(one["id"]), severity_text(one["severity"]), one["phase_name"], escape(one["title"]),
            who, alerts, moment(one["opened_at"]),
        )  # fmt: skip
    console.print(table)


def print_incident(one: Json, *, brief: bool = False) -> None:
    """Print what is broken, who is on it, the clocks, and what the manual says to do next."""
    head = Text.assemble(
        severity_text(one["severity"]), " ", (one["title"], "bold"), "  ",
        (f"#{one['id']} {one['number']}", "dim"),
    )  # fmt: skip
    console.print(head)
    who = one["acknowledged_by"]["name"] if one["acknowledged_by"] else t(N_("nobody yet"))
    console.print(f"{t(N_('phase'))}: {one['phase_name']}   {t(N_('who'))}: {escape(who)}")
    if one.get("next"):
        _print_next(one["next"][:3] if brief else one["next"])
    if brief:
        return
    _print_clocks(one["clocks"])
    _print_roles(one["roles"])
    console.print(one["links"]["incident"], style="dim")


def _print_next(actions: list[Json]) -> None:
    console.print(t(N_("The manual says:")), style="bold")
    for action in actions:
        who = ", ".join(_name(one) for one in action.get("who", []))
        due = f" · {t(N_('by'))} {moment(action['by'])}" if action.get("by") else ""
        mark = "✓" if action.get("done") else "!" if action.get("overdue") else "▸"
        console.print(f"  {mark} {escape(action['text'])}" + (f" — {escape(who)}" if who else "") + due)
        if action.get("command"):
            console.print("      $ " + escape(" ".join(action["command"])), style="dim")


def _name(one: object) -> str:
    return str(one["name"]) if isinstance(one, dict) else str(one)


def _print_clocks(clocks: list[Json]) -> None:
    for clock in clocks:
        share = clock["elapsed_seconds"] / max(clock["target_seconds"], 1e-9)
        filled = min(20, int(share * 20))
        colour = "red" if clock["breached"] else "green" if clock["stopped_at"] else "yellow"
        bar = "█" * filled + "░" * (20 - filled)
        times = f"{span(clock['elapsed_seconds'])} / {span(clock['target_seconds'])}"
        state = t(N_("missed")) if clock["breached"] else t(N_("met")) if clock["stopped_at"] else t(N_("running"))
        console.print(Text.assemble(("  " + bar, colour), f"  {clock['name']}  {times}  {state}"))


def _print_roles(roles: list[Json]) -> None:
    for role in roles:
        person = role["person"]["name"] if role["person"] else "-"
        console.print(f"  {escape(role['name'])}: {escape(person)}")


def print_timeline(entries: list[Json]) -> None:
    """Print everything that happened, oldest first."""
    for entry in entries:
        line = Text.assemble(
            (moment(entry["at"]), "dim"), "  ", (entry["text"], TONE.get(entry["tone"], ""))
        )
        if entry.get("actor_name"):
            line.append(f"  [{entry['actor_name']}]", "dim")
        if entry.get("why"):
            line.append(f"  — {entry['why']}", "dim italic")
        console.print(line)


