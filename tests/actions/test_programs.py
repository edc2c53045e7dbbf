"""Programs are bounded in every way, and nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest
from tests.actions.limits import gone, limited
from tests.waiting import PATIENCE, until_true

from bongsu.actions.programs import KIB, MIB, Output, allowed_environment, run, stream

ENV = {"PATH": os.environ["PATH"]}
LONG = "300"


async def shell(script: str, **asked) -> Output:
    """Run a script; the shell is the program under test, not a way to start one."""
    return await run(["sh", "-c", script], **{"timeout_s": PATIENCE, "env": ENV, **asked})


async def ended_once_written(path: Path, script: str, grace_s: float = 0.2) -> None:
    """Cancel the script as soon as it has written the file."""
    task = asyncio.create_task(shell(script, grace_s=grace_s))
    await until_true(lambda: task.done() or _written(path))
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_a_program_prints_and_returns_is_told():
    output = await shell("echo out; echo err >&2; exit 3")
    assert (output.ended, output.exit_code, output.ok) == ("exited", 3, False)
    assert (output.out, output.complaint, output.truncated) == (b"out\n", "err", False)


async def test_arguments_are_passed_whole_and_no_shell_reads_them():
    hostile = ["; touch /nowhere", "$(id)", "a\nb", "-x", "`id`", "한글 *"]
    output = await run(["printf", "%s|", *hostile], timeout_s=PATIENCE, env=ENV)
    assert output.text == "".join(f"{argument}|" for argument in hostile)


@pytest.mark.parametrize(
    ("argv", "ended"),
    [
        (["no-such-program-anywhere"], "not_found"),
        (["/etc/hostname"], "not_allowed"),
        (["/"], "not_allowed"),
    ],
)
async def test_a_program_that_cannot_start_says_why(argv, ended):
    output = await run(argv, timeout_s=PATIENCE, env=ENV)
    assert (output.ended, output.exit_code) == (ended, None)
    assert argv[0] in output.complaint


async def test_a_folder_that_is_not_there_is_named(tmp_path):
    output = await run(["true"], timeout_s=PATIENCE, env=ENV, cwd=tmp_path / "gone")
    assert output.ended == "not_found"
    assert "gone" in output.complaint


async def test_only_the_named_part_of_the_environment_is_passed_on(monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    monkeypatch.setenv("API_REGION", "seoul")
    output = await run(
        ["env"], timeout_s=PATIENCE, env=allowed_environment(["API_REGION", "NOT_SET"])
    )
    assert "hunter2" not in output.text
    assert "API_REGION=seoul" in output.text
    assert f"PATH={os.environ['PATH']}" in output.text
    assert "NOT_SET" not in output.text


async def test_a_program_gets_its_input_and_its_end():
    output = await run(["sort"], timeout_s=PATIENCE, env=ENV, stdin=b"b\na\n")
    assert output.out == b"a\nb\n"


async def test_without_input_a_program_that_reads_meets_the_end_of_file():
    assert (await run(["cat"], timeout_s=PATIENCE, env=ENV)).ok


async def test_a_flood_keeps_its_head_and_its_tail_and_loses_no_byte_to_who_listens():
    seen = {"out": 0, "err": 0}

    def listen(name, block):
        seen[name] += len(block)

    flood = "head -c 4000000 /dev/zero | tr '\\0' x; head -c 500000 /dev/zero >&2"
    script = f"echo first; {flood}; echo last"
    output = await shell(script, limit=8 * KIB, on_output=listen)
    assert output.ok
    assert output.truncated
    assert output.out.startswith(b"first\n")
    assert output.out.endswith(b"last\n")
    assert b"[... 3991819 bytes ...]" in output.out
    assert len(output.out) < 9 * KIB
    assert seen == {"out": 4_000_011, "err": 500_000}


async def test_who_listens_and_fails_ends_the_program_and_the_run_fails():
    def fail(name, block):
        raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="the disk is full"):
        await shell(f"echo x; sleep {LONG}", on_output=fail)


async def test_a_program_that_takes_too_long_is_ended_and_what_it_said_is_kept(tmp_path):
    script = f"echo started; touch {tmp_path}/said; exec sleep {LONG}"
    output = await limited(
        lambda limit_s: shell(script, timeout_s=limit_s),
        lambda _: (tmp_path / "said").exists(),
    )
    assert (output.ended, output.exit_code, output.out) == ("timed_out", None, b"started\n")
    assert output.took_s < float(LONG) / 2


async def test_a_program_that_ignores_the_polite_signal_is_killed(tmp_path):
    script = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 1; done"
    await ended_once_written(tmp_path / "pid", script)
    assert await gone(tmp_path / "pid")


async def test_a_program_has_the_grace_to_tidy_up(tmp_path):
    ready = f"echo on > {tmp_path}/on; while :; do sleep 0.02; done"
    script = f"trap 'touch {tmp_path}/tidy; exit 0' TERM; {ready}"
    await ended_once_written(tmp_path / "on", script, grace_s=PATIENCE)  # it goes as soon as it can
    assert (tmp_path / "tidy").exists()


async def test_grandchildren_go_with_a_program_that_timed_out(tmp_path):
    script = f"(sh -c 'echo $$ > {tmp_path}/pid; exec sleep {LONG}') & wait"
    output = await limited(
        lambda limit_s: shell(script, timeout_s=limit_s, grace_s=0.1),
        lambda _: _written(tmp_path / "pid"),
    )
    assert output.ended == "timed_out"
    assert await gone(tmp_path / "pid")


async def test_a_descendant_that_fled_to_its_own_session_is_found_and_ended(tmp_path):
    flee = f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep {LONG}' & sleep {LONG}"
    await ended_once_written(tmp_path / "pid", flee)
    assert await gone(tmp_path / "pid")


async def test_what_a_finished_program_left_running_is_ended_and_does_not_hold_up_its_result(
    tmp_path,
):
    wait = f"while ! [ -s {tmp_path}/pid ]; do sleep 0.01; done"
    script = f"sh -c 'echo $$ > {tmp_path}/pid; exec sleep {LONG}' & {wait}; echo done"
    output = await shell(script)
    assert output.ok
    assert output.out == b"done\n"
    assert await gone(tmp_path / "pid")


async def test_a_program_that_closes_its_pipes_and_lives_on_is_waited_for_and_timed(tmp_path):
    assert (await shell("exec >&- 2>&-; sleep 0.2; exit 4")).exit_code == 4
    script = f"exec >&- 2>&-; touch {tmp_path}/closed; sleep {LONG}"
    output = await limited(
        lambda limit_s: shell(script, timeout_s=limit_s),
        lambda _: (tmp_path / "closed").exists(),
    )
    assert output.ended == "timed_out"


async def test_a_program_that_another_signal_ended_says_which():
    output = await shell("kill -KILL $$")
    assert (output.ended, output.exit_code) == ("signalled", 137)


async def test_cancelling_the_task_ends_the_program_with_its_children(tmp_path):
    script = f"trap '' TERM; sh -c 'echo $$ > {tmp_path}/pid; exec sleep {LONG}' & sleep {LONG}"
    await ended_once_written(tmp_path / "pid", script)
    assert await gone(tmp_path / "pid")


async def test_cancelling_at_once_leaves_nothing_either(tmp_path):
    for steps in range(40):
        script = f"trap '' TERM; sleep {LONG} & sleep {LONG}"
        asked = {"env": {**ENV, "AT": str(tmp_path)}, "grace_s": 0.01}
        task = asyncio.create_task(shell(script, **asked))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await until_true(
        lambda: not [p.pid for p in psutil.process_iter() if _environ(p).get("AT") == str(tmp_path)]
    )


def _written(path):
    return path.exists() and path.read_text().strip()


def _environ(process):
    try:
        return {} if process.status() == psutil.STATUS_ZOMBIE else process.environ()
    except (psutil.Error, OSError):
        return {}


async def test_a_large_output_streams_whole_while_its_reader_is_slow():
    argv = ["head", "-c", str(8 * MIB), "/dev/zero"]
    total = 0
    async with stream(argv, timeout_s=PATIENCE, env=ENV) as blocks:
        async for block in blocks:
            total += len(block)
            await asyncio.sleep(0)
    assert total == 8 * MIB
    assert blocks.output.ok


async def test_a_reader_that_stands_still_makes_the_program_wait(tmp_path):
    script = f"head -c {16 * MIB} /dev/zero; touch {tmp_path}/finished"
    async with stream(["sh", "-c", script], timeout_s=PATIENCE, env=ENV) as blocks:
        async for _ in blocks:
            await asyncio.sleep(0.3)
            assert not (tmp_path / "finished").exists()
            break
    assert not (tmp_path / "finished").exists()


async def test_leaving_a_stream_early_ends_its_program(tmp_path):
    script = f"echo $$ > {tmp_path}/pid; while :; do echo line; sleep 0.01; done"
    async with stream(["sh", "-c", script], timeout_s=PATIENCE, env=ENV, grace_s=0.1) as blocks:
        async for block in blocks:
            assert block.startswith(b"line")
            break
    assert await gone(tmp_path / "pid")


async def test_a_stream_ends_when_its_time_is_over():
    argv = ["sh", "-c", f"echo bad >&2; echo one; exec sleep {LONG}"]

    async def streamed(limit_s):
        async with stream(argv, timeout_s=limit_s, env=ENV) as blocks:
            got = [block async for block in blocks]
        return got, blocks.output

    got, output = await limited(streamed, lambda came: came[0])
    assert got == [b"one\n"]
    assert (output.ended, output.err) == ("timed_out", b"bad\n")


async def test_a_stream_of_a_program_that_cannot_start_is_empty_and_says_why():
    async with stream(["no-such-program-anywhere"], timeout_s=PATIENCE, env=ENV) as blocks:
        assert [block async for block in blocks] == []
    assert blocks.output.ended == "not_found"


def test_programs_end_whole_on_the_loop_that_the_server_runs_on(tmp_path):
    """Uvloop has a subprocess code of its own."""
    uvloop = pytest.importorskip("uvloop")

    async def both():
        ended = await limited(
            lambda limit_s: shell(
                f"echo a; touch {tmp_path}/said; sleep {LONG} & wait",
                timeout_s=limit_s,
                grace_s=0.1,
            ),
            lambda _: (tmp_path / "said").exists(),
        )
        wait = f"while ! [ -s {tmp_path}/pid ]; do sleep 0.01; done"
        left = await shell(f"sh -c 'echo $$ > {tmp_path}/pid; exec sleep {LONG}' & {wait}")
        async with stream(
            [sys.executable, "-c", "print('x' * 3000000)"], timeout_s=PATIENCE, env=ENV
        ) as b:
            total = sum([len(block) async for block in b])
        return ended, left, total, await gone(tmp_path / "pid")

    ended, left, total, is_gone = uvloop.run(both())
    assert (ended.ended, ended.out, left.exit_code) == ("timed_out", b"a\n", 0)
    assert (total, is_gone) == (3_000_001, True)
