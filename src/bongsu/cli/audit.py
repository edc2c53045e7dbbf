"""``bongsu audit``: recompute every log's hash chain and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli import language
from bongsu.cli.direct import Data, DatabaseUrl, on_database
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

t = translator(language())
app = typer.Typer(add_completion=False)


@app.command(help=t(N_("Prove that no incident's log was altered")))
def audit(
    incident: Annotated[int | None, typer.Argument(help=t(N_("only this incident")))] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Exit 0 when every log is whole, 1 when one is not."""
    from bongsu.store import auditing  # noqa: PLC0415  loaded only by this command

    async def work(conn: PoolConnection) -> tuple[int, list[auditing.Break]]:
        return await auditing.verify(conn, incident)

    count, breaks = on_database(data, database_url, work)
    for broken in breaks:
        place = f"#{broken.incident} {broken.seq}"
        print(t("{place}: this entry is not what was written, or one before it is missing", place=place))
    if breaks:
        raise typer.Exit(1)
    print(t("{count} entries, none altered", count=f"{count:,}"))
