"""Puts the demo on: starts everything, breaks the backend, and tells what happens as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.markup import escape

from bongsu.cli import INTERRUPTED, language
from bongsu.cli.connection import FAILED
from bongsu.cli.demo.mending import mendable
from bongsu.cli.demo.sinks import Sinks
from bongsu.cli.demo.speed import sped_up
from bongsu.cli.demo.stack import Service, Supervisor, Watcher
from bongsu.cli.demo.verifying import verifiable
from bongsu.cli.demo.viewer import Viewer
from bongsu.cli.printing import console
from bongsu.cli.server import served, stop_signal
from bongsu.cli.serving import Settings, bundled_manual, load_manual, log_to_stderr, settings
from bongsu.engine.runtime import Runtime
from bongsu.i18n import N_, translator
from bongsu.store import access, integrations

PATIENCE, OF_THE_MANUAL = 60.0, 3600.0
"""A demo that plays by itself gives up after so many seconds, and so many of the manual's."""

t = translator(language())


class Stage(NamedTuple):
    """Everything that the players work with."""

    runtime: Runtime
    frontend: Service
    backend: Service
    sinks: Sinks
    viewer: Viewer
    base_url: str
    speed: float
    helpers: frozenset[asyncio.Task[None]]
    """tasks without which the play can't go on"""


def run(*, auto: bool, speed: float, listen: str, manual: Path | None, data: Path | None) -> int:
    """Run the demo; returns the process's exit code."""
    log_to_stderr(as_json=False)
    code = asyncio.run(_run(manual, data, listen, speed, auto=auto))
    if code == INTERRUPTED:
        kept = t(N_("Ended. Nothing is left behind."))
        console.print(kept if data is None else t("Ended. The data is in {folder}.", folder=data))
    return code


async def _run(
    manual: Path | None, data: Path | None, listen: str, speed: float, *, auto: bool
) -> int:
    """Ctrl-C is obeyed once everything has started, so that everything can be stopped."""
    stop = stop_signal()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop.set)
    with _folder(data) as folder:
        chosen = settings(manual, folder, None, listen, None)._replace(database_url=None)
        async with _stage(chosen, speed) as stage:
            await _introduce(stage)
            return await _played(stage, stop, auto=auto)


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """Lend a folder that PostgreSQL's own user can enter, also when root runs the demo."""
    if data is not None:
        yield data
        return
    folder = Path(tempfile.mkdtemp(prefix="bongsu-demo-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _played(stage: Stage, stop: asyncio.Event, *, auto: bool) -> int:
    from bongsu.cli.demo import players

    acts = players.by_itself(stage) if auto else players.by_hand(stage)
    play = asyncio.create_task(acts, name="play the responders")
    stopped = asyncio.create_task(stop.wait(), name="wait for Ctrl-C")
    patience = PATIENCE + OF_THE_MANUAL / stage.speed
    done, _ = await asyncio.wait(
        {play, stopped, *stage.helpers}, timeout=patience if auto else None,
        return_when=asyncio.FIRST_COMPLETED,
    )  # fmt: skip
    for failed in done & stage.helpers:
        failed.result()
    if play in done:
        return 0 if play.result() else FAILED
    await _cancel(play)
    return INTERRUPTED if stopped in done else _given_up(patience)


def _given_up(patience: float) -> int:
    say(t("After {seconds} seconds it is not resolved; giving up.", seconds=round(patience)))
    return FAILED


@asynccontextmanager
async def _stage(chosen: Settings, speed: float) -> AsyncIterator[Stage]:
    console.print(t(N_("Starting PostgreSQL, Bongsu, a small service, a mailbox and a chat …")))
    async with AsyncExitStack() as stack:
        sinks = Sinks()
        await sinks.start()
        stack.push_async_callback(sinks.stop)
        frontend, backend = Service("frontend"), Service("backend")
        for service in (frontend, backend):
            await service.start()
            stack.push_async_callback(service.stop)
        supervisor = Supervisor(backend)
        await supervisor.start()
        stack.push_async_callback(supervisor.stop)
        manual = sped_up(load_manual(chosen.manual or bundled_manual()), speed)
        manual = verifiable(manual, backend.url, speed)
        manual = mendable(manual, frontend.url, backend.url, supervisor.url)
        variables = {**_without_channels(), **_channels(sinks)}
        process = await stack.enter_async_context(served(chosen, variables, manual))
        runtime = process.runtime
        watching = await _watch(stack, runtime, chosen.base_url, [frontend, backend])
        viewer = Viewer(runtime, console)
        showing = asyncio.create_task(viewer.run(), name="show the timeline")
        stack.push_async_callback(_cancel, showing)
        yield Stage(
            runtime, frontend, backend, sinks, viewer, chosen.base_url, speed,
            frozenset({watching, showing, process.http}),
        )  # fmt: skip


def _without_channels() -> dict[str, str]:
    """The demo must reach nobody outside, whatever this terminal is set up for."""
    prefixes = ("BONGSU_SLACK_", "BONGSU_SMTP_", "BONGSU_MAIL_")
    return {k: v for k, v in os.environ.items() if not k.startswith(prefixes)}


def _channels(sinks: Sinks) -> dict[str, str]:
    return {
        "BONGSU_SMTP_URL": f"smtp://127.0.0.1:{sinks.mail_port}",
        "BONGSU_MAIL_FROM": "Bongsu <bongsu@example.com>",
        "BONGSU_SLACK_BOT_TOKEN": "xoxb-demo",
        "BONGSU_SLACK_SIGNING_SECRET": "demo-signing-secret",
        "BONGSU_SLACK_API_URL": f"http://127.0.0.1:{sinks.chat_port}/api/",
    }


async def _watch(
    stack: AsyncExitStack, runtime: Runtime, base_url: str, services: list[Service]
) -> asyncio.Task[None]:
    async with runtime.pool.acquire() as conn:
        key = await integrations.issue_key(conn, "generic")
    client = await stack.enter_async_context(httpx.AsyncClient(timeout=5, trust_env=False))

    async def send(sent: dict[str, object]) -> None:
        response = await client.post(f"{base_url}/in/{key}/signal", json=sent)
        response.raise_for_status()

    watching = asyncio.create_task(Watcher(services, send).run(), name="watch the services")
    stack.push_async_callback(_cancel, watching)
    return watching


async def _cancel(task: asyncio.Task[Any]) -> None:
    """End a task; what it failed of was told already, or no longer matters."""
    task.cancel()
    await asyncio.wait({task})


async def _introduce(stage: Stage) -> None:
    async with stage.runtime.pool.acquire() as conn:
        link = await access.first_link(conn, now=stage.runtime.engine.clock.now())
    console.print()
    for label, value in (
        (N_("Console"), stage.base_url),
        (N_("Sign in (once)"), f"{stage.base_url}/sign-in/{link}"),
        (N_("Mailbox and chat"), f"http://127.0.0.1:{stage.sinks.chat_port}/"),
        (N_("Frontend"), stage.frontend.url),
        (N_("Backend"), stage.backend.url),
    ):
        console.print(f"  [bold]{t(label)}[/bold]  {escape(value)}", soft_wrap=True)
    pace = t("1 minute of the manual passes in {seconds} s", seconds=f"{60 / stage.speed:g}")
    console.print(f"  [dim]{pace}[/dim]\n")


def say(text: str) -> None:
    """Tell the audience what the players do."""
    console.print(f"[bold cyan]▶ {escape(text)}[/bold cyan]")


def interactive() -> bool:
    """Whether a person sits at the keyboard."""
    return sys.stdin.isatty()
