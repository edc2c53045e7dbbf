"""``bongsu address``: cut an attacker's address off at this machine, and let it in again."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bongsu.cli import language, means
from bongsu.cli.printing import AsJson, Json, print_json
from bongsu.cli.recovering import do, say
from bongsu.i18n import N_, translator

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False, help=means("address"))

Address = Annotated[str, typer.Argument(help=t(N_("one IPv4 or IPv6 address")))]
Backend = Annotated[
    str | None, typer.Option(help=t(N_("nft or iptables; else the one that is there")))
]


@app.command(help=t(N_("Drop everything from and to one address; may be repeated")))
def drop(
    address: Address,
    *,
    allow: Annotated[
        list[str] | None,
        typer.Option(help=t(N_("a private network that may be dropped; may be repeated"))),
    ] = None,
    never: Annotated[
        list[str] | None,
        typer.Option(help=t(N_("a network that is never dropped; may be repeated"))),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=t(N_("only say whether it would be dropped")))
    ] = False,
    backend: Backend = None,
    as_json: AsJson = False,
) -> None:
    """Drop an address."""
    from bongsu.actions import addresses

    async def work() -> Json:
        wanted = addresses.checked(address, allow or (), never or (), os.environ)
        if dry_run:
            return {"address": str(wanted), "changed": False}
        changed = await addresses.drop(wanted, os.environ, addresses.backend_named(backend))
        return {"address": str(wanted), "changed": changed}

    view = do(work())
    if dry_run:
        text = t("{address} would be dropped.", **view)
    elif view["changed"]:
        text = t("{address} is dropped.", **view)
    else:
        text = t("{address} was dropped already.", **view)
    say(text, view, as_json=as_json)


@app.command(help=t(N_("Let one address in again; may be repeated")))
def undrop(address: Address, *, backend: Backend = None, as_json: AsJson = False) -> None:
    """Take it back."""
    from bongsu.actions import addresses

    async def work() -> Json:
        wanted = addresses.read(address)
        changed = await addresses.undrop(wanted, os.environ, addresses.backend_named(backend))
        return {"address": str(wanted), "changed": changed}

    view = do(work())
    text = N_("{address} is let in again.") if view["changed"] else N_("{address} was not dropped.")
    say(t(text, **view), view, as_json=as_json)


@app.command("list", help=t(N_("Show what is dropped here")))
def list_(*, backend: Backend = None, as_json: AsJson = False) -> None:
    """Show the dropped addresses."""
    from bongsu.actions import addresses

    async def work() -> list[str]:
        found = await addresses.dropped(os.environ, addresses.backend_named(backend))
        return [str(one) for one in found]

    found = do(work())
    if as_json:
        print_json({"dropped": found})
    else:
        print("\n".join(found) or t(N_("No address is dropped here.")))
