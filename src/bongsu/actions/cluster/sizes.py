"""Changes of size, as the events tell them: by a person or by an autoscaler.

A rollout scales, too: the new replica set up, the old one down. Those events are no change of
size, and are told from one by another replica set of the same deployment moving at the same time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bongsu.actions.cluster.objects import Event, Workload
from bongsu.actions.cluster.revisions import ServiceOf
from bongsu.actions.probes.outcome import bounded, said
from bongsu.i18n import N_
from bongsu.incident.report import Change, Evidence

SAME_ROLLOUT = timedelta(minutes=5)
_SCALED = re.compile(r"Scaled (up|down) replica set (\S+)(?: from (\d+))? to (\d+)")


class _Scaled(NamedTuple):
    at: datetime
    deployment: str
    replica_set: str
    before: int | None
    """old clusters don't tell"""
    after: int
    event: Event


def changes(
    sets: Sequence[Workload], events: Sequence[Event], command: str, service_of: ServiceOf
) -> list[Change]:
    """Return the changes of size that were no part of a rollout."""
    by_deployment: dict[str, list[_Scaled]] = defaultdict(list)
    for event in events:
        if (scaled := _scaled(event)) is not None:
            by_deployment[scaled.deployment].append(scaled)
    made = {one.metadata.name: one.metadata.creation_timestamp for one in sets}
    own = [
        one
        for group in by_deployment.values()
        for one in group
        if not _is_rollout(one, group, made.get(one.replica_set))
    ]
    found = [_change(one, command, service_of) for one in own]
    return found + [_rescaled(event, command, service_of) for event in events if _is_hpa(event)]


def _scaled(event: Event) -> _Scaled | None:
    told = _SCALED.search(event.message or "")
    if event.reason != "ScalingReplicaSet" or told is None or event.last is None:
        return None
    before = int(told[3]) if told[3] else None
    name = event.involved_object.name
    return _Scaled(event.last, name, told[2], before, int(told[4]), event)


def _is_rollout(one: _Scaled, group: list[_Scaled], made: datetime | None) -> bool:
    # Pods are added one by one to a new replica set, so its whole first minutes are its rollout.
    if made is not None and one.at - made < SAME_ROLLOUT:
        return True
    return any(
        other.replica_set != one.replica_set and abs(other.at - one.at) < SAME_ROLLOUT
        for other in group
    )


def _is_hpa(event: Event) -> bool:
    return event.reason == "SuccessfulRescale" and event.last is not None


def _change(one: _Scaled, command: str, service_of: ServiceOf) -> Change:
    if one.before is None:
        says = said(N_("{name} was scaled to {after} pods"), name=one.deployment, after=one.after)
    else:
        text = N_("{name} was scaled from {before} to {after} pods")
        says = said(text, name=one.deployment, before=one.before, after=one.after)
    known = {} if one.before is None else {"pods_before": float(one.before)}
    return Change(
        at=one.at,
        kind="scale",
        subject=f"deployment/{one.deployment}",
        says=says,
        service=service_of(one.deployment, {}),
        source="kubernetes",
        evidence=Evidence(
            command, bounded(one.event.message or "", 600), {**known, "pods": float(one.after)}
        ),
    )


def _rescaled(event: Event, command: str, service_of: ServiceOf) -> Change:
    name, message = event.involved_object.name, bounded(event.message or "-", 600)
    assert event.last is not None
    return Change(
        at=event.last,
        kind="scale",
        subject=f"horizontalpodautoscaler/{name}",
        says=said(
            N_("the autoscaler {name} changed the size: {message}"), name=name, message=message
        ),
        # Autoscalers usually bear the name of what they scale.
        service=service_of(name, {}),
        source="kubernetes",
        evidence=Evidence(command, message),
    )
