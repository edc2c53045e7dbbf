"""The running process: start in order, say where to look, stop cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
)
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import structlog

from bongsu.channels import registry
from bongsu.channels.environment import SettingsError
from bongsu.cli import language
from bongsu.cli.connection import fail
from bongsu.cli.serving import Settings, bundled_manual, database, load_manual
from bongsu.cli.welcome import unusable, welcome, working
from bongsu.engine import claims
from bongsu.engine.runtime import NoManualError, Runtime, running
from bongsu.i18n import N_, translator
from bongsu.manual.problems import ManualError, UnreadableManual
from bongsu.store.alert_writer import AlertWriter
from bongsu.store.database import AWAY, UNUSABLE, DatabaseError, connect_pool
from bongsu.store.integrations import IntegrationKeys
from bongsu.web import app as web
from bongsu.web.console import Console, render_go
from bongsu.web.ingest import IngestApp
from bongsu.web.ingest_protocol import SignalProtocol

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual
    from bongsu.store.database import Pool

BACKLOG = 4096
GC_THRESHOLDS = (50_000, 20, 50)
FACES_POOL_SIZE = 8
"""connections of everything that answers requests: one listens, two feed live pages, four read"""
CLOSE_WITHIN = 5
"""seconds that open requests get when the process stops"""
SAME_REQUEST = 0.3
"""seconds within which a second signal is the first one told twice, as by `make`, and no haste"""

log = structlog.get_logger(__name__)
t = translator(language())


def run(chosen: Settings, variables: Mapping[str, str]) -> None:
    """Serve until a signal ends it; the exit code is 0 then."""
    _run(_serve(chosen, variables))


def run_worker(chosen: Settings, variables: Mapping[str, str]) -> None:
    """Work until a signal ends it; the exit code is 0 then."""
    _run(_work(chosen, variables))


def _run(main: Coroutine[Any, Any, None]) -> None:
    import uvloop

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except asyncio.CancelledError:
        return  # it was asked to stop while it was still starting
    except NoManualError:
        text = N_(
            "No manual has decided on this database yet. Start first: bongsu serve --manual DIR"
        )
        fail(t(text))
    except (DatabaseError, *AWAY) as error:
        fail(t("Bongsu could not start: {why}", why=_why(error)))


def _why(error: BaseException) -> str:
    """Say what is wrong with the database, or that it went away while we were starting."""
    if isinstance(error, DatabaseError):
        said = str(error)
        text = N_("the database can't be used: {why}") if said.startswith(UNUSABLE) else "{why}"
        return t(text, why=said.removeprefix(UNUSABLE))
    text = N_("the database went away ({error}). See that it runs, then start again.")
    return t(text, error=str(error) or type(error).__name__)


class _Server(web.Server):
    """Leaves the signals to us: uvicorn would end the process by them before we have stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


async def _serve(chosen: Settings, variables: Mapping[str, str]) -> None:
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        async with _given_up(stop):
            manual = await asyncio.to_thread(load_manual, chosen.manual or bundled_manual())
            process = await stack.enter_async_context(served(chosen, variables, manual))
            _on_hangup(lambda: _reload(process.runtime, chosen))
            await welcome(process.runtime, process.channels, chosen, manual)
        waits = [asyncio.create_task(event.wait()) for event in (stop, process.runtime.broken)]
        await asyncio.wait({process.http, *waits}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in waits:
            waiting.cancel()
    if not stop.is_set():
        fail(t(N_("a part of the server has ended by itself; the log says why")))


@asynccontextmanager
async def _given_up(stop: asyncio.Event) -> AsyncIterator[None]:
    """Give the block up as soon as the process is asked to stop."""
    this = asyncio.current_task()
    assert this is not None

    async def cancel() -> None:
        await stop.wait()
        this.cancel()

    watching = asyncio.create_task(cancel())
    try:
        yield
    finally:
        watching.cancel()


class Process(NamedTuple):
    """A server that answers."""

    runtime: Runtime
    channels: registry.Channels
    http: asyncio.Task[None]


@asynccontextmanager
async def served(
    chosen: Settings, variables: Mapping[str, str], manual: Manual
) -> AsyncIterator[Process]:
    """Serve for as long as the block runs; the address is taken before anything is started."""
    listener = _bind(chosen.host, chosen.port)
    async with AsyncExitStack() as stack:
        stack.callback(listener.close)
        url = await stack.enter_async_context(database(chosen))
        channels = _channels(variables)
        runtime = await stack.enter_async_context(_started(url, chosen, channels, manual))
        faces = await stack.enter_async_context(_faces_pool(url))
        alerts = AlertWriter(lambda: asyncpg.connect(url), runtime.triage.take)
        runtime.triage.ingest_busy = lambda: alerts.busy
        await alerts.start()
        stack.push_async_callback(alerts.close)
        folder = chosen.manual or bundled_manual()
        signals = _ingest(runtime, alerts, faces)
        app = web.create_app(
            runtime.engine, writer=runtime.writer, channels=channels,
            ingest=signals.before,
            reload=lambda: runtime.reload(folder), pool=faces,
            console=Console(), render_go=render_go, diagnostician=runtime.diagnostician,
        )  # fmt: skip
        server = _Server(
            app, log_config=None, access_log=False, loop="none", ws="none",
            http=partial(SignalProtocol, signals.short), server_header=False,
            timeout_graceful_shutdown=CLOSE_WITHIN, backlog=BACKLOG,
        )  # fmt: skip
        http = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        _spare_collections()
        try:
            yield Process(runtime, channels, http)
        finally:
            server.should_exit = True
            await http


@asynccontextmanager
async def _faces_pool(url: str) -> AsyncIterator[Pool]:
    """Lend connections of their own to the requests, so that no flood of them delays a page."""
    pool = await connect_pool(url, size=FACES_POOL_SIZE, name="bongsu faces")
    try:
        yield pool
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(pool.close(), 2)
        pool.terminate()


def _spare_collections() -> None:
    """Don't walk through all that was loaded, again and again, while a page is on its way."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _ingest(runtime: Runtime, alerts: AlertWriter, faces: Pool) -> IngestApp:
    engine, keys = runtime.engine, IntegrationKeys(runtime.pool)
    return IngestApp(alerts, keys, engine.clock, lambda: engine.policy.manual, faces)


async def _work(chosen: Settings, variables: Mapping[str, str]) -> None:
    stop = stop_signal()
    channels = _channels(variables)
    async with AsyncExitStack() as stack:
        async with _given_up(stop):
            url = await stack.enter_async_context(database(chosen))
            runtime = await stack.enter_async_context(_started(url, chosen, channels, None))
            _on_hangup(runtime.refresh)
        for line in working(runtime.engine.policy.manual, chosen.runner):
            print(line, flush=True)
        waits = [asyncio.create_task(event.wait()) for event in (stop, runtime.broken)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for waiting in waits:
            waiting.cancel()
    if not stop.is_set():
        fail(t(N_("a part of the server has ended by itself; the log says why")))


def _channels(variables: Mapping[str, str]) -> registry.Channels:
    try:
        return registry.build(variables, language())
    except SettingsError as error:
        fail(str(error), 2)


@asynccontextmanager
async def _started(
    url: str, chosen: Settings, channels: registry.Channels, manual: Manual | None
) -> AsyncIterator[Runtime]:
    async with running(
        url,
        channels,
        base_url=chosen.base_url,
        manual=manual,
        runner=chosen.runner,
        lease=_step_lease(os.environ.get("BONGSU_STEP_LEASE", "")),
    ) as runtime:
        for name, how in unusable(runtime, channels).items():
            log.warning("channel.not_configured", channel=name, how=how)
        yield runtime


def _step_lease(text: str) -> timedelta:
    try:
        return claims.lease_of(text)
    except (ValueError, OverflowError):
        what = N_("BONGSU_STEP_LEASE={value} is no number of seconds of at least {least}")
        fail(t(what, value=text, least=f"{claims.SHORTEST_LEASE.total_seconds():.0f}"), 2)


def stop_signal() -> asyncio.Event:
    """Return what Ctrl-C or SIGTERM sets; another one later ends the process at once."""
    stop, loop, asked_at = asyncio.Event(), asyncio.get_running_loop(), list[float]()

    def asked(number: signal.Signals) -> None:
        asked_at.append(loop.time())
        if asked_at[-1] - asked_at[0] > SAME_REQUEST:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked, number)
    return stop


def _on_hangup(act: Callable[[], Awaitable[None]]) -> None:
    """Act on each SIGHUP, one after the other; a failure is logged and changes nothing."""
    turn, tasks = asyncio.Lock(), set[asyncio.Task[None]]()

    async def acted() -> None:
        async with turn:
            try:
                await act()
            except Exception as error:  # noqa: BLE001  the edge: the process goes on as it is
                log.error("manual.not_loaded", error=repr(error))  # noqa: TRY400  no traceback for a database that is away

    def asked() -> None:
        task = asyncio.ensure_future(acted())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked)


async def _reload(runtime: Runtime, chosen: Settings) -> None:
    """Load the manual's folder again; a broken one is refused and the running one stays."""
    try:
        manual = await runtime.reload(chosen.manual or bundled_manual())
    except (ManualError, UnreadableManual) as error:
        log.error("manual.refused", problems=error.show(language()))  # noqa: TRY400  the person's fault, no traceback
    else:
        log.info("manual.loaded", sha=manual.sha)


def _bind(host: str, port: int) -> socket.socket:
    """Take the address before anything is started, so that a taken one is said at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
        # Two may bind one address; only one may listen. Who connects from now on waits for us.
        listener.listen(BACKLOG)
    except OSError as error:
        fail(t("{host}:{port} can't be used: {error}", host=host, port=port, error=str(error)))
    return listener
