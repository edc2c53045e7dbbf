"""What Redis' answers mean: findings and numbers. Plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from bongsu.actions.probes.database import MOST_ROWS, crowded, statement
from bongsu.actions.probes.outcome import bounded, found, percent, said, seconds
from bongsu.actions.probes.redis import replication
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding
from bongsu.manual.schema.diagnosis import DatabaseProbe

RECENT_S = 900
"""how old an entry of the slow log may be to say something of now"""
SLOW_US = 100_000
"""one operation of 0.1 s is ten thousand usual ones that waited: Redis does one at a time"""
FULL = 0.99
NEARLY_FULL = 0.9
"""shares of ``maxmemory``; only where nothing is evicted, for a full cache is a good one"""
MIB = 1024 * 1024


class Read(NamedTuple):
    """What was answered."""

    info: dict[str, Any]
    slow: list[dict[str, Any]]
    """of the slow log: ``start_time`` (Unix time), ``duration`` (µs), ``command``"""
    now: int | None
    """Redis' own Unix time"""
    max_clients: int
    not_seen: dict[str, str]
    """command → why it was refused"""


class Answers:
    """The answers of one look."""

    def __init__(self, read: Read, probe: DatabaseProbe) -> None:
        self._read = read
        self._info = read.info
        self._probe = probe

    def _number(self, name: str) -> float:
        value = self._info.get(name, 0)
        return float(value) if isinstance(value, int | float) else 0.0

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong or worth knowing."""
        yield from self._loading()
        yield from self._clients()
        yield from self._memory()
        yield from self._slow()
        yield from replication.findings(self._info, self._probe.lag_over.total_seconds())
        yield from self._saving()
        yield from self._not_seen()

    def evidence(self, command: str) -> Evidence:
        """Return the lines of INFO that the findings rest on, and the numbers."""
        shown = (
            "redis_version", "role", "uptime_in_seconds", "connected_clients", "blocked_clients",
            "used_memory_human", "maxmemory_human", "maxmemory_policy", "evicted_keys",
            "rejected_connections", "instantaneous_ops_per_sec", "master_link_status",
        )  # fmt: skip
        lines = [f"{name}:{self._info[name]}" for name in shown if name in self._info]
        return Evidence(command, bounded("\n".join(lines)), self._numbers())

    def _numbers(self) -> dict[str, float]:
        return {
            "clients": self._number("connected_clients"),
            "limit": float(self._read.max_clients),
            "blocked": self._number("blocked_clients"),
            "rejected": self._number("rejected_connections"),
            "memory_bytes": self._number("used_memory"),
            "memory_limit_bytes": self._number("maxmemory"),
            "evicted_keys": self._number("evicted_keys"),
            "operations_per_s": self._number("instantaneous_ops_per_sec"),
        }

    def _loading(self) -> Iterator[Finding]:
        if self._info.get("loading"):
            share = percent(self._number("loading_loaded_perc") / 100)
            says = said(
                N_("it is still loading its data ({share}, {left} left)"), share=share,
                left=seconds(self._number("loading_eta_seconds")),
            )  # fmt: skip
            yield found("redis_loading", "unhealthy", says, weight=1.0)

    def _clients(self) -> Iterator[Finding]:
        used, limit = int(self._number("connected_clients")), self._read.max_clients
        numbers = {"clients": float(used), "limit": float(limit)}
        evidence = Evidence(numbers=numbers)
        yield from crowded("redis", used, limit, self._probe.connections_over, evidence)
        rejected = int(self._number("rejected_connections"))
        if rejected:
            text = N_("{count} clients were turned away since it was started")
            evidence = Evidence(numbers={"rejected": float(rejected)})
            says = said(text, count=rejected)
            yield found(
                "redis_rejected_connections", "healthy", says, weight=0.4, evidence=evidence
            )

    def _memory(self) -> Iterator[Finding]:
        used, limit = self._number("used_memory"), self._number("maxmemory")
        evicts = self._info.get("maxmemory_policy", "noeviction") != "noeviction"
        share = used / limit if limit else 0.0
        values = {"used": round(used / MIB, 1), "limit": round(limit / MIB, 1)}
        evidence = Evidence(numbers={"memory_bytes": used, "memory_limit_bytes": limit})
        if share >= FULL and not evicts:
            text = N_("its memory is full ({used} of {limit} MiB): writes are refused")
            yield found("redis_memory_full", "unhealthy", said(text, **values), weight=1.0,
                        evidence=evidence)  # fmt: skip
        elif share >= NEARLY_FULL and not evicts:
            text = N_("its memory is nearly full ({used} of {limit} MiB), and nothing is evicted")
            yield found("redis_memory_high", "degraded", said(text, **values), weight=0.7,
                        evidence=evidence)  # fmt: skip
        else:
            yield from self._machine(used)

    def _machine(self, used: float) -> Iterator[Finding]:
        """Without a limit of its own, the machine's memory is the limit."""
        there = self._number("total_system_memory")
        if self._number("maxmemory") or not there or used / there < NEARLY_FULL:
            return
        text = N_("it has no memory limit and uses {share} of the machine's memory")
        evidence = Evidence(numbers={"memory_bytes": used, "machine_bytes": there})
        says = said(text, share=percent(used / there))
        yield found("redis_memory_high", "degraded", says, weight=0.8, evidence=evidence)

    def _slow(self) -> Iterator[Finding]:
        now = self._read.now
        slow = [
            one
            for one in self._read.slow
            if one["duration"] >= SLOW_US and (now is None or now - one["start_time"] <= RECENT_S)
        ]
        if not slow:
            return
        worst = max(slow, key=lambda one: int(one["duration"]))
        text = N_("{count} slow operations in the last {span}, the slowest took {took}: {command}")
        says = said(
            text, count=len(slow), span=seconds(RECENT_S), took=seconds(worst["duration"] / 1e6),
            command=statement(worst["command"]),
        )  # fmt: skip
        lines = [
            f"{seconds(one['duration'] / 1e6)}  {statement(one['command'])}"
            for one in slow[:MOST_ROWS]
        ]
        numbers = {"count": float(len(slow)), "longest_s": worst["duration"] / 1e6}
        evidence = Evidence(output=bounded("\n".join(lines)), numbers=numbers)
        yield found("redis_slow_operations", "degraded", says, weight=0.6, evidence=evidence)

    def _saving(self) -> Iterator[Finding]:
        if self._info.get("aof_last_write_status") == "err":
            says = said(N_("it can't write its log to the disk: writes are refused"))
            yield found("redis_cannot_save", "unhealthy", says, weight=0.9)
        elif self._info.get("rdb_last_bgsave_status") == "err":
            says = said(N_("it can't save its data to the disk"))
            yield found("redis_cannot_save", "degraded", says, weight=0.7)

    def _not_seen(self) -> Iterator[Finding]:
        for name, why in self._read.not_seen.items():
            says = said(
                N_("a part could not be read ({part}): {why}"), part=name, why=bounded(why, 200)
            )
            yield found("redis_not_seen", "unknown", says, weight=0.2, subject=name)
