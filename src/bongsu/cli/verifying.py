"""``bongsu verify``: run the checks of a recovery, and say what came of each."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from bongsu.cli import language, means
from bongsu.cli.connection import FAILED, call
from bongsu.cli.looking import Which, address
from bongsu.cli.printing import AsJson, Json, columns, console, print_json, print_lines
from bongsu.i18n import N_, translator

LOOK_EVERY = 0.7
"""seconds between two looks at what is under way"""
LINES = 8
"""lines of what a failed test printed that are shown"""
MARKS = {
    "passed": ("✓", "green"), "failed": ("✗", "bold red"), "inconclusive": ("?", "yellow"),
    None: ("…", "dim"),
}  # fmt: skip

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command("verify", help=means("verify"))
def verify(
    which: Which,
    *,
    check: Annotated[
        list[str] | None,
        typer.Option("--check", "-c", help=t(N_("only this one: smoke:user_login"))),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help=t(N_("run nothing; show how the checks stand")))
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help=t(N_("wait until they are done")))
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Run the checks; exits 1 while one that is required has not passed."""
    place = f"/incidents/{address(which)}/verifications"
    known = frozenset() if show else _answered(place)
    found = call("GET", place)
    if not show and _run_already(found, check):
        print(t(N_("These checks run already; this follows them.")), file=sys.stderr)
    elif not show:
        found = call("POST", place, body={"checks": check or []})
    printing = Printing()
    while wait and any(one["running"] for one in found["checks"]):
        if not as_json:
            printing.show(found)
        time.sleep(LOOK_EVERY)
        found = call("GET", place)
    lapsed = wait and not show and _put_in_what_lapsed(place, found, known)
    if as_json:
        print_json(found)
    else:
        _print(found)
        if lapsed:
            console.print(f"{t(N_('It came back'))}: bongsu show {which}", markup=False)
    if wait and found["unverified"]:
        raise typer.Exit(FAILED)


def _run_already(found: Json, asked: list[str] | None) -> bool:
    """Whether every check that is asked for is under way, as right after ``bongsu recovered``."""
    running = {one["check"] for one in found["checks"] if one["running"]}
    wanted = set(asked or (one["check"] for one in found["checks"]))
    return bool(wanted) and wanted <= running


def _answered(place: str) -> frozenset[int]:
    """Return the ids of the latest answers so far."""
    return frozenset(one["id"] for one in call("GET", f"{place}/runs")["runs"])


def _put_in_what_lapsed(place: str, found: Json, known: frozenset[int]) -> bool:
    """Put in what was answered just now: by a relapse it counts no more, but it was asked for."""
    empty = [one for one in found["checks"] if one["outcome"] is None]
    if not empty:
        return False
    runs = call("GET", f"{place}/runs", limit=len(found["checks"]))["runs"]
    fresh = {one["check"]: one for one in reversed(runs) if one["id"] not in known}
    for one in empty:
        told = fresh.get(one["check"], {})
        one |= {key: told[key] for key in one if key in told}
    return any(one["outcome"] for one in empty)


class Printing:
    """What the checks print while they run, as far as it was shown already."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._last = ""

    def show(self, found: Json) -> None:
        """Show what is new, under the name of its check."""
        for one in found["checks"]:
            lines = self._fresh(one["check"], one["output"]) if one["running"] else []
            if lines and self._last != one["check"]:
                self._last = one["check"]
                console.print(Text.assemble(("… ", "dim"), (one["name"], "bold")))
            for line in lines:
                console.print(Text(f"  │ {line}", "dim"))

    def _fresh(self, check: str, text: str) -> list[str]:
        """Return the lines that were not shown; one that is not whole yet waits for its rest."""
        known, whole = self._shown.get(check, ""), text[: text.rfind("\n") + 1]
        self._shown[check] = whole
        if whole.startswith(known):
            return whole[len(known) :].splitlines()
        return ["…", *whole.splitlines()[-LINES:]]


def _print(found: Json) -> None:
    lines = columns()
    for one in found["checks"]:
        lines.add_row(" ", _mark(one), _told(one))
    print_lines(lines)
    if found["unverified"]:
        names = {one["check"]: one["name"] for one in found["checks"]}
        left = ", ".join(names.get(check, check) for check in found["unverified"])
        text = t("Not to be resolved before these pass: {checks}", checks=left)
        console.print(f"\n{escape(text)}", style="yellow")
    elif found["checks"]:
        console.print("\n" + t(N_("Everything that is required has passed.")), style="green")
    else:
        console.print(t(N_("The manual has no checks for this incident.")))


def _mark(one: Json) -> Text:
    mark, style = MARKS[None if one["running"] else one["outcome"]]
    return Text(mark, style)


def _told(one: Json) -> Text:
    line = Text(one["name"], "bold")
    line.append(f"  {one['criterion']}", "dim")
    if not one["required"]:
        line.append("  " + t(N_("not required")), "dim")
    if one["running"]:
        line.append("\n" + t(N_("running")), "dim")
    elif one["why"]:
        line.append(f"\n{one['why']}")
    if one["outcome"] in ("failed", "inconclusive") and one["output"]:
        line.append("\n" + "\n".join(one["output"].splitlines()[-LINES:]), "dim")
    return line
