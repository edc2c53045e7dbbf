"""``kubectl rollout``: watched through broken connections, and not believed before it is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from bongsu.actions.cluster.objects import Condition, Part, Pod, Workload
from bongsu.actions.cluster.pods import TEMPLATE_HASH
from bongsu.actions.output import Output
from bongsu.actions.probes.outcome import bounded, said
from bongsu.actions.steps.kubectl import sets
from bongsu.actions.steps.kubectl.complaints import (
    DEADLINE,
    NO_REVISION,
    NOT_IN_TIME,
    TRANSIENT,
    judged,
)
from bongsu.actions.steps.kubectl.running import Kubectl
from bongsu.actions.steps.kubectl.verbs import own_timeout_s, with_option, words
from bongsu.actions.steps.outcome import StepOutcome
from bongsu.i18n import N_
from bongsu.incident.alert import Remark

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 5.0
SLICE_S = 60.0
"""after which a watch is begun anew: one whose connection died without a word tells nothing more"""
FOR_THE_REASON_S = 5.0
"""what may be spent on asking why, also when the step's own time is over"""
STARTING = frozenset(("ContainerCreating", "PodInitializing", ""))
PAUSED = N_("the rollout of {target} is paused, so its last change is not there; resume it first")


class _Labels(Part, frozen=True, rename="camel"):
    match_labels: dict[str, str] = msgspec.field(default_factory=dict)


class _Chooses(Part, frozen=True, rename="camel"):
    selector: _Labels = _Labels()


class _Owner(Part, frozen=True, rename="camel"):
    """A workload as far as it says which pods are its own."""

    spec: _Chooses = _Chooses()


class _Pods(Part, frozen=True, rename="camel"):
    items: list[Pod] = msgspec.field(default_factory=list)


async def status(args: Sequence[str], kubectl: Kubectl, timeout_s: float) -> StepOutcome:
    """Watch a rollout to its end; a watch that breaks off is taken up again until time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(timeout_s, own_timeout_s(args) or timeout_s)
    asked, pause_s = [*args], FIRST_PAUSE_S
    while True:
        left_s = max(deadline - loop.time(), 1.0)
        output = await kubectl.run(asked, min(left_s + 1.0, SLICE_S))
        if not _is_broken_off(output) or loop.time() + pause_s >= deadline:
            break
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        asked = with_option(args, f"--timeout={max(int(deadline - loop.time()), 1)}s")
    came = judged(args, output, kubectl.line(output), timeout_s)
    late = output.ended == "timed_out" or NOT_IN_TIME.search(output.complaint) is not None
    if came.outcome == "done" or late or DEADLINE.search(output.complaint):
        return await _seen(words(args)[2:], came, kubectl)
    return came


def _is_broken_off(output: Output) -> bool:
    return output.ended == "timed_out" or (
        not output.ok and TRANSIENT.search(output.complaint) is not None
    )


async def _seen(target: Sequence[str], came: StepOutcome, kubectl: Kubectl) -> StepOutcome:
    """Hold what kubectl says against the workload itself, and name what keeps it."""
    if not target:
        return came
    name = "/".join(target)
    workload = await kubectl.read(["get", *target], Workload, FOR_THE_REASON_S)
    if workload is None:
        return came
    if workload.spec.paused and not await _is_rolled_out(target, kubectl):
        return replace(came, outcome="failed", says=said(PAUSED, target=name))
    if came.outcome == "done":
        short = _not_observed(name, workload) or sets.kept_back(name, workload)
        return came if short is None else replace(came, outcome="failed", says=short)
    why = await _why(target, workload, kubectl)
    return came if why is None else StepOutcome("failed", why, came.exit_code)


async def _is_rolled_out(target: Sequence[str], kubectl: Kubectl) -> bool:
    """Whether a revision has the present template; while a deployment is paused, none is made."""
    owner = await kubectl.read(["get", *target], dict, FOR_THE_REASON_S) or {}
    sets = await kubectl.read(["get", "replicasets"], dict, FOR_THE_REASON_S) or {}
    uid, template = owner.get("metadata", {}).get("uid"), _template(owner)
    return any(
        _template(one) == template
        for one in sets.get("items", [])
        if any(by.get("uid") == uid for by in one["metadata"].get("ownerReferences", []))
    )


def _template(thing: dict[str, Any]) -> Any:
    """Return the template of pods without the label that the controller adds."""
    template = thing.get("spec", {}).get("template", {})
    meta = template.get("metadata", {})
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != TEMPLATE_HASH}
    return {**template, "metadata": {**meta, "labels": labels}}


def _not_observed(name: str, workload: Workload) -> Remark | None:
    if workload.status.observed_generation >= workload.metadata.generation:
        return None
    return said(N_("the cluster has not seen the last change of {target} yet"), target=name)


async def _why(target: Sequence[str], workload: Workload, kubectl: Kubectl) -> Remark | None:
    """Say what keeps a rollout, in Kubernetes' own words: a pod's first, they tell more."""
    pods, name = await _pods_of(target, kubectl), "/".join(target)
    told = [why for pod in pods if (why := _of_pod(pod))]
    unready = [why for pod in pods if (why := sets.unready(pod))]
    conditions = _of_conditions(workload.status.conditions)
    why = next(iter([*told, *conditions, *unready]), None)
    if why is None:
        return None
    if (pod := sets.in_the_way(workload, pods)) is not None:
        text = N_(
            "the rollout of {target} waits for {pod}, which is of another revision and not ready, "
            "and which the cluster does not replace by itself; delete that pod: {why}"
        )
        return said(text, target=name, pod=pod.metadata.name, why=bounded(why, 300))
    text = N_("the rollout of {target} does not come to its end: {why}")
    return said(text, target=name, why=bounded(why, 300))


async def _pods_of(target: Sequence[str], kubectl: Kubectl) -> Sequence[Pod]:
    owner = await kubectl.read(["get", *target], _Owner, FOR_THE_REASON_S)
    labels = owner.spec.selector.match_labels if owner is not None else {}
    chosen = ",".join(f"{name}={value}" for name, value in labels.items())
    pods = chosen and await kubectl.read(["get", "pods", "-l", chosen], _Pods, FOR_THE_REASON_S)
    return pods.items if pods else []


def _of_pod(pod: Pod) -> str | None:
    statuses = [*pod.status.init_container_statuses, *pod.status.container_statuses]
    for one in statuses:
        waiting = one.state.waiting
        if waiting is not None and waiting.reason not in STARTING:
            return f"{pod.metadata.name}: {waiting.reason} {waiting.message}".strip()
    unscheduled = [c for c in pod.status.conditions if c.type == "PodScheduled"]
    held = [c.message for c in unscheduled if c.status == "False"]
    return f"{pod.metadata.name}: {held[0]}" if held else None


def _of_conditions(conditions: Sequence[Condition]) -> list[str]:
    return [
        one.message
        for one in conditions
        if (one.type, one.status) in (("ReplicaFailure", "True"), ("Progressing", "False"))
    ]


async def with_revisions(
    args: Sequence[str], came: StepOutcome, complaint: str, kubectl: Kubectl
) -> StepOutcome:
    """Name the revisions that there are, where one was asked for that isn't."""
    if not NO_REVISION.search(complaint):
        return came
    output = await kubectl.ask(["rollout", "history", *words(args)[2:]], FOR_THE_REASON_S)
    firsts = [line.split()[0] for line in output.text.splitlines() if line.strip()]
    known = ", ".join(one for one in firsts if one.isdigit())
    text = N_("there is no such revision; choose one of {known}: {line}")
    return replace(came, says=said(text, known=known, line=complaint)) if known else came
