"""What a responder does from a terminal: declare, look, answer, decide, close."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bongsu.cli import language
from bongsu.cli.connection import call
from bongsu.cli.printing import print_incident, print_json, print_list, print_timeline
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False)

Which = Annotated[str, typer.Argument(help=t(N_("the incident's id or number")), metavar="INCIDENT")]
AsJson = Annotated[bool, typer.Option("--json", help=t(N_("print JSON")))]
Note = Annotated[str, typer.Option("--note", "-m", help=t(N_("goes on the timeline")))]


def _act(which: str, action: str, as_json: bool, **body: Any) -> None:  # noqa: ANN401, FBT001  JSON values; the option of every command
    asked = {name.rstrip("_"): value for name, value in body.items() if value not in (None, "")}
    found = call("POST", f"/incidents/{which}/{action}", body=asked)
    if as_json:
        print_json(found)
    else:
        print_incident(found, brief=True)


@app.command(help=t(N_("Open an incident; the manual's escalation starts at once")))
def declare(  # noqa: PLR0913, PLR0917  each is an option of the command
    title: Annotated[str, typer.Argument(help=t(N_("what is broken")))],
    severity: Annotated[str | None, typer.Option("--severity", "-s", help="P0, P1, P2, P3")] = None,
    type_: Annotated[str | None, typer.Option("--type", help=t(N_("an incident type of the manual")))] = None,
    service: Annotated[str | None, typer.Option(help=t(N_("a service of the manual")))] = None,
    description: Annotated[str, typer.Option("--description", "-d")] = "",
    drill: Annotated[bool, typer.Option(help=t(N_("an exercise")))] = False,
    as_json: AsJson = False,
) -> None:
    """Open an incident."""
    body = {
        "title": title, "severity": severity, "type": type_, "service": service,
        "description": description, "drill": drill,
    }  # fmt: skip
    found = call("POST", "/incidents", body={k: v for k, v in body.items() if v not in (None, "")})
    if as_json:
        print_json(found)
    else:
        print_incident(found, brief=True)


@app.command("list", help=t(N_("List incidents, open ones first")))
def list_(  # noqa: PLR0913, PLR0917  each is an option of the command
    every: Annotated[bool, typer.Option("--all", "-a", help=t(N_("ended ones, too")))] = False,
    severity: Annotated[list[str] | None, typer.Option("--severity", "-s")] = None,
    service: Annotated[str | None, typer.Option()] = None,
    search: Annotated[str | None, typer.Option("--search", "-q", help=t(N_("part of the title")))] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: AsJson = False,
) -> None:
    """List incidents."""
    found = call(
        "GET", "/incidents", open=None if every else True, severity=severity, service=service,
        q=search, limit=limit,
    )  # fmt: skip
    if as_json:
        print_json(found)
    else:
        print_list(found["incidents"])


@app.command(help=t(N_("Show one incident, and what the manual says to do next")))
def show(which: Which, as_json: AsJson = False) -> None:
    """Show one incident."""
    found = call("GET", f"/incidents/{which}")
    if as_json:
        print_json(found)
    else:
        print_incident(found)


@app.command(help=t(N_("Show everything that happened")))
def timeline(
    which: Which,
    after: Annotated[int, typer.Option(min=0, help=t(N_("only entries above this number")))] = 0,
    as_json: AsJson = False,
) -> None:
    """Show everything that happened."""
    entries: list[dict[str, Any]] = []
    more = True
    while more:
        page = call("GET", f"/incidents/{which}/timeline", after=after, limit=2000)
        entries += page["entries"]
        after, more = page["last"], page["more"]
    if as_json:
        print_json({"entries": entries, "last": after})
    else:
        print_timeline(entries)


@app.command(help=t(N_("Answer a page: escalation stops")))
def ack(which: Which, as_json: AsJson = False) -> None:
    """Answer a page."""
    _act(which, "ack", as_json)


@app.command(help=t(N_("Say that it is real")))
def confirm(which: Which, note: Note = "", as_json: AsJson = False) -> None:
    """Say that it is real."""
    _act(which, "confirm", as_json, note=note)


@app.command(help=t(N_("Say that it is a false alarm")))
def dismiss(which: Which, note: Note = "", as_json: AsJson = False) -> None:
    """Say that it is a false alarm."""
    _act(which, "dismiss", as_json, note=note)


@app.command(help=t(N_("Call the next ones now, or exactly one target")))
def escalate(
    which: Which,
    target: Annotated[str | None, typer.Argument(help="person:ID, role:ID, rotation:ID/SLOT")] = None,
    as_json: AsJson = False,
) -> None:
    """Call the next ones now."""
    _act(which, "escalate", as_json, target=target)


@app.command(help=t(N_("Give a role to a person, or take it yourself")))
def assign(
    which: Which,
    role: Annotated[str, typer.Argument(help=t(N_("a role of the manual")))],
    person: Annotated[str | None, typer.Argument(help=t(N_("a person of the manual")))] = None,
    as_json: AsJson = False,
) -> None:
    """Give a role to a person."""
    _act(which, "assign", as_json, role=role, person=person)


@app.command(help=t(N_("Raise or lower the severity")))
def severity(
    which: Which,
    level: Annotated[str, typer.Argument(help="P0, P1, P2, P3")],
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Raise or lower the severity."""
    _act(which, "severity", as_json, severity=level.upper(), note=note)


@app.command(help=t(N_("Write something on the timeline")))
def note(
    which: Which, text: Annotated[str, typer.Argument()], as_json: AsJson = False
) -> None:
    """Write something on the timeline."""
    _act(which, "note", as_json, text=text)


@app.command(help=t(N_("Say that the service works again; from here it is watched")))
def recovered(which: Which, note: Note = "", as_json: AsJson = False) -> None:
    """Say that the service works again."""
    _act(which, "recovered", as_json, note=note)


@app.command(help=t(N_("Close an incident")))
def resolve(which: Which, note: Note = "", as_json: AsJson = False) -> None:
    """Close an incident."""
    _act(which, "resolve", as_json, note=note)
