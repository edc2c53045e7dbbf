"""How late a deadline is seen to, with no other open incident and with 100,000 of them.

A deadline here is the minute at which a P0 that nobody has answered is escalated. Its lateness
ends when the next person's page is durable, which is when it is handed to the channel.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bongsu.channels.message import Channel, Message, Receipt  # noqa: E402  the path is set above
from bongsu.engine.advance import Step, advance  # noqa: E402  the lines above must come first
from bongsu.engine.policy import compile_policy  # noqa: E402  the lines above must come first
from bongsu.engine.runtime import Runtime, running  # noqa: E402  the lines above must come first
from bongsu.incident import events as e  # noqa: E402  the lines above must come first
from bongsu.incident.state import Incident  # noqa: E402  the lines above must come first
from bongsu.manual.load import load  # noqa: E402  the lines above must come first
from bongsu.store import incidents  # noqa: E402  the lines above must come first
from bongsu.store.embedded import start_embedded  # noqa: E402  the lines above must come first

MANUAL = load(ROOT / "manuals" / "korea-public-data")
POLICY = compile_policy(MANUAL)
ESCALATES_AFTER = timedelta(minutes=3)
"""by the manual: when the second person is paged"""
FAR = timedelta(hours=6)
AT_ONCE = 2_000
LEAD = 8.0
"""seconds until the first deadline: all of them are written before, and the disk is at rest"""


class Silent:
    """A channel that takes every message at once."""

    name = "silent"
    places = 1_000

    async def warm(self) -> None:
        """Nothing has to be connected."""

    async def send(self, message: Message, to: str) -> Receipt:  # noqa: ARG002  the protocol's
        """Take it."""
        return Receipt("taken")

    async def close(self) -> None:
        """Nothing is open."""


def waiting(number: int, opened_at: datetime) -> Step:
    """A P0 whose first page has just gone out unanswered."""
    opened = e.Opened(f"INC-{number}", "Search is slow", "P0", opened_at, manual=MANUAL.sha)
    return advance(POLICY, Incident(str(number)), e.SYSTEM, [opened], opened_at)


async def fill(runtime: Runtime, steps: Sequence[Step], look_at: datetime | None = None) -> None:
    """Write incidents as they are, without sending what they asked for."""
    async with runtime.pool.acquire() as conn, conn.transaction():
        written = [(one.incident, one.events, look_at or one.look_at) for one in steps]
        columns = await incidents.columns(conn, written)
        await conn.execute(incidents.SAVE, *columns[:19])
        await conn.execute(incidents.APPEND, *columns[19:])


async def fill_many(runtime: Runtime, count: int) -> None:
    """Write incidents whose next deadline lies far ahead."""
    now = datetime.now(UTC)
    for first in range(1, count + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, count + 1))
        await fill(runtime, [waiting(n, now) for n in numbers], now + FAR)
    await runtime.pool.execute("ANALYZE incidents; ANALYZE events")
    await runtime.pool.execute("CHECKPOINT")


async def lateness(runtime: Runtime, first: int, timers: int, seconds: float) -> list[float]:
    """Let deadlines come due at random times; returns how late each was seen to, in seconds."""
    lots, found, due_at = random.Random(timers), list[float](), dict[str, datetime]()
    begins = datetime.now(UTC) + timedelta(seconds=LEAD)
    steps = []
    for number in range(first, first + timers):
        due = begins + timedelta(seconds=lots.uniform(0, seconds))
        steps.append(waiting(number, due - ESCALATES_AFTER))
        due_at[str(number)] = due
    all_seen = asyncio.Event()

    def committed(written: Sequence[Step]) -> None:
        now = datetime.now(UTC)
        for step in written:
            pages = any(isinstance(event.body, e.Paged) for event in step.events)
            if pages and (due := due_at.pop(step.incident.id, None)):
                found.append((now - due).total_seconds())
        if not due_at:
            all_seen.set()

    runtime.engine.committed = committed
    soon = [one for one in steps if one.look_at is not None]
    assert len(soon) == timers
    await fill(runtime, soon)
    await asyncio.wait_for(all_seen.wait(), seconds + 60)
    return sorted(found)


def shown(name: str, late: Sequence[float]) -> str:
    """Return one line of the report."""
    middle, high = late[len(late) // 2], late[int(len(late) * 0.99)]
    return (
        f"{name:28} {len(late):5} deadlines   p50 {middle * 1000:6.1f} ms"
        f"   p99 {high * 1000:6.1f} ms   worst {late[-1] * 1000:6.1f} ms"
    )


async def main(count: int, timers: int, seconds: float) -> None:
    """Measure both ways in one run."""
    os.environ.pop("BONGSU_DATABASE_URL", None)
    channels: dict[str, Channel] = dict.fromkeys(
        ("slack", "email", "sms", "kakao", "call"), Silent()
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # PostgreSQL's own user must get in  # noqa: PTH101
        server = start_embedded(Path(folder) / "pg")
        try:
            async with running(
                server.url, channels, base_url="http://127.0.0.1", manual=MANUAL
            ) as runtime:
                await lateness(runtime, 10_000_000, 20, 1)
                alone = await lateness(runtime, 11_000_000, timers, seconds)
                print(shown("no other open incident", alone), flush=True)
                await fill_many(runtime, count)
                among = await lateness(runtime, 12_000_000, timers, seconds)
                print(shown(f"{count:,} open incidents", among))
        finally:
            server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--timers", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    uvloop.run(main(given.incidents, given.timers, given.seconds))
