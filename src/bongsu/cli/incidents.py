"""Incidents on a terminal: the list, one of them, and its timeline."""

from __future__ import annotations

import sys
from datetime import date

from rich.markup import escape
from rich.text import Text

from bongsu.cli.printing import (
    Json,
    columns,
    console,
    local,
    moment,
    name_of,
    print_lines,
    span,
    t,
    table,
    zone,
)
from bongsu.i18n import N_

STYLE = {"P0": "bold white on red", "P1": "bold red", "P2": "yellow", "P3": "cyan"}
TONE = {
    "life": "bold", "page": "magenta", "trouble": "red", "notice": "blue", "people": "green",
    "alert": "yellow", "delivery": "dim",
}  # fmt: skip
BAR = 12
"""characters of a clock's bar"""
AT_ONCE = 5
"""things to do that are shown where it is to be brief"""


def severity_text(level: str) -> Text:
    """Return a severity in its colour."""
    return Text(f" {level} ", STYLE.get(level, ""))


def print_list(incidents: list[Json], *, every: bool) -> None:
    """Print a list of incidents, one a line."""
    if not incidents:
        console.print(t(N_("There is no incident.")) if every else t(N_("No incident is open.")))
        return
    lines = table(
        N_("id"), N_("severity"), N_("phase"), N_("title"), N_("who"), N_("alerts"), N_("opened")
    )
    for one in incidents:
        title = escape(_title(one))
        alerts = f"{one['firing']:,}/{one['alerts']:,}"
        lines.add_row(
            str(one["id"]), severity_text(one["severity"]), one["phase_name"], title,
            escape(name_of(one["acknowledged_by"])), alerts, moment(one["opened_at"]),
        )  # fmt: skip
    print_lines(lines)


def print_order(places: list[Json]) -> None:
    """Print in which order several broken services are brought back."""
    if len(places) < 2:  # noqa: PLR2004  one alone needs no order
        return
    console.print("\n" + t(N_("Bring back in this order:")), style="bold")
    lines = columns()
    for one in places:
        why = t(N_("safety first")) if one["safety"] else one["tier_name"]
        numbers = Text(", ".join(one["incidents"]), "dim")
        lines.add_row(" ", f"{one['place']}.", Text(one["service"]["name"], "bold"), why, numbers)
    print_lines(lines)


def _title(one: Json) -> str:
    return t("[drill] {title}", title=one["title"]) if one["drill"] else str(one["title"])


def print_incident(one: Json, *, brief: bool = False) -> None:
    """Print what is broken, who is on it, what the manual says to do next, and the clocks."""
    _print_head(one)
    left = [action for action in one["next_actions"] if not action["done"]]
    _print_next(left, one["id"], brief=brief)
    if brief:
        return
    _print_clocks(one["clocks"])
    _print_roles(one["roles"])
    _print_pages(one["pages"])
    for link in (one["links"]["war_room"], one["links"]["incident"]):
        if link:
            console.print(escape(link), style="dim", soft_wrap=True)


def _print_head(one: Json) -> None:
    console.print(
        Text.assemble(
            severity_text(one["severity"]), " ", (_title(one), "bold"), "  ",
            (f"#{one['id']} {one['number']}", "dim"),
        )
    )  # fmt: skip
    facts = [
        (N_("phase"), one["phase_name"]),
        (N_("who"), name_of(one["acknowledged_by"], t(N_("nobody yet")))),
        (N_("service"), name_of(one["service"], "")),
        (N_("type"), name_of(one["type"], "")),
        (N_("alerts"), f"{one['firing']:,}/{one['alerts']:,}" if one["alerts"] else ""),
        (N_("snoozed until"), moment(one["snoozed_until"])),
        (N_("goes on in"), f"#{one['merged_into']}" if one["merged_into"] else ""),
        (N_("opened"), f"{moment(one['opened_at'])} {zone(one['opened_at'])}"),
    ]
    shown = (f"[dim]{t(label)}[/dim] {escape(value)}" for label, value in facts if value)
    console.print("   ".join(shown))


def _print_next(actions: list[Json], incident: int, *, brief: bool) -> None:
    if not actions:
        return
    console.print("\n" + t(N_("The manual says:")), style="bold")
    lines = columns()
    for action in actions[:AT_ONCE] if brief else actions:
        mark = Text("!", "bold red") if action["overdue"] else Text("▸", "cyan")
        lines.add_row(" ", mark, _told(action, incident), _due(action))
    print_lines(lines)
    if brief and len(actions) > AT_ONCE:
        console.print(
            t("   and {count} more: bongsu show", count=len(actions) - AT_ONCE), style="dim"
        )


def _told(action: Json, incident: int) -> Text:
    line = Text(action["text"])
    if action["who"]:
        line.append(f" — {action['who']}", "green")
    if action["command"]:
        line.append("\n$ " + " ".join(action["command"]), "dim")
    if run := action.get("run"):  # a server of an earlier release does not tell
        line.append(f"\n$ bongsu playbook follow {run} --incident {incident}", "dim")
    return line


def _due(action: Json) -> Text:
    if not action["by"]:
        return Text()
    at = f"{local(action['by']):%m-%d %H:%M:%S}"
    style = "red" if action["overdue"] else "dim"
    return Text(t("by {time}", time=at), style, no_wrap=True)


def _print_clocks(clocks: list[Json]) -> None:
    lines = columns()
    for clock in clocks:
        share = clock["elapsed_seconds"] / max(clock["target_seconds"], 1e-9)
        filled = min(BAR, int(share * BAR))
        reached = clock["stopped_at"] and clock["met"]
        colour = "red" if clock["breached"] else "green" if reached else "yellow"
        times = f"{span(clock['elapsed_seconds'])} / {span(clock['target_seconds'])}"
        bar = Text("█" * filled + "░" * (BAR - filled), colour)
        lines.add_row(" ", bar, clock["name"], times, Text(_state(clock), colour))
    console.print("\n" + t(N_("Clocks")), style="bold")
    print_lines(lines)


def _state(clock: Json) -> str:
    if clock["breached"]:
        return t(N_("missed"))
    if not clock["stopped_at"]:
        return t(N_("running"))
    return t(N_("met")) if clock["met"] else t(N_("ended without it"))


def _print_roles(roles: list[Json]) -> None:
    if not roles:
        return
    lines = columns()
    for role in roles:
        lines.add_row(
            " ", escape(role["name"]), escape(name_of(role["person"])), f"[dim]{role['role']}[/dim]"
        )
    console.print("\n" + t(N_("Roles")), style="bold")
    print_lines(lines)


def _print_pages(pages: list[Json]) -> None:
    if not pages:
        return
    lines = columns()
    for page in pages:
        outcome = _answer(page)
        lines.add_row(
            " ",
            f"{local(page['at']):%H:%M:%S}",
            escape(page["person"]["name"]),
            outcome,
            Text(page["why"], "dim"),
        )
    console.print("\n" + t(N_("Pages")), style="bold")
    print_lines(lines)


def _answer(page: Json) -> Text:
    if page["answered_at"]:
        return Text(t(N_("answered")), "green")
    if page["unreachable"]:
        return Text(t(N_("can't be reached")), "red")
    return Text(t(N_("no answer")), "yellow")


class TimelinePrinter:
    """Prints entries as they come, oldest first.

    On a terminal a day stands above its entries; in a pipe every line has its whole time.
    """

    def __init__(self) -> None:
        self._day: date | None = None

    def print(self, entry: Json) -> None:
        """Print one entry."""
        at = local(entry["at"])
        if sys.stdout.isatty():
            if at.date() != self._day:
                console.print(f"── {at:%Y-%m-%d} ({at.tzname()}) ──", style="dim")
            self._day = at.date()
        clock = f"{at:%H:%M:%S}" if sys.stdout.isatty() else at.isoformat(timespec="seconds")
        line = columns()
        line.add_row(Text(clock, "dim", no_wrap=True), _words(entry))
        print_lines(line)


def _words(entry: Json) -> Text:
    line = Text(entry["text"], TONE.get(entry["tone"], ""))
    if entry["actor_name"] and entry["actor_name"] not in entry["text"]:
        line.append(f"  [{entry['actor_name']}]", "dim")
    if entry["why"]:
        line.append(f"  — {entry['why']}", "dim italic")
    return line
