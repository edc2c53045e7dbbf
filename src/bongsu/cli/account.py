"""``bongsu account``: who may sign in, as what, and the tokens that programs use."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from bongsu.cli import language
from bongsu.cli.connection import fail
from bongsu.cli.direct import Data, DatabaseUrl, on_database
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bongsu.store.database import PoolConnection

T = TypeVar("T")
RoleName = Literal["viewer", "responder", "commander", "admin"]
MADE_BY = "terminal"

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False, help=t(N_("Manage people's access and tokens")))

Login = Annotated[str, typer.Argument(help=t(N_("a person of the manual, or another name")))]
Role = Annotated[RoleName, typer.Option("--role", help=t(N_("what they may do")))]


def _on(
    data: Path | None, url: str | None, work: Callable[[PoolConnection], Awaitable[T]]
) -> T:
    from bongsu.store.access import AccessRefusedError  # noqa: PLC0415  loaded only by these commands

    try:
        return on_database(data, url, work)
    except AccessRefusedError as error:
        fail(error.show(language()))


def _now() -> datetime:
    return datetime.now(UTC)


@app.command(help=t(N_("Let somebody in; prints a sign-in link that works once")))
def invite(
    login: Login,
    role: Role = "responder",
    base_url: Annotated[str, typer.Option(envvar="BONGSU_BASE_URL")] = "http://127.0.0.1:8600",
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make the account where there is none yet, and invite."""
    from bongsu.store import access  # noqa: PLC0415  loaded only by this command

    async def work(conn: PoolConnection) -> str:
        if login not in {one.login for one in await access.list_accounts(conn)}:
            await access.create_account(conn, login, role=role, now=_now())
        return await access.invite(conn, login, made_by=MADE_BY, now=_now())

    print(f"{base_url.rstrip('/')}/sign-in/{_on(data, database_url, work)}")


@app.command(help=t(N_("Change what somebody may do")))
def role(
    login: Login,
    role: Annotated[RoleName, typer.Argument()],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change a role."""
    from bongsu.store import access  # noqa: PLC0415  loaded only by this command

    _on(data, database_url, lambda conn: access.set_role(conn, login, role))
    print(t("{login} is now {role}", login=login, role=role))


@app.command("list", help=t(N_("List accounts")))
def list_(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """List accounts."""
    from bongsu.store import access  # noqa: PLC0415  loaded only by this command

    for one in _on(data, database_url, access.list_accounts):
        state = t(N_("disabled")) if one.disabled_at else ""
        print(f"{one.login:<20} {one.role:<10} {one.name}  {state}".rstrip())


@app.command(help=t(N_("Issue an API token; it is shown this once")))
def token(  # noqa: PLR0913, PLR0917  each is an option of the command
    login: Login,
    name: Annotated[str, typer.Option(help=t(N_("what it is for")))] = os.environ.get("HOSTNAME", "terminal"),
    role: Annotated[RoleName | None, typer.Option("--role", help=t(N_("what it may do")))] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Issue a token."""
    from bongsu.store import access  # noqa: PLC0415  loaded only by this command

    async def work(conn: PoolConnection) -> str:
        secret, _ = await access.issue_token(
            conn, login, name=name, role=role, made_by=MADE_BY, now=_now()
        )
        return secret

    print(_on(data, database_url, work))
