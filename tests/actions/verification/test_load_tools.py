"""Real load tools against a service that is fast, slow, failing, not there: right verdicts."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tests.actions.verification.test_running_checks import check, context, outcome, told
from tests.load.service import BEARABLE, serving
from tests.loadtools.install import installed

from bongsu.incident.verification.checked import Checked
from bongsu.manual.load import load
from bongsu.manual.schema.verification import VerificationCheck

MANUAL = Path(__file__).parents[3] / "manuals" / "korea-public-data"
LOCUST = str(Path(sys.executable).with_name("locust"))
MOODS = [("fast", "passed"), ("slow", "failed"), ("failing", "failed")]


# ── artillery: the manual's own load test, word for word ─────────────────────────────────


@pytest.fixture(scope="module")
def load_test() -> VerificationCheck:
    """The manual's; half a second is a long time only where the machine is not busy."""
    found = load(MANUAL).verification.performance["load_test"]
    assert "500ms" in found.passes
    passes = found.passes.replace("500ms", f"{BEARABLE:g}s")
    return found.model_copy(update={"passes": passes})


async def by_artillery(made: VerificationCheck, folder: Path, url: str, **more: object) -> Checked:
    script = {
        "config": {"target": url, "phases": [{"duration": 1, "arrivalCount": 8}], **more},
        "scenarios": [{"flow": [{"get": {"url": "/"}}]}],
    }
    (folder / "load-test.yml").write_text(json.dumps(script), "utf-8")
    path = os.pathsep.join([*installed(), os.environ["PATH"]])
    return await outcome(made, context(folder, PATH=path))


@pytest.mark.parametrize(("mood", "expected"), MOODS)
async def test_real_artillery_gives_the_right_verdict(
    load_test: VerificationCheck, tmp_path: Path, mood: str, expected: str
):
    async with serving(mood) as service:
        found = await by_artillery(load_test, tmp_path, service.url)
        assert service.asked == 8
    assert (found.outcome, found.numbers["requests"]) == (expected, 8), found
    assert found.numbers["error_rate"] == (1.0 if mood == "failing" else 0.0)
    assert "http.requests" in found.output


async def test_real_artillery_that_reaches_nobody_fails(
    load_test: VerificationCheck, tmp_path: Path
):
    async with serving() as service:
        url = service.url
    found = await by_artillery(load_test, tmp_path, url)
    assert told(found) == ("failed", "all_failed")
    assert "p95" not in found.numbers


async def test_limits_that_artillerys_script_has_itself_count(
    load_test: VerificationCheck, tmp_path: Path
):
    limits = {"thresholds": [{"http.response_time.p95": 0.01}]}
    async with serving() as service:
        found = await by_artillery(
            load_test, tmp_path, service.url, plugins={"ensure": {}}, ensure=limits
        )
    assert told(found) == ("failed", "limits_missed")


async def test_a_script_that_artillery_can_not_read_says_nothing_of_the_service(
    load_test: VerificationCheck, tmp_path: Path
):
    path = os.pathsep.join([*installed(), os.environ["PATH"]])
    found = await outcome(load_test, context(tmp_path, PATH=path))
    assert told(found) == ("inconclusive", "ended_without_result")


# ── locust ───────────────────────────────────────────────────────────────────────────────

LOCUSTFILE = """
import gevent
from locust import FastHttpUser, constant, task

class Visitor(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def look(self):
        self.client.get("/")
        if self.environment.stats.total.num_requests > 8:
            gevent.spawn(self.environment.runner.quit)
"""


@pytest.mark.parametrize(
    ("mood", "expected", "into"),
    [("fast", "passed", "--json"), ("slow", "failed", "--csv={result}"),
     ("failing", "failed", "--json-file={result}")],
)  # fmt: skip
async def test_real_locust_gives_the_right_verdict(
    mood: str, expected: str, into: str, tmp_path: Path
):
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    async with serving(mood) as service:
        argv = [LOCUST, "--headless", "-u", "3", "-r", "3", "-t", "60s", into, "-L", "ERROR",
                "-H", service.url.rstrip("/")]  # fmt: skip
        passes = f"p95 < duration('{BEARABLE:g}s')"
        made = check(passes, "120s", kind="command", argv=argv, result="locust")
        found = await outcome(made, context(tmp_path))
    assert found.outcome == expected, found
    assert found.numbers["requests"] > 3
