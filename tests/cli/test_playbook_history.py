"""``bongsu playbook history``: filtered, and turned a page at a time."""

from __future__ import annotations

from typing import Any, get_args

from tests.cli.test_playbook_follow import Terminal, terminal

from bongsu.cli.playbook import Ended
from bongsu.incident.run_events import RunOutcome

__all__ = ["terminal"]


async def test_the_history_is_turned_with_the_cursor_that_it_names(terminal: Terminal):
    i = ("--incident", terminal.incident)
    asked = [str((await terminal.answer("playbook", "run", "fails", *i))["run"]) for _ in range(3)]
    code, out, _ = await terminal.run("playbook", "history", *i, "--limit", "2")
    assert (code, asked[2] in out, asked[1] in out, asked[0] in out) == (0, True, True, False)
    cursor = out.split("--cursor ")[1].strip()
    code, out, _ = await terminal.run("playbook", "history", *i, "--cursor", cursor)
    assert (code, asked[0] in out, asked[1] in out, "--cursor" in out) == (0, True, False, False)


async def test_the_history_is_asked_for_a_playbook_and_an_outcome(terminal: Terminal):
    i = ("--incident", terminal.incident)
    await terminal.run("playbook", "run", "fails", *i, "--follow")
    failed: Any = await terminal.answer("playbook", "history", "fails", "--outcome", "failed")
    assert [one["outcome"] for one in failed["runs"]] == ["failed"]
    none: Any = await terminal.answer("playbook", "history", "fails", "--outcome", "succeeded")
    assert none == {"runs": [], "next": None}
    code, _, err = await terminal.run("playbook", "history", "--incident", "999")
    assert (code, "incident: there is no incident 999" in err) == (2, True)


def test_the_outcomes_that_can_be_asked_for_are_those_that_there_are():
    assert get_args(Ended) == get_args(RunOutcome)
