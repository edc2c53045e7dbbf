from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest
from tests.cli.conftest import BONGSU, Run
from tests.waiting import PATIENCE, until_true_blocking

from bongsu.incident.diagnosis import Comparison
from bongsu.incident.report import Report
from bongsu.manual.scaffold import begin

QUEUE = "test $(cat queue) -lt 100 || { echo the queue is long; exit 1; }"
DIAGNOSIS = """
groups:
  own: [queue, disk]
checks:
  queue: {{name: The queue, service: backend, probe: {{kind: command, argv: {queue}}}}}
  disk: {{name: The disk, probe: {{kind: command, argv: {disk}}}}}
rules:
  - when: checks.queue == 'unhealthy'
    severity: P1
    next: [Look at the workers]
"""


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    folder = tmp_path / "manual"
    begin(folder, "en")
    services = folder / "services.yaml"
    lines = services.read_text().splitlines(keepends=True)
    services.write_text("".join(one for one in lines if "health:" not in one))
    return folder


def checked(manual: Path, *, queue: int, disk: list[str] | None = None) -> Path:
    (manual.parent / "queue").write_text(str(queue))
    asks = ["sh", "-c", f"cd {manual.parent}; {QUEUE}"]
    text = DIAGNOSIS.format(
        queue=msgspec.json.encode(asks).decode(),
        disk=msgspec.json.encode(disk or ["true"]).decode(),
    )
    (manual / "diagnosis.yaml").write_text(text)
    return manual


def test_all_healthy_ends_with_0_and_says_so(manual: Path, run: Run):
    ended = run("diagnose", "--manual", str(checked(manual, queue=3)))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("✓ Everything that was looked at is healthy.")


def test_what_was_found_comes_with_its_evidence_and_what_to_do(manual: Path, run: Run):
    ended = run("diagnose", "--manual", str(checked(manual, queue=500)))
    assert ended.returncode == 1
    first, *rest = ended.stdout.splitlines()
    assert first == "✗ Something is broken."
    text = "\n".join(rest)
    assert "By the manual: P1  (checks.queue == 'unhealthy')" in text
    assert "✗ The queue  sh ends with exit code 1: the queue is long" in text
    assert "1. Look at the workers  (queue)" in text


def test_what_could_not_be_looked_at_is_not_healthy(manual: Path, run: Run):
    ended = run("diagnose", "--manual", str(checked(manual, queue=3, disk=["no-such-program"])))
    assert ended.returncode == 1
    assert "Nothing bad was seen, but not everything could be looked at." in ended.stdout
    assert "? The disk" in ended.stdout
    assert "no-such-program can't be run" in ended.stdout


def test_one_service_is_looked_at_with_what_is_nobodys(manual: Path, run: Run):
    ended = run("diagnose", "backend", "--json", "--manual", str(checked(manual, queue=3)))
    report = msgspec.json.decode(ended.stdout, type=Report)
    assert (report.service, [one.check for one in report.checks]) == ("backend", ["queue", "disk"])


def test_two_reports_are_compared(manual: Path, run: Run, tmp_path: Path):
    kept = tmp_path / "before.json"
    kept.write_text(run("diagnose", "--json", "--manual", str(checked(manual, queue=500))).stdout)
    checked(manual, queue=3)
    ended = run("diagnose", "--manual", str(manual), "--compare", str(kept))
    assert ended.returncode == 0
    assert "better  The queue: unhealthy → healthy" in ended.stdout
    assert "gone  The queue: sh ends with exit code 1" in ended.stdout
    as_json = run("diagnose", "--manual", str(manual), "--compare", str(kept), "--json")
    compared = msgspec.json.decode(as_json.stdout, type=Comparison)
    assert [one.check for one in compared.better] == ["queue"]


def test_a_check_that_ignores_its_end_holds_up_neither_the_report_nor_the_command(
    manual: Path, run: Run
):
    checked(manual, queue=3, disk=["sh", "-c", "trap '' TERM; sleep 50"])
    ended = run("diagnose", "--manual", str(manual), "--deadline", "1s")
    assert ended.returncode == 1
    assert "it did not answer within 1 s" in ended.stdout


def test_it_speaks_korean(manual: Path, run: Run):
    ended = run("diagnose", "--manual", str(checked(manual, queue=500)), BONGSU_LANG="ko")
    assert ended.stdout.startswith("✗ 장애가 있어요.")
    assert "sh 종료 코드 1: the queue is long" in ended.stdout
    assert "다음에 할 일" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bakend"], "the manual has no service bakend; did you mean backend?"),
        (["--deadline", "soon"], "soon is no length of time"),
        (["--deadline", "0s"], "--deadline must be longer than 0s"),
        (["--compare", "nowhere.json"], "nowhere.json is no report"),
    ],
)
def test_what_was_asked_wrongly_ends_with_2(
    manual: Path, run: Run, arguments: list[str], says: str
):
    ended = run("diagnose", *arguments, "--manual", str(checked(manual, queue=3)))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr


def test_without_a_manual_and_without_a_server_it_says_what_to_write(run: Run, tmp_path: Path):
    ended = run("diagnose")
    assert ended.returncode == 2
    assert "--manual FOLDER" in ended.stderr
    nowhere = run("diagnose", "--manual", str(tmp_path / "nowhere"))
    assert nowhere.returncode == 2


@pytest.mark.parametrize("which", [["INC-20250814-1"], ["redis"], []])
def test_a_server_that_does_not_answer_is_nothing_that_was_found(run: Run, which: list[str]):
    ended = run("diagnose", *which, BONGSU_URL="http://127.0.0.1:1", BONGSU_TOKEN="token")
    assert ended.returncode == 2
    assert "does not answer" in ended.stderr


def test_a_deadline_that_the_server_would_not_keep_to_is_refused(run: Run):
    ended = run("diagnose", "1", "--deadline", "1s")
    assert ended.returncode == 2
    assert "--deadline needs --manual" in ended.stderr


HURRIED = """
import sys
from pathlib import Path
from bongsu.cli import diagnosing
from bongsu.manual.load import load
diagnosing.LAST_WORDS_S = 0.0
diagnosing.run(load(Path(sys.argv[1])), None, 600.0)
"""


def test_what_takes_too_long_to_end_is_not_left_running(manual: Path, tmp_path: Path):
    begun = tmp_path / "begun"
    line = f"trap '' TERM INT; echo $$ > {begun}.new; mv {begun}.new {begun}; sleep 600"
    folder = checked(manual, queue=3, disk=["sh", "-c", line])
    process = subprocess.Popen([sys.executable, "-c", HURRIED, folder], stderr=subprocess.DEVNULL)
    try:
        until_true_blocking(begun.exists)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT
    finally:
        process.kill()
    until_true_blocking(lambda: ended(int(begun.read_text())))


def ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_ends_the_programs_that_checks_have_begun(
    manual: Path, environment: dict[str, str], tmp_path: Path
):
    begun, number = tmp_path / "begun", f"61234.{os.getpid()}"
    line = f"trap '' TERM INT; touch {begun}; sleep {number}"
    checked(manual, queue=3, disk=["sh", "-c", line])
    process = subprocess.Popen(
        [BONGSU, "diagnose", "--manual", str(manual)], env=environment, stdin=subprocess.DEVNULL
    )
    try:
        until_true_blocking(begun.exists)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    finally:
        process.kill()
    until_true_blocking(
        lambda: not [one for one in psutil.process_iter(["cmdline"]) if number in str(one.info)]
    )
