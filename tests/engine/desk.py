"""What a process does with signals, step by step, under the test's eyes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
from tests.incident.manuals import manual
from tests.waiting import until

from bongsu.engine.engine import Engine
from bongsu.engine.policy import Policy, compile_policy
from bongsu.engine.triage import Triage
from bongsu.incident import events as e
from bongsu.incident.alert import Alert, AlertStatus, ChangedAlert
from bongsu.incident.state import Incident
from bongsu.signals.alert import labels_json
from bongsu.store import incidents
from bongsu.store.alert_writer import AlertWriter
from bongsu.store.database import Pool
from bongsu.store.signals import Signal

POLICY = compile_policy(
    manual(
        signals={
            "severity_words": {"critical": "P0", "quiet": "P3"},
            "default": {"severity": "P2", "group_by": ["group"]},
            "reopen_within": "30m",
        }
    )
)
START = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)


def alert(
    key: str, status: AlertStatus = "firing", group: str = "g", severity: str = "critical"
) -> Alert:
    labels = {"alertname": key, "group": group}
    return Alert(
        key=key, status=status, labels=labels, labels_json=labels_json(labels).decode(),
        summary=f"{key} is broken", severity_word=severity,
    )  # fmt: skip


class Desk:
    """One process's writer, triage and engine; several desks may share a database."""

    def __init__(self, pool: Pool, url: str, policy: Policy = POLICY) -> None:
        self.pool = pool
        self.clock = HandClock()
        self.engine = Engine(pool, policy, self.clock)
        self.triage = Triage(self.engine)
        self._url = url

    async def write(self, *sent: Alert) -> list[ChangedAlert]:
        """Make alerts durable as one signal; returns what they changed."""
        changed: list[ChangedAlert] = []
        writer = AlertWriter(lambda: asyncpg.connect(self._url), changed.extend)
        await writer.start()
        await writer.write(Signal(self.clock.now(), "prometheus", "generic", b"{}"), sent)
        await writer.close()
        return changed

    async def receive(self, *sent: Alert) -> None:
        """Take a signal all the way into its incidents."""
        await self.triage.triage(await self.write(*sent))

    async def look(self) -> None:
        """Let the timers run until no incident is overdue.

        One look passes over an incident that somebody is just writing to, as a courier with its
        receipt; a process looks again.
        """

        async def looked() -> bool:
            await self.engine.look()
            async with self.pool.acquire() as conn:
                at = await incidents.next_look(conn)
            return at is None or at > self.clock.now()

        await until(looked)

    async def incident(self, incident_id: int) -> Incident:
        async with self.pool.acquire() as conn:
            found = await incidents.load(conn, incident_id)
        assert found is not None
        return found

    async def only(self) -> Incident:
        """Return the one incident that there is."""
        ids = await self.pool.fetch("SELECT id FROM incidents")
        assert len(ids) == 1, ids
        return await self.incident(ids[0]["id"])

    async def log(self, incident_id: int | str) -> Sequence[e.Event]:
        async with self.pool.acquire() as conn:
            return await incidents.log(conn, int(incident_id))

    async def count(self, table: str, where: str = "true") -> int:
        return int(await self.pool.fetchval(f"SELECT count(*) FROM {table} WHERE {where}"))
