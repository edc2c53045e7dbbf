"""``bongsu audit``: recompute every log's hash chain and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli import language, means
from bongsu.cli.connection import fail
from bongsu.cli.direct import Data, DatabaseUrl, on_database
from bongsu.cli.printing import AsJson, print_json
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.store import auditing
    from bongsu.store.database import PoolConnection

t = translator(language())
app = typer.Typer(add_completion=False)


@app.command(help=means("audit"))
def audit(
    incident: Annotated[
        int | None,
        typer.Argument(min=1, max=2**63 - 1, help=t(N_("only the incident with this id"))),
    ] = None,
    *,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Exit 0 when every log is whole, 1 when one is not."""
    from bongsu.store import auditing

    async def work(conn: PoolConnection) -> tuple[int, list[auditing.Break]]:
        return await auditing.verify(conn, incident)

    count, breaks = on_database(data, database_url, work)
    if incident is not None and not count and not breaks:
        fail(t("there is no incident {incident}", incident=incident))
    if as_json:
        print_json({"entries": count, "altered": [broken._asdict() for broken in breaks]})
    else:
        _print(count, breaks)
    if breaks:
        raise typer.Exit(1)


def _print(count: int, breaks: list[auditing.Break]) -> None:
    text = N_("{place}: this entry is not what was written, or one before it is missing")
    for broken in breaks:
        print(t(text, place=f"#{broken.incident} {broken.seq}"))
    if not breaks:
        print(t("{count} entries, none altered", count=f"{count:,}"))
