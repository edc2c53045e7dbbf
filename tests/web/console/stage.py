"""A whole process on a free port: the engine with all its workers, and the console in front."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
from tests.web.site import SEED

from bongsu.channels.message import Message, Receipt
from bongsu.engine.runtime import Runtime, running
from bongsu.manual.load import load
from bongsu.manual.schema.document import Manual
from bongsu.store import access
from bongsu.store.access import Role
from bongsu.store.alert_writer import AlertWriter
from bongsu.store.integrations import IntegrationKeys
from bongsu.web.access.passwords import hash_password
from bongsu.web.app import App, Server, create_app
from bongsu.web.console import Console, render_go
from bongsu.web.ingest import IngestApp

PASSWORD = "five beacons burn"
CAST: dict[str, Role] = {
    "visitor": "viewer",
    "backend-a": "responder",
    "pm": "commander",
    "root": "admin",
}


class Postman:
    """A channel that takes everything, or refuses what a test says."""

    def __init__(self, name: str) -> None:
        self.name, self.sent = name, list[tuple[str, Message]]()

    async def warm(self) -> None: ...

    async def send(self, message: Message, to: str) -> Receipt:
        self.sent.append((to, message))
        return Receipt(f"{self.name}-{len(self.sent)}")

    async def close(self) -> None: ...


@dataclass
class Stage:
    """What a test works with."""

    base_url: str
    runtime: Runtime
    app: App
    postmen: dict[str, Postman]


@asynccontextmanager
async def stage(
    database_url: str, port: int = 0, manual: Manual | None = None
) -> AsyncIterator[Stage]:
    """Serve for as long as the block runs, with one account per role and one password for all."""
    listener = socket.create_server(("127.0.0.1", port))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    postmen = {name: Postman(name) for name in ("slack", "email")}
    async with AsyncExitStack() as stack:
        manual = manual or await asyncio.to_thread(load, SEED)
        runtime = await stack.enter_async_context(
            running(database_url, postmen, base_url=base_url, manual=manual)
        )
        alerts = AlertWriter(lambda: asyncpg.connect(database_url), runtime.triage.take)
        await alerts.start()
        stack.push_async_callback(alerts.close)
        engine = runtime.engine
        app = create_app(
            engine,
            writer=runtime.writer,
            channels=postmen,
            console=Console(),
            render_go=render_go,
            reload=lambda: runtime.reload(SEED),
            ingest=lambda rest: IngestApp(
                alerts,
                IntegrationKeys(runtime.pool),
                engine.clock,
                lambda: engine.policy.manual,
                runtime.pool,
                rest,
            ),
        )
        await _cast(runtime)
        server = Server(app, log_level="warning", ws="none", timeout_graceful_shutdown=2)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield Stage(base_url, runtime, app, postmen)
        finally:
            server.should_exit = True
            await serving


async def _cast(runtime: Runtime) -> None:
    hashed = await asyncio.to_thread(hash_password, PASSWORD)
    async with runtime.pool.acquire() as conn:
        for login, role in CAST.items():
            now = runtime.engine.clock.now()
            await access.create_account(conn, login, role=role, now=now)
            await conn.execute("UPDATE accounts SET password = $2 WHERE login = $1", login, hashed)
