"""Pods: which aren't ready, and the reason that Kubernetes has for it.

Pods of one workload in the same trouble are one finding, so that a report names troubles rather
than fifty pods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from bongsu.actions.cluster.objects import ContainerStatus, Pod, Terminated, Waiting
from bongsu.actions.cluster.trouble import Trouble
from bongsu.actions.probes.outcome import bounded
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding

RECENT = timedelta(minutes=15)
"""how long after its restart a container is still worth a word"""
LONG_TERMINATING = timedelta(minutes=2)
"""how long after its grace a pod may take to go"""
STARTING = timedelta(minutes=2)
"""how long a new pod may take to get ready before that is called a trouble"""
_NAMES_SHOWN = 10
TEMPLATE_HASH = "pod-template-hash"


CRASH_LOOP = Trouble(
    "pod_crash_loop",
    "unhealthy",
    0.9,
    N_(
        "{count} of {of} pods of {workload} crash again and again: "
        "{container} ended {restarts} times, last with exit code {exit_code} ({reason})"
    ),
)
INIT_CRASH_LOOP = CRASH_LOOP._replace(code="pod_init_crash_loop")
OOM_KILLED = Trouble(
    "pod_oom_killed",
    "unhealthy",
    0.95,
    N_(
        "{count} of {of} pods of {workload} were ended for using too much memory (OOMKilled): "
        "{container}, {restarts} restarts"
    ),
)
OOM_KILLED_AND_BACK = OOM_KILLED._replace(verdict="degraded")
IMAGE_PULL = Trouble(
    "pod_image_pull",
    "unhealthy",
    0.9,
    N_("{count} of {of} pods of {workload} can't get their image: {detail}"),
)
CONFIG_ERROR = Trouble(
    "pod_config_error",
    "unhealthy",
    0.9,
    N_("{count} of {of} pods of {workload} can't be configured: {reason}: {detail}"),
)
UNSCHEDULABLE = Trouble(
    "pod_unschedulable",
    "unhealthy",
    0.85,
    N_("{count} of {of} pods of {workload} find no node: {detail}"),
)
WAITING = Trouble(
    "pod_waiting",
    "unhealthy",
    0.7,
    N_("{count} of {of} pods of {workload} wait: {reason}: {detail}"),
)
EVICTED = Trouble(
    "pod_evicted",
    "degraded",
    0.6,
    N_("{count} of {of} pods of {workload} were thrown off their node: {detail}"),
)
FAILED = Trouble(
    "pod_failed",
    "unhealthy",
    0.6,
    N_("{count} of {of} pods of {workload} have failed: {reason}: {detail}"),
)
NOT_READY = Trouble(
    "pod_not_ready",
    "unhealthy",
    0.7,
    N_("{count} of {of} pods of {workload} run, but aren't ready: {container} fails its probe"),
)
RESTARTED = Trouble(
    "pod_restarted",
    "degraded",
    0.5,
    N_(
        "{count} of {of} pods of {workload} restarted lately: "
        "{container}, {restarts} times in all, last with exit code {exit_code} ({reason})"
    ),
)
TERMINATING = Trouble(
    "pod_terminating",
    "degraded",
    0.4,
    N_("{count} of {of} pods of {workload} should have been gone for {detail}"),
)
UNREADY = Trouble(
    "pod_not_ready",
    "unhealthy",
    0.7,
    N_("{count} of {of} pods of {workload} aren't ready: {reason}: {detail}"),
)
NEW = Trouble(
    "pod_starting", "degraded", 0.2, N_("{count} of {of} pods of {workload} are starting")
)


class Ill(NamedTuple):
    """What is wrong with one pod."""

    trouble: Trouble
    container: str = ""
    reason: str = ""
    detail: str = ""
    exit_code: int = 0
    restarts: int = 0


_IMAGE_REASONS = frozenset(
    ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull")
)
_CONFIG_REASONS = frozenset(
    ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError")
)
_STARTING_REASONS = frozenset(("ContainerCreating", "PodInitializing"))


def findings(pods: list[Pod], now: datetime) -> list[Finding]:
    """Find what is wrong with pods; those of a finished job are none of it."""
    of: dict[tuple[str, str], int] = defaultdict(int)
    groups: dict[tuple[str, ...], list[tuple[Pod, Ill]]] = defaultdict(list)
    for pod in pods:
        where = pod.metadata.namespace, workload(pod)
        of[where] += 1
        if (ill := _ill(pod, now)) is not None:
            groups[(*where, ill.trouble.code, ill.container)].append((pod, ill))
    return [
        _finding(name, ills, of[namespace, name]) for (namespace, name, *_), ills in groups.items()
    ]


def workload(pod: Pod) -> str:
    """Return what a pod belongs to: ``deployment/korea-backend``, or the pod itself."""
    for owner in pod.metadata.owner_references:
        if owner.kind == "ReplicaSet":
            digest = (pod.metadata.labels or {}).get(TEMPLATE_HASH, "")
            name = owner.name.removesuffix(f"-{digest}")
            return f"deployment/{name}" if digest else f"replicaset/{name}"
        if owner.kind != "Node":
            return f"{owner.kind.lower()}/{owner.name}"
    return f"pod/{pod.metadata.name}"


def line(pod: Pod) -> str:
    """Write a pod as ``kubectl get pods`` would."""
    statuses = pod.status.container_statuses
    ready = f"{sum(one.ready for one in statuses)}/{len(pod.spec.containers) or len(statuses)}"
    restarts = sum(one.restart_count for one in statuses)
    return f"{pod.metadata.name}  {ready}  {_word(pod)}  {restarts} restarts  {pod.spec.node_name}"


def is_ready(pod: Pod) -> bool:
    """Whether traffic goes to it."""
    return any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions)


def _word(pod: Pod) -> str:
    if pod.metadata.deletion_timestamp is not None:
        return "Terminating"
    for status in _statuses(pod):
        if status.state.waiting is not None and status.state.waiting.reason:
            return status.state.waiting.reason
        if status.state.terminated is not None and status.state.terminated.reason:
            return status.state.terminated.reason
    return pod.status.reason or pod.status.phase


def _statuses(pod: Pod) -> list[ContainerStatus]:
    return [*pod.status.init_container_statuses, *pod.status.container_statuses]


def _ill(pod: Pod, now: datetime) -> Ill | None:
    """Return the gravest trouble of a pod."""
    if pod.metadata.deletion_timestamp is not None:
        return _leaving(pod.metadata.deletion_timestamp, now)
    if pod.status.phase == "Succeeded":
        return None
    if pod.status.phase == "Failed":
        evicted = pod.status.reason == "Evicted"
        reason = pod.status.reason or "Failed"
        return Ill(EVICTED if evicted else FAILED, reason=reason, detail=pod.status.message)
    ills = [ill for status in _statuses(pod) for ill in _of_container(status, pod, now)]
    ills += _by_conditions(pod, now)
    if not ills and not is_ready(pod):
        ills.append(_unready(pod, now))
    return max(ills, key=_gravity, default=None)


def _gravity(ill: Ill) -> tuple[bool, float]:
    return ill.trouble.verdict == "unhealthy", ill.trouble.weight


def _unready(pod: Pod, now: datetime) -> Ill:
    """Say what Kubernetes says where the containers don't, as when their node is lost."""
    if _age(pod, now) <= STARTING:
        return Ill(NEW)
    said_of = {one.type: one for one in pod.status.conditions}
    told = said_of.get("Ready")
    reason = (told.reason if told else "") or pod.status.reason or pod.status.phase or "-"
    return Ill(UNREADY, reason=reason, detail=told.message if told else pod.status.message)


def _leaving(since: datetime, now: datetime) -> Ill | None:
    if now - since < LONG_TERMINATING:
        return None
    return Ill(TERMINATING, detail=f"{int((now - since).total_seconds() // 60)} min")


def _of_container(status: ContainerStatus, pod: Pod, now: datetime) -> Iterator[Ill]:
    last, ended = status.last_state.terminated, status.state.terminated
    latest = ended or last
    if latest is not None and latest.reason == "OOMKilled" and _counts(status, latest, now):
        yield _ended(OOM_KILLED_AND_BACK if status.ready else OOM_KILLED, status, latest)
    if status.state.waiting is not None:
        yield from _waits(status, status.state.waiting, pod, now)
    elif status.ready and last is not None and last.exit_code != 0 and _lately(last, now):
        yield _ended(RESTARTED, status, last)
    elif ended is not None and ended.exit_code != 0:
        yield _ended(CRASH_LOOP, status, ended)


def _waits(status: ContainerStatus, waiting: Waiting, pod: Pod, now: datetime) -> Iterator[Ill]:
    if waiting.reason == "CrashLoopBackOff":
        trouble = INIT_CRASH_LOOP if status in pod.status.init_container_statuses else CRASH_LOOP
        yield _ended(trouble, status, status.last_state.terminated or Terminated())
    elif waiting.reason in _IMAGE_REASONS:
        yield _stopped(IMAGE_PULL, status, waiting)
    elif waiting.reason in _CONFIG_REASONS:
        yield _stopped(CONFIG_ERROR, status, waiting)
    elif not _is_starting(waiting, pod, now):
        yield _stopped(WAITING, status, waiting)
    elif not _an_init_fails(pod):
        yield Ill(NEW)


def _is_starting(waiting: Waiting, pod: Pod, now: datetime) -> bool:
    """Whether it waits as every container does at first, or for an init container that fails."""
    in_time = _age(pod, now) <= STARTING or _an_init_fails(pod)
    return waiting.reason in _STARTING_REASONS and in_time


def _stopped(trouble: Trouble, status: ContainerStatus, waiting: Waiting) -> Ill:
    return Ill(trouble, status.name, waiting.reason, waiting.message or status.image)


def _ended(trouble: Trouble, status: ContainerStatus, last: Terminated) -> Ill:
    return Ill(
        trouble,
        status.name,
        last.reason or "Error",
        last.message,
        last.exit_code,
        status.restart_count,
    )


def _by_conditions(pod: Pod, now: datetime) -> Iterator[Ill]:
    for one in pod.status.conditions:
        if one.type == "PodScheduled" and one.status == "False":
            yield Ill(UNSCHEDULABLE, detail=one.message or one.reason)
    if is_ready(pod) or pod.status.phase == "Pending":
        return
    running = [one for one in pod.status.container_statuses if one.state.running is not None]
    unready = ", ".join(one.name for one in running if not one.ready)
    if unready:
        yield Ill(NOT_READY, unready) if _age(pod, now) > STARTING else Ill(NEW)


def _counts(status: ContainerStatus, ended: Terminated, now: datetime) -> bool:
    return not status.ready or _lately(ended, now)


def _lately(ended: Terminated, now: datetime) -> bool:
    return ended.finished_at is not None and now - ended.finished_at < RECENT


def _age(pod: Pod, now: datetime) -> timedelta:
    return now - (pod.metadata.creation_timestamp or now)


def _an_init_fails(pod: Pod) -> bool:
    return any(
        one.state.waiting is not None and one.state.waiting.reason not in _STARTING_REASONS
        for one in pod.status.init_container_statuses
    )


def _finding(name: str, ills: list[tuple[Pod, Ill]], of: int) -> Finding:
    worst = max((ill for _, ill in ills), key=lambda ill: ill.restarts)
    lines = [line(pod) for pod, _ in ills[:_NAMES_SHOWN]]
    more = [f"… {len(ills) - _NAMES_SHOWN}"] if len(ills) > _NAMES_SHOWN else []
    numbers = {"pods": float(len(ills)), "pods_in_all": float(of)}
    if worst.restarts:
        numbers |= {"restarts": float(worst.restarts), "exit_code": float(worst.exit_code)}
    return worst.trouble.of(
        f"pod/{ills[0][0].metadata.name}" if len(ills) == 1 else name,
        Evidence(output="\n".join([*lines, *more]), numbers=numbers),
        share=len(ills) / max(of, 1),
        count=len(ills),
        of=of,
        workload=name,
        container=worst.container,
        exit_code=worst.exit_code,
        reason=worst.reason,
        detail=bounded(worst.detail or "-", 300),
        restarts=worst.restarts,
    )
