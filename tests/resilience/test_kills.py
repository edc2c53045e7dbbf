"""Nothing is lost: a hundred SIGKILLs of server, worker and PostgreSQL while signals come in."""

from __future__ import annotations

import asyncio
import os
import random
import statistics

import pytest
from tests.resilience.processes import House, tell
from tests.resilience.sinks import Sinks
from tests.resilience.storm import Kill, Killer, Sender, quiet
from tests.resilience.verdict import Verdict, judge

from bongsu.store import auditing, integrations

SEED = int(os.environ.get("BONGSU_TEST_SEED", "20250814"))
KILLS = int(os.environ.get("BONGSU_TEST_KILLS", "102"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_hundred_kills_lose_nothing_and_repeat_at_most_one_delivery_each(
    house: House, sinks: Sinks, capsys: pytest.CaptureFixture[str]
):
    lots = random.Random(SEED)
    sinks._pause = lambda: lots.uniform(0, 0.03)
    server, worker = house.server(), house.worker()
    server.start()
    await server.ready()
    async with house.connection() as conn:
        assert await conn.fetchval("SHOW fsync") == "on"
        key = await integrations.issue_key(conn, "generic")
    worker.start()

    sender = Sender(sinks, [f"{server.url}/in/{key}/signal"], random.Random(lots.random()))
    killer = Killer(house, server, worker, random.Random(lots.random()))
    sending = asyncio.create_task(sender.run())
    await killer.run(KILLS)
    sender.stopping = True
    await sending
    rest = await quiet(house)

    async with house.connection() as conn:
        verdict = await judge(conn, sender, sinks, killer.kills)
        audited, breaks = await auditing.verify(conn, None)
    tell(capsys, report(verdict, killer.kills, sender, rest, audited))
    (house.folder / "verdict").write_text(repr(verdict))

    assert verdict.accepted > KILLS, "too little was sent for the kills to meet anything"
    assert not verdict.signals_lost
    assert not verdict.alerts_wrong
    assert not verdict.unended
    assert not verdict.unseen
    assert not verdict.unasked
    assert not verdict.uncalled
    assert not verdict.across_none, "repeated although nothing was killed"
    assert not breaks
    assert sum(verdict.repeated.values()) <= len(killer.kills)


def report(verdict: Verdict, kills: list[Kill], sender: Sender, rest: float, audited: int) -> str:
    """Return the figures, for whoever reads the test's output."""
    kinds = {what: sum(k.what == what for k in kills) for what in ("server", "worker", "postgres")}
    repeats = dict.fromkeys(kinds, 0)
    for number, count in verdict.per_kill.items():
        repeats[kills[number].what] += count
    late = sorted(verdict.lateness)
    p99 = late[int(len(late) * 0.99)]
    most = max(verdict.per_kill.values(), default=0)
    lines = {
        "kills": f"{len(kills)} {kinds}, seed {SEED}",
        "signals": f"{verdict.accepted} answered 2xx, {len(verdict.signals_lost)} lost",
        "sent again": f"{dict(sender.failed)}: not answered 2xx",
        "incidents": f"{verdict.incidents}, {audited} entries of their logs audited",
        "deliveries": f"{verdict.due} asked for: {verdict.delivered} delivered,"
        f" {verdict.withdrawn} withdrawn, {verdict.failed} failed",
        "missing": f"{len(verdict.unseen) + len(verdict.unended)}",
        "repeated": f"{sum(verdict.repeated.values())} {repeats}, at most {most} for one kill",
        "signal → page": f"p50 {statistics.median(late):.2f} s, p99 {p99:.2f} s,"
        f" worst {late[-1]:.2f} s",
        "at rest after": f"{rest:.1f} s",
    }
    return "\n".join(f"    {name:<14} {text}" for name, text in lines.items())
