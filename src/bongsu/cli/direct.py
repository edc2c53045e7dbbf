"""Commands that an operator runs on the database itself, with or without a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bongsu.cli import language, serving
from bongsu.cli.connection import fail
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

T = TypeVar("T")
t = translator(language())

Data = Annotated[Path | None, typer.Option(help=t(N_("where data is kept")), envvar="BONGSU_DATA")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help=t(N_("another PostgreSQL, 15 or newer")), envvar="BONGSU_DATABASE_URL"),
]


def on_database(
    data: Path | None, database_url: str | None, work: Callable[[PoolConnection], Awaitable[T]]
) -> T:
    """Run ``work`` on a connection; an embedded database that is not running is started for it."""
    from bongsu.store.database import DatabaseError

    chosen = serving.settings(None, data, database_url, "127.0.0.1:8600", None)
    try:
        return asyncio.run(_worked(chosen, work))
    except DatabaseError as error:
        fail(str(error))


async def _worked(chosen: serving.Settings, work: Callable[[PoolConnection], Awaitable[T]]) -> T:
    from bongsu.store.database import connect_pool

    async with serving.database(chosen) as url:
        pool = await connect_pool(url, size=2)
        try:
            async with pool.acquire() as conn:
                return await work(conn)
        finally:
            await pool.close()
