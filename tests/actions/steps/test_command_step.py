"""Programs of the manual: bounded, ended whole, and out of reach of whoever gives a parameter."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.actions.limits import gone, limited
from tests.actions.steps.conftest import PYTHON, Bench, says, step
from tests.incident.manuals import manual
from tests.waiting import until_true

from bongsu.actions.steps import StepOutcome, perform
from bongsu.incident.commands import RefusedError
from bongsu.incident.runs.planning import plan, step_of

ECHO = "import json,sys; print(json.dumps(sys.argv[1:]))"
SHOW_ENV = "import os; print(sorted(os.environ.items()))"


async def python(bench: Bench, script: str, *args: str, **written) -> StepOutcome:
    return await bench.do("command", argv=[PYTHON, "-c", script, *args], **written)


async def test_what_it_prints_is_streamed_and_its_last_line_is_what_it_says(bench: Bench):
    came = await python(bench, "print('one'); print('connections: 42')")
    assert (came.outcome, came.exit_code, says(came)) == ("done", 0, "connections: 42")
    assert bench.seen.text.endswith("one\nconnections: 42\n")
    assert bench.seen.text.startswith(f"$ {PYTHON} -c ")


async def test_a_failure_says_its_exit_code_and_its_complaint(bench: Bench):
    came = await python(bench, "import sys; print('partly'); sys.exit('the pool is full')")
    assert (came.outcome, came.exit_code) == ("failed", 1)
    assert says(came).endswith("ended with exit code 1: the pool is full")
    assert "종료 코드" in says(came, "ko")


async def test_a_program_that_is_not_there_changed_nothing(bench: Bench):
    came = await bench.do("command", argv=["no-such-program-anywhere"])
    assert (came.outcome, came.exit_code) == ("refused", None)
    assert "not installed" in says(came)


async def test_a_program_that_can_t_be_run_changed_nothing(bench: Bench):
    came = await bench.do("command", argv=["/etc/hostname"])
    assert came.outcome == "refused"


async def test_time_ends_it_and_all_that_it_started(bench: Bench, tmp_path: Path):
    script = (
        "import os,subprocess,sys,time,signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'],"
        " start_new_session=True)\n"
        "open('child', 'w').write(str(child.pid)); open('self', 'w').write(str(os.getpid()))\n"
        "open('ready', 'w'); time.sleep(300)"
    )
    script = f"import os; os.chdir({str(tmp_path)!r})\n{script}"
    limits_s = []

    async def do(limit_s: int) -> StepOutcome:
        limits_s.append(limit_s)
        return await python(bench, script, timeout=f"{limit_s}s")

    came = await limited(do, lambda _: (tmp_path / "ready").exists())
    assert (came.outcome, came.exit_code) == ("failed", None)
    within = re.search(r"did not end within ([\d.]+) s", says(came))
    assert within is not None
    assert 0 < float(within[1]) <= limits_s[-1]
    assert await gone(tmp_path / "self")
    assert await gone(tmp_path / "child")


async def test_a_step_that_is_cancelled_leaves_nothing_running(bench: Bench, tmp_path: Path):
    pid = tmp_path / "pid"
    script = f"import os,time; open({str(pid)!r},'w').write(str(os.getpid())); time.sleep(300)"
    task = asyncio.create_task(python(bench, script))
    await until_true(lambda: task.done() or (pid.exists() and pid.read_text()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)


async def test_a_flood_is_kept_by_its_beginning_and_its_end(bench: Bench):
    script = "for n in range(200000): print('line', n)\nprint('THE END')"
    came = await python(bench, script)
    assert (came.outcome, says(came)) == ("done", "THE END")
    assert len(bench.seen.text) < 80_000
    assert "line 0\n" in bench.seen.text
    assert "bytes ...]" in bench.seen.text
    assert bench.seen.text.endswith("THE END\n")


async def test_only_named_variables_are_seen(bench: Bench):
    await python(bench, SHOW_ENV)
    assert "KOREA_TOKEN" not in bench.seen.text
    await python(bench, SHOW_ENV, env=["KOREA_TOKEN"])
    assert "KOREA_TOKEN" in bench.seen.text


@pytest.mark.parametrize(
    "script",
    [
        "print(v)",
        "print('x' * 40_000 + v)",
        "print('x ' * 9_000 + v + ' y' * 9_000)",
        "import base64; print(base64.b64encode(v.encode()).decode())",
        "import sys; sys.stderr.write(v)",
        "import sys,time\nfor c in v: sys.stdout.write(c); sys.stdout.flush(); time.sleep(.001)",
        "raise SystemExit(v)",
        "print('-----BEGIN PRIVATE KEY-----'); print(v); print('-----END PRIVATE KEY-----')",
    ],
)
async def test_a_secret_is_never_shown_however_it_is_printed(script: str, bench: Bench):
    came = await python(
        bench, f"import os; v = os.environ['KOREA_TOKEN']\n{script}", env=["KOREA_TOKEN"]
    )
    secret = bench.env["KOREA_TOKEN"]
    assert secret not in bench.seen.text + says(came)
    assert "dDBwLXNlY3JldC12YWx1ZQ" not in bench.seen.text


async def test_what_a_failure_says_is_masked_before_it_is_cut(bench: Bench):
    bench = Bench(bench.manual, {**bench.env, "DB_PASSWORD": "correct-horse-battery"})
    script = "import os, sys; sys.exit('x' * 290 + os.environ['DB_PASSWORD'])"
    came = await bench.do("command", argv=[PYTHON, "-c", script], env=["DB_PASSWORD"])
    assert "correct" not in came.says.values["line"]


async def test_a_private_key_is_not_shown_line_by_line(bench: Bench):
    lines = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEowIBAAKCAQEA", "-----END RSA PRIVATE KEY-----"]
    await python(bench, "import sys; print('\\n'.join(sys.argv[1:])); print('after')", *lines)
    assert bench.seen.text.endswith("[KEY]\nafter\n")
    assert "MIIEowIBAAKCAQEA" not in bench.seen.text


async def test_what_a_terminal_would_obey_is_written_out(bench: Bench):
    await python(bench, "print('\\x1b[2Jgone\\x00\\x07')")
    assert "␛[2Jgone␀␇" in bench.seen.text
    assert not set(bench.seen.text) & {"\x1b", "\0", "\a"}


async def test_bytes_that_are_no_text_are_shown_as_such(bench: Bench):
    await python(bench, "import sys; sys.stdout.buffer.write(b'\\xff\\xfe ok\\n')")
    assert "\\xff\\xfe ok" in bench.seen.text


async def test_a_listener_that_fails_ends_the_program_and_is_told(bench: Bench):
    def broken(_stream: str, block: bytes) -> None:
        if b"hello" in block and not block.startswith(b"$"):
            raise OSError("the disk is full")

    one = step("command", argv=[PYTHON, "-c", "import time; print('hello', flush=True)"])
    came = await perform(one, context=replace(bench.context, on_output=broken))
    assert came.outcome == "unknown"
    assert "the disk is full" in says(came)


async def test_a_dry_run_shows_the_arguments_and_runs_nothing(bench: Bench, tmp_path: Path):
    mark = tmp_path / "mark"
    argv = ["touch", str(mark), "a b; c"]
    came = await bench.do("command", argv=argv, dry=True)
    assert (came.outcome, mark.exists()) == ("done", False)
    assert bench.seen.text == f"$ touch {mark} 'a b; c'\n"


async def test_a_dry_run_of_the_manual_s_own_is_run(bench: Bench, tmp_path: Path):
    mark = tmp_path / "mark"
    came = await bench.do(
        "command", argv=["touch", str(mark)], dry_run=["echo", "would touch"], dry=True
    )
    assert (says(came), mark.exists()) == ("would touch", False)
    failing = await bench.do("command", argv=["touch", str(mark)], dry_run=["false"], dry=True)
    assert (failing.outcome, mark.exists()) == ("failed", False)


async def test_the_way_back_is_run_for_an_undo(bench: Bench):
    come = {"argv": ["echo", "forth"], "undo": ["echo", "back"]}
    one = step("command", **come)
    assert says(await perform(one, context=bench.context)) == "forth"
    assert says(await perform(one, undo=True, context=bench.context)) == "back"


# ── what a parameter may hold ────────────────────────────────────────────────────────────

HOSTILE = [
    "; touch pwned", "$(touch pwned)", "`touch pwned`", "| touch pwned", "&& touch pwned",
    "> pwned", "'; touch pwned; '", '"; touch pwned; "', "\\", "*", "~", "${IFS}", "!!", "a b",
    "%s%n", "한글", "ｔｏｕｃｈ", "а", "{{ it }}", "#", "$'\\n'", "=cmd", "@file",
]  # fmt: skip
REFUSED = ["-rf", "--exec=touch", "a\nb", "a\0b", "a\rb", "\x1b[31m", "\u202etxt", "\u200b", ""]


@pytest.mark.parametrize("value", HOSTILE)
async def test_what_is_hostile_to_a_shell_reaches_the_program_whole(
    value: str, bench: Bench, tmp_path: Path
):
    argv = [PYTHON, "-c", ECHO, "{{ it }}", "--to={{ it }}"]
    books = {"mend": {"name": "Mend", "parameters": {"it": {}}, "steps": [
        {"name": "Echo", "kind": "command", "argv": argv}
    ]}}  # fmt: skip
    planned = plan(manual(playbooks=books), "mend", {"it": value})
    came = await perform(step_of(planned.steps[0]), context=bench.context)
    assert came.outcome == "done"
    assert json.loads(says(came)) == [value, f"--to={value}"]
    assert not [*tmp_path.rglob("pwned"), *Path.cwd().glob("pwned")]


@pytest.mark.parametrize("value", REFUSED)
def test_what_could_be_an_option_or_can_t_be_seen_never_gets_that_far(value: str):
    books = {"mend": {"name": "Mend", "parameters": {"it": {}}, "steps": [
        {"name": "Echo", "kind": "command", "argv": ["echo", "{{ it }}"]}
    ]}}  # fmt: skip
    with pytest.raises(RefusedError):
        plan(manual(playbooks=books), "mend", {"it": value})
