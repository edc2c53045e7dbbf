"""What a responder does from a terminal: declare, answer, decide, close.

Each asks the API for one action and prints the incident as it then stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from bongsu.cli import language, means
from bongsu.cli.connection import call
from bongsu.cli.incidents import print_incident
from bongsu.cli.looking import Which, address
from bongsu.cli.printing import AsJson, Json, print_json
from bongsu.i18n import N_, translator

PLAIN = ("ack", "unack", "unsnooze")
"""actions that ask for nothing more"""
NOTED = ("confirm", "dismiss", "recovery", "recovered", "reopen", "review")
"""actions to which a note may be added"""

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False)

Note = Annotated[str, typer.Option("--note", "-m", help=t(N_("goes on the timeline")))]
RoleName = Annotated[str, typer.Argument(help=t(N_("a role of the manual")), metavar="ROLE")]


def _act(which: str, action: str, *, as_json: bool, **body: Any) -> None:
    asked = {name.rstrip("_"): value for name, value in body.items() if value not in (None, "")}
    _shown(call("POST", f"/incidents/{address(which)}/{action}", body=asked), as_json=as_json)


def _shown(incident: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(incident)
    else:
        print_incident(incident, brief=True)


def _plain(action: str) -> Callable[..., None]:
    def command(which: Which, *, as_json: AsJson = False) -> None:
        _act(which, action, as_json=as_json)

    return command


def _noted(action: str) -> Callable[..., None]:
    def command(which: Which, *, note: Note = "", as_json: AsJson = False) -> None:
        _act(which, action, as_json=as_json, note=note)

    return command


for _name in PLAIN:
    app.command(_name, help=means(_name))(_plain(_name))
for _name in NOTED:
    app.command(_name, help=means(_name))(_noted(_name))


@app.command(help=means("declare"))
def declare(
    title: Annotated[str, typer.Argument(help=t(N_("what is broken")))],
    *,
    severity: Annotated[
        str,
        typer.Option("--severity", "-s", help=t(N_("P0, P1, P2 or P3; else the type's usual one"))),
    ] = "",
    type_: Annotated[
        str, typer.Option("--type", help=t(N_("an incident type of the manual")))
    ] = "",
    service: Annotated[str, typer.Option(help=t(N_("a service of the manual")))] = "",
    description: Annotated[
        str, typer.Option("--description", "-d", help=t(N_("what is known so far")))
    ] = "",
    drill: Annotated[bool, typer.Option("--drill", help=t(N_("an exercise")))] = False,
    as_json: AsJson = False,
) -> None:
    """Open an incident."""
    body = {
        "title": title, "severity": severity.upper(), "type": type_, "service": service,
        "description": description, "drill": drill,
    }  # fmt: skip
    asked = {name: value for name, value in body.items() if value != ""}
    _shown(call("POST", "/incidents", body=asked), as_json=as_json)


@app.command(help=means("resolve"))
def resolve(
    which: Which,
    *,
    note: Note = "",
    override: Annotated[
        str,
        typer.Option(help=t(N_("a commander's reason for ending it without its checks"))),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Close an incident."""
    _act(which, "resolve", as_json=as_json, note=note, override=override)


@app.command(help=means("escalate"))
def escalate(
    which: Which,
    target: Annotated[
        str | None, typer.Argument(help="person:ID, role:ID, rotation:ID/SLOT")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Call the next ones now."""
    _act(which, "escalate", as_json=as_json, target=target)


@app.command(help=means("snooze"))
def snooze(
    which: Which,
    for_: Annotated[str, typer.Argument(help=t(N_("for how long: 30m, 2h")), metavar="LENGTH")],
    *,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Call nobody for a while."""
    _act(which, "snooze", as_json=as_json, for_=for_, note=note)


@app.command(help=means("assign"))
def assign(
    which: Which,
    role: RoleName,
    person: Annotated[str | None, typer.Argument(help=t(N_("a person of the manual")))] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give a role to a person."""
    _act(which, "assign", as_json=as_json, role=role, person=person)


@app.command(help=means("release"))
def release(which: Which, role: RoleName, *, as_json: AsJson = False) -> None:
    """Open a role again."""
    _act(which, "release", as_json=as_json, role=role)


@app.command(help=means("severity"))
def severity(
    which: Which,
    level: Annotated[str, typer.Argument(help="P0, P1, P2, P3")],
    *,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Raise or lower the severity."""
    _act(which, "severity", as_json=as_json, severity=level.upper(), note=note)


@app.command("type", help=means("type"))
def type_(
    which: Which,
    kind: Annotated[
        str, typer.Argument(help=t(N_("an incident type of the manual")), metavar="TYPE")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Say what kind of incident it is."""
    _act(which, "type", as_json=as_json, type_=kind)


@app.command(help=means("tick"))
def tick(
    which: Which,
    checklist: Annotated[str, typer.Argument(help=t(N_("a checklist of the manual")))],
    item: Annotated[int, typer.Argument(min=0, help=t(N_("the item's number, from 0")))],
    *,
    undo: Annotated[bool, typer.Option("--undo", help=t(N_("take the tick back")))] = False,
    as_json: AsJson = False,
) -> None:
    """Tick an item of a checklist."""
    _act(which, "tick", as_json=as_json, checklist=checklist, item=item, done=not undo)


@app.command(help=means("note"))
def note(
    which: Which,
    text: Annotated[str, typer.Argument(help=t(N_("what is worth remembering")))],
    *,
    as_json: AsJson = False,
) -> None:
    """Write something on the timeline."""
    _act(which, "note", as_json=as_json, text=text)


@app.command(help=means("merge"))
def merge(
    which: Which,
    into: Annotated[str, typer.Argument(help=t(N_("the incident in which it goes on")))],
    *,
    as_json: AsJson = False,
) -> None:
    """Let it go on in another incident."""
    _act(which, "merge", as_json=as_json, into=into.removeprefix("#"))
