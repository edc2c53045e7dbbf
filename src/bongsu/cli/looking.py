"""What a responder looks at from a terminal: the list, one incident, its timeline as it grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from bongsu.cli import language, means
from bongsu.cli.connection import call
from bongsu.cli.incidents import TimelinePrinter, print_incident, print_list, print_order
from bongsu.cli.printing import AsJson, Json, print_json
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False)

Which = Annotated[
    str, typer.Argument(help=t(N_("the incident's id or number")), metavar="INCIDENT")
]
PAGE = 2000
"""entries that are asked for at once"""


@app.command("list", help=means("list"))
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", "-a", help=t(N_("ended ones, too")))] = False,
    severity: Annotated[
        list[str] | None, typer.Option("--severity", "-s", help="P0, P1, P2, P3")
    ] = None,
    service: Annotated[str | None, typer.Option(help=t(N_("a service of the manual")))] = None,
    search: Annotated[
        str | None, typer.Option("--search", "-q", help=t(N_("part of the title or number")))
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help=t(N_("at most so many")))] = 50,
    as_json: AsJson = False,
) -> None:
    """List incidents."""
    levels = [level.upper() for level in severity or []]
    found = call(
        "GET", "/incidents", open=None if every else True, severity=levels, service=service,
        q=search, limit=limit,
    )  # fmt: skip
    if as_json:
        print_json(found)
    else:
        print_list(found["incidents"], every=every)
        print_order(call("GET", "/recovery-order")["places"])


@app.command(help=means("show"))
def show(
    which: Which,
    *,
    report: Annotated[
        bool, typer.Option("--report", help=t(N_("the whole of the last diagnosis instead")))
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one incident with the last diagnosis in short, or that diagnosis."""
    found = None if report else call("GET", f"/incidents/{address(which)}")
    if as_json and not report:
        print_json(found)
        return
    made = _last_report(address(which))
    if as_json:
        print_json(made)
        return
    if found is not None:
        print_incident(found)
    if made is not None:
        from bongsu.cli.report_view import print_in_short, print_report

        (print_report if report else print_in_short)(made)
    elif report:
        print(t(N_("It was not diagnosed yet: bongsu diagnose {id}"), id=which))


def _last_report(which: str) -> Json | None:
    kept = call("GET", f"/incidents/{which}/reports", limit=1)["reports"]
    if not kept:
        return None
    found: Json = call("GET", f"/incidents/{which}/reports/{kept[0]['id']}")
    return found


@app.command(help=means("timeline"))
def timeline(
    which: Which,
    *,
    after: Annotated[int, typer.Option(min=0, help=t(N_("only entries above this number")))] = 0,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help=t(N_("go on as it happens, until the incident ends"))),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show everything that happened; with ``--follow``, JSON comes as one object a line."""
    if follow and call("GET", f"/incidents/{address(which)}")["open"]:
        _follow(address(which), after, as_json=as_json)
        return
    entries = list(_entries(address(which), after))
    if as_json:
        print_json({"entries": entries, "last": entries[-1]["seq"] if entries else after})
        return
    printer = TimelinePrinter()
    for entry in entries:
        printer.print(entry)


def _entries(which: str, after: int) -> Iterator[Json]:
    more = True
    while more:
        page = call("GET", f"/incidents/{which}/timeline", after=after, limit=PAGE)
        yield from page["entries"]
        after, more = page["last"], page["more"]


def _follow(which: str, after: int, *, as_json: bool) -> None:
    from bongsu.cli.following import follow

    printer = TimelinePrinter()
    for entry in follow(which, after):
        if as_json:
            print(json.dumps(entry, ensure_ascii=False), flush=True)
        else:
            printer.print(entry)


def address(which: str) -> str:
    """Return an incident's id or number as a part of a path; ``#3`` is what the list shows."""
    from urllib.parse import quote

    return quote(which.removeprefix("#"), safe="") or "-"
