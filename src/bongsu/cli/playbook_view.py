"""Playbooks and runs on a terminal: what there is, and how each step stands."""

from __future__ import annotations

from rich.padding import Padding
from rich.text import Text

from bongsu.cli.printing import Json, columns, console, moment, name_of, print_lines, t, table
from bongsu.i18n import N_

SIGNS = {
    "done": ("✓", "green"),
    "undone": ("↩", "green"),
    "failed": ("✗", "bold red"),
    "denied": ("✗", "bold red"),
    "refused": ("✗", "bold red"),
    "undo_failed": ("✗", "bold red"),
    "unknown": ("?", "bold magenta"),
    "undo_unknown": ("?", "bold magenta"),
    "approval": ("⏸", "bold yellow"),
    "person": ("☞", "bold yellow"),
    "running": ("▶", "cyan"),
    "waiting": ("…", "cyan"),
    "undoing": ("↩", "cyan"),
    "skipped": ("–", "dim"),
}
OUTPUT_LINES = 12


def print_playbooks(found: list[Json]) -> None:
    """Print a list of playbooks."""
    lines = table(N_("Playbook"), N_("Name"), N_("Incident types"), N_("Approval"), N_("Steps"))
    for one in found:
        types = ", ".join(str(kind["id"]) for kind in one["types"])
        roles = ", ".join(str(role["name"]) for role in one["approvals"])
        name = Text(str(one["name"]))
        if one["automatic"]:
            name.append("  " + t(N_("by itself")), "yellow")
        cells = map(Text, (types, roles, str(len(one["steps"]))))
        lines.add_row(Text(one["playbook"]), name, *cells)
    lines.columns[0].no_wrap = True  # it is copied
    print_lines(lines)


def print_playbook(one: Json) -> None:
    """Print a playbook with its parameters and steps."""
    console.print(Text.assemble((one["playbook"], "bold"), f"  {one['name']}"))
    if one["purpose"]:
        console.print(Text(f"  {one['purpose']}"))
    for label, value in _facts(one):
        console.print(Text.assemble((f"  {label}: ", "dim"), value))
    _print_parameters(one["parameters"])
    console.print()
    for step in one["steps"]:
        _print_step(step)


def _facts(one: Json) -> list[tuple[str, str]]:
    automatic = one["automatic"]
    known = [
        (t(N_("Incident types")), ", ".join(f"{k['id']} ({k['name']})" for k in one["types"])),
        (t(N_("Approval")), ", ".join(str(role["name"]) for role in one["approvals"])),
        (t(N_("By itself where")), automatic["when"] if automatic else ""),
        (t(N_("One at a time")), one["lock"] or ""),
        (t(N_("Run by the worker")), one["runner"] or ""),
    ]
    return [(label, value) for label, value in known if value]


def _print_parameters(parameters: list[Json]) -> None:
    if not parameters:
        return
    lines = columns()
    for one in parameters:
        default = t(N_("required")) if one["required"] else f"= {one['default']}"
        cells = map(Text, (_wanted(one), default, one["means"] or ""))
        lines.add_row("", Text(one["parameter"], "bold"), *cells)
    console.print()
    console.print(Text(t(N_("Parameters")), "bold"))
    print_lines(lines)


def _wanted(one: Json) -> str:
    """Say what a value may be."""
    if one["choices"]:
        return " | ".join(map(str, one["choices"]))
    bounds = (one["minimum"], one["maximum"])
    if bounds != (None, None):
        low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
        return f"{one['type']} {low}…{high}"
    return f"{one['type']} {one['pattern'] or ''}".strip()


def _print_step(step: Json) -> None:
    head = Text.assemble(f"{step['step'] + 1:>3}. ", (step["name"], "bold"))
    if step["approve"]:
        head.append("  " + t("needs the yes of {role}", role=name_of(step["approve"])), "yellow")
    console.print(head)
    console.print(Padding(Text(step["does"]), (0, 0, 0, 5), expand=False))
    if step["undo"]:
        console.print(Padding(Text(f"↩ {step['undo']}", "dim"), (0, 0, 0, 5), expand=False))
    if step["when"]:
        text = t("only where {condition}", condition=step["when"])
        console.print(Padding(Text(text, "dim"), (0, 0, 0, 5), expand=False))


def print_run(view: Json) -> None:
    """Print how a run stands, a line for each step."""
    print_head(view)
    for step in view["steps"]:
        print_step(step)
    print_waits(view)


def print_head(view: Json) -> None:
    """Print what runs, and for which incident."""
    dry = t(N_("dry run")) if view["dry"] else ""
    parts = [view["state_name"], dry, f"#{view['incident']}", moment(view["asked_at"])]
    head = Text.assemble((view["run"], "bold"), f"  {view['playbook']['name']}  ")
    head.append(" · ".join(part for part in parts if part), "dim")
    console.print(head)
    if view["why"]:
        console.print(Padding(Text(view["why"], "dim"), (0, 0, 0, 5), expand=False))


def print_step(step: Json) -> None:
    """Print a step with what came of it."""
    sign, style = SIGNS.get(step["state"], ("·", "dim"))
    line = Text.assemble(f"{step['step'] + 1:>3}. ", (f"{sign} ", style), (step["name"], "bold"))
    line.append(f"  {step['state_name']}", style)
    if step["took_seconds"]:
        line.append(f"  {step['took_seconds']:.1f} s", "dim")
    if step["approval"] and step["approval"]["person"]:
        yes = step["approval"]["yes"]
        text = N_("approved by {person}") if yes else N_("refused by {person}")
        line.append("  " + t(text, person=name_of(step["approval"]["person"])), "dim")
    console.print(line)
    if step["says"]:
        console.print(Padding(Text(step["says"]), (0, 0, 0, 7), expand=False))


def print_waits(view: Json) -> None:
    """Print what people are waited for."""
    for text in view["waits"]:
        console.print(Text.assemble(("  ⏸ ", "bold yellow"), text))


def print_history(found: list[Json]) -> None:
    """Print runs, the newest first."""
    lines = table(
        N_("Run"), N_("Incident"), N_("Playbook"), N_("Asked for"), N_("Outcome"), N_("By")
    )
    for one in found:
        by = one["asked_by_name"] or t(N_("by itself"))
        state = one["state_name"] + (f" ({t(N_('dry run'))})" if one["dry"] else "")
        asked, name = moment(one["asked_at"]), one["playbook"]["name"]
        lines.add_row(*map(Text, (one["run"], f"#{one['incident']}", name, asked, state, by)))
    print_lines(lines)
