"""``bongsu worker``: one more process on the same database, without console or API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bongsu.cli import language
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(add_completion=False)


@app.command(help=t(N_("Run one more worker on the same database")))
def worker(
    data: Annotated[
        Path | None, typer.Option(help=t(N_("where data is kept")), envvar="BONGSU_DATA")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(help=t(N_("another PostgreSQL, 15 or newer")), envvar="BONGSU_DATABASE_URL"),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(help=t(N_("the console's public address")), envvar="BONGSU_BASE_URL"),
    ] = None,
    runner: Annotated[
        str | None,
        typer.Option(help=t(N_("take only the steps of playbooks that name this runner"))),
    ] = None,
    log_json: Annotated[bool, typer.Option(help=t(N_("log one JSON object a line")))] = False,
) -> None:
    """Run until Ctrl-C or SIGTERM."""
    from bongsu.cli import serving
    from bongsu.cli.server import run_worker

    serving.log_to_stderr(as_json=log_json)
    chosen = serving.settings(None, data, database_url, "127.0.0.1:8600", base_url)
    run_worker(chosen._replace(runner=runner), os.environ)
