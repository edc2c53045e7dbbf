"""Nothing of a process that ran steps is still open when it ends by itself."""

from __future__ import annotations

import asyncio
import sys

RUNS_A_STEP = """
import asyncio
from bongsu.actions import guard, programs

async def main():
    guard.CLAIM_HOLDS.set(lambda: True)
    done = await programs.run(["true"], timeout_s=60, env={"PATH": "/usr/bin:/bin"})
    assert done.ok, done.complaint
    assert guard.GUARD._process is not None

asyncio.run(main())
"""


async def test_the_guard_ends_with_its_process_and_its_pipe_is_closed():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "dev", "-c", RUNS_A_STEP, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert (process.returncode, said.decode()) == (0, "")
