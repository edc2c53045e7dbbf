"""``wait``: let a change settle."""

from __future__ import annotations

import asyncio

from bongsu.actions.probes.outcome import seconds
from bongsu.actions.steps.outcome import StepOutcome, done
from bongsu.i18n import N_
from bongsu.manual.schema.playbooks import WaitStep


async def perform(step: WaitStep) -> StepOutcome:
    """Wait as long as the manual says; the step's timeout has no part in it."""
    await asyncio.sleep(step.duration.total_seconds())
    return done(N_("waited {wait}"), wait=_length(step))


def dry(step: WaitStep) -> StepOutcome:
    """Say how long it would wait."""
    return done(N_("would wait {wait}"), wait=_length(step))


def _length(step: WaitStep) -> str:
    return seconds(step.duration.total_seconds())
