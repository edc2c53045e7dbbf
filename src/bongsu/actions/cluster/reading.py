"""What ``kubectl get -o json`` printed, to findings: each kind has its reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from bongsu.actions.cluster import events, nodes, pods, workloads
from bongsu.actions.cluster.kubectl import Asked
from bongsu.actions.cluster.objects import Event, Node, Pod, Workload
from bongsu.actions.looking import unknown
from bongsu.actions.probes.outcome import found, looked, said
from bongsu.i18n import N_
from bongsu.incident.report import Finding, Looked


class _Head(msgspec.Struct):
    kind: str = ""


class _List(msgspec.Struct):
    kind: str
    items: list[msgspec.Raw] | None = None


class _Kind(NamedTuple):
    """How a kind is read, and how its objects are listed for people."""

    type: type[Any]
    findings: Callable[[list[Any], datetime], list[Finding]]
    line: Callable[[Any], str]


KINDS = {
    "Pod": _Kind(Pod, pods.findings, pods.line),
    "Event": _Kind(Event, events.findings, events.line),
    "Node": _Kind(Node, nodes.findings, nodes.line),
    "Deployment": _Kind(Workload, workloads.findings, workloads.line),
    "StatefulSet": _Kind(Workload, workloads.findings, workloads.line),
    "DaemonSet": _Kind(Workload, workloads.findings, workloads.line),
}
_MAY_BE_NONE = frozenset(("events", "event", "ev"))
"""what the absence of is good news"""


def objects_of(answer: bytes) -> dict[str, list[Any]]:
    """Return the objects of an answer by kind; msgspec.DecodeError where it is none."""
    whole = msgspec.json.decode(answer, type=_List)
    raw = [msgspec.Raw(answer)] if whole.items is None else whole.items
    by_kind: dict[str, list[Any]] = {}
    for one in raw:
        kind = msgspec.json.decode(one, type=_Head).kind or whole.kind.removesuffix("List")
        known = KINDS.get(kind)
        read = msgspec.json.decode(one, type=known.type) if known else one
        by_kind.setdefault(kind, []).append(read)
    return by_kind


def read(check: str, asked: Asked, now: datetime) -> Looked:
    """Read an answer; one that can't be understood is ``unknown``."""
    try:
        by_kind = objects_of(asked.output.out)
    except msgspec.DecodeError as error:
        why = said(N_("kubectl's answer can't be read: {why}"), why=error)
        return unknown(check, why, asked.evidence(asked.output.text))
    listed = "\n".join(
        KINDS[kind].line(one) for kind, things in by_kind.items() if kind in KINDS for one in things
    )
    if not by_kind and not _MAY_BE_NONE & set(asked.args):
        says = said(N_("the cluster has none of what was asked for"))
        return looked(check, [found("kubernetes_none", "unhealthy", says)], asked.evidence())
    findings = [
        one
        for kind, things in by_kind.items()
        if kind in KINDS
        for one in KINDS[kind].findings(things, now)
    ]
    return looked(check, findings, asked.evidence(listed))
