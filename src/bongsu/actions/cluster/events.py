"""Warning events, grouped by what they warn of and counted."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, timedelta

from bongsu.actions.cluster.objects import Event
from bongsu.actions.probes.outcome import bounded, found, said
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding

RECENT = timedelta(minutes=30)
GROUPS_SHOWN = 20
_GRAVE = frozenset(
    (
        "BackOff",
        "Evicted",
        "Failed",
        "FailedAttachVolume",
        "FailedCreate",
        "FailedCreatePodSandBox",
        "FailedMount",
        "FailedScheduling",
        "NodeNotReady",
        "OOMKilling",
        "SystemOOM",
        "Unhealthy",
    )
)
"""reasons that mean that something doesn't run"""
_DRAWN = "[bcdfghjklmnpqrstvwxz2456789]"
_DRAWN_SUFFIX = re.compile(f"(-{_DRAWN}{{6,10}})?-{_DRAWN}{{5}}$")
"""what is appended to the names of pods, in letters that make no words"""


def findings(events: list[Event], now: datetime) -> list[Finding]:
    """Find what was warned of within the last half hour, the most frequent first."""
    groups: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if event.type != "Normal" and event.last is not None and now - event.last < RECENT:
            groups[event.reason, _about(event)].append(event)
    ranked = sorted(groups.items(), key=lambda group: -_times(group[1]))
    return [_finding(*about, group) for about, group in ranked[:GROUPS_SHOWN]]


def line(event: Event) -> str:
    """Write an event as ``kubectl get events`` would."""
    at = event.last.strftime("%H:%M:%SZ") if event.last else "?"
    about = f"{event.involved_object.kind.lower()}/{event.involved_object.name}"
    return f"{at}  {event.type}  {event.reason}  {about}  ×{event.times}  {event.message or ''}"


def _about(event: Event) -> str:
    """Return what it is about, the same for all pods of a workload."""
    about = event.involved_object
    name = _DRAWN_SUFFIX.sub("", about.name) if about.kind == "Pod" else about.name
    return f"{about.kind.lower()}/{name}"


def _times(group: list[Event]) -> int:
    return sum(event.times for event in group)


def _finding(reason: str, about: str, group: list[Event]) -> Finding:
    latest = max(group, key=lambda event: (event.last is not None, event.last))
    says = said(
        N_("{count} warnings {reason} about {about}, the last: {message}"),
        count=_times(group),
        reason=reason,
        about=about,
        message=bounded(latest.message or "-", 300),
    )
    numbers = {"warnings": float(_times(group)), "objects": float(len(group))}
    output = bounded("\n".join(line(event) for event in group[:10]), 2000)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", reason).lower()
    return found(
        f"event_{words}",
        "degraded",
        says,
        weight=0.6 if reason in _GRAVE else 0.3,
        subject=about,
        evidence=Evidence(output=output, numbers=numbers),
    )
