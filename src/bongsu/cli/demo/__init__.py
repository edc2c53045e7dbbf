"""``bongsu demo``: a small service breaks, and the manual runs the incident to its end.

Everything is real but the service, the mailbox and the chat, which the demo brings along.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bongsu.cli import language
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(add_completion=False)


@app.command(help=t(N_("See it work: break a small service and watch the incident to its end")))
def demo(
    auto: Annotated[
        bool | None,
        typer.Option(
            help=t(N_("play the responders too, and end")),
            show_default=t(N_("where nobody sits at a terminal")),
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(min=1, max=600, help=t(N_("60 lets the manual's minutes pass as seconds"))),
    ] = 10,
    listen: Annotated[str, typer.Option(help="host:port")] = "127.0.0.1:8600",
    manual: Annotated[Path | None, typer.Option(help=t(N_("the manual's folder")))] = None,
    data: Annotated[
        Path | None,
        typer.Option(help=t(N_("where data is kept; a folder that goes away, if not given"))),
    ] = None,
) -> None:
    """Run the demo; exits 0 when the incident was resolved or a person ended it."""
    from bongsu.cli.demo.director import interactive, run

    auto = not interactive() if auto is None else auto
    raise typer.Exit(run(auto=auto, speed=speed, listen=listen, manual=manual, data=data))
