"""What a process leaves behind that can't end it any more: the guard beside it does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from tests.waiting import PATIENCE, until_true

from bongsu.actions import identity, programs
from bongsu.actions.guard import CLAIM_HOLDS, ClaimLostError

PARENT = """
import asyncio, sys
from bongsu.actions import guard, programs

async def main():
    guard.CLAIM_HOLDS.set(lambda: True)
    script = f"echo $$ > {sys.argv[1]}; setsid sleep 600 & sleep 600"
    await programs.run(["sh", "-c", script], timeout_s=600, env={"PATH": "/usr/bin:/bin"})

asyncio.run(main())
"""


@pytest.fixture
async def parent(tmp_path: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A process that runs a program under a claim, whose child has left its process group."""
    started = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "pid")])  # noqa: ASYNC220
    try:
        await until_true(lambda: of(tmp_path))
        await until_true(lambda: len(psutil.Process(of(tmp_path)).children()) == 2)
        yield started
    finally:
        started.kill()
        started.wait()


def of(tmp_path: Path) -> int:
    written = tmp_path / "pid"
    return int((written.read_text() if written.exists() else "") or 0)


async def are_gone(processes: list[psutil.Process]) -> None:
    """Wait until none of them lives; by themselves they would for ten minutes."""
    await until_true(lambda: not any(lives(one) for one in processes))


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def program(tmp_path: Path) -> list[psutil.Process]:
    shell = psutil.Process(of(tmp_path))
    return [shell, *shell.children()]


async def test_the_programs_of_a_killed_process_end_with_all_that_they_started(
    parent: subprocess.Popen[bytes], tmp_path: Path
):
    left = program(tmp_path)
    parent.kill()
    parent.wait()
    await are_gone(left)


@pytest.mark.slow
async def test_the_programs_of_a_stopped_process_end_before_its_claim_does(
    parent: subprocess.Popen[bytes], tmp_path: Path
):
    left = program(tmp_path)
    parent.send_signal(signal.SIGSTOP)
    await are_gone(left)
    assert lives(psutil.Process(parent.pid)), "it is stopped, and so has not ended them itself"


async def test_a_guard_that_was_killed_is_followed_by_another(
    parent: subprocess.Popen[bytes], tmp_path: Path
):
    (first,) = guards_of(parent)
    first.kill()
    await until_true(lambda: set(guards_of(parent)) - {first})
    left = program(tmp_path)
    parent.kill()
    parent.wait()
    await are_gone(left)


def guards_of(parent: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return [one for one in psutil.Process(parent.pid).children() if lives(one) and guards(one)]


def guards(process: psutil.Process) -> bool:
    try:
        return "guarding.py" in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


async def test_nothing_begins_under_a_claim_that_has_ended(tmp_path: Path):
    CLAIM_HOLDS.set(lambda: False)
    env = {"PATH": "/usr/bin"}
    with pytest.raises(ClaimLostError):
        await programs.run(["touch", str(tmp_path / "x")], timeout_s=PATIENCE, env=env)
    assert not (tmp_path / "x").exists()


def test_a_process_is_gone_when_its_pid_is_another_ones():
    host, pid, place, began = identity.me().rsplit(":", 3)
    assert not identity.is_gone(identity.me())
    assert identity.is_gone(f"{host}:{pid}:{place}:{int(began) - 1}")
    assert identity.is_gone(f"{host}:{2**22 + 1}:{place}:{began}")
    assert not identity.is_gone(f"{host}:1:another-boot.1:5"), "nobody can tell from here"
    assert not identity.is_gone("one")
