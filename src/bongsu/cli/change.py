"""``bongsu change``: tell what was deployed, configured or switched, and see what was told."""

from __future__ import annotations

from typing import Annotated

import typer

from bongsu.cli import language, means
from bongsu.cli.connection import call, fail
from bongsu.cli.printing import AsJson, columns, moment, name_of, print_json, print_lines
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False, help=means("change"))

Kind = Annotated[
    str | None,
    typer.Option("--kind", "-k", help="deployment, config, scale, flag, event", metavar="KIND"),
]
Service = Annotated[str | None, typer.Option(help=t(N_("a service of the manual")))]


@app.command(help=t(N_("Tell of a change; it never pages and never opens an incident")))
def add(
    summary: Annotated[str, typer.Argument(help=t(N_("what was changed, in one line")))],
    *,
    kind: Kind = None,
    service: Service = None,
    subject: Annotated[
        str, typer.Option(help=t(N_("what it is about, as deployment/korea-backend")))
    ] = "",
    at: Annotated[
        str, typer.Option(help=t(N_("when, as 2025-08-14T14:25:00+09:00; now if not given")))
    ] = "",
    key: Annotated[
        str, typer.Option(help=t(N_("what makes it the same again, as a build's number")))
    ] = "",
    link: Annotated[str, typer.Option(help=t(N_("where to read more")))] = "",
    detail: Annotated[
        list[str] | None, typer.Option("--detail", "-d", help=t(N_("NAME=VALUE; may be repeated")))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell of a change."""
    body = {
        "summary": summary, "kind": kind, "service": service, "subject": subject, "at": at,
        "key": key, "link": link, "details": dict(map(_detail, detail or [])),
    }  # fmt: skip
    told = call("POST", "/changes", body={name: value for name, value in body.items() if value})
    if as_json:
        print_json(told)
    else:
        print(t(N_("Kept.")) if told["new"] else t(N_("It was known already.")))


def _detail(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        fail(t("'{text}' is not NAME=VALUE", text=text), 2)
    return name, value


@app.command("list", help=t(N_("Show what was changed, the newest first")))
def list_(
    *,
    kind: Kind = None,
    service: Service = None,
    since: Annotated[str, typer.Option(help=t(N_("from this time on")))] = "",
    until: Annotated[str, typer.Option(help=t(N_("up to this time")))] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help=t(N_("at most so many")))] = 50,
    as_json: AsJson = False,
) -> None:
    """List changes."""
    found = call(
        "GET", "/changes", kind=kind, service=service, since=since, until=until, limit=limit
    )
    if as_json:
        print_json(found)
        return
    lines = columns()
    for one in found["changes"]:
        told = one["told_by_name"] or one["told_by"]
        about = name_of(one["service"], one["subject"])
        lines.add_row(moment(one["at"]), one["kind"], about, one["summary"], told)
    if found["changes"]:
        print_lines(lines)
    else:
        print(t(N_("No change has been told yet.")))
