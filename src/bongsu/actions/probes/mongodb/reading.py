"""What MongoDB's answers mean: findings and numbers. Plain values in, plain values out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from bongsu.actions.probes.database import MOST_ROWS, crowded, statement
from bongsu.actions.probes.outcome import bounded, found, said, seconds
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding
from bongsu.manual.schema.diagnosis import DatabaseProbe

PRIMARY, SECONDARY, ARBITER = 1, 2, 7
"""states of a member"""
LONG_QUEUE = 100
"""operations that wait for a lock at once"""
OWN_NAMESPACES = ("local.", "admin.$cmd", "config.")


class Answers(NamedTuple):
    """What was answered; None for a server without a replica set."""

    status: Mapping[str, Any]
    operations: list[dict[str, Any]]
    members: Mapping[str, Any] | None
    not_seen: dict[str, str]
    """command → why it was refused"""


def evidence(answers: Answers, command: str) -> Evidence:
    """Return the members' states, and the numbers."""
    lines = [f"mongod {answers.status.get('version', '?')}"]
    if answers.members:
        lines += [f"{one.get('name')}  {one.get('stateStr')}" for one in _members(answers)]
    return Evidence(command, bounded("\n".join(lines)), _numbers(answers))


def findings(answers: Answers, probe: DatabaseProbe) -> Iterator[Finding]:
    """Yield what is wrong or worth knowing."""
    numbers = _numbers(answers)
    used, limit = int(numbers["connections"]), int(numbers["limit"])
    shown = Evidence(numbers={"connections": numbers["connections"], "limit": numbers["limit"]})
    yield from crowded("mongodb", used, limit, probe.connections_over, shown)
    yield from _queue(numbers)
    yield from _slow(answers.operations, probe)
    yield from _set(answers, probe.lag_over.total_seconds())
    for name, why in answers.not_seen.items():
        text = N_("a part could not be read ({part}): {why}")
        says = said(text, part=name, why=bounded(why, 200))
        yield found("mongodb_not_seen", "unknown", says, weight=0.2, subject=name)


def _numbers(answers: Answers) -> dict[str, float]:
    connections = answers.status.get("connections", {})
    current = float(connections.get("current", 0))
    queue = answers.status.get("globalLock", {}).get("currentQueue", {})
    return {
        "connections": current,
        "limit": current + float(connections.get("available", 0)),
        "active": float(connections.get("active", 0)),
        "queued": float(queue.get("total", 0)),
        "slow_operations": float(len(_theirs(answers.operations))),
    }


def _queue(numbers: Mapping[str, float]) -> Iterator[Finding]:
    if numbers["queued"] >= LONG_QUEUE:
        says = said(N_("{count} operations wait for locks"), count=int(numbers["queued"]))
        shown = Evidence(numbers={"queued": numbers["queued"]})
        yield found("mongodb_queue", "degraded", says, weight=0.7, evidence=shown)


def _theirs(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the server's own operations, such as replication, which run for ever."""
    return [
        one
        for one in operations
        if not str(one.get("ns", "")).startswith(OWN_NAMESPACES) and one.get("op") != "none"
    ]


def _slow(operations: list[dict[str, Any]], probe: DatabaseProbe) -> Iterator[Finding]:
    slow = sorted(_theirs(operations), key=_runs_s, reverse=True)
    if not slow:
        return
    text = N_("{count} operations run longer than {limit}, the longest for {longest}: {query}")
    says = said(
        text, count=len(slow), limit=seconds(probe.slow_over.total_seconds()),
        longest=seconds(_runs_s(slow[0])), query=_shown(slow[0]),
    )  # fmt: skip
    lines = [
        f"opid {one.get('opid')}  {seconds(_runs_s(one))}  {_shown(one)}"
        f"{'  waits for a lock' if one.get('waitingForLock') else ''}"
        for one in slow[:MOST_ROWS]
    ]
    waiting = sum(bool(one.get("waitingForLock")) for one in slow)
    numbers = {"count": float(len(slow)), "longest_s": _runs_s(slow[0]), "waiting": float(waiting)}
    shown = Evidence(output=bounded("\n".join(lines)), numbers=numbers)
    subject = f"opid/{slow[0].get('opid')}"
    yield found("mongodb_slow_operations", "degraded", says, weight=0.6, subject=subject,
                evidence=shown)  # fmt: skip


def _runs_s(operation: Mapping[str, Any]) -> float:
    return float(operation.get("secs_running", 0))


def _shown(operation: Mapping[str, Any]) -> str:
    command = json.dumps(operation.get("command", {}), default=str, ensure_ascii=False)
    return statement(f"{operation.get('ns', '')} {command}")


def _members(answers: Answers) -> list[dict[str, Any]]:
    return list((answers.members or {}).get("members", []))


def _set(answers: Answers, lag_over_s: float) -> Iterator[Finding]:
    members = _members(answers)
    primary = next((one for one in members if one.get("state") == PRIMARY), None)
    if members and primary is None:
        says = said(N_("the replica set has no primary: nothing can be written"))
        yield found("mongodb_no_primary", "unhealthy", says, weight=1.0)
    for one in members:
        yield from _member(one, primary, lag_over_s)


def _member(
    one: Mapping[str, Any], primary: Mapping[str, Any] | None, lag_over_s: float
) -> Iterator[Finding]:
    subject = f"member/{one.get('name')}"
    if one.get("state") not in (PRIMARY, SECONDARY, ARBITER) or not one.get("health", 1):
        text = N_("{member} of the replica set is {state}")
        says = said(text, member=one.get("name"), state=one.get("stateStr"))
        why = Evidence(output=bounded(str(one.get("lastHeartbeatMessage", "")), 300))
        yield found("mongodb_member_down", "degraded", says, weight=0.7, subject=subject,
                    evidence=why)  # fmt: skip
    elif primary is not None and (lag_s := _lag_s(one, primary)) > lag_over_s:
        says = said(N_("{replica} is {lag} behind"), replica=subject, lag=seconds(lag_s))
        yield found("mongodb_replication_lag", "degraded", says, weight=0.7, subject=subject,
                    evidence=Evidence(numbers={"lag_s": lag_s}))  # fmt: skip


def _lag_s(one: Mapping[str, Any], primary: Mapping[str, Any]) -> float:
    mine, its = one.get("optimeDate"), primary.get("optimeDate")
    if one.get("state") != SECONDARY or not isinstance(mine, datetime):
        return 0.0
    return max((its - mine).total_seconds(), 0.0) if isinstance(its, datetime) else 0.0
