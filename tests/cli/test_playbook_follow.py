"""``bongsu playbook run`` against a real process: followed, left, approved, answered."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from tests.cli.conftest import BONGSU
from tests.waiting import PATIENCE
from tests.web.console.stage import Stage, stage
from tests.web.made_playbooks import command, with_playbooks

from bongsu.cli import playbook_follow
from bongsu.store import access

STEPS = [
    {**command("talk"), "argv": ["sh", "-c", "echo hello; sleep 0.5; echo done talking"]},
    {**command("bounce", approve="technical_lead"), "argv": ["echo", "bounced {{ word }}"]},
    {"name": "see", "kind": "human", "instruction": "Look at the dashboard"},
]
FAILS = {"name": "Fails", "steps": [{**command("no"), "argv": ["sh", "-c", "echo why; exit 3"]}]}
TALK = {"name": "Talk", "parameters": {"word": {"default": "ok"}}, "steps": STEPS}


@dataclass
class Terminal:
    """A terminal of the PM, who is the commander."""

    stage: Stage
    environment: dict[str, str]
    incident: str = ""

    async def begin(self, *arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            BONGSU, *arguments, env=self.environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe, stderr=pipe,
        )  # fmt: skip

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        process = await self.begin(*arguments)
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        return process.returncode or 0, out.decode(), err.decode()

    async def answer(self, *arguments: str) -> dict[str, object]:
        code, out, err = await self.run(*arguments, "--json")
        assert code == 0, err
        found: dict[str, object] = json.loads(out)
        return found


@pytest.fixture
async def terminal(database_url: str, environment: dict[str, str]) -> AsyncIterator[Terminal]:
    async with stage(database_url, manual=with_playbooks(talk=TALK, fails=FAILS)) as staged:
        runtime = staged.runtime
        async with runtime.pool.acquire() as conn:
            now = runtime.engine.clock.now()
            token, _ = await access.issue_token(conn, "pm", name="t", made_by="t", now=now)
        env = {**environment, "BONGSU_URL": staged.base_url, "BONGSU_TOKEN": token}
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            base_url=staged.base_url, headers=headers, timeout=PATIENCE
        ) as http:
            body = {"title": "검색 오류", "severity": "P0"}
            made = await http.post("/api/v1/incidents", json=body)
        yield Terminal(staged, env, str(made.json()["id"]))


async def test_a_run_is_followed_with_its_output_answered_for_and_ends_with_0(terminal: Terminal):
    i = ("--incident", terminal.incident)
    following = await terminal.begin("playbook", "run", "talk", *i, "-p", "word=now", "--follow")
    assert following.stdout is not None
    seen = ""
    while "bongsu playbook approve" not in seen:
        line = await asyncio.wait_for(following.stdout.readline(), PATIENCE)
        assert line, seen
        seen += line.decode()
    assert "│ hello" in seen
    assert "✓ talk" in seen
    run = seen.split()[0]
    code, _, said = await terminal.run("playbook", "answer", run, "done", *i)
    assert (code, f"bongsu playbook approve {run} --incident {i[1]}" in said) == (1, True)
    assert (await terminal.run("playbook", "approve", run, *i))[0] == 0
    while "bongsu playbook answer" not in seen:
        line = await asyncio.wait_for(following.stdout.readline(), PATIENCE)
        assert line, seen
        seen += line.decode()
    assert "bounced now" in seen
    assert "approved by PM" in seen
    assert "Look at the dashboard" in seen
    assert (await terminal.run("playbook", "answer", run, "done", *i))[0] == 0
    assert await asyncio.wait_for(following.wait(), PATIENCE) == 0
    history = await terminal.answer("playbook", "history", "talk")
    assert [one["outcome"] for one in history["runs"]] == ["succeeded"]  # type: ignore[attr-defined]


async def test_ctrl_c_leaves_the_run_going_and_says_how_to_stop_it(terminal: Terminal):
    i = ("--incident", terminal.incident)
    following = await terminal.begin("playbook", "run", "talk", *i, "--follow")
    assert following.stdout is not None
    first = (await asyncio.wait_for(following.stdout.readline(), PATIENCE)).decode()
    run = first.split()[0]
    following.send_signal(signal.SIGINT)
    _, said = await asyncio.wait_for(following.communicate(), PATIENCE)
    assert following.returncode == 130
    assert f"bongsu playbook stop {run} --incident {terminal.incident}" in said.decode()
    shown = (await terminal.answer("playbook", "history", *i))["runs"]
    assert shown[0]["outcome"] is None  # type: ignore[index]
    stopped = await terminal.answer("playbook", "stop", run, *i)
    assert stopped["stopping"] or stopped["outcome"] == "stopped"
    code, out, _ = await terminal.run("playbook", "follow", run, *i)
    assert (code, "was stopped" in out) == (1, True)


async def test_a_run_that_fails_ends_with_1_and_wrong_input_with_2(terminal: Terminal):
    i = ("--incident", terminal.incident)
    code, out, _ = await terminal.run("playbook", "run", "fails", *i, "--follow")
    assert (code, "│ why" in out, "failed" in out) == (1, True, True)
    code, _, err = await terminal.run("playbook", "run", "scale", *i, "-p", "replicas=99")
    assert code == 2
    assert "parameters.replicas: 99 is out of bounds for replicas: from 1 to 20" in err
    code, _, err = await terminal.run("playbook", "approve", "r99", *i)
    assert (code, "r99" in err) == (1, True)


async def test_where_a_whole_run_waits_for_a_yes_the_command_that_says_it_is_shown(
    terminal: Terminal,
):
    i = ("--incident", terminal.incident)
    run = (await terminal.answer("playbook", "run", "guarded", *i))["run"]
    following = await terminal.begin("playbook", "follow", str(run), *i)
    assert following.stdout is not None
    said = "".join([(await following.stdout.readline()).decode() for _ in range(2)])
    assert "waits for a yes" in said
    assert f"bongsu playbook approve {run} --incident {terminal.incident}" in said
    shown = (await terminal.run("show", terminal.incident))[1]
    assert f"$ bongsu playbook follow {run} --incident {terminal.incident}" in shown
    assert (await terminal.run("playbook", "approve", str(run), *i, "--no"))[0] == 0
    rest, _ = await asyncio.wait_for(following.communicate(), PATIENCE)
    assert (following.returncode, b"was not begun" in rest) == (1, True)
    await terminal.run("playbook", "run", "guarded", *i)
    newest = (await terminal.answer("playbook", "history", *i, "--limit", "1"))["runs"]
    assert len(newest) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "told"),
    [({"waits": ["Start the worker edge"]}, "Start the worker edge"),
     ({"waits_until": "2026-01-01T00:30:00+00:00", "lock": "db/primary"}, "db/primary")],
)  # fmt: skip
def test_who_follows_is_told_once_what_the_run_waits_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: dict[str, object],
    told: str,
):
    over = {
        "run": "r5", "playbook": {"name": "Edge work"}, "state_name": "", "dry": False, "why": "",
        "incident": 1, "asked_at": "2026-01-01T00:00:00+00:00", "approval": None, "steps": [],
        "waits": [], "waits_until": None, "lock": None, "phase": "ended", "outcome": "refused",
    }  # fmt: skip
    view = {**over, **what, "phase": "asked", "outcome": None}
    answers = iter([view, view, over])
    answering = httpx.MockTransport(lambda _: httpx.Response(200, json=next(answers)))
    server = "http://bongsu.invalid"
    monkeypatch.setenv("BONGSU_URL", server)
    monkeypatch.setenv("BONGSU_TOKEN", "any")
    monkeypatch.setattr(playbook_follow, "PAUSE", 0)
    monkeypatch.setattr(
        playbook_follow, "client", lambda _: httpx.Client(transport=answering, base_url=server)
    )
    assert playbook_follow.Following("1", "r5").to_its_end()["outcome"] == "refused"
    assert capsys.readouterr().out.count(told) == 1
