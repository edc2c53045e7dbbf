"""``command``: a program of the team's own that only reads; exit 0 is healthy."""

from __future__ import annotations

from typing import assert_never

from bongsu.actions.looking import LookContext, unknown
from bongsu.actions.probes.outcome import bounded, found, looked, said, seconds, typed
from bongsu.actions.programs import Output, allowed_environment, run
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Looked
from bongsu.manual.schema.diagnosis import CommandProbe

GRACE_S = 0.3
"""a check has nothing to put in order, so it is not waited for long when it must go"""
CANNOT_RUN = frozenset((126, 127))
"""exit codes by which shells and ``env`` say that they could not run the program"""


async def look(check: str, probe: CommandProbe, context: LookContext) -> Looked:
    """Run it; a program that does not run, or does not end, has not looked."""
    env = allowed_environment(probe.env, source=context.env)
    timeout_s = max(context.timeout_s - GRACE_S, 0.1)
    output = await run(probe.argv, timeout_s=timeout_s, env=env, grace_s=GRACE_S)
    shown = "\n".join(part for part in (output.text.strip(), output.complaint) if part)
    numbers = {"took_s": output.took_s}
    if output.exit_code is not None:
        numbers["exit_code"] = output.exit_code
    evidence = Evidence(typed(probe.argv), bounded(shown), numbers)
    return _judged(check, probe.argv[0], output, evidence, timeout_s)


def _judged(
    check: str, program: str, output: Output, evidence: Evidence, timeout_s: float
) -> Looked:
    match output.ended:
        case "exited" if output.exit_code == 0:
            return looked(check, [], evidence)
        case "exited" if output.exit_code not in CANNOT_RUN:
            text = N_("{program} ends with exit code {code}: {line}")
            line = (evidence.output.splitlines() or ["-"])[-1][:200]
            says = said(text, program=program, code=output.exit_code, line=line)
            return looked(check, [found("command_failed", "unhealthy", says)], evidence)
        case "exited" | "not_found" | "not_allowed":
            why = said(N_("{program} can't be run: {why}"), program=program, why=_last(output))
        case "signalled":
            why = said(N_("{program} was ended by somebody else"), program=program)
        case "timed_out":
            text = N_("{program} did not end within {wait}")
            why = said(text, program=program, wait=seconds(timeout_s))
        case _:
            assert_never(output.ended)
    return unknown(check, why, evidence)


def _last(output: Output) -> str:
    return bounded((output.complaint.splitlines() or ["-"])[-1], 200)
