"""``bongsu oncall``: who is on call and why, weeks ahead, who stands in, how fair it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from bongsu.cli import MISUSED, language, means, turns
from bongsu.cli.connection import call, fail
from bongsu.cli.printing import AsJson, Json, print_json
from bongsu.engine.clock import SystemClock
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(add_completion=False, help=means("oncall"), invoke_without_command=True)
overrides = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=t(N_("Let somebody stand in for somebody else")),
)
app.add_typer(overrides, name="override")

Rotation = Annotated[
    str | None, typer.Option("--rotation", "-r", help=t(N_("a rotation of the manual")))
]
WHEN = t(N_("a time such as '2025-09-04 10:00' in this machine's time zone, or with an offset"))
From = Annotated[str | None, typer.Option("--from", help=WHEN)]
Weeks = Annotated[int, typer.Option(min=1, max=57, help=t(N_("so many weeks ahead")))]


@app.callback()
def now(
    ctx: typer.Context,
    *,
    at: Annotated[str | None, typer.Option(help=WHEN)] = None,
    rotation: Rotation = None,
    as_json: AsJson = False,
) -> None:
    """Who is on call now, or at any time, and why."""
    if ctx.invoked_subcommand is not None:
        return
    found = call("GET", "/oncall", at=_time(at).isoformat() if at else None)
    found["turns"] = [one for one in found["turns"] if rotation in (None, one["rotation"]["id"])]
    if rotation and not found["turns"]:
        fail(t("there is no rotation {rotation}", rotation=rotation), MISUSED)
    if as_json:
        print_json(found)
    else:
        turns.print_now(found)


@app.command(help=t(N_("Show the turns of the weeks ahead")))
def calendar(
    *,
    weeks: Weeks = 8,
    from_: From = None,
    rotation: Rotation = None,
    as_json: AsJson = False,
) -> None:
    """Show the turns of the weeks ahead."""
    found = call("GET", "/oncall/timeline", rotation=rotation, **_ahead(from_, weeks))
    if as_json:
        print_json(found)
    else:
        turns.print_calendar(found)


@app.command(help=t(N_("Show how the load is spread, and what about it is too much or unfair")))
def load(*, weeks: Weeks = 12, from_: From = None, as_json: AsJson = False) -> None:
    """Show how the load is spread."""
    found = call("GET", "/oncall/load", **_ahead(from_, weeks))
    if as_json:
        print_json(found)
    else:
        turns.print_load(found)


@overrides.command("list", help=t(N_("List who stands in for whom")))
def list_(*, weeks: Weeks = 12, from_: From = None, as_json: AsJson = False) -> None:
    """List overrides."""
    found = call("GET", "/oncall/overrides", **_ahead(from_, weeks))
    if as_json:
        print_json(found)
    else:
        turns.print_overrides(found["overrides"])


@overrides.command(help=t(N_("Let somebody stand in for a slot; calls go to them at once")))
def add(
    slot: Annotated[str, typer.Argument(help=t(N_("a slot of the rotation, for example primary")))],
    person: Annotated[str, typer.Argument(help=t(N_("a person of the manual")))],
    *,
    start: Annotated[str, typer.Option("--from", help=WHEN)],
    until: Annotated[str | None, typer.Option(help=WHEN)] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help=t(N_("or for how long: 12h, 4d")))
    ] = None,
    rotation: Rotation = None,
    reason: Annotated[str, typer.Option("--reason", "-m", help=t(N_("why, for the others")))] = "",
    as_json: AsJson = False,
) -> None:
    """Add an override."""
    begins = _time(start)
    ends = _end(begins, until, for_)
    body = {
        "rotation": rotation or _only_rotation(), "slot": slot, "person": person,
        "start": begins.isoformat(), "until": ends.isoformat(), "reason": reason,
    }  # fmt: skip
    _told(call("POST", "/oncall/overrides", body=body), as_json=as_json)


@overrides.command(help=t(N_("Take an override back; the plan holds again")))
def remove(
    override: Annotated[
        int, typer.Argument(min=1, help=t(N_("the override's number in the list")))
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Remove an override."""
    _told(call("DELETE", f"/oncall/overrides/{override}"), as_json=as_json)


def _told(override: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(override)
    else:
        turns.print_overrides([override])


def _only_rotation() -> str:
    """Return the rotation where there is but one; where there are more, one must be named."""
    known = dict.fromkeys(one["rotation"]["id"] for one in call("GET", "/oncall")["turns"])
    if len(known) != 1:
        fail(t("name the rotation: --rotation {known}", known="|".join(known)), MISUSED)
    return str(next(iter(known)))


def _ahead(start: str | None, weeks: int) -> dict[str, Any]:
    begins = _time(start) if start else SystemClock().now()
    return {"from_": begins.isoformat(), "until": (begins + timedelta(weeks=weeks)).isoformat()}


def _end(begins: datetime, until: str | None, length: str | None) -> datetime:
    if (until is None) == (length is None):
        fail(t(N_("say until when: either --until or --for")), MISUSED)
    return _time(until) if until is not None else begins + _length(length or "")


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        example = "2025-09-04 10:00"
        fail(
            t("{text} is no time; write for example {example}", text=text, example=example), MISUSED
        )


def _length(text: str) -> timedelta:
    from bongsu.manual.schema.base import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        fail(
            t("{text} is no length of time; write for example {example}", text=text, example="12h"),
            MISUSED,
        )
