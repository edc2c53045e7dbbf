"""The way in, on a real database: a writer, the app before it, a server for real senders."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
import uvicorn
from tests.waiting import PATIENCE

from bongsu.incident.alert import ChangedAlert
from bongsu.manual.load import load
from bongsu.manual.schema.document import Manual
from bongsu.store import alert_writer
from bongsu.store import alerts as store
from bongsu.store.alert_writer import AlertWriter
from bongsu.store.database import Pool
from bongsu.store.integrations import IntegrationKeys, issue_key
from bongsu.web.ingest import IngestApp
from bongsu.web.ingest_protocol import SignalProtocol

SEED = Path(__file__).parents[2] / "manuals" / "korea-public-data"
NOW = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)


class WallClock:
    """The machine's, for senders that have one of their own."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class WayIn:
    """The app with everything behind it, and what it handed on."""

    pool: Pool
    writer: AlertWriter
    keys: IntegrationKeys
    app: IngestApp
    key: dict[str, str]
    """by format, a key of an integration that may send it"""
    client: httpx.AsyncClient
    changed: list[ChangedAlert] = field(default_factory=list)

    async def alerts(self) -> list[ChangedAlert]:
        """Return every alert that is kept, in the order of its first signal."""
        rows = await self.pool.fetch("SELECT id FROM alerts ORDER BY first_seen, summary")
        async with self.pool.acquire() as conn:
            found = {one.id: one for one in await store.find(conn, [r["id"].hex for r in rows])}
        return [found[row["id"].hex] for row in rows]

    async def outcomes(self) -> list[str]:
        """Return what became of each signal."""
        rows = await self.pool.fetch("SELECT outcome FROM signals ORDER BY id")
        return [row["outcome"] for row in rows]


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine be none of what is tested; who tests a limit sets it."""
    monkeypatch.setattr(alert_writer, "PATIENCE", PATIENCE)
    monkeypatch.setattr(alert_writer, "STATEMENT_TIMEOUT", PATIENCE)


@pytest.fixture(scope="session")
def seed() -> Manual:
    return load(SEED)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextlib.asynccontextmanager
async def way_in(
    pool: Pool, url: str, manual: Manual, clock: Clock | WallClock
) -> AsyncIterator[WayIn]:
    """Open the way in for as long as the block runs."""
    changed: list[ChangedAlert] = []
    writer = AlertWriter(functools.partial(asyncpg.connect, url), changed.extend)
    await writer.start()
    keys = IntegrationKeys(pool)
    app = IngestApp(writer, keys, clock, lambda: manual, pool)
    transport = httpx.ASGITransport(app)
    async with (
        pool.acquire() as conn,
        httpx.AsyncClient(transport=transport, base_url="http://bongsu") as client,
    ):
        by_format: dict[str, str] = {
            name: await issue_key(conn, integration)
            for integration, known in manual.signals.integrations.items()
            for name in known.formats
        }
        yield WayIn(pool, writer, keys, app, by_format, client, changed)
    await writer.close()


@pytest.fixture
async def entrance(
    pool: Pool, database_url: str, seed: Manual, clock: Clock
) -> AsyncIterator[WayIn]:
    """The app, called in this process, with the test's clock."""
    async with way_in(pool, database_url, seed, clock) as opened:
        yield opened


@dataclass
class Served:
    """The way in as a server on a real port."""

    entrance: WayIn
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def serving(opened: WayIn, certificate: Path | None = None) -> AsyncIterator[Served]:
    """Serve the app with uvicorn; a file with a certificate and its key makes it TLS."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        opened.app, log_level="critical", lifespan="off", access_log=False,
        ssl_certfile=certificate,
        http=functools.partial(SignalProtocol, opened.app.short),  # type: ignore[arg-type]  # it makes one
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Served(opened, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.fixture
async def served(pool: Pool, database_url: str, seed: Manual) -> AsyncIterator[Served]:
    """The app as a server, on the machine's clock."""
    async with way_in(pool, database_url, seed, WallClock()) as opened, serving(opened) as server:
        yield server


def iso(at: datetime) -> str:
    """Write a time as Go does."""
    return at.isoformat().replace("+00:00", "Z")


def posted(
    name: str = "BackendDown",
    starts: datetime | None = None,
    ends: datetime | None = None,
    **labels: str,
) -> dict[str, object]:
    """An alert as Prometheus posts it."""
    alert: dict[str, object] = {
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {"summary": f"{name} {labels.get('instance', '')}".strip()},
        "generatorURL": "http://prometheus:9090/graph",
    }
    if starts is not None:
        alert["startsAt"] = iso(starts)
    if ends is not None:
        alert["endsAt"] = iso(ends)
    return alert


def summaries(alerts: Sequence[ChangedAlert]) -> list[tuple[str, str]]:
    """What changed, shortly."""
    return [(alert.summary, alert.status) for alert in alerts]
