"""Tests of a recovery are run for real: programs, addresses, Prometheus, load tools."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.load.service import BEARABLE, serving

from bongsu.actions.verification import CheckContext, check_once, verify
from bongsu.incident.verification.checked import Checked, Quiet
from bongsu.manual.schema.verification import VerificationCheck

START = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)


def check(passes: str, timeout: str = "60s", **test: Any) -> VerificationCheck:
    return VerificationCheck.model_validate(
        {"name": "x", "criterion": "x", "test": test, "passes": passes, "timeout": timeout}
    )


def program(passes: str, *argv: str, **more: Any) -> VerificationCheck:
    timeout = more.pop("timeout", "60s")
    return check(passes, timeout, kind="command", argv=[sys.executable, "-c", *argv], **more)


async def quiet_for_ages(_severities: Sequence[str], asked: timedelta) -> Quiet:
    return Quiet(asked, 0)


def context(folder: Path | None = None, **env: str) -> CheckContext:
    return CheckContext({**os.environ, **env}, quiet_for_ages, lambda: START, folder)


async def outcome(made: VerificationCheck, within: CheckContext | None = None) -> Checked:
    return await check_once("smoke:x", made, within or context())


def told(found: Checked) -> tuple[str, str]:
    return found.outcome, found.why.code


# ── addresses ────────────────────────────────────────────────────────────────────────────

SEARCH = f"p95 < duration('{BEARABLE:g}s') && error_rate == 0.0"


@pytest.mark.parametrize(
    ("mood", "expected"),
    [("fast", "passed"), ("slow", "failed"), ("failing", "failed"), ("flaky", "failed")],
)
async def test_an_address_is_asked_as_often_as_the_manual_says(mood: str, expected: str):
    async with serving(mood) as service:
        found = await outcome(check(SEARCH, kind="http", url=service.url, times=4))
        assert service.asked == 4
    assert found.outcome == expected, found
    assert found.numbers["requests"] == 4
    assert len(found.output.splitlines()) == 4


async def test_an_address_where_nobody_listens_fails():
    async with serving() as service:
        url = service.url
    found = await outcome(check("p95 < duration('2s')", kind="http", url=url, times=3))
    assert told(found) == ("failed", "all_failed")


async def test_an_address_that_hangs_ends_with_the_checks_time():
    async with serving("hanging") as service:
        found = await outcome(check(SEARCH, "3s", kind="http", url=service.url, times=20))
    assert found.outcome == "failed"
    assert found.numbers["requests"] == 1


async def test_fewer_requests_than_the_manual_wants_never_pass():
    async with serving("hanging") as service:
        easy = "error_rate >= 0.0"
        found = await outcome(check(easy, "3s", kind="http", url=service.url, times=20))
    assert told(found) == ("inconclusive", "cut_short")


async def test_what_is_no_address_is_inconclusive():
    assert told(await outcome(check(SEARCH, kind="http", url="gopher://x"))) == (
        "inconclusive", "not_asked"
    )  # fmt: skip


# ── programs ─────────────────────────────────────────────────────────────────────────────


async def test_an_exit_code_passes_or_fails():
    assert (await outcome(program("exit_code == 0", "print('ok')"))).outcome == "passed"
    found = await outcome(program("exit_code == 0", "print('login broken'); raise SystemExit(3)"))
    assert (found.outcome, found.output) == ("failed", "login broken")


async def test_a_program_that_is_not_there_says_nothing_of_the_service():
    missing = check("exit_code == 0", kind="command", argv=["no-such-program"])
    found = await outcome(missing)
    assert told(found) == ("inconclusive", "not_run")
    assert found.why.values["program"] == "no-such-program"


async def test_a_program_that_does_not_end_is_ended():
    found = await outcome(program("exit_code == 0", "import time; time.sleep(600)", timeout="1s"))
    assert told(found) == ("inconclusive", "timed_out")


async def test_a_result_file_is_read_and_another_runs_is_never_taken_for_it(tmp_path: Path):
    junit = "<testsuite tests='1'><testcase name='a'/></testsuite>"
    (tmp_path / "{result}").write_text(junit)
    writes = f"import sys; open(sys.argv[1], 'w').write({junit!r})"
    made = program("pass_rate == 1.0", writes, "{result}", result="junit")
    assert (await outcome(made, context(tmp_path))).outcome == "passed"
    wrote_nothing = program("pass_rate == 1.0", "pass", "{result}", result="junit")
    assert told(await outcome(wrote_nothing, context(tmp_path))) == ("inconclusive", "result_empty")


async def test_a_program_sees_only_what_the_manual_names(tmp_path: Path):
    shows = "import os; print(os.getcwd(), os.environ.get('LOGIN'), os.environ.get('OTHER'))"
    made = program("exit_code == 0", shows, env=["LOGIN"])
    found = await outcome(made, context(tmp_path, LOGIN="tester", OTHER="secret"))
    assert found.output == f"{tmp_path} tester None"


async def test_what_is_printed_is_kept_masked_and_bounded():
    prints = "print('password=hunter2'); print('x' * 100_000)"
    found = await outcome(program("exit_code == 0", prints))
    assert "hunter2" not in found.output
    assert len(found.output) < 21_000


async def test_real_pytest_leaves_a_result_that_is_read(tmp_path: Path):
    tests = "def test_good(): pass\ndef test_bad(): assert {}\n"
    for verdict, truth in (("passed", "True"), ("failed", "False")):
        (tmp_path / "test_login.py").write_text(tests.format(truth))
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull,
                f"--rootdir={tmp_path}", "--junitxml={result}", str(tmp_path)]  # fmt: skip
        made = check("pass_rate == 1.0", "120s", kind="command", argv=argv, result="junit")
        found = await outcome(made, context(tmp_path))
        assert (found.outcome, found.numbers.get("tests")) == (verdict, 2), found


# ── queries ──────────────────────────────────────────────────────────────────────────────


async def asked_of_prometheus(result: object, passes: str = "value < 0.001") -> Checked:
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        made = check(passes, kind="prometheus", query="error_rate")
        return await outcome(made, context(BONGSU_PROMETHEUS_URL=f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["0.0004"], ("passed", "criterion_met")), (["0.0004", "0.2"], ("failed", "criterion_missed")),
     ([], ("inconclusive", "no_series")), (["NaN"], ("inconclusive", "not_a_number")),
     (["0.0004", "NaN"], ("inconclusive", "not_a_number")),
     (["many"], ("inconclusive", "not_asked"))],
)  # fmt: skip
async def test_a_query_is_held_against_the_criterion(values: list[str], expected: tuple[str, str]):
    rows = [{"metric": {}, "value": [0, value]} for value in values]
    assert told(await asked_of_prometheus(rows)) == expected


async def test_a_prometheus_that_is_not_there_says_nothing_of_the_service():
    made = check("value < 1.0", kind="prometheus", query="up")
    assert told(await outcome(made)) == ("inconclusive", "not_asked")


# ── all together ─────────────────────────────────────────────────────────────────────────


def ignored(_found: Checked) -> None:
    """Do nothing more about a check that is done."""


async def in_order(
    also: Callable[[Checked], object] = ignored, **checks: VerificationCheck
) -> list[tuple[str, str]]:
    done: list[tuple[str, str]] = []

    async def on_checked(found: Checked) -> None:
        done.append((found.check, found.outcome))
        also(found)

    named = {name.replace("_", ":", 1): made for name, made in checks.items()}
    await verify(named, context(), on_checked)
    return done


async def test_smoke_comes_first_and_load_last_and_one_failure_stops_no_other():
    fine, broken = (
        program("exit_code == 0", "pass"),
        check("value < 1.0", kind="prometheus", query="x"),
    )
    done = await in_order(performance_a=fine, monitoring_b=broken, smoke_c=fine, performance_d=fine)
    assert done == [
        ("smoke:c", "passed"), ("monitoring:b", "inconclusive"), ("performance:a", "passed"),
        ("performance:d", "passed"),
    ]  # fmt: skip


async def test_a_service_that_fails_its_smoke_test_is_not_put_under_load():
    fails = program("exit_code == 0", "raise SystemExit(1)")
    done = await in_order(smoke_a=fails, performance_b=program("exit_code == 0", "pass"))
    assert done == [("smoke:a", "failed"), ("performance:b", "inconclusive")]


async def test_load_tests_of_two_recoveries_never_run_together(tmp_path: Path):
    """Each would find the service slow because of the other."""
    claims = (
        "import os, sys, time; f = os.open(sys.argv[1], os.O_CREAT | os.O_EXCL); time.sleep(0.3); "
        "os.unlink(sys.argv[1])"
    )
    load = program("exit_code == 0", claims, str(tmp_path / "only"))
    both = await asyncio.gather(in_order(performance_a=load), in_order(performance_a=load))
    assert list(both) == [[("performance:a", "passed")]] * 2


async def test_one_that_hangs_holds_up_none_beside_it(tmp_path: Path):
    """It hangs until the other is done, and for good where that waits for it."""
    told = tmp_path / "told"
    waits = (
        "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.05)"
    )
    hangs = program("exit_code == 0", waits, str(told), timeout="60s")
    quick = program("exit_code == 0", "pass")
    done = await in_order(lambda found: told.write_text(found.check), smoke_a=hangs, smoke_b=quick)
    assert done == [("smoke:b", "passed"), ("smoke:a", "passed")]
