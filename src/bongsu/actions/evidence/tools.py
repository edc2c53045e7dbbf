"""The versions of the programs that made evidence, for the chain of custody."""

from __future__ import annotations

from collections.abc import Mapping

from bongsu.actions.programs import allowed_environment, run

_ASKED = {
    "kubectl": ("kubectl", "version", "--client"),
    "tcpdump": ("tcpdump", "--version"),
}
WAIT_S = 5.0


async def version(program: str, env: Mapping[str, str]) -> str:
    """Return what a program says of its version; "unknown" where it says nothing."""
    argv = _ASKED[program]
    output = await run(argv, timeout_s=WAIT_S, env=allowed_environment(source=env))
    lines = f"{output.text}\n{output.complaint}".strip().splitlines()
    return lines[0].strip() if output.ok and lines else "unknown"
