"""``bongsu account``: who may sign in, as what, and the tokens that programs use."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer
from rich.markup import escape

from bongsu.cli import language
from bongsu.cli.connection import data_folder, fail, local_server
from bongsu.cli.direct import Data, DatabaseUrl, on_database
from bongsu.cli.printing import AsJson, Json, print_json, print_lines, table
from bongsu.engine.clock import SystemClock
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bongsu.store.database import PoolConnection

T = TypeVar("T")
RoleName = Literal["viewer", "responder", "commander", "admin"]
MADE_BY = "terminal"

t = translator(language())
app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=t(N_("Manage people's access and tokens"))
)

Login = Annotated[str, typer.Argument(help=t(N_("a person of the manual, or another name")))]
Role = Annotated[RoleName, typer.Option("--role", help=t(N_("what they may do")))]


def _on(data: Path | None, url: str | None, work: Callable[[PoolConnection], Awaitable[T]]) -> T:
    from bongsu.store.access import AccessRefusedError

    try:
        return on_database(data, url, work)
    except AccessRefusedError as error:
        fail(error.show(language()))


def _now() -> datetime:
    return SystemClock().now()


@app.command(help=t(N_("Let somebody in; prints a sign-in link that works once")))
def invite(
    login: Login,
    *,
    role: Role = "responder",
    base_url: Annotated[
        str | None,
        typer.Option(envvar="BONGSU_BASE_URL", help=t(N_("the console's public address"))),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make the account where there is none yet, and invite."""
    from bongsu.store import access

    async def work(conn: PoolConnection) -> str:
        if login not in {one.login for one in await access.list_accounts(conn)}:
            await access.create_account(conn, login, role=role, now=_now())
        return await access.invite(conn, login, made_by=MADE_BY, now=_now())

    link = _on(data, database_url, work)
    here = local_server(data or data_folder())
    url = (base_url or (here.url if here else "http://127.0.0.1:8600")).rstrip("/")
    _answer(
        {"login": login, "url": f"{url}/sign-in/{link}"}, f"{url}/sign-in/{link}", as_json=as_json
    )


@app.command(help=t(N_("Change what somebody may do")))
def role(
    login: Login,
    role: Annotated[RoleName, typer.Argument()],
    *,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Change a role."""
    from bongsu.store import access

    _on(data, database_url, lambda conn: access.set_role(conn, login, role))
    said = t("{login} is now {role}", login=login, role=role)
    _answer({"login": login, "role": role}, said, as_json=as_json)


@app.command("list", help=t(N_("List accounts")))
def list_(*, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List accounts."""
    import msgspec

    from bongsu.store import access

    found = _on(data, database_url, access.list_accounts)
    if as_json:
        print_json({"accounts": msgspec.to_builtins(found)})
        return
    lines = table(N_("login"), N_("role"), N_("name"), "")
    for one in found:
        state = t(N_("disabled")) if one.disabled_at else ""
        lines.add_row(escape(one.login), one.role, escape(one.name), state)
    print_lines(lines)


@app.command(help=t(N_("Issue an API token; it is shown this once")))
def token(
    login: Login,
    *,
    name: Annotated[str, typer.Option(help=t(N_("what it is for")))] = "terminal",
    role: Annotated[RoleName | None, typer.Option("--role", help=t(N_("what it may do")))] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Issue a token."""
    from bongsu.store import access

    async def work(conn: PoolConnection) -> str:
        secret, _ = await access.issue_token(
            conn, login, name=name, role=role, made_by=MADE_BY, now=_now()
        )
        return secret

    secret = _on(data, database_url, work)
    _answer({"login": login, "token": secret}, secret, as_json=as_json)


def _answer(value: Json, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        print(said)
