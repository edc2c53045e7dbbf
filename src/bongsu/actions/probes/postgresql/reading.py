"""What PostgreSQL's answers mean: findings and numbers. Plain values in, plain values out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from bongsu.actions.probes.database import MOST_ROWS, crowded, statement
from bongsu.actions.probes.outcome import bounded, found, said, seconds
from bongsu.actions.probes.postgresql import replication
from bongsu.actions.probes.postgresql.statements import Rows
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding
from bongsu.manual.schema.diagnosis import DatabaseProbe

IDLE_LONG_S = 60.0
"""an open transaction that does nothing for so long holds locks and hinders vacuum"""
WAITING_S = 1.0
"""a shorter wait for a lock is the usual course of things"""
WRAPAROUND_NEAR = 1_500_000_000
"""transactions since the oldest freeze; at 2.1 thousand millions PostgreSQL refuses to write"""

Row = dict[str, Any]


class Answers:
    """The rows of one look."""

    def __init__(self, rows: Rows, probe: DatabaseProbe) -> None:
        self._rows = rows
        self._probe = probe

    def _of(self, name: str) -> list[Row]:
        rows = self._rows.get(name, [])
        return rows if isinstance(rows, list) else []

    @cached_property
    def _server(self) -> Row:
        return next(iter(self._of("server")), {})

    @cached_property
    def _states(self) -> Counter[str]:
        states: Counter[str] = Counter()
        for row in self._of("connections"):
            states[row["state"]] += row["connections"]
        return states

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong or worth knowing."""
        yield from self._crowded()
        yield from self._waits()
        yield from self._slow()
        yield from self._idle_in_transaction()
        lag_s = self._probe.lag_over.total_seconds()
        standbys = str(self._server.get("synchronous_standbys", ""))
        yield from replication.replicas(self._of("replicas"), standbys, lag_s)
        yield from replication.slots(self._of("slots"))
        yield from replication.receiving(self._of("receiving"), lag_s)
        yield from self._old()
        yield from self._deadlocks()
        yield from self._not_seen()

    def evidence(self, command: str) -> Evidence:
        """Return who has how many connections, and the numbers."""
        lines = [
            f"{row['connections']:>5}  {row['application']}  {row['user']}  {row['state']}"
            for row in self._of("connections")[:MOST_ROWS]
        ]
        return Evidence(command, bounded("\n".join(lines)), self._numbers())

    def _numbers(self) -> dict[str, float]:
        states = self._states
        idle = sum(n for state, n in states.items() if state.startswith("idle in transaction"))
        numbers = {
            "connections": float(states.total()),
            "limit": float(self._limit),
            "active": float(states["active"]),
            "idle": float(states["idle"]),
            "idle_in_transaction": float(idle),
            "waiting_for_locks": float(len({row["pid"] for row in self._of("waits")})),
            "replicas": float(len(self._of("replicas"))),
            "deadlocks": float(self._server.get("deadlocks") or 0),
        }
        longest = max((row["runs_s"] or 0.0 for row in self._active()), default=0.0)
        return {**numbers, "longest_statement_s": round(longest, 3)}

    @property
    def _limit(self) -> int:
        """What is left to those who are no superuser."""
        return int(self._server.get("max_connections", 0) - self._server.get("reserved", 0))

    def _crowded(self) -> list[Finding]:
        lines = [
            f"{row['connections']:>5}  {row['application']}  {row['user']}  {row['state']}"
            for row in self._of("connections")[:MOST_ROWS]
        ]
        numbers = {"connections": float(self._states.total()), "limit": float(self._limit)}
        evidence = Evidence(output=bounded("\n".join(lines)), numbers=numbers)
        used = self._states.total()
        return crowded("postgresql", used, self._limit, self._probe.connections_over, evidence)

    def _waits(self) -> Iterator[Finding]:
        """Name each session that holds others up and waits for nobody itself."""
        waits = [row for row in self._of("waits") if (row["waits_s"] or 0.0) >= WAITING_S]
        roots: dict[int, list[Row]] = {}
        for row in waits:
            if row["root"]:
                roots.setdefault(row["blocker"], []).append(row)
        for blocker, held in list(roots.items())[:MOST_ROWS]:
            yield _holds_up(blocker, held, len({row["pid"] for row in waits}))

    def _active(self) -> list[Row]:
        return [row for row in self._of("busy") if row["state"] == "active"]

    def _slow(self) -> Iterator[Finding]:
        """Statements that run long by themselves; those that wait for a lock are told there."""
        slow_s = self._probe.slow_over.total_seconds()
        slow = [
            row
            for row in self._active()
            if (row["runs_s"] or 0.0) > slow_s and row["waits_for"] != "Lock"
        ]
        if not slow:
            return
        text = N_("{count} statements run longer than {limit}, the longest for {longest}: {query}")
        says = said(
            text, count=len(slow), limit=seconds(slow_s), longest=seconds(slow[0]["runs_s"]),
            query=statement(slow[0]["query"]),
        )  # fmt: skip
        lines = [
            f"pid {row['pid']}  {seconds(row['runs_s'])}  {row['application']}  "
            f"{statement(row['query'])}"
            for row in slow[:MOST_ROWS]
        ]
        numbers = {"count": float(len(slow)), "longest_s": round(slow[0]["runs_s"], 3)}
        evidence = Evidence(output=bounded("\n".join(lines)), numbers=numbers)
        subject = f"pid/{slow[0]['pid']}"
        yield found(
            "postgresql_slow_query", "degraded", says, weight=0.6, subject=subject,
            evidence=evidence,
        )  # fmt: skip

    def _idle_in_transaction(self) -> Iterator[Finding]:
        idle = [
            row
            for row in self._of("busy")
            if (row["state"] or "").startswith("idle in transaction")
            and (row["idle_s"] or 0.0) > IDLE_LONG_S
        ]
        if not idle:
            return
        oldest = max(row["idle_s"] for row in idle)
        text = N_("{count} open transactions do nothing, the oldest for {oldest} ({application})")
        says = said(
            text, count=len(idle), oldest=seconds(oldest), application=idle[0]["application"]
        )
        numbers = {"count": float(len(idle)), "oldest_s": round(oldest, 3)}
        evidence = Evidence(output=statement(idle[0]["query"]), numbers=numbers)
        yield found(
            "postgresql_idle_in_transaction", "degraded", says, weight=0.5, evidence=evidence
        )

    def _old(self) -> Iterator[Finding]:
        age = self._server.get("transaction_age") or 0
        if age > WRAPAROUND_NEAR:
            text = N_(
                "vacuum is {age} transactions behind; at 2,100,000,000 nothing can be written"
            )
            says = said(text, age=f"{age:,}")
            evidence = Evidence(numbers={"transactions": float(age)})
            yield found(
                "postgresql_wraparound_near", "degraded", says, weight=0.8, evidence=evidence
            )

    def _deadlocks(self) -> Iterator[Finding]:
        count = self._server.get("deadlocks") or 0
        if count:
            says = said(N_("{count} deadlocks since its statistics began"), count=count)
            evidence = Evidence(numbers={"deadlocks": float(count)})
            yield found("postgresql_deadlocks", "healthy", says, weight=0.3, evidence=evidence)

    def _not_seen(self) -> Iterator[Finding]:
        for name, why in self._rows.items():
            if isinstance(why, str):
                text = N_("a part could not be read ({part}): {why}")
                says = said(text, part=name, why=bounded(why, 200))
                yield found("postgresql_not_seen", "unknown", says, weight=0.2, subject=name)


def _holds_up(blocker: int, held: list[Row], waiting: int) -> Finding:
    first = held[0]
    text = N_(
        "pid {blocker} ({state}, {application}) blocks {count} statements, {waits} by now: {query}"
    )
    says = said(
        text, blocker=blocker, state=first["blocker_state"],
        application=first["blocker_application"], count=len(held),
        waits=seconds(first["waits_s"]), query=statement(first["blocker_query"]),
    )  # fmt: skip
    lines = [
        f"pid {row['pid']} waits {seconds(row['waits_s'])} for pid {row['blocker']}: "
        f"{statement(row['query'])}"
        for row in held[:MOST_ROWS]
    ]
    numbers = {"waiting": float(waiting), "longest_wait_s": round(first["waits_s"], 3)}
    return found(
        "postgresql_lock_wait", "degraded", says, weight=0.8, subject=f"pid/{blocker}",
        evidence=Evidence(output=bounded("\n".join(lines)), numbers=numbers),
    )  # fmt: skip
