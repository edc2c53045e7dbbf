"""``bongsu serve``: everything in one process, with the database that comes with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bongsu.cli import language
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(add_completion=False)


@app.command(help=t(N_("Run Bongsu: signals, pages, console and API in one process")))
def serve(  # noqa: PLR0917  each is an option of the command
    manual: Annotated[
        Path | None,
        typer.Option(
            help=t(N_("the manual's folder; the bundled example where it is not given")),
            envvar="BONGSU_MANUAL",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help=t(N_("where data is kept")), envvar="BONGSU_DATA")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(help=t(N_("another PostgreSQL, 15 or newer")), envvar="BONGSU_DATABASE_URL"),
    ] = None,
    listen: Annotated[
        str, typer.Option(help="host:port", envvar="BONGSU_LISTEN")
    ] = "127.0.0.1:8600",
    base_url: Annotated[
        str | None,
        typer.Option(help=t(N_("the console's public address")), envvar="BONGSU_BASE_URL"),
    ] = None,
    log_json: Annotated[bool, typer.Option(help=t(N_("log one JSON object a line")))] = False,
) -> None:
    """Run until Ctrl-C or SIGTERM; SIGHUP loads the manual again."""
    from bongsu.cli import serving

    chosen = serving.settings(manual, data, database_url, listen, base_url)
    early = None if chosen.database_url else serving.EarlyStart(chosen.data / "postgres")
    try:
        from bongsu.cli.server import run

        serving.log_to_stderr(as_json=log_json)
        run(chosen._replace(early=early), os.environ)
    finally:
        if early is not None:
            early.abandon()
