"""The hands of a run: what does its steps on the systems, by this process's environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.engine.clock import Clock
from bongsu.engine.step_records import Came
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Step

if TYPE_CHECKING:
    from bongsu.actions.steps import StepContext


def with_bongsu(env: Mapping[str, str]) -> Mapping[str, str]:
    """Let steps find ``bongsu`` itself, also where its folder is on nobody's path."""
    return {**env, "PATH": f"{env.get('PATH', os.defpath)}:{Path(sys.executable).parent}"}


class SystemHands:
    """Does steps with the programs, addresses and credentials that this process has."""

    def __init__(self, clock: Clock, env: Mapping[str, str] | None = None) -> None:
        self._clock = clock
        self._env = with_bongsu(os.environ if env is None else env)

    async def perform(
        self, manual: Manual, step: Step, *, undo: bool, dry: bool,
        output: Callable[[str, bytes], None],
    ) -> Came:  # fmt: skip
        """Do it, or take it back, or show what would be done."""
        from bongsu.actions.steps import perform  # noqa: PLC0415  large, and seldom needed

        context = self._context(manual, step, output)
        came = await perform(step, undo=undo, dry=dry, context=context)
        return Came(
            came.outcome, came.says.text, came.says.values, came.exit_code, came.took_s,
            came.verdicts,
        )  # fmt: skip

    async def settled(self, manual: Manual, step: Step) -> bool | None:
        """Say by the step's own checks whether it was done."""
        from bongsu.actions.steps import settled  # noqa: PLC0415  large, and seldom needed

        return await settled(step, self._context(manual, step, lambda *_: None))

    def _context(
        self, manual: Manual, step: Step, output: Callable[[str, bytes], None]
    ) -> StepContext:
        from bongsu.actions.looking import LookContext  # noqa: PLC0415  as above
        from bongsu.actions.steps import StepContext  # noqa: PLC0415  as above

        services = manual.services.services.items()
        look = LookContext(
            env=self._env, now=self._clock.now, timeout_s=step.timeout.total_seconds(),
            workloads={name: one.workload for name, one in services if one.workload},
        )  # fmt: skip
        return StepContext(look=look, manual=manual, on_output=output)
