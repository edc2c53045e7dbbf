"""What a server says when it has started: where to look, how to sign in, who can't be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from bongsu.channels import registry
from bongsu.cli import language
from bongsu.cli.connection import LOCAL, Server, keep
from bongsu.cli.serving import Settings
from bongsu.engine.runtime import Runtime
from bongsu.i18n import N_, translator
from bongsu.store import access
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual

log = structlog.get_logger(__name__)
t = translator(language())


async def welcome(
    runtime: Runtime, channels: registry.Channels, chosen: Settings, manual: Manual
) -> None:
    """Say where to look, who can't be reached and, until somebody has signed in, how to sign in."""
    link = await _first_link(runtime, chosen)
    name, url = manual.overview.name, chosen.base_url
    print(t("Bongsu runs the manual '{name}' at {url}", name=name, url=url))
    if link:
        print(t("Sign in (once, within a day): {url}", url=f"{url}/sign-in/{link}"))
    for line in unreachable(unusable(runtime, channels), _named(runtime)):
        print(line)
    print(t(N_("Ctrl-C stops it.")), flush=True)


def working(manual: Manual, runner: str | None) -> Iterator[str]:
    """Say that a worker runs, for which playbooks, and whether the manual has any for it."""
    yield t(N_("The worker is running. Ctrl-C stops it."))
    if runner is None:
        return
    runners = {name: one.runner for name, one in manual.playbooks.items() if one.runner}
    mine = [name for name, one in runners.items() if one == runner]
    if mine:
        text = N_("It takes only the steps of the runner {runner}: {playbooks}")
        yield t(text, runner=runner, playbooks=", ".join(mine))
        return
    text = N_("! No playbook of the manual names the runner {runner}; there is: {known}")
    yield t(text, runner=runner, known=", ".join(sorted(set(runners.values()))) or "-")


def unreachable(missing: Mapping[str, str], named: Collection[str]) -> list[str]:
    """Say which of the manual's channels lead nowhere, above all if that is all of them."""
    if not missing:
        return []
    nobody = N_("!! NOBODY CAN BE PAGED: none of the channels that the manual names is set up.")
    some = N_("! Some channels that the manual names are not set up; pages go around them.")
    head = t(nobody) if set(named) <= set(missing) else t(some)
    return [head, *(f"   {name}: {how}" for name, how in sorted(missing.items()))]


async def _first_link(runtime: Runtime, chosen: Settings) -> str | None:
    while True:
        try:
            async with runtime.pool.acquire() as conn:
                link = await access.first_link(conn, now=runtime.engine.clock.now())
                if not chosen.database_url:
                    await _keep_local(conn, runtime, chosen)
                return link
        except AWAY as error:
            log.warning("welcome.waits", error=repr(error))
            await asyncio.sleep(0.5)


async def _keep_local(conn: Any, runtime: Runtime, chosen: Settings) -> None:
    """Let this user's terminal on this machine talk to the server without signing in."""
    path = chosen.data / LOCAL
    now = runtime.engine.clock.now()
    for old in await access.list_tokens(conn, access.FIRST_ADMIN):
        if old.name == LOCAL and old.revoked_at is None:
            await access.revoke_token(conn, old.id, now=now)
    with suppress(access.AccessRefusedError):  # the first admin was disabled: then nobody may
        secret, _ = await access.issue_token(
            conn, access.FIRST_ADMIN, name=LOCAL, made_by="bongsu", now=now
        )
        # Not the public address: a proxy need not answer on this machine.
        keep(path, Server(f"http://{chosen.host}:{chosen.port}", secret))


def unusable(runtime: Runtime, channels: registry.Channels) -> dict[str, str]:
    """Channels that the manual relies on and that can't be used here."""
    return registry.unusable(channels, _named(runtime), language())


def _named(runtime: Runtime) -> list[str]:
    """The channels of the people whom the manual pages."""
    people = runtime.engine.policy.manual.team.people.values()
    return sorted({contact.channel for person in people for contact in person.contacts})
