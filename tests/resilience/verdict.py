"""What the database and the sinks say after a storm of kills."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.resilience.sinks import Sinks
from tests.resilience.storm import CHANNELS, Kill, Sender, Sent

from bongsu.store.database import PoolConnection

HEARD_LATE = 2.0
"""seconds after a kill in which what was sent before it may still be on its way to a sink"""
EVENTS = """
SELECT incident, kind, body FROM events
WHERE kind IN ('delivery_due', 'delivered', 'delivery_failed', 'delivery_withdrawn')
ORDER BY incident, seq"""


@dataclass
class Verdict:
    """The figures; every list of what is missing must be empty."""

    accepted: int = 0
    signals_lost: list[str] = field(default_factory=list)
    alerts_wrong: list[str] = field(default_factory=list)
    incidents: int = 0
    due: int = 0
    delivered: int = 0
    withdrawn: int = 0
    failed: int = 0
    unended: list[str] = field(default_factory=list)
    """deliveries whose end is on no timeline, or on it twice"""
    unseen: list[str] = field(default_factory=list)
    """deliveries that are said to have arrived, but never did"""
    unasked: list[str] = field(default_factory=list)
    """arrivals that no timeline asked for"""
    uncalled: list[str] = field(default_factory=list)
    """accepted signals for which somebody was never called"""
    repeated: dict[str, int] = field(default_factory=dict)
    per_kill: Counter[int] = field(default_factory=Counter)
    """the number of a kill → deliveries repeated across it"""
    across_none: list[str] = field(default_factory=list)
    """repeated although nothing was killed between"""
    lateness: list[float] = field(default_factory=list)
    """seconds from 2xx to the first page, for each signal that opened an incident and channel"""


async def judge(
    conn: PoolConnection, sender: Sender, sinks: Sinks, kills: Sequence[Kill]
) -> Verdict:
    """Compare what was promised with what is there."""
    verdict = Verdict(accepted=len(sender.accepted))
    verdict.incidents = await conn.fetchval("SELECT count(*) FROM incidents")
    await _signals(conn, verdict, sender.accepted)
    await _deliveries(conn, verdict, sinks)
    _pages(verdict, sender.accepted, sinks)
    _repeats(verdict, sinks, kills)
    return verdict


async def _signals(conn: PoolConnection, verdict: Verdict, accepted: Sequence[Sent]) -> None:
    raw = "\n".join(bytes(row[0]).decode() for row in await conn.fetch("SELECT raw FROM signals"))
    verdict.signals_lost = [sent.mark for sent in accepted if sent.mark not in raw]
    rows = {row["key"]: row for row in await conn.fetch("SELECT key, status, count FROM alerts")}
    last = {sent.key: sent.status for sent in accepted}
    times = Counter(sent.key for sent in accepted)
    for key, status in last.items():
        row = rows.get(key)
        if row is None or row["status"] != status or row["count"] < times[key]:
            verdict.alerts_wrong.append(f"{key}: {status} {times[key]} times, but {row}")


async def _deliveries(conn: PoolConnection, verdict: Verdict, sinks: Sinks) -> None:
    due: set[str] = set()
    ends: dict[str, list[str]] = defaultdict(list)
    for row in await conn.fetch(EVENTS):
        name = f"{row['incident']}/{json.loads(row['body'])['delivery']}"
        if row["kind"] == "delivery_due":
            due.add(name)
        else:
            ends[name].append(row["kind"])
    seen = sinks.times()
    counted = Counter(end for kinds in ends.values() for end in kinds)
    verdict.due, verdict.delivered = len(due), counted["delivered"]
    verdict.withdrawn, verdict.failed = counted["delivery_withdrawn"], counted["delivery_failed"]
    verdict.unended = [f"{name}: {ends[name]}" for name in due if len(ends[name]) != 1]
    verdict.unseen = [n for n, kinds in ends.items() if "delivered" in kinds and n not in seen]
    verdict.unasked = [name for name in seen if name not in due]


def _pages(verdict: Verdict, accepted: Iterable[Sent], sinks: Sinks) -> None:
    """The first signal of each beacon opens its incident: both people must have been called."""
    opened: dict[str, float] = {}
    for sent in accepted:
        opened.setdefault(sent.beacon, sent.at)
    first: dict[tuple[str, str], float] = {}
    for one in sinks.arrivals:
        if not one.notice:
            first.setdefault((one.beacon, one.channel), one.at)
    for beacon, at in opened.items():
        for channel in CHANNELS:
            if (beacon, channel) in first:
                verdict.lateness.append(first[beacon, channel] - at)
            else:
                verdict.uncalled.append(f"{beacon} {channel}")


def _repeats(verdict: Verdict, sinks: Sinks, kills: Sequence[Kill]) -> None:
    """Each repeat is charged to the kill that lies nearest after the arrival that it repeats."""
    for name, times in sinks.times().items():
        if len(times) == 1:
            continue
        verdict.repeated[name] = len(times) - 1
        for before, after in pairwise(times):
            between = [n for n, kill in enumerate(kills) if before - HEARD_LATE < kill.at < after]
            if between:
                verdict.per_kill[between[0]] += 1
            else:
                verdict.across_none.append(f"{name} at {before:.2f} and {after:.2f}")
