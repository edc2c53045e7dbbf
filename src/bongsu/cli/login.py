"""``bongsu login``: keep a server's address and this person's token."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bongsu.cli import language
from bongsu.cli.connection import Server, call, keep, login_file
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(add_completion=False)


@app.command(help=t(N_("Keep the server's address and your token for the responder's commands")))
def login(
    url: Annotated[str, typer.Argument(help="https://bongsu.example.com")],
    token: Annotated[
        str | None,
        typer.Option(help=t(N_("an API token; asked for where it is not given")), envvar="BONGSU_TOKEN"),
    ] = None,
) -> None:
    """Keep them, and see that they work."""
    secret = token or (typer.prompt("token", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline())
    keep(login_file(), Server(url.rstrip("/"), secret.strip()))
    me = call("GET", "/me")
    print(t("Signed in to {url} as {name} ({role}).", url=url, name=me["name"], role=me["role"]))
