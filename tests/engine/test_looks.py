"""A diagnosis in a process of its own."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest
from tests.incident.manuals import manual

from bongsu.engine import looks
from bongsu.engine.diagnosis import Asked
from bongsu.engine.looks import LookingFailedError, by_the_manual
from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual

NOW = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)
INCIDENT = Incident("7", number="INC-7", title="느린 검색", severity="P0", started_at=NOW)


def with_check(*argv: str, timeout: str = "50s") -> Manual:
    probe = {"kind": "command", "argv": [*argv]}
    return manual(
        diagnosis={"checks": {"own": {"name": "자체 점검", "timeout": timeout, "probe": probe}}}
    )


def asked(deadline_s: float = 50.0) -> Asked:
    return Asked(about=INCIDENT, started_at=NOW, deadline_s=deadline_s)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives way to everything else: on a busy machine it takes long to start."""
    monkeypatch.setattr(looks, "STARTS_WITHIN", 60.0)


async def test_the_report_comes_back_from_its_process():
    report = await by_the_manual()(with_check("true"), asked())
    assert [(one.check, one.verdict) for one in report.checks] == [("own", "healthy")]
    assert report.incident == "INC-7"


async def test_its_checks_give_way_to_everything_else():
    program = "import os, sys; sys.exit(os.nice(0) < 10)"
    report = await by_the_manual()(with_check(sys.executable, "-c", program), asked())
    assert report.checks[0].verdict == "healthy"


async def test_what_hangs_does_not_keep_the_report():
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    whole = with_check(sys.executable, "-c", program, timeout="40s")
    report = await by_the_manual()(whole, asked(1.0))
    assert [one.check for one in report.not_checked] == ["own"]


async def test_a_process_that_ends_without_a_report_says_why(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bongsu.engine.looks.encode_task", lambda *_: b"\xc1nonsense")
    with pytest.raises(LookingFailedError, match="DecodeError"):
        await by_the_manual()(with_check("true"), asked())
