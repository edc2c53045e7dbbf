"""The last diagnosis as `bongsu show` tells it."""

from __future__ import annotations

from typing import Any

import pytest

from bongsu.cli.report_view import print_in_short


def next_action(playbook: str | None) -> dict[str, Any]:
    return {"text": "Roll back", "command": None, "playbook": playbook, "because": ["rollout"]}


def report(*actions: dict[str, Any]) -> dict[str, Any]:
    return {
        "incident": "INC-20250814-143000-7", "checks": [], "findings": [], "changes": [],
        "taken_at": "2025-08-14T05:30:00Z", "took_seconds": 2.0, "deadline_seconds": 10.0,
        "proposal": {"severity": None, "type": None, "why": None},
        "next_actions": list(actions),
    }  # fmt: skip


def test_the_playbook_that_the_findings_call_for_is_named_with_its_rehearsal(
    capsys: pytest.CaptureFixture[str],
):
    print_in_short(report(next_action(None), next_action("emergency_rollback")))
    said = capsys.readouterr().out
    assert said.count("$ ") == 1
    command = "bongsu playbook run emergency_rollback --incident INC-20250814-143000-7 --dry-run"
    assert command in " ".join(said.split())
