"""The command's help, exit codes and errors."""

from __future__ import annotations

import ast
import fcntl
import json
import signal
import subprocess
import sys
import termios
from array import array
from functools import partial
from pathlib import Path
from typing import IO

import pytest
import typer
from tests.cli.conftest import BONGSU, Run
from tests.waiting import PATIENCE, until_true_blocking

from bongsu.cli import COMMANDS
from bongsu.cli.following import events
from bongsu.cli.running import TYPERS_OWN

HEAVY = ("typer", "rich", "httpx", "fastapi", "asyncpg", "pydantic", "msgspec", "jinja2", "asyncio")


def test_help_loads_nothing_that_takes_time() -> None:
    script = (
        "import sys; sys.argv = ['bongsu', '--help']\n"
        "from bongsu.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stderr.strip() == "[]"


@pytest.mark.parametrize(("lang", "word"), [("ko", "사용법"), ("en", "Usage")])
def test_the_overview_speaks_the_terminals_language(run: Run, lang: str, word: str) -> None:
    shown = run("--help", BONGSU_LANG=lang).stdout
    assert word in shown
    assert all(f"  {name} " in shown for name in COMMANDS)


def _every_help(lang: str, environment: dict[str, str]) -> dict[str, str]:
    """Return each command's help, all from one process: only its start takes time."""
    script = (
        "from bongsu.cli import COMMANDS, _call\n"
        "for name in COMMANDS:\n"
        "    print('##', name)\n"
        "    assert _call([name, '--help']) == 0"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env={**environment, "BONGSU_LANG": lang},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    pages = (page.partition("\n") for page in ended.stdout.split("## ")[1:])
    return {name: text for name, _, text in pages}


def test_every_command_has_help_in_korean_and_english(environment: dict[str, str]) -> None:
    korean, english = _every_help("ko", environment), _every_help("en", environment)
    assert korean.keys() == english.keys() == COMMANDS.keys()
    for name in COMMANDS:
        assert "사용법:" in korean[name], name
        assert "이 도움말을 보여 주고 끝내요" in korean[name], name
        assert "Show this help and exit" in english[name], name
        assert not any("가" <= letter <= "힣" for letter in english[name]), name


def test_typer_still_says_what_is_translated_for_it() -> None:
    folder = Path(typer.__file__).parent
    trees = [ast.parse((folder / name).read_text("utf-8")) for name in ("core.py", "rich_utils.py")]
    texts = {
        node.args[0].value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
        if isinstance(node.args[0], ast.Constant)
    }
    assert set(TYPERS_OWN) <= texts


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ack",), "INCIDENT is missing"),
        (("ack", "1", "--loud"), "there is no option --loud"),
        (("list", "--limit", "many"), "--limit"),
        (("lst",), "did you mean list?"),
        (("oncall", "--at", "soon"), "soon is no time"),
        (("oncall", "override", "add", "primary", "kim", "--from", "2025-09-04 10:00"), "--until"),
        (("demo", "--listen", "here"), "no address to listen on"),
        (("demo", "--listen", "127.0.0.1:0"), "no address to listen on"),
    ],
)
def test_a_misused_command_ends_with_2_and_says_how_it_is_used(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


MISUSES = {
    "playbook history --limit many": "--limit: many는 정수가 아니에요",
    "playbook history --limit 0": "--limit: 0은 너무 작아요. 최소 1",
    "playbook history --limit 900": "--limit: 900은 너무 커요. 최대 200",
    "playbook list extra": "필요 없는 인자가 있어요: extra",
    "playbook run -p": "-p에 값이 필요해요",
    "playbook list --json=yes": "--json은 값을 받지 않아요",
    "playbook lst": "'lst' 명령은 없어요. 'list'를 뜻했나요?",
    "manual render x --format pdf": "pdf는 쓸 수 없어요. 다음 가운데 하나를 쓰세요: 'md', 'html'",
    "evidence capture --seconds soon": "--seconds: soon은 숫자가 아니에요",
}


def test_no_english_stands_in_what_is_said_to_a_korean_about_arguments(
    environment: dict[str, str],
) -> None:
    script = (
        "import sys\nfrom bongsu.cli import _call\n"
        f"for line in {list(MISUSES)!r}:\n"
        "    print('##', file=sys.stderr)\n"
        "    assert _call(line.split()) == 2"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env={**environment, "BONGSU_LANG": "ko"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = [part.splitlines()[0] for part in ended.stderr.split("##\n")[1:]]
    cut = [line[-len(text) :] for line, text in zip(said, MISUSES.values(), strict=True)]
    assert cut == list(MISUSES.values())


def test_without_a_server_it_says_how_to_name_one(run: Run) -> None:
    ended = run("list")
    assert ended.returncode == 1
    assert "bongsu login" in ended.stderr


def test_a_server_that_does_not_run_is_named(run: Run) -> None:
    ended = run("list", BONGSU_URL="http://127.0.0.1:9", BONGSU_TOKEN="bgs_x")
    assert ended.returncode == 1
    assert "http://127.0.0.1:9 does not answer" in ended.stderr


@pytest.mark.parametrize("url", ["bongsu.example.com", "ftp://bongsu.example.com", "http://[::1"])
def test_an_address_that_is_none_is_refused(run: Run, url: str) -> None:
    ended = run("list", BONGSU_URL=url, BONGSU_TOKEN="bgs_x")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_a_token_is_sent_only_to_the_server_that_it_was_kept_for(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "config" / "bongsu" / "login.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"url": "https://ours.example", "token": "bgs_secret"}))
    ended = run("list", BONGSU_URL="http://127.0.0.1:9")
    assert ended.returncode == 1
    assert "There is no token for http://127.0.0.1:9" in ended.stderr


def test_a_login_that_does_not_work_is_not_kept(run: Run, tmp_path: Path) -> None:
    assert run("login", "http://127.0.0.1:9", "--token", "bgs_x").returncode == 1
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("arguments", [("--help",), ("show", "--help"), ("manual", "schema")])
def test_a_reader_that_goes_away_sees_no_traceback(
    environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    with subprocess.Popen(
        [BONGSU, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (0, 1, 141)


def test_ctrl_c_ends_a_command_quietly_with_130(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [BONGSU, "login", "http://127.0.0.1:9"], env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(b"the beginning of a token")
        process.stdin.flush()
        until_true_blocking(partial(_all_read, process.stdin))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, b"")


def _all_read(pipe: IO[bytes]) -> bool:
    """Whether the one at the other end has read everything, and so waits for more."""
    unread = array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, unread)
    return unread[0] == 0


def test_server_sent_events_are_read_by_kind_and_data() -> None:
    lines = ["retry: 2000", "", ": still here", "", "id: 3", "event: timeline", 'data: {"seq":',
             "data: 3}", "", 'data: "plain"', ""]  # fmt: skip
    assert list(events(lines)) == [("timeline", {"seq": 3}), ("message", "plain")]


def test_a_key_that_is_not_there_is_not_said_to_be_the_only_one(run: Run, database_url: str):
    env = {"BONGSU_DATABASE_URL": database_url}
    assert run("integration", "key", "prometheus", **env).returncode == 0
    ended = run("integration", "revoke", "prometheus", "99", **env)
    assert (ended.returncode, "no key 99 of prometheus" in ended.stderr) == (1, True)
    assert run("integration", "revoke", "prometheus", **env).returncode == 0
    assert "no key of prometheus" in run("integration", "revoke", "prometheus", **env).stderr
