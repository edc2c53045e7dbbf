"""``kubectl``: real kubectl, in the namespace of the step's service; what it says is verified.

kubectl returns 0 for a rollback that it skipped, for a rollout that is paused and for a selector
that fits nothing; and where a connection breaks off it can't tell whether its change was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bongsu.actions.steps.kubectl import scaling, sets, settling
from bongsu.actions.steps.kubectl.complaints import judged
from bongsu.actions.steps.kubectl.rollout import status, with_revisions
from bongsu.actions.steps.kubectl.running import Kubectl
from bongsu.actions.steps.kubectl.verbs import dry as dry_args
from bongsu.actions.steps.kubectl.verbs import only_reads, words
from bongsu.actions.steps.outcome import StepContext, StepOutcome, done, refused
from bongsu.actions.steps.showing import Shown
from bongsu.i18n import N_
from bongsu.manual.schema.playbooks import KubectlStep

SETTLE_S = 3.0
"""what may be spent on finding out whether a change was made whose answer was lost"""


async def perform(
    step: KubectlStep, context: StepContext, shown: Shown, timeout_s: float, *, undo: bool
) -> StepOutcome:
    """Run kubectl with the step's arguments, or with those that take it back."""
    args = step.undo if undo else step.args
    if args is None:
        return refused(N_("the manual names no way back"))
    kubectl = _kubectl(step, context, shown)
    if kubectl is None:
        return _nowhere(step)
    if words(args)[:2] == ["rollout", "status"]:
        return await status(args, kubectl, timeout_s)
    if words(args)[0] == "scale":
        return await _scaled(args, kubectl, timeout_s)
    return await sets.no_restart(args, kubectl) or await _changed(args, kubectl, timeout_s)


async def _changed(args: Sequence[str], kubectl: Kubectl, timeout_s: float) -> StepOutcome:
    output = await kubectl.run(args, timeout_s)
    came = judged(args, output, kubectl.line(output), timeout_s)
    if came.outcome == "unknown":
        return await _found_out(args, came, kubectl)
    return await with_revisions(args, came, kubectl.line(output), kubectl)


async def _scaled(args: Sequence[str], kubectl: Kubectl, most_s: float) -> StepOutcome:
    timeout_s = scaling.bounded_s(args, most_s)
    output = await kubectl.run(args, timeout_s)
    came = judged(args, output, kubectl.line(output), timeout_s)
    if came.outcome == "unknown":
        came = await _found_out(args, came, kubectl)
    if came.outcome != "failed" or output.ended != "timed_out":
        return came
    return await scaling.why(args, kubectl, timeout_s) or came


async def dry(
    step: KubectlStep, context: StepContext, shown: Shown, timeout_s: float, *, undo: bool
) -> StepOutcome:
    """Show the command, and what the server says to it where it can be asked."""
    args = (step.undo or []) if undo else step.args
    kubectl = _kubectl(step, context, shown)
    if kubectl is None:
        return _nowhere(step)
    asks = dry_args(args, context.look.now()) if args else None
    if asks != args:
        shown.command(kubectl.typed(args))
    if asks is None:
        verb = " ".join(words(args)[:2])
        return done(N_("the cluster was not asked: kubectl {verb} has no dry run"), verb=verb)
    if (refusal := await sets.no_restart(args, kubectl)) is not None:
        return refusal
    output = await kubectl.run(asks, timeout_s)
    came = judged(asks, output, kubectl.line(output), timeout_s)
    if came.outcome == "unknown" or (only_reads(args) and output.exit_code == 0):
        # Nothing was changed; and what is looked at may well be ill before the run.
        return replace(came, outcome="failed" if came.outcome == "unknown" else "done")
    return await with_revisions(args, came, kubectl.line(output), kubectl)


async def is_done(
    step: KubectlStep, context: StepContext, shown: Shown, timeout_s: float
) -> bool | None:
    """Say whether the cluster is as the step would make it; None where it can't tell."""
    kubectl = _kubectl(step, context, shown)
    if kubectl is None:
        return None
    return await settling.is_done(step.args, kubectl, timeout_s)


async def _found_out(args: Sequence[str], came: StepOutcome, kubectl: Kubectl) -> StepOutcome:
    """Ask whether a change was made whose answer was lost."""
    match await settling.is_done(args, kubectl, SETTLE_S):
        case True:
            text = N_("its answer was lost, but the cluster is as it should be")
            return replace(done(text), exit_code=came.exit_code)
        case False:
            return replace(came, outcome="failed")
        case None:
            return came


def _kubectl(step: KubectlStep, context: StepContext, shown: Shown) -> Kubectl | None:
    """Return kubectl in the namespace of the step's service; None if the service has none."""
    if step.namespace is not None or step.service is None:
        return Kubectl(step.namespace, context, shown)
    service = context.manual.services.services.get(step.service)
    workload = context.look.workloads.get(step.service) or (service.workload if service else None)
    return Kubectl(workload.namespace, context, shown) if workload else None


def _nowhere(step: KubectlStep) -> StepOutcome:
    text = N_("{service} has no workload in services.yaml, so its namespace is unknown")
    return refused(text, service=step.service)
