"""The demo plays an incident to its end, and leaves nothing behind whenever it is ended."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.cli.conftest import BONGSU
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The temporary folder of the demo, which must be empty, and unused, in the end."""
    made = Path(f"/tmp/bongsu-test-demo-{os.getpid()}-{free_port()}")
    made.mkdir(mode=0o755)
    environment["TMPDIR"] = str(made)
    yield made
    assert list(made.iterdir()) == []
    left = [one.pid for one in psutil.process_iter(["cmdline"]) if _about(one, str(made))]
    made.rmdir()
    assert left == []


def _about(process: psutil.Process, text: str) -> bool:
    return any(text in word for word in process.info["cmdline"] or [])


def _demo(environment: dict[str, str], *options: str, port: int = 0) -> subprocess.Popen[str]:
    listen = f"127.0.0.1:{port or free_port()}"
    return subprocess.Popen(
        [BONGSU, "demo", "--speed", "120", "--listen", listen, *options], env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_where_nobody_sits_at_a_terminal_it_plays_by_itself_to_a_resolved_incident(
    environment: dict[str, str], folder: Path
) -> None:
    with _demo(environment) as demo:
        out, err = demo.communicate(timeout=110)
    assert demo.returncode == 0, err
    for line in (
        "Incident opened as P0", "is called", "acknowledged (Link)", "it is real",
        "PM takes the role Incident Commander", "The response has begun",
        "Report: 1 findings", "severity P0 is proposed", "“Restart the backend” succeeded",
        "Search response time: passed", "Alert silence: passed",
        "is resolved. Its whole log",
    ):  # fmt: skip
        assert line in out, out


@pytest.mark.parametrize("line", ["Starting PostgreSQL", "Sign in (once)", "is called"])
def test_ctrl_c_at_any_moment_leaves_nothing_behind(
    environment: dict[str, str], folder: Path, line: str
) -> None:
    with _demo(environment) as demo:
        assert demo.stdout is not None
        while line not in (shown := demo.stdout.readline()):
            assert shown, demo.communicate()
        demo.send_signal(signal.SIGINT)
        _, err = demo.communicate(timeout=60)
    assert demo.returncode == 130, err
    assert "Traceback" not in err


def test_a_signal_that_reaches_it_twice_leaves_nothing_behind(
    environment: dict[str, str], folder: Path
) -> None:
    """As from ``timeout make demo``: the whole group is told, and make tells its child as well."""
    with _demo(environment) as demo:
        assert demo.stdout is not None
        while "Sign in (once)" not in (shown := demo.stdout.readline()):
            assert shown, demo.communicate()
        demo.send_signal(signal.SIGTERM)
        time.sleep(0.02)
        demo.send_signal(signal.SIGTERM)
        _, err = demo.communicate(timeout=60)
    assert demo.returncode == 130, err


def test_a_port_that_is_taken_is_said_at_once(environment: dict[str, str], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _demo(environment, port=port) as demo:
            _, err = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert f"127.0.0.1:{port} can't be used" in err
    assert "Traceback" not in err


def test_by_hand_each_key_does_what_it_says(environment: dict[str, str], folder: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        demo = subprocess.Popen(
            [BONGSU, "demo", "--speed", "120", "--listen", f"127.0.0.1:{free_port()}"],
            env=environment, stdin=theirs, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with demo:
            assert demo.stdout is not None
            for line, key in (
                ("is called", b"a\n"), ("acknowledged (", b"c\n"), ("real", b"f\nw\n"),
                ("Alert silence: passed", b"r\n"),
                ("is resolved. Its whole log", b"q\n"),
            ):  # fmt: skip
                while line not in (shown := demo.stdout.readline()):
                    assert shown, demo.communicate()
                keyboard.write(key)
            _, err = demo.communicate(timeout=60)
    os.close(theirs)
    assert demo.returncode == 0, err
