"""What a process leaves behind that can't end it any more: the guard beside it does."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from bongsu.actions import identity, programs
from bongsu.actions.guard import CLAIM_HOLDS, ClaimLostError

PARENT = """
import asyncio, sys
from bongsu.actions import guard, programs

async def main():
    guard.CLAIM_HOLDS.set(lambda: True)
    script = f"echo $$ > {sys.argv[1]}; setsid sleep 60 & sleep 60"
    await programs.run(["sh", "-c", script], timeout_s=60, env={"PATH": "/usr/bin:/bin"})

asyncio.run(main())
"""


@pytest.fixture
async def parent(tmp_path: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A process that runs a program under a claim, whose child has left its process group."""
    started = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "pid")])  # noqa: ASYNC220
    async with asyncio.timeout(20):
        while not of(tmp_path):
            await asyncio.sleep(0.02)
        while len(psutil.Process(of(tmp_path)).children()) < 2:
            await asyncio.sleep(0.02)
    yield started
    started.kill()
    started.wait()


def of(tmp_path: Path) -> int:
    written = tmp_path / "pid"
    return int((written.read_text() if written.exists() else "") or 0)


async def gone(processes: list[psutil.Process], within: float) -> bool:
    async with asyncio.timeout(within):
        while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
            await asyncio.sleep(0.05)
    return True


def program(tmp_path: Path) -> list[psutil.Process]:
    shell = psutil.Process(of(tmp_path))
    return [shell, *shell.children()]


async def test_the_programs_of_a_killed_process_end_with_all_that_they_started(
    parent: subprocess.Popen[bytes], tmp_path: Path
):
    left = program(tmp_path)
    parent.kill()
    parent.wait()
    assert await gone(left, within=10)


@pytest.mark.slow
async def test_the_programs_of_a_stopped_process_end_before_its_claim_does(
    parent: subprocess.Popen[bytes], tmp_path: Path
):
    left = program(tmp_path)
    parent.send_signal(signal.SIGSTOP)
    assert await gone(left, within=15)


async def test_a_guard_that_was_killed_is_followed_by_another(
    parent: subprocess.Popen[bytes], tmp_path: Path
):
    def guards() -> list[psutil.Process]:
        children = psutil.Process(parent.pid).children()
        alive = [one for one in children if one.status() != psutil.STATUS_ZOMBIE]
        return [one for one in alive if "guarding.py" in " ".join(one.cmdline())]

    (first,) = guards()
    first.kill()
    async with asyncio.timeout(10):
        while not guards() or guards() == [first]:
            await asyncio.sleep(0.05)
    left = program(tmp_path)
    parent.kill()
    parent.wait()
    assert await gone(left, within=10)


async def test_nothing_begins_under_a_claim_that_has_ended(tmp_path: Path):
    CLAIM_HOLDS.set(lambda: False)
    with pytest.raises(ClaimLostError):
        await programs.run(["touch", str(tmp_path / "x")], timeout_s=5, env={"PATH": "/usr/bin"})
    assert not (tmp_path / "x").exists()


def test_a_process_is_gone_when_its_pid_is_another_ones():
    host, pid, place, began = identity.me().rsplit(":", 3)
    assert not identity.is_gone(identity.me())
    assert identity.is_gone(f"{host}:{pid}:{place}:{int(began) - 1}")
    assert identity.is_gone(f"{host}:{2**22 + 1}:{place}:{began}")
    assert not identity.is_gone(f"{host}:1:another-boot.1:5"), "nobody can tell from here"
    assert not identity.is_gone("one")
