"""A dry run from this machine: what each step would do, and what kubectl's server says of it."""

from __future__ import annotations

import asyncio
import codecs
import os
import re

from rich.padding import Padding
from rich.text import Text

from bongsu.actions.looking import LookContext
from bongsu.actions.steps import StepContext, perform
from bongsu.actions.steps.outcome import StepOutcome
from bongsu.cli import language
from bongsu.cli.printing import console, log_nothing, t
from bongsu.engine.clock import SystemClock
from bongsu.engine.hands import with_bongsu
from bongsu.i18n import N_
from bongsu.incident.run_events import PlannedStep
from bongsu.incident.runs.planning import Plan
from bongsu.incident.runs.steps import step_of
from bongsu.manual.schema.document import Manual

SIGNS = {"done": ("✓", "green"), "refused": ("✗", "bold red"), "failed": ("✗", "bold red")}
NOISE = re.compile(r"E\d{4} [\d:.]+ +\d+ memcache\.go:\d+\]")
"""kubectl's own log of each attempt to reach a cluster, before it says that none answers"""


def dry_run(manual: Manual, plan: Plan) -> int:
    """Show every step; returns 1 where one would not work as far as can be told."""
    log_nothing()
    return asyncio.run(_dry_run(manual, plan))


async def _dry_run(manual: Manual, plan: Plan) -> int:
    name = manual.playbooks[plan.playbook].name.in_(language())
    given = "  ".join(f"{key}={value}" for key, value in plan.parameters.items())
    console.print(Text.assemble((t(N_("Dry run")), "bold"), f"  {name}  ", (given, "dim")))
    well = True
    for number, planned in enumerate(plan.steps):
        well &= await _step(manual, planned, number)
    return 0 if well else 1


async def _step(manual: Manual, planned: PlannedStep, number: int) -> bool:
    step = step_of(planned)
    head = Text.assemble(f"{number + 1:>3}. ", (step.name.in_(language()), "bold"))
    if step.approve:
        role = manual.role_name(step.approve).in_(language())
        head.append("  " + t("needs the yes of {role}", role=role), "yellow")
    console.print(head)
    if step.when:
        _line(t("only where {condition}", condition=step.when))
    lines = _Lines()
    came = await perform(step, dry=True, context=_context(manual, lines))
    lines.close()
    sign, style = _sign(came)
    said = came.says.says(language()) or t(came.outcome)
    console.print(Padding(Text.assemble((f"{sign} ", style), said), (0, 0, 0, 5), expand=False))
    return came.outcome == "done"


def _sign(came: StepOutcome) -> tuple[str, str]:
    """What would be done is not therefore well: a check is looked at, and may be ill as yet."""
    if came.outcome == "done" and set(came.verdicts.values()) - {"healthy"}:
        return "!", "yellow"
    return SIGNS.get(came.outcome, ("?", "magenta"))


def _context(manual: Manual, lines: _Lines) -> StepContext:
    services = manual.services.services.items()
    look = LookContext(
        env=with_bongsu(os.environ), now=SystemClock().now, timeout_s=0.0, lang=language(),
        workloads={name: one.workload for name, one in services if one.workload},
    )  # fmt: skip
    return StepContext(look=look, manual=manual, on_output=lines.take)


def _line(text: str) -> None:
    console.print(Padding(Text(text, "dim"), (0, 0, 0, 5), expand=False))


class _Lines:
    """Prints whole lines of what comes in blocks."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def take(self, _stream: str, block: bytes) -> None:
        *lines, self._rest = (self._rest + self._decoder.decode(block)).split("\n")
        for line in lines:
            if not NOISE.match(line):
                _line(line)

    def close(self) -> None:
        if self._rest:
            _line(self._rest)
