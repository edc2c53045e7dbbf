from __future__ import annotations

import pytest
from tests.actions.probes.conftest import context

from bongsu.actions.looking import LookContext
from bongsu.actions.probes import command
from bongsu.incident.report import Looked
from bongsu.manual.schema.diagnosis import CommandProbe

PATH = {"PATH": "/usr/bin:/bin"}


async def look(*argv: str, given: LookContext | None = None, env: tuple[str, ...] = ()) -> Looked:
    probe = CommandProbe(kind="command", argv=[*argv], env=[*env])
    return await command.look("own", probe, given or context(PATH))


async def test_a_program_that_ends_well_is_healthy_and_its_output_is_kept():
    looked = await look("echo", "queue length 3")
    assert looked.verdict == "healthy"
    assert looked.evidence.output == "queue length 3"
    assert looked.evidence.command == "echo 'queue length 3'"


async def test_a_program_that_fails_is_unhealthy_and_says_its_last_line():
    looked = await look("sh", "-c", "echo a start; echo queue is full >&2; exit 3")
    assert (looked.verdict, looked.findings[0].code) == ("unhealthy", "command_failed")
    assert looked.findings[0].says.says("en") == "sh ends with exit code 3: queue is full"
    assert looked.evidence.numbers["exit_code"] == 3


@pytest.mark.parametrize("argv", [("no-such-program-here",), ("sh", "-c", "no-such-program-here")])
async def test_a_program_that_is_not_there_has_not_looked(argv: tuple[str, ...]):
    looked = await look(*argv)
    assert looked.verdict == "unknown"
    assert looked.why is not None
    assert "can't be run" in looked.why.says("en")


async def test_a_program_that_ignores_its_end_is_unknown():
    hung = await look("sh", "-c", "trap '' TERM; sleep 600", given=context(PATH, 0.8))
    assert hung.verdict == "unknown"
    assert hung.why is not None
    assert hung.why.says("en") == "sh did not end within 0.5 s"


async def test_a_program_sees_only_what_the_manual_gives_it():
    env = {**PATH, "APP_URL": "http://app", "DATABASE_PASSWORD": "hunter2secret"}
    looked = await look("env", given=context(env), env=("APP_URL",))
    assert "APP_URL=http://app" in looked.evidence.output
    assert "hunter2secret" not in looked.evidence.output
