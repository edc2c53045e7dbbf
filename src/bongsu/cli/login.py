"""``bongsu login``: keep a server's address and this person's token."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bongsu.cli import language, means
from bongsu.cli.connection import Server, call, keep, login_file
from bongsu.cli.printing import AsJson, print_json
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(add_completion=False)
TokenOption = typer.Option(
    envvar="BONGSU_TOKEN", help=t(N_("an API token; asked for where it is not given"))
)


@app.command(help=means("login"))
def login(
    url: Annotated[str, typer.Argument(help="https://bongsu.example.com")],
    token: Annotated[str | None, TokenOption] = None,
    as_json: AsJson = False,
) -> None:
    """See that they work, and keep them."""
    server = Server(url.rstrip("/"), (token or _asked()).strip())
    me = call("GET", "/session", server=server)
    keep(login_file(), server)
    if as_json:
        print_json(
            {"url": server.url, "login": me["login"], "name": me["name"], "role": me["role"]}
        )
    else:
        print(
            t("Signed in to {url} as {name} ({role}).", url=url, name=me["name"], role=me["role"])
        )


def _asked() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(t(N_("Token")), hide_input=True))
    return sys.stdin.readline()
