"""``bongsu playbook``: what playbooks there are, running one, and what people say to a run.

Exit 0: it succeeded, or was taken; 1: it did not; 2: what was asked for was wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bongsu.cli import MISUSED, language, means
from bongsu.cli.connection import FAILED, call, fail
from bongsu.cli.looking import address
from bongsu.cli.printing import AsJson, Json, print_json
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False, help=means("playbook"))

Folder = Annotated[
    Path | None,
    typer.Option("--manual", help=t(N_("the manual's folder; needs no server"))),
]
PlaybookId = Annotated[
    str, typer.Argument(metavar="PLAYBOOK", help=t(N_("a playbook's id, as the list shows it")))
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help=t(N_("a run's name, as r12")))]
Which = Annotated[
    str,
    typer.Option("--incident", "-i", metavar="INCIDENT", help=t(N_("the incident's id or number"))),
]
Note = Annotated[str, typer.Option("--note", "-m", help=t(N_("goes on the timeline")))]
Ended = Literal["succeeded", "failed", "undone", "undo_failed", "stopped", "refused"]
Step = Annotated[
    int | None, typer.Option(min=1, help=t(N_("the step's number, from 1; the one that waits")))
]


@app.command("list", help=t(N_("List the manual's playbooks, each with its incident types")))
def list_(*, manual: Folder = None, as_json: AsJson = False) -> None:
    """List them, of a folder or of the server's manual."""
    from bongsu.cli.playbook_view import print_playbooks

    found = _of_folder(manual) if manual else call("GET", "/playbooks")["playbooks"]
    if as_json:
        print_json({"playbooks": found})
    else:
        print_playbooks(found)


@app.command(help=t(N_("Show a playbook: its parameters, and exactly what each step does")))
def show(playbook: PlaybookId, *, manual: Folder = None, as_json: AsJson = False) -> None:
    """Show one, of a folder or of the server's manual."""
    from urllib.parse import quote

    from bongsu.cli.playbook_view import print_playbook

    if manual:
        found = _one(manual, playbook)
    else:
        found = call("GET", f"/playbooks/{quote(playbook, safe='')}")
    if as_json:
        print_json(found)
    else:
        print_playbook(found)


@app.command(help=t(N_("Run a playbook for an incident, or show what it would do")))
def run(
    playbook: PlaybookId,
    *,
    incident: Annotated[
        str,
        typer.Option(
            "--incident", "-i", metavar="INCIDENT", help=t(N_("the incident's id or number"))
        ),
    ] = "",
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help=t(N_("NAME=VALUE; may be repeated"))),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=t(N_("show what would be done, and do nothing")))
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help=t(N_("show each step as it comes")))
    ] = False,
    manual: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Run it on the server; a dry run with ``--manual`` needs none."""
    given = _pairs(param or [])
    if manual is not None:
        if not dry_run or incident:
            fail(t(N_("--manual goes with --dry-run, and without --incident")), MISUSED)
        raise typer.Exit(_dry(manual, playbook, given))
    if not incident:
        text = N_("Say for which incident: --incident NUMBER; or --dry-run --manual FOLDER")
        fail(t(text), MISUSED)
    body = {"playbook": playbook, "parameters": given, "dry_run": dry_run}
    made = call("POST", f"/incidents/{address(incident)}/runs", body=body)
    _begun(made, incident, follow=follow, as_json=as_json)


def _begun(made: Json, incident: str, *, follow: bool, as_json: bool) -> None:
    if follow:
        raise typer.Exit(_follow(incident, made["run"], as_json=as_json))
    if as_json:
        print_json(made)
        return
    text = N_("{run} has begun. Follow it: bongsu playbook follow {run} --incident {incident}")
    print(t(text, run=made["run"], incident=incident))


@app.command(help=t(N_("Follow a run to its end, as it happens")))
def follow(run: RunId, *, incident: Which, as_json: AsJson = False) -> None:
    """Show what was done so far, and then each step as it comes."""
    raise typer.Exit(_follow(incident, run, as_json=as_json))


def _follow(incident: str, run: str, *, as_json: bool) -> int:
    from bongsu.cli.playbook_follow import Following

    following = Following(address(incident), run, quiet=as_json)
    try:
        ended = following.to_its_end()
    except KeyboardInterrupt:
        text = N_(
            "\nThe run {run} goes on without you. Stop it: "
            "bongsu playbook stop {run} --incident {incident}"
        )
        print(t(text, run=run, incident=incident), file=sys.stderr)
        raise
    if as_json:
        print_json(ended)
    return 0 if ended["outcome"] == "succeeded" else FAILED


# ── what people say to a run ─────────────────────────────────────────────────────────────


@app.command(help=t(N_("Say yes, or --no, to what a run waits for")))
def approve(
    run: RunId,
    *,
    incident: Which,
    no: Annotated[bool, typer.Option("--no", help=t(N_("refuse it")))] = False,
    step: Step = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Answer for the role that is asked."""
    place = {} if step is None else {"step": step - 1}
    _say(incident, run, "approve", as_json=as_json, yes=not no, note=note, **place)


@app.command(help=t(N_("Say what became of a step: done, again, skip or stop")))
def answer(
    run: RunId,
    word: Annotated[str, typer.Argument(metavar="done|again|skip|stop")],
    *,
    incident: Which,
    step: Step = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Answer for a step that a person does, or whose outcome nobody knows."""
    number = step - 1 if step else _waiting(incident, run)
    _say(incident, run, "answer", as_json=as_json, answer=word, step=number, note=note)


def _waiting(incident: str, run: str) -> int:
    """Return the step that waits for an answer; the server says why there is none."""
    found = call("GET", f"/incidents/{address(incident)}/runs/{address(run)}")
    wanted = [int(one["step"]) for one in found["steps"] if one["answers"]]
    if not wanted and any(one["state"] == "approval" for one in found["steps"]):
        approve = f"bongsu playbook approve {run} --incident {incident}"
        fail(t("it waits for a yes or a no: {command}", command=approve))
    return wanted[0] if wanted else 0


@app.command(help=t(N_("End a run after the step under way")))
def stop(
    run: RunId,
    *,
    incident: Which,
    undo: Annotated[bool, typer.Option("--undo", help=t(N_("take back what was done")))] = False,
    now: Annotated[bool, typer.Option("--now", help=t(N_("end the step under way, too")))] = False,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """End it; what was done stays, or is taken back."""
    _say(incident, run, "stop", as_json=as_json, undo=undo, at_once=now, note=note)


@app.command(help=t(N_("Take a run back, the last step first")))
def undo(run: RunId, *, incident: Which, note: Note = "", as_json: AsJson = False) -> None:
    """Take it back, also long after it has ended."""
    _say(incident, run, "undo", as_json=as_json, note=note)


def _say(incident: str, run: str, what: str, *, as_json: bool, **body: Any) -> None:
    from bongsu.cli.playbook_view import print_run

    said = {name: value for name, value in body.items() if value != ""}
    path = f"/incidents/{address(incident)}/runs/{address(run)}/{what}"
    stands = call("POST", path, body=said)
    if as_json:
        print_json(stands)
    else:
        print_run(stands)


@app.command(help=t(N_("List runs: of a playbook, of an incident, or the latest of all")))
def history(
    playbook: Annotated[
        str | None,
        typer.Argument(metavar="[PLAYBOOK]", help=t(N_("a playbook's id")), show_default=False),
    ] = None,
    *,
    incident: Annotated[
        str,
        typer.Option(
            "--incident", "-i", metavar="INCIDENT", help=t(N_("the incident's id or number"))
        ),
    ] = "",
    outcome: Annotated[Ended | None, typer.Option(help=t(N_("only those that ended so")))] = None,
    cursor: Annotated[str, typer.Option(help=t(N_("go on where the page before ended")))] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help=t(N_("at most so many")))] = 50,
    as_json: AsJson = False,
) -> None:
    """List them, the newest first."""
    from bongsu.cli.playbook_view import print_history

    found = call(
        "GET", "/runs", playbook=playbook, incident=incident.removeprefix("#"), outcome=outcome,
        cursor=cursor, limit=limit,
    )  # fmt: skip
    if as_json:
        print_json(found)
        return
    print_history(found["runs"])
    if found["next"]:
        print(t("Older ones: the same command with --cursor {cursor}", cursor=found["next"]))


# ── without a server ─────────────────────────────────────────────────────────────────────


def _pairs(texts: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in map(_pair, texts):
        if name in given:
            fail(t("{name} is given twice", name=name), MISUSED)
        given[name] = value
    return given


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        fail(t("'{text}' is not NAME=VALUE", text=text), MISUSED)
    return name, value


def _loaded(folder: Path) -> Manual:
    from bongsu.cli.diagnose import loaded

    return loaded(folder)


def _of_folder(folder: Path) -> list[Json]:
    """Return a folder's playbooks in the API's form."""
    import msgspec

    from bongsu.web.api.playbook_views import playbook_view

    manual = _loaded(folder)
    views = [playbook_view(name, one, manual, t) for name, one in manual.playbooks.items()]
    found: list[Json] = msgspec.json.decode(msgspec.json.encode(views))
    return found


def _one(folder: Path, name: str) -> Json:
    from difflib import get_close_matches

    found = {str(one["playbook"]): one for one in _of_folder(folder)}
    if name not in found:
        known = ", ".join(get_close_matches(name, found, 3) or found) or "-"
        text = N_("there is no playbook {playbook}; write one of {known}")
        fail(t(text, playbook=name, known=known), MISUSED)
    return found[name]


def _dry(folder: Path, playbook: str, given: dict[str, str]) -> int:
    from bongsu.cli.playbook_dry import dry_run
    from bongsu.incident.commands import RefusedError
    from bongsu.incident.reasons import explain
    from bongsu.incident.runs.planning import plan

    manual = _loaded(folder)
    try:
        planned = plan(manual, playbook, given)
    except RefusedError as refused:
        fail(explain(refused.reason, manual, t), MISUSED)
    return dry_run(manual, planned)
