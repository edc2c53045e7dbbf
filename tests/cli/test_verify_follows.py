"""``bongsu verify`` where the checks run already."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.cli.test_playbook_follow import Terminal
from tests.cli.test_verify import gate, terminal
from tests.waiting import PATIENCE

__all__ = ["gate", "terminal"]  # fixtures


async def test_checks_that_run_since_it_was_said_to_work_again_are_followed_to_their_end(
    terminal: Terminal, gate: Path
):
    await terminal.run("recovered", terminal.incident)
    verifying = await terminal.begin("verify", terminal.incident)
    assert verifying.stdout is not None
    line = ""
    while "│ first" not in line:
        line = (await asyncio.wait_for(verifying.stdout.readline(), PATIENCE)).decode()
        assert line
    gate.touch()
    rest, said = await asyncio.wait_for(verifying.communicate(), PATIENCE)
    assert "✗ Sign-in" in rest.decode()
    assert verifying.returncode == 1
    assert "These checks run already" in said.decode()


async def test_a_check_that_there_is_not_is_said_also_beside_one_that_runs(
    terminal: Terminal, gate: Path
):
    await terminal.run("recovered", terminal.incident)
    asked = ("--check", "smoke:login", "--check", "smoke:made_up")
    verifying = await terminal.begin("verify", terminal.incident, *asked)
    _, said = await asyncio.wait_for(verifying.communicate(), PATIENCE)
    assert "there is no check smoke:made_up" in said.decode()
    gate.touch()
