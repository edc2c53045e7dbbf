"""kubectl, run for a step: where, with what, and its output on its way to whoever watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bongsu.actions.cluster.kubectl import PLUGINS_NEED, kubectl
from bongsu.actions.output import Output
from bongsu.actions.programs import MIB, allowed_environment, run
from bongsu.actions.steps.outcome import StepContext
from bongsu.actions.steps.showing import Shown
from bongsu.manual.check.playbooks import names_namespace

GRACE_S = 2.0
SPARE_S = 0.3
"""before the step's time is over, kubectl gives up by itself and says what it waited for"""
LARGEST_ANSWER = 8 * MIB
LONGEST_LINE = 300


@dataclass(frozen=True)
class Kubectl:
    """kubectl in one namespace, for one step."""

    namespace: str | None
    context: StepContext
    shown: Shown

    def typed(self, args: Sequence[str]) -> list[str]:
        """Return the command as one would type it."""
        where = [] if self.namespace is None or names_namespace([*args]) else ["-n", self.namespace]
        return ["kubectl", *where, *args]

    async def run(self, args: Sequence[str], timeout_s: float) -> Output:
        """Run it and show what it prints."""
        self.shown.command(self.typed(args))
        return await self._run(args, timeout_s, loud=True)

    async def ask(self, args: Sequence[str], timeout_s: float) -> Output:
        """Run it for its answer alone."""
        return await self._run(args, timeout_s, loud=False)

    async def read(self, args: Sequence[str], type_: type[Any], timeout_s: float) -> Any:
        """Return an answer in JSON as a type; None if there is none that can be read."""
        output = await self.ask([*args, "-o", "json"], timeout_s)
        try:
            return msgspec.json.decode(output.out, type=type_) if output.ok else None
        except msgspec.DecodeError:
            return None

    def line(self, output: Output) -> str:
        """Return the last line of its complaints, or else of what it printed."""
        text = output.complaint or output.text.strip()
        return self.shown.hidden((text.splitlines() or ["-"])[-1])[:LONGEST_LINE].strip()

    async def _run(self, args: Sequence[str], timeout_s: float, *, loud: bool) -> Output:
        env = allowed_environment(PLUGINS_NEED, source=self.context.look.env)
        gives_up_s = max(timeout_s - SPARE_S, timeout_s / 2)
        return await run(
            [*kubectl(env, gives_up_s), *self.typed(args)[1:]],
            timeout_s=timeout_s,
            env=env,
            limit=LARGEST_ANSWER,
            on_output=self.shown.take if loud else None,
            grace_s=GRACE_S,
        )
