"""``bongsu integration``: the keys with which senders send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli import MISUSED, language
from bongsu.cli.connection import fail
from bongsu.cli.direct import Data, DatabaseUrl, on_database
from bongsu.cli.printing import AsJson, print_json, print_lines, table
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

t = translator(language())
app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=t(N_("Issue and revoke senders' keys"))
)

Name = Annotated[str, typer.Argument(help=t(N_("an integration of the manual")))]


@app.command(help=t(N_("Issue a key; it is shown this once")))
def key(
    name: Name, *, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Issue a key for an integration of the manual in force."""
    from bongsu.store import integrations

    async def work(conn: PoolConnection) -> str:
        _known(name, await _integrations(conn))
        return await integrations.issue_key(conn, name)

    issued = on_database(data, database_url, work)
    if as_json:
        print_json({"integration": name, "key": issued})
    else:
        print(issued)


def _known(name: str, known: list[str]) -> None:
    if name not in known:
        text = N_("the manual has no integration {name}; write one of {known}")
        fail(t(text, name=name, known=", ".join(known)), MISUSED)


async def _integrations(conn: PoolConnection) -> list[str]:
    """Names of the manual in force; of the bundled one where none was loaded yet."""
    from bongsu.cli.serving import bundled_manual, load_manual
    from bongsu.manual.load import from_document
    from bongsu.store import manuals

    found = await manuals.current(conn)
    manual = from_document(found[1]) if found else load_manual(bundled_manual())
    return list(manual.signals.integrations)


@app.command("list", help=t(N_("List keys by their last characters")))
def list_(*, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List keys."""
    import msgspec

    from bongsu.store import integrations

    keys = on_database(data, database_url, integrations.list_keys)
    if as_json:
        print_json({"keys": msgspec.to_builtins(keys)})
        return
    lines = table(N_("id"), N_("integration"), N_("key"), N_("issued"), "")
    for one in keys:
        state = t(N_("revoked")) if one.revoked_at else t(N_("in force"))
        day = f"{one.issued_at.astimezone():%Y-%m-%d}"
        lines.add_row(str(one.id), one.integration, f"…{one.hint}", day, state)
    print_lines(lines)


@app.command(help=t(N_("Revoke one key of an integration, or all")))
def revoke(
    name: Name,
    key_id: Annotated[
        int | None, typer.Argument(help=t(N_("the key's number in the list")))
    ] = None,
    *,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Revoke keys."""
    from bongsu.store import integrations

    count = on_database(data, database_url, lambda conn: integrations.revoke(conn, name, key_id))
    if not count:
        fail(
            t("no key of {name} is in force", name=name)
            if key_id is None
            else t(
                "no key {id} of {name} is in force: bongsu integration list", id=key_id, name=name
            )
        )
    if as_json:
        print_json({"integration": name, "revoked": count})
    else:
        print(t("{count} revoked", count=count))
