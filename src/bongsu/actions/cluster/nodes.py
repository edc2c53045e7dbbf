"""Nodes: not ready, short of something, or taken out of service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bongsu.actions.cluster.objects import Condition, Node
from bongsu.actions.cluster.trouble import Trouble
from bongsu.actions.probes.outcome import bounded
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding

NOT_READY = Trouble("node_not_ready", "unhealthy", 0.95, N_("node {name} isn't ready: {detail}"))
CORDONED = Trouble("node_cordoned", "degraded", 0.3, N_("node {name} takes no new pods (cordoned)"))
_SHORT_OF = {
    "MemoryPressure": Trouble(
        "node_memory_pressure", "degraded", 0.8, N_("node {name} is short of memory: {detail}")
    ),
    "DiskPressure": Trouble(
        "node_disk_pressure", "degraded", 0.8, N_("node {name} is short of disk space: {detail}")
    ),
    "PIDPressure": Trouble(
        "node_pid_pressure", "degraded", 0.8, N_("node {name} is short of process ids: {detail}")
    ),
    "NetworkUnavailable": Trouble(
        "node_no_network", "unhealthy", 0.8, N_("node {name} has no network: {detail}")
    ),
}


def findings(nodes: list[Node], now: datetime) -> list[Finding]:  # noqa: ARG001
    """Find nodes that can't do their work."""
    return [finding for node in nodes for finding in _of(node)]


def line(node: Node) -> str:
    """Write a node in one line with what isn't as it should be."""
    odd = [f"{one.type}={one.status}" for one in node.status.conditions if _is_odd(one)]
    cordoned = ["SchedulingDisabled"] if node.spec.unschedulable else []
    return "  ".join([node.metadata.name, *(odd or ["Ready"]), *cordoned])


def _is_odd(condition: Condition) -> bool:
    return condition.status != ("True" if condition.type == "Ready" else "False")


def _of(node: Node) -> Iterator[Finding]:
    said_of = {one.type: one for one in node.status.conditions}
    ready = said_of.get("Ready")
    if ready is None or ready.status != "True":
        yield _finding(node, NOT_READY, ready)
    for kind, trouble in _SHORT_OF.items():
        if kind in said_of and said_of[kind].status == "True":
            yield _finding(node, trouble, said_of[kind])
    if node.spec.unschedulable:
        yield _finding(node, CORDONED, None)


def _finding(node: Node, trouble: Trouble, told: Condition | None) -> Finding:
    detail = " ".join(filter(None, [told.reason, told.message])) if told else ""
    since = told.last_transition_time if told else None
    lines = [line(node), *([f"since {since:%Y-%m-%d %H:%M:%SZ}"] if since else [])]
    return trouble.of(
        f"node/{node.metadata.name}",
        Evidence(output="\n".join(lines)),
        name=node.metadata.name,
        detail=bounded(detail or "-", 300),
    )
