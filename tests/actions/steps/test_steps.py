"""What is around a step: its checks before and after, waits, and what only people do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.actions.limits import limited
from tests.actions.probes.conftest import listening
from tests.actions.steps.conftest import Bench, says, step
from tests.waiting import until_true

from bongsu.actions.steps import perform, settled


def probe(*argv: str, **more: Any) -> dict[str, Any]:
    return {"probe": {"kind": "command", "argv": [*argv]}, "timeout": "60s", **more}


WELL, ILL, LOST = probe("true"), probe("false"), probe("no-such-program-anywhere")


@pytest.fixture
def checks(bench: Bench, tmp_path: Path) -> Bench:
    healed = probe("test", "-e", str(tmp_path / "healed"))
    slow = probe("sleep", "600", timeout="1s")
    return bench.checking(well=WELL, ill=ILL, lost=LOST, healed=healed, slow=slow)


@pytest.mark.parametrize("check", ["ill", "lost", "slow", "no_such_check"])
async def test_a_step_is_not_begun_unless_what_is_before_it_is_healthy(
    check: str, checks: Bench, tmp_path: Path
):
    mark = tmp_path / "mark"
    came = await checks.do("command", argv=["touch", str(mark)], before=["well", check])
    assert came.outcome == "refused"
    assert check in says(came)
    assert came.verdicts["well"] == "healthy"
    assert not mark.exists()


async def test_a_step_is_done_once_what_is_after_it_is_healthy(checks: Bench, tmp_path: Path):
    argv = ["sh", "-c", f"(sleep 1; touch {tmp_path}/healed) & wait"]
    came = await checks.do("command", argv=argv, before=["well"], after=["healed"])
    assert (came.outcome, came.verdicts) == ("done", {"healed": "healthy"})


async def test_a_change_has_its_time_to_show(checks: Bench, tmp_path: Path):
    async def heal() -> None:
        await until_true(lambda: "healed is unhealthy" in checks.seen.text)
        (tmp_path / "healed").touch()

    came, _ = await asyncio.gather(checks.do("command", argv=["true"], after=["healed"]), heal())
    assert came.outcome == "done"
    assert checks.seen.text.rstrip().endswith("healed is healthy")
    assert 0.5 <= came.took_s < 60, "it looks again after a pause, and is done once it is healed"


@pytest.mark.parametrize("check", ["ill", "lost"])
async def test_a_step_fails_if_what_is_after_it_is_not_healthy_in_time(check: str, checks: Bench):
    came = await limited(
        lambda limit_s: checks.do(
            "command", argv=["true"], after=["well", check], timeout=f"{limit_s}s"
        ),
        lambda came: came.verdicts.get("well") == "healthy",
    )
    assert (came.outcome, check in says(came)) == ("failed", True)
    assert came.took_s < 60


async def test_a_failure_is_not_hidden_by_healthy_checks(checks: Bench):
    came = await checks.do("command", argv=["false"], after=["well"])
    assert came.outcome == "failed"


async def test_a_check_step_names_the_worst_and_counts_the_others(checks: Bench):
    came = await checks.do("check", checks=["well", "ill", "lost"])
    assert came.outcome == "failed"
    assert says(came).startswith("ill is unhealthy: ")
    assert says(came).endswith("(and 1 more)")
    assert came.verdicts == {"well": "healthy", "ill": "unhealthy", "lost": "unknown"}
    assert "well is healthy" in checks.seen.text
    fine = await checks.do("check", checks=["well"])
    assert (fine.outcome, says(fine)) == ("done", "everything looked at is healthy")


async def test_what_could_not_be_looked_at_is_not_healthy(checks: Bench):
    for check in ("lost", "slow", "no_such_check"):
        came = await checks.do("check", checks=[check], timeout="3s")
        assert (came.outcome, came.verdicts) == ("failed", {check: "unknown"})


async def test_degraded_passes_as_a_step_and_not_as_a_condition(bench: Bench):
    async with listening(_late) as port:
        probe_ = {"kind": "http", "url": f"http://127.0.0.1:{port}/", "degraded_over": "1s"}
        asked = bench.checking(slow={"probe": probe_, "timeout": "60s"})
        came, before, after = await asyncio.gather(
            asked.do("check", checks=["slow"]),
            asked.do("command", argv=["true"], before=["slow"]),
            asked.do("command", argv=["true"], after=["slow"], timeout="2s"),
        )
    assert (came.outcome, came.verdicts) == ("done", {"slow": "degraded"})
    assert "slow is degraded" in says(came)
    assert (before.outcome, after.outcome) == ("refused", "failed")


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(1.1)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()


async def test_a_dry_run_looks_and_fails_nothing(checks: Bench):
    came = await checks.do("check", checks=["ill"], dry=True)
    assert (came.outcome, came.verdicts) == ("done", {"ill": "unhealthy"})


@pytest.mark.parametrize(
    ("after", "answer"),
    [(["well"], True), (["well", "ill"], False), (["well", "lost"], None), ([], None)],
)
async def test_whether_an_interrupted_step_was_done_its_postcondition_tells(
    after: list[str], answer: bool | None, checks: Bench
):
    assert await settled(step("command", argv=["true"], after=after), checks.context) is answer


async def test_a_wait_waits_and_a_dry_one_does_not(bench: Bench):
    came = await bench.do("wait", duration="1s")
    assert came.outcome == "done"
    assert came.took_s >= 1.0
    shown = await bench.do("wait", duration="1h", dry=True)
    assert "would wait 60 min" in says(shown)


async def test_what_people_do_is_only_shown(bench: Bench):
    asked = await bench.do(
        "human", instruction={"ko": "재시작", "en": "Restart it"}, role="technical_lead", dry=True
    )
    assert asked.outcome == "done"
    assert "Restart it" in bench.seen.text
    sent = await bench.do("notify", audience="a", template="b", dry=True)
    assert "“b” would be sent to a" in says(sent)
    for one in (
        step("human", instruction="x"), step("notify", audience="a", template="b"),
        step("playbook", playbook="p"),
    ):  # fmt: skip
        assert (await perform(one, context=bench.context)).outcome == "refused"


async def test_there_is_nothing_to_take_back_of_a_look(checks: Bench):
    for one in (step("wait", duration="1h"), step("check", checks=["ill"])):
        assert (await perform(one, undo=True, context=checks.context)).outcome == "done"
