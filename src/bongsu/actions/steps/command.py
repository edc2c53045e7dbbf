"""``command``: a program of the manual with its arguments; no shell ever sees them."""

from __future__ import annotations

from collections.abc import Sequence

from bongsu.actions.output import Output
from bongsu.actions.probes.outcome import seconds
from bongsu.actions.programs import allowed_environment, run
from bongsu.actions.steps.outcome import StepContext, StepOutcome, done, failed, refused
from bongsu.actions.steps.showing import Shown
from bongsu.i18n import N_
from bongsu.manual.schema.playbooks import CommandStep

GRACE_S = 3.0
"""between SIGTERM and SIGKILL: what changes something may have to put it in order"""
LONGEST_LINE = 300


async def perform(
    step: CommandStep, context: StepContext, shown: Shown, timeout_s: float, *, undo: bool
) -> StepOutcome:
    """Run the program, or the one that takes it back."""
    argv = step.undo if undo else step.argv
    if argv is None:
        return refused(N_("the manual names no way back"))
    return await _run(step, argv, context, shown, timeout_s)


async def dry(
    step: CommandStep, context: StepContext, shown: Shown, timeout_s: float, *, undo: bool
) -> StepOutcome:
    """Show what would be run; run the manual's own dry run, if it has one."""
    shown.command((step.undo or []) if undo else step.argv)
    if step.dry_run is None or undo:
        return done(N_("nothing was run"))
    return await _run(step, step.dry_run, context, shown, timeout_s)


async def _run(
    step: CommandStep, argv: Sequence[str], context: StepContext, shown: Shown, timeout_s: float
) -> StepOutcome:
    shown.command(argv)
    env = allowed_environment(step.env, source=context.look.env)
    output = await run(
        argv, timeout_s=timeout_s, env=env, on_output=shown.take, grace_s=GRACE_S
    )  # fmt: skip
    return judged(argv[0], output, shown, timeout_s)


def judged(program: str, output: Output, shown: Shown, timeout_s: float) -> StepOutcome:
    """Say what came of a program by how it ended."""
    line = last_line(output, shown)
    match output.ended:
        case "exited" if output.exit_code == 0:
            came = done("{line}" if line else N_("it ended with exit code 0"), line=line)
        case "exited":
            text = N_("{program} ended with exit code {code}: {line}")
            came = failed(text, program=program, code=output.exit_code, line=line or "-")
        case "signalled":
            came = failed(N_("{program} was ended by somebody else"), program=program)
        case "timed_out":
            text = N_("{program} did not end within {wait} and was ended; part of it may be done")
            came = failed(text, program=program, wait=seconds(timeout_s))
        case "not_found":
            text = N_("{program} is not installed where the step is run")
            came = refused(text, program=program)
        case _:
            came = refused(N_("{program} can't be run: {why}"), program=program, why=line or "-")
    return with_code(came, output.exit_code)


def with_code(came: StepOutcome, code: int | None) -> StepOutcome:
    """Add the exit code."""
    return StepOutcome(came.outcome, came.says, code, came.took_s, came.verdicts)


def last_line(output: Output, shown: Shown) -> str:
    """Return the last line that a program printed; of one that failed, its last complaint."""
    printed = output.text.strip()
    text = printed if output.ok else output.complaint or printed
    return shown.hidden(text.splitlines()[-1])[:LONGEST_LINE].strip() if text else ""
