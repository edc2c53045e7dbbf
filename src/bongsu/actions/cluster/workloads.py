"""Deployments, stateful sets and daemon sets: how far a rollout is, and what they lack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bongsu.actions.cluster.objects import Condition, Workload
from bongsu.actions.cluster.trouble import Trouble
from bongsu.actions.probes.outcome import bounded
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding

STUCK = Trouble(
    "rollout_stuck",
    "unhealthy",
    0.95,
    N_("the rollout of {name} is stuck: {detail} (image {image})"),
)
CANT_MAKE_PODS = Trouble(
    "replica_failure", "unhealthy", 0.9, N_("{name} can't make its pods: {detail}")
)
PAUSED = Trouble("rollout_paused", "degraded", 0.5, N_("the rollout of {name} is paused"))
ZERO = Trouble("scaled_to_zero", "degraded", 0.7, N_("{name} is scaled to zero"))
NONE_AVAILABLE = Trouble(
    "replicas_none_available",
    "unhealthy",
    1.0,
    N_("none of the {wanted} replicas of {name} is available"),
)
SOME_MISSING = Trouble(
    "replicas_unavailable",
    "degraded",
    0.8,
    N_("{available} of {wanted} replicas of {name} are available"),
)
NOT_OBSERVED = Trouble(
    "generation_not_observed",
    "degraded",
    0.6,
    N_("the last change of {name} has not been seen by the cluster's controller"),
)
UNDER_WAY = Trouble(
    "rollout_under_way",
    "degraded",
    0.5,
    N_("a rollout of {name} is under way: {updated} of {wanted} replicas (image {image})"),
)


def findings(workloads: list[Workload], now: datetime) -> list[Finding]:  # noqa: ARG001
    """Find rollouts that are stuck or under way, and replicas that are missing."""
    return [finding for workload in workloads for finding in _of(workload)]


def line(workload: Workload) -> str:
    """Write a workload in one line: counts, generation, conditions."""
    status = workload.status
    conditions = "  ".join(f"{one.type}={one.status} {one.reason}" for one in status.conditions)
    return (
        f"{workload.metadata.name}  available {_available(workload)}/{wanted(workload)}"
        f"  updated {status.updated_replicas}  generation {workload.metadata.generation}"
        f" (observed {status.observed_generation})  image {image(workload)}  {conditions}"
    )


def wanted(workload: Workload) -> int:
    """How many pods there should be."""
    scheduled = workload.status.desired_number_scheduled
    return workload.spec.replicas if scheduled is None else scheduled


def image(workload: Workload) -> str:
    """Return the images of its containers."""
    return ", ".join(one.image for one in workload.spec.template.spec.containers)


def _available(workload: Workload) -> int:
    status = workload.status
    if status.desired_number_scheduled is not None:
        return status.number_available
    # Stateful sets older than 1.22 know ready ones only.
    return max(status.available_replicas, 0 if _conditions(workload) else status.ready_replicas)


def _conditions(workload: Workload) -> dict[str, Condition]:
    return {one.type: one for one in workload.status.conditions}


def _of(workload: Workload) -> Iterator[Finding]:
    conditions = _conditions(workload)
    progress, failure = conditions.get("Progressing"), conditions.get("ReplicaFailure")
    if _is_stuck(progress):
        yield _finding(workload, STUCK, progress)
    if failure is not None and failure.status == "True":
        yield _finding(workload, CANT_MAKE_PODS, failure)
    if workload.spec.paused:
        yield _finding(workload, PAUSED)
    yield from _replicas(workload)
    if workload.status.observed_generation < workload.metadata.generation:
        yield _finding(workload, NOT_OBSERVED)
    elif progress is not None and not _is_stuck(progress) and _is_under_way(workload):
        yield _finding(workload, UNDER_WAY)


def _replicas(workload: Workload) -> Iterator[Finding]:
    asked, have = wanted(workload), _available(workload)
    if asked == 0:
        yield _finding(workload, ZERO)
    elif have == 0:
        yield _finding(workload, NONE_AVAILABLE)
    elif have < asked:
        yield _finding(workload, SOME_MISSING, share=1 - have / asked)


def _is_stuck(progress: Condition | None) -> bool:
    return progress is not None and progress.reason == "ProgressDeadlineExceeded"


def _is_under_way(workload: Workload) -> bool:
    status = workload.status
    incomplete = status.updated_replicas < wanted(workload)
    return not workload.spec.paused and (incomplete or status.replicas > status.updated_replicas)


def _finding(
    workload: Workload, trouble: Trouble, told: Condition | None = None, *, share: float = 1.0
) -> Finding:
    counts = {
        "wanted": wanted(workload),
        "available": _available(workload),
        "updated": workload.status.updated_replicas,
    }
    numbers = {f"replicas_{name}": float(count) for name, count in counts.items()}
    return trouble.of(
        f"{workload.kind.lower()}/{workload.metadata.name}",
        Evidence(output=bounded(line(workload), 1000), numbers=numbers),
        share=share,
        name=workload.metadata.name,
        detail=bounded(told.message if told else "-", 300),
        image=image(workload) or "-",
        **counts,
    )
