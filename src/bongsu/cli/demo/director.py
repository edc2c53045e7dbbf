"""Puts the demo on: starts everything, breaks the backend, and tells what happens as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.markup import escape

from bongsu.cli import language
from bongsu.cli.demo.sinks import Sinks
from bongsu.cli.demo.speed import sped_up
from bongsu.cli.demo.stack import Service, Watcher
from bongsu.cli.demo.viewer import Viewer
from bongsu.cli.server import served, stop_signal
from bongsu.cli.serving import Settings, bundled_manual, load_manual, log_to_stderr, settings
from bongsu.engine.runtime import Runtime
from bongsu.i18n import N_, translator
from bongsu.store import access, integrations

PATIENCE = 600.0
"""seconds after which an automatic demo gives up; divided by nothing: a slow demo may take longer"""

t = translator(language())
console = Console(highlight=False)


class Stage(NamedTuple):
    """Everything that the players work with."""

    runtime: Runtime
    frontend: Service
    backend: Service
    sinks: Sinks
    viewer: Viewer
    base_url: str
    speed: float


def run(*, auto: bool, speed: float, listen: str, manual: Path | None, data: Path | None) -> int:
    """Run the demo; returns the process's exit code."""
    log_to_stderr(as_json=False)
    folder = data or _temporary()
    chosen = settings(manual, folder, None, listen, None)._replace(database_url=None)
    try:
        return asyncio.run(_run(chosen, speed, auto=auto))
    finally:
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


def _temporary() -> Path:
    """A folder that PostgreSQL's own user can enter, also when root runs the demo."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-demo-"))
    folder.chmod(0o755)
    return folder


async def _run(chosen: Settings, speed: float, *, auto: bool) -> int:
    stop = stop_signal()
    async with _stage(chosen, speed) as stage:
        await _introduce(stage)
        play = asyncio.create_task(_play(stage, auto=auto))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({play, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not play.done():
            play.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await play
            console.print("\n" + t(N_("Ended. Nothing is left behind.")))
            return 0
        return 0 if play.result() else 1


async def _play(stage: Stage, *, auto: bool) -> bool:
    from bongsu.cli.demo import players  # noqa: PLC0415  it imports this module's Stage

    return await (players.by_itself(stage) if auto else players.by_hand(stage))


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
        manual = sped_up(load_manual(chosen.manual or bundled_manual()), speed)
        variables = {**_without_channels(), **_channels(sinks)}
        process = await stack.enter_async_context(served(chosen, variables, manual))
        runtime = process.runtime
        await _watch(stack, runtime, chosen.base_url, [frontend, backend])
        viewer = Viewer(runtime, console)
        showing = asyncio.create_task(viewer.run(), name="show the timeline")
        stack.push_async_callback(_cancel, showing)
        yield Stage(runtime, frontend, backend, sinks, viewer, chosen.base_url, speed)


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
) -> None:
    async with runtime.pool.acquire() as conn:
        key = await integrations.issue_key(conn, "generic")
    client = await stack.enter_async_context(httpx.AsyncClient(timeout=5))

    async def send(signal: dict[str, object]) -> None:
        response = await client.post(f"{base_url}/in/{key}/signal", json=signal)
        response.raise_for_status()

    watching = asyncio.create_task(Watcher(services, send).run(), name="watch the services")
    stack.push_async_callback(_cancel, watching)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


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
