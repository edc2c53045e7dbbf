"""Rollouts: each replica set of a deployment is a revision, and tells what it brought.

A rollback gives an old replica set a new number, so its age doesn't tell when that was; the
events and the deployment's conditions do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from bongsu.actions.cluster.objects import Event, Workload
from bongsu.actions.probes.outcome import bounded, said
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.report import Change, Evidence

REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
ServiceOf = Callable[[str, Mapping[str, str]], str | None]


def changes(
    deployments: Sequence[Workload],
    sets: Sequence[Workload],
    events: Sequence[Event],
    command: str,
    service_of: ServiceOf,
) -> Iterator[Change]:
    """Return the rollouts of the deployments, their first one included."""
    for deployment in deployments:
        name, labels = deployment.metadata.name, _labels(deployment)
        mine = sorted((one for one in sets if _is_of(one, deployment)), key=_revision)
        for before, after in pairwise([None, *mine]):
            assert after is not None
            if (at := _when(after, before, deployment, events)) is None:
                continue
            lines = "\n".join(_line(one) for one in (before, after) if one is not None)
            yield Change(
                at=at,
                kind="deployment",
                subject=f"deployment/{name}",
                says=_says(name, before, after),
                service=service_of(name, labels),
                source="kubernetes",
                evidence=Evidence(
                    command, bounded(lines, 1500), {"revision": float(_revision(after))}
                ),
            )


def image(revision: Workload) -> str:
    """Return the images of a revision."""
    return ", ".join(one.image for one in revision.spec.template.spec.containers) or "-"


def _labels(deployment: Workload) -> Mapping[str, str]:
    return deployment.spec.template.metadata.labels or deployment.metadata.labels or {}


def _is_of(one: Workload, deployment: Workload) -> bool:
    return any(owner.uid == deployment.metadata.uid for owner in one.metadata.owner_references)


def _revision(one: Workload) -> int:
    number = (one.metadata.annotations or {}).get(REVISION, "0")
    return int(number) if number.isdigit() else 0


def _when(
    after: Workload, before: Workload | None, deployment: Workload, events: Sequence[Event]
) -> datetime | None:
    """Return when a revision was begun; None if nothing tells."""
    made = after.metadata.creation_timestamp
    made_before = before.metadata.creation_timestamp if before else None
    if made is None or made_before is None or made >= made_before:
        return made
    scaled = [_first(event) for event in events if _scales_up(event, after.metadata.name)]
    if known := [at for at in scaled if at is not None and at > made_before]:
        return min(known)
    progressing = [one for one in deployment.status.conditions if one.type == "Progressing"]
    return progressing[0].last_update_time if progressing else None


def _scales_up(event: Event, name: str) -> bool:
    words = (event.message or "").split()
    return event.reason == "ScalingReplicaSet" and words[:2] == ["Scaled", "up"] and name in words


def _first(event: Event) -> datetime | None:
    return event.first_timestamp or event.event_time or event.last


def _says(name: str, before: Workload | None, after: Workload) -> Remark:
    values = {"name": name, "after": image(after), "revision": _revision(after)}
    if before is None:
        return said(N_("{name} runs image {after} since revision {revision}"), **values)
    values["before"] = image(before)
    made, made_before = after.metadata.creation_timestamp, before.metadata.creation_timestamp
    if made and made_before and made < made_before:
        text = N_("{name} was rolled back from image {before} to {after} (revision {revision})")
    elif image(before) != image(after):
        text = N_("{name} went from image {before} to {after} (revision {revision})")
    elif _restarted(before) != _restarted(after):
        text = N_("{name} was restarted with the same image {after} (revision {revision})")
    else:
        text = N_("the pods of {name} were configured anew, image {after} (revision {revision})")
    return said(text, **values)


def _restarted(one: Workload) -> str:
    return (one.spec.template.metadata.annotations or {}).get(RESTARTED, "")


def _line(one: Workload) -> str:
    cause = (one.metadata.annotations or {}).get(CAUSE, "")
    at = one.metadata.creation_timestamp
    when = f"{at:%Y-%m-%d %H:%M:%SZ}" if at else "?"
    return f"revision {_revision(one)}  made {when}  {image(one)}  {cause}".rstrip()
