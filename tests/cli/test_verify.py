"""``bongsu verify`` against a real process: what checks print as they print it, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.cli.test_playbook_follow import Terminal
from tests.waiting import PATIENCE, until
from tests.web.console.stage import stage
from tests.web.site import seed

from bongsu.manual.schema.document import Manual
from bongsu.store import access


def check(name: str, script: str) -> dict[str, object]:
    return {
        "name": name, "criterion": "all", "passes": "exit_code == 0", "timeout": "100s",
        "test": {"kind": "command", "argv": ["sh", "-c", script]},
    }  # fmt: skip


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A test goes on once this file is there."""
    return tmp_path / "gate"


@pytest.fixture
async def terminal(
    database_url: str, environment: dict[str, str], gate: Path
) -> AsyncIterator[Terminal]:
    waits = f"echo first; until [ -e {gate} ]; do sleep 0.1; done; echo last; exit 3"
    smoke = {"login": check("Sign-in", waits)}
    document = seed().model_dump(by_alias=True, exclude={"sha"})
    manual = Manual.model_validate(
        {**document, "verification": {"smoke": smoke}, "sha": "verified"}
    )
    async with stage(database_url, manual=manual) as staged:
        runtime = staged.runtime
        async with runtime.pool.acquire() as conn:
            now = runtime.engine.clock.now()
            token, _ = await access.issue_token(conn, "pm", name="t", made_by="t", now=now)
        headers = {"authorization": f"Bearer {token}"}
        url = f"{staged.base_url}/api/v1"
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE) as http:
            made = await http.post("/incidents", json={"title": "검색 오류", "severity": "P0"})
            incident = str(made.json()["id"])
            (await http.post(f"/incidents/{incident}/confirm")).raise_for_status()
        env = {**environment, "BONGSU_URL": staged.base_url, "BONGSU_TOKEN": token}
        yield Terminal(staged, env, incident)


async def test_what_a_check_prints_is_shown_while_it_runs(terminal: Terminal, gate: Path):
    verifying = await terminal.begin("verify", terminal.incident)
    assert verifying.stdout is not None
    seen = ""
    while "│ first" not in seen:
        line = await asyncio.wait_for(verifying.stdout.readline(), PATIENCE)
        assert line, seen
        seen += line.decode()
    assert seen == "… Sign-in\n  │ first\n"
    gate.touch()
    rest, _ = await asyncio.wait_for(verifying.communicate(), PATIENCE)
    assert "✗ Sign-in" in rest.decode()
    assert rest.decode().count("last") >= 1
    assert verifying.returncode == 1, "what is required has not passed"


async def test_json_is_one_document_at_the_end(terminal: Terminal, gate: Path):
    gate.touch()
    code, out, _ = await terminal.run("verify", terminal.incident, "--json")
    assert code == 1
    assert out.startswith("{")
    assert '"output": "first\\nlast"' in out


async def test_what_fails_once_more_is_told_though_the_incident_is_open_again_by_it(
    terminal: Terminal, gate: Path
):
    gate.touch()
    await terminal.run("recovered", terminal.incident)
    await until(
        lambda: terminal.run("verify", terminal.incident, "--show"),
        lambda ended: "✗ Sign-in" in ended[1],
    )
    code, out, _ = await terminal.run("verify", terminal.incident)
    assert code == 1
    assert "✗ Sign-in" in out
    assert "It came back" in out
    shown = await terminal.run("show", terminal.incident)
    assert "responding" in shown[1]
