"""One step, done, taken back or only shown: who does it by its kind, and the checks around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

import structlog

from bongsu.actions.probes.outcome import bounded
from bongsu.actions.steps import checking, command, http, kubectl, telling, waiting
from bongsu.actions.steps.outcome import StepContext, StepOutcome, done, failed
from bongsu.actions.steps.showing import Shown, secrets_of
from bongsu.i18n import N_
from bongsu.manual.schema.playbooks import (
    CheckStep,
    CommandStep,
    HttpStep,
    HumanStep,
    KubectlStep,
    NotifyStep,
    Step,
    SubPlaybookStep,
    WaitStep,
)

LEAST_S = 0.1
Left = Callable[[], float]
"""how many seconds are left of the step's time"""
log = structlog.get_logger(__name__)


async def perform(
    step: Step, *, undo: bool = False, dry: bool = False, context: StepContext
) -> StepOutcome:
    """Do a step, or take it back, or (``dry``) show it and change nothing.

    Everything of it together, the checks before and after it included, has the step's timeout. It
    raises for nothing but its own cancellation, which ends its program whole.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    deadline = began + step.timeout.total_seconds()
    shown = Shown(context.on_output, secrets_of(context.look.env, _secret_variables(step)))

    def left() -> float:
        return max(deadline - loop.time(), LEAST_S)

    try:
        came = await _perform(step, context, shown, left, undo=undo, dry=dry)
    except Exception as error:  # noqa: BLE001  a worker goes on with other runs, and this is recorded
        # Without a traceback: the values in it may be secrets.
        log.warning("step.broke", step=step.kind, error=bounded(repr(error), 300))
        text = N_("doing the step broke off: {error}")
        came = failed(text, error=shown.hidden(bounded(repr(error), 300)))
        came = replace(came, outcome="failed" if dry else "unknown")
    finally:
        shown.close()
    return replace(came, took_s=round(loop.time() - began, 3))


async def settled(step: Step, context: StepContext) -> bool | None:
    """Say whether a step whose outcome nobody knows was done; None where that can't be told.

    The cluster is asked where kubectl can tell; else the step's ``after`` checks tell: all healthy
    is yes, an unhealthy one is no.
    """
    shown = Shown(context.on_output, secrets_of(context.look.env, _secret_variables(step)))
    try:
        return await _settled(step, context, shown)
    except Exception as error:  # noqa: BLE001  what can't be told is left to a person, and recorded
        log.warning("step.not_settled", step=step.kind, error=bounded(repr(error), 300))
        return None
    finally:
        shown.close()


async def _settled(step: Step, context: StepContext, shown: Shown) -> bool | None:
    timeout_s = step.timeout.total_seconds()
    told = None
    if isinstance(step, KubectlStep):
        told = await kubectl.is_done(step, context, shown, timeout_s)
    if told is False or not step.after:
        return told
    looked = await checking.look_at(step.after, context, shown, timeout_s)
    verdicts = {one.verdict for one in looked}
    if verdicts == {"healthy"}:
        return True
    return False if "unhealthy" in verdicts and told is None else None


async def _perform(
    step: Step, context: StepContext, shown: Shown, left: Left, *, undo: bool, dry: bool
) -> StepOutcome:
    if dry:
        return await _dry(step, context, shown, left(), undo=undo)
    if undo:
        return await _do(step, context, shown, left(), undo=True)
    before = await _before(step, context, shown, left)
    if before.outcome == "refused":
        return before
    came = await _do(step, context, shown, left(), undo=False)
    if came.outcome != "done" or not step.after:
        return came
    after = await checking.until_healthy(step.after, context, shown, left())
    says = came.says if after.outcome == "done" else after.says
    return replace(came, outcome=after.outcome, says=says, verdicts=after.verdicts)


async def _before(step: Step, context: StepContext, shown: Shown, left: Left) -> StepOutcome:
    """Look at what must be well before anything is changed."""
    if not step.before:
        return done("")
    looked = await checking.look_at(step.before, context, shown, left())
    return checking.summed(looked, context, "refused")


async def _do(  # noqa: PLR0911  one exhaustive match over the kinds of steps
    step: Step, context: StepContext, shown: Shown, timeout_s: float, *, undo: bool
) -> StepOutcome:
    match step:
        case CommandStep():
            return await command.perform(step, context, shown, timeout_s, undo=undo)
        case KubectlStep():
            return await kubectl.perform(step, context, shown, timeout_s, undo=undo)
        case HttpStep():
            return await http.perform(step, context, shown, timeout_s, undo=undo)
        case WaitStep() | CheckStep() if undo:
            return done(N_("there is nothing to take back"))
        case WaitStep():
            return await waiting.perform(step)
        case CheckStep():
            return await checking.perform(step.checks, context, shown, timeout_s)
        case HumanStep() | NotifyStep() | SubPlaybookStep():
            return telling.not_ours()
        case _:
            assert_never(step)


async def _dry(  # noqa: PLR0911  as above
    step: Step, context: StepContext, shown: Shown, timeout_s: float, *, undo: bool
) -> StepOutcome:
    match step:
        case CommandStep():
            return await command.dry(step, context, shown, timeout_s, undo=undo)
        case KubectlStep():
            return await kubectl.dry(step, context, shown, timeout_s, undo=undo)
        case HttpStep():
            return http.dry(step, shown, undo=undo)
        case WaitStep():
            return waiting.dry(step)
        case CheckStep():
            return await checking.dry(step.checks, context, shown, timeout_s)
        case HumanStep():
            return telling.asked(step, context, shown)
        case NotifyStep():
            return telling.sent(step, context, shown)
        case SubPlaybookStep():
            return telling.not_ours()
        case _:
            assert_never(step)


def _secret_variables(step: Step) -> list[str]:
    match step:
        case CommandStep():
            return step.env
        case HttpStep():
            return http.variables(step)
        case _:
            return []
