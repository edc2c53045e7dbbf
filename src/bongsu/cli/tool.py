"""``bongsu tool``: what playbooks' steps call beside kubectl; addresses come by the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli import MISUSED, language, means
from bongsu.cli.connection import fail
from bongsu.cli.printing import AsJson, Json, print_json
from bongsu.cli.recovering import NOT_TOLD, REFUSED, Namespace, address_in, do, say
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.actions.recovery.backups import Backup
    from bongsu.actions.recovery.cluster import Cluster

t = translator(language())
app = typer.Typer(no_args_is_help=True, add_completion=False, help=means("tool"))

Target = Annotated[str, typer.Argument(help=t(N_("as configmap/api-config")))]
Key = Annotated[str, typer.Argument(help=t(N_("replicas, or a key of a ConfigMap")))]
Selector = Annotated[str, typer.Option("--selector", "-l", help=t(N_("labels of the snapshots")))]
Volume = Annotated[str, typer.Option(help=t(N_("the name of the new volume")))]


@app.command(help=t(N_("Look at a database's connection pool (MongoDB, PostgreSQL)")))
def pool(
    *,
    dsn_env: Annotated[
        str, typer.Option(help=t(N_("the environment variable that holds its address")))
    ] = "MONGODB_URL",
    over: Annotated[
        float, typer.Option(min=0.001, max=1, help=t(N_("the share of connections that is much")))
    ] = 0.8,
    timeout: Annotated[float, typer.Option(help=t(N_("seconds")))] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Exit 0: healthy; 1: degraded or unhealthy; 3: could not be looked at."""
    import asyncio

    from bongsu.actions.recovery.pool import kind_of, look
    from bongsu.engine.clock import SystemClock

    address_in(dsn_env)
    if kind_of(os.environ, dsn_env) is None:
        text = N_("{name} is neither a mongodb:// nor a postgresql:// address")
        fail(t(text, name=dsn_env), MISUSED)
    looked = asyncio.run(look(os.environ, dsn_env, over, SystemClock().now, timeout))
    why = [one.says.says(t.lang) for one in looked.findings]
    if looked.why is not None:
        why.append(looked.why.says(t.lang))
    numbers = {
        name: value
        for one in (looked.evidence, *(finding.evidence for finding in looked.findings))
        for name, value in one.numbers.items()
    }
    view = {"verdict": looked.verdict, "why": why, "numbers": numbers}
    if as_json:
        print_json(view)
    else:
        print("\n".join([looked.verdict, *why, *(f"{k} = {v:g}" for k, v in numbers.items())]))
    codes = {"healthy": 0, "unknown": NOT_TOLD}
    raise typer.Exit(codes.get(looked.verdict, REFUSED))


@app.command(help=t(N_("Keep at an object the value that a step is about to change")))
def remember(
    target: Target,
    key: Key,
    *,
    namespace: Namespace,
    at_most: Annotated[
        int | None, typer.Option(help=t(N_("refuse if it is more than that already")))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remember a value."""
    from bongsu.actions.recovery import former

    found = do(former.remember(_cluster(namespace), target, key, at_most))
    say(t("{key} is {value} now, and remembered.", **found._asdict()), found._asdict(),
        as_json=as_json)  # fmt: skip


@app.command(help=t(N_("Put back the value that was remembered")))
def restore(target: Target, key: Key, *, namespace: Namespace, as_json: AsJson = False) -> None:
    """Put it back."""
    from bongsu.actions.recovery import former

    found = do(former.restore(_cluster(namespace), target, key))
    say(t("{key} is {value} again.", **found._asdict()), found._asdict(), as_json=as_json)


@app.command(help=t(N_("Switch to a backup service, if that one answers; --back switches back")))
def failover(
    target: Target,
    key: Key,
    value: Annotated[str, typer.Argument(help=t(N_("what it is while the backup is used")))],
    *,
    namespace: Namespace,
    backup_env: Annotated[
        str,
        typer.Option(help=t(N_("the environment variable that holds the backup's health address"))),
    ] = "EXTERNAL_API_BACKUP_HEALTH",
    back: Annotated[bool, typer.Option("--back", help=t(N_("put back what was before")))] = False,
    timeout: Annotated[float, typer.Option(help=t(N_("seconds")))] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Switch over, or back."""
    from bongsu.actions.recovery import failover as switching

    switch = switching.Switch(target, key, value)
    if back:
        found = do(switching.back(_cluster(namespace), switch))
        text = t("{key} is {value} again.", **found._asdict())
    else:
        health = address_in(backup_env)
        found = do(switching.over(_cluster(namespace), switch, health, timeout))
        text = t("The backup answers; {key} is {value} now.", key=key, value=value)
    say(text, {"key": key, "former": found.value, "back": back}, as_json=as_json)


@app.command(help=t(N_("Check that the newest backup is good and young enough")))
def backup(
    *,
    namespace: Namespace,
    selector: Selector,
    within: Annotated[str, typer.Option(help=t(N_("how old it may be, as 26h")))] = "26h",
    as_json: AsJson = False,
) -> None:
    """Look at the snapshots."""
    from bongsu.actions.recovery import backups
    from bongsu.engine.clock import SystemClock
    from bongsu.manual.schema.base import parse_duration

    try:
        oldest = parse_duration(within)
    except ValueError as error:
        fail(str(error), MISUSED)
    found = do(backups.check(_cluster(namespace), selector, oldest, SystemClock().now()))
    view = _of_backup(found)
    say(t("{name}, taken {taken_at}, {size}: good", **view), view, as_json=as_json)


@app.command("prepare-restore", help=t(N_("Make a new volume of the newest good backup")))
def prepare_restore(
    *, namespace: Namespace, selector: Selector, volume: Volume, as_json: AsJson = False
) -> None:
    """Prepare a restore beside what is there."""
    from bongsu.actions.recovery import backups

    found = do(backups.prepare(_cluster(namespace), selector, volume))
    view = {**_of_backup(found), "volume": volume}
    text = N_("The volume {volume} is made of {name}, taken {taken_at}. Nothing else was touched.")
    say(t(text, **view), view, as_json=as_json)


@app.command("discard-restore", help=t(N_("Take away a volume that was made so")))
def discard_restore(*, namespace: Namespace, volume: Volume, as_json: AsJson = False) -> None:
    """Take a prepared restore away."""
    from bongsu.actions.recovery import backups

    gone = do(backups.discard(_cluster(namespace), volume))
    text = N_("{volume} is taken away.") if gone else N_("There is no {volume}.")
    say(t(text, volume=volume), {"volume": volume, "changed": gone}, as_json=as_json)


def _of_backup(found: Backup) -> Json:
    return {"name": found.name, "taken_at": found.taken_at.isoformat(), "size": found.size}


def _cluster(namespace: str) -> Cluster:
    from bongsu.actions.recovery.cluster import Cluster

    return Cluster(namespace, os.environ)
