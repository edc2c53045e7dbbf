"""``kubectl scale``: bounded, and with a reason.

Where its change meets a conflict kubectl tries again every second for five minutes, and says
nothing of it. So it gets as long as is worth waiting for; then the server is asked why.
"""

from __future__ import annotations

from collections.abc import Sequence

from bongsu.actions.probes.outcome import seconds
from bongsu.actions.steps.kubectl.running import Kubectl
from bongsu.actions.steps.kubectl.verbs import DRY_RUN, option, own_timeout_s, words
from bongsu.actions.steps.outcome import StepOutcome, failed
from bongsu.i18n import N_

LONGEST_S = 15.0
WHY_S = 5.0
"""what may be spent on asking for the reason"""
CONFLICT = "(Conflict)"


def bounded_s(args: Sequence[str], timeout_s: float) -> float:
    """Return the seconds that it gets: `LONGEST_S` and what kubectl itself was told to wait for."""
    return min(timeout_s, (own_timeout_s(args) or 0.0) + LONGEST_S)


async def why(args: Sequence[str], kubectl: Kubectl, waited_s: float) -> StepOutcome | None:
    """Say why a scaling was not done within its time, where the server's answer to it tells."""
    patch = f'{{"spec":{{"replicas":{option(args, "--replicas")}}}}}'
    asked = ["patch", *words(args)[1:], "--type=merge", f"--patch={patch}", DRY_RUN]
    output = await kubectl.ask(asked, WHY_S)
    if output.ok or CONFLICT not in output.complaint:
        return None
    text = N_(
        "somebody else kept changing it for {wait}, and it was not scaled; find out who "
        "(an autoscaler, a deployment) before this is done again: {line}"
    )
    return failed(text, wait=seconds(waited_s), line=kubectl.line(output))
