"""Stateful sets and daemon sets: where kubectl says too little of their restarts and rollouts."""

from __future__ import annotations

from collections.abc import Sequence

from bongsu.actions.cluster.objects import Pod, Workload
from bongsu.actions.probes.outcome import said
from bongsu.actions.steps.kubectl.running import Kubectl
from bongsu.actions.steps.kubectl.verbs import words
from bongsu.actions.steps.outcome import StepOutcome, failed
from bongsu.i18n import N_
from bongsu.incident.alert import Remark

REVISION = "controller-revision-hash"
"""the label of a pod that names its revision"""
LOOK_S = 5.0
_KINDS = frozenset(("statefulset", "statefulsets", "sts", "daemonset", "daemonsets", "ds"))


async def no_restart(args: Sequence[str], kubectl: Kubectl) -> StepOutcome | None:
    """Refuse the restart of a set whose pods nobody but a person replaces; None for all others.

    kubectl would note it in the set's template, say "restarted", and no pod would be any newer.
    """
    said_words = words(args)
    target = said_words[2:]
    if said_words[:2] != ["rollout", "restart"] or not target or not _is_set(target[0]):
        return None
    workload = await kubectl.read(["get", *target], Workload, LOOK_S)
    if workload is None or workload.spec.update_strategy.type != "OnDelete":
        return None
    text = N_(
        "nothing was changed: the update strategy of {target} is OnDelete, so a restart replaces "
        "no pod; delete its pods one after another instead, and look at each"
    )
    return failed(text, target="/".join(target))


def kept_back(target: str, workload: Workload) -> Remark | None:
    """Say that a partition keeps pods as they were; kubectl calls such a rollout complete."""
    status, partition = workload.status, workload.spec.update_strategy.partition
    whole = status.updated_replicas >= workload.spec.replicas
    if workload.kind != "StatefulSet" or partition == 0 or whole:
        return None
    text = N_(
        "only {updated} of {wanted} pods of {target} have it: the partition {partition} of its "
        "update strategy keeps the others as they were; set it to 0 and watch again"
    )
    return said(text, target=target, partition=partition, updated=status.updated_replicas,
                wanted=workload.spec.replicas)  # fmt: skip


def in_the_way(workload: Workload, pods: Sequence[Pod]) -> Pod | None:
    """Return the pod that a stateful set waits for although it is to be replaced.

    Of the usual pod management, a set that is rolled back waits for a broken pod to become ready.
    """
    ordered = workload.spec.pod_management_policy == "OrderedReady"
    if workload.kind != "StatefulSet" or not ordered:
        return None
    update = workload.status.update_revision
    old = [pod for pod in pods if (pod.metadata.labels or {}).get(REVISION) != update]
    return next((pod for pod in old if not _is_ready(pod)), None)


def unready(pod: Pod) -> str | None:
    """Return what a pod says of why it is not ready; sets have no condition that would tell."""
    said_so = [one for one in pod.status.conditions if one.type == "Ready"]
    return f"{pod.metadata.name}: {said_so[0].message}" if said_so and not _is_ready(pod) else None


def _is_ready(pod: Pod) -> bool:
    return any((one.type, one.status) == ("Ready", "True") for one in pod.status.conditions)


def _is_set(target: str) -> bool:
    return target.partition("/")[0].partition(".")[0].lower() in _KINDS
