"""A recovery is verified by itself, beside the pages; what a process leaves, another one ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.engine.desk import Desk, alert
from tests.incident.manuals import manual
from tests.waiting import until, until_true

from bongsu.engine import effects
from bongsu.engine import verifier as verifier_module
from bongsu.engine.effects import Effect, Verification
from bongsu.engine.policy import compile_policy
from bongsu.engine.verifier import AskQuiet, OnChecked, OnPrinted, Verifier, Verify
from bongsu.incident import commands as c
from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.incident.state import Incident
from bongsu.incident.verification.checked import Checked
from bongsu.manual.schema.verification import VerificationCheck
from bongsu.store import verifications
from bongsu.store.database import Pool

CHECK = {
    "name": "점검", "criterion": "통과", "passes": "exit_code == 0",
    "test": {"kind": "command", "argv": ["true"]},
}  # fmt: skip
QUIET = {
    **CHECK, "passes": "quiet >= duration('1h')", "severities": ["P3"],
    "test": {"kind": "no_alerts", "severities": ["P0", "P1"], "duration": "10m"},
}  # fmt: skip
POLICY = compile_policy(
    manual(
        signals={
            "severity_words": {"critical": "P0", "quiet": "P3"},
            "default": {"severity": "P2", "group_by": ["group"]},
        },
        verification={"smoke": {"login": CHECK, "search": CHECK}, "monitoring": {"quiet": QUIET}},
    )
)
BOTH = ["smoke:login", "smoke:search"]


async def passes(
    checks: Mapping[str, VerificationCheck], _: AskQuiet, tell: OnChecked, *_more: object
) -> None:
    for check in checks:
        why = e.Reason("criterion_met", {"numbers": "exit_code 0"})
        await tell(Checked(check=check, outcome="passed", why=why, output="ok"))


async def hangs(
    checks: Mapping[str, VerificationCheck], _: AskQuiet, tell: OnChecked, *_more: object
) -> None:
    await passes(dict([next(iter(checks.items()))]), _, tell)
    await asyncio.Event().wait()


async def breaks(*_: object) -> None:
    raise RuntimeError("no loop")


Build = Callable[..., Verifier]


@pytest.fixture
async def desk(pool: Pool, database_url: str) -> Desk:
    return Desk(pool, database_url, POLICY)


@pytest.fixture
async def build(desk: Desk) -> AsyncIterator[Build]:
    made: list[Verifier] = []

    def one(verify: Verify, worker: str = "one") -> Verifier:
        made.append(Verifier(desk.engine, verify, worker))
        return made[-1]

    yield one
    for verifier in made:
        await verifier.close()


async def recovered(desk: Desk) -> tuple[Effect, Verification]:
    """An incident of which somebody said that it works again, and what that asks for."""
    await desk.receive(alert("BackendDown"))
    await desk.receive(alert("BackendDown", "resolved"))
    incident = await desk.only()
    await desk.engine.act(int(incident.id), "person:pm", lambda _p, i, _n: c.recovered(i, "pm"))
    return await the_due(desk)


async def the_due(desk: Desk) -> tuple[Effect, Verification]:
    for row in await desk.pool.fetch("SELECT incident, seq FROM effects ORDER BY seq DESC"):
        effect = Effect(row["incident"], row["seq"])
        async with desk.pool.acquire() as conn:
            found = await effects.load(conn, effect)
        if isinstance(found, Verification):
            return effect, found
    raise AssertionError("nothing is to be verified")


async def results(desk: Desk) -> list[tuple[str, str]]:
    log = await desk.log((await desk.only()).id)
    return [(one.body.check, one.body.outcome) for one in log if isinstance(one.body, v.Verified)]


async def test_what_came_of_each_check_stands_on_the_log_and_is_kept(desk: Desk, build: Build):
    effect, due = await recovered(desk)
    assert due.due.checks == BOTH
    assert await build(passes).verify(effect, due)
    assert await results(desk) == [(name, "passed") for name in BOTH]
    async with desk.pool.acquire() as conn:
        kept = await verifications.latest(conn, effect.incident)
    assert {name: row.output for name, row in kept.items()} == dict.fromkeys(BOTH, "ok")
    assert await desk.count("effects", "done_at IS NOT NULL") == 1


async def test_then_the_incident_may_be_resolved(desk: Desk, build: Build):
    effect, due = await recovered(desk)

    async def resolve() -> Incident:
        return await desk.engine.act(
            effect.incident, "person:pm", lambda p, i, _n: c.resolve(p.manual, i, "pm")
        )

    with pytest.raises(c.RefusedError):
        await resolve()
    await build(passes).verify(effect, due)
    assert (await resolve()).phase == "resolved"


async def test_of_two_processes_only_one_verifies(desk: Desk, build: Build):
    effect, due = await recovered(desk)
    first = build(hangs)
    first.begin(effect, due)
    await claimed(desk)
    assert not await build(passes, "two").verify(effect, due)


async def claimed(desk: Desk) -> None:
    await until(lambda: desk.count("verifications", "outcome IS NOT NULL"))


async def test_what_a_process_left_is_finished_by_another_and_nothing_is_run_twice(
    desk: Desk, build: Build
):
    effect, due = await recovered(desk)
    died = build(hangs)
    died.begin(effect, due)
    await claimed(desk)
    await died.close()
    await desk.pool.execute("UPDATE effects SET claimed_at = NULL")
    again: list[str] = []

    async def noted(
        checks: Mapping[str, VerificationCheck], ask: AskQuiet, tell: OnChecked, *_more: object
    ) -> None:
        again.extend(checks)
        await passes(checks, ask, tell)

    assert await build(noted, "two").verify(effect, due)
    assert again == ["smoke:search"]
    assert await results(desk) == [(name, "passed") for name in BOTH]


async def test_a_claim_is_renewed_so_that_nobody_looks_after_it(
    desk: Desk, build: Build, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verifier_module, "RENEW_EVERY", 0.02)
    effect, due = await recovered(desk)
    build(hangs).begin(effect, due)
    await claimed(desk)
    long_ago = "claimed_at = claimed_at - interval '1 hour', look_at = '-infinity'"
    await desk.pool.execute(f"UPDATE effects SET {long_ago}")
    held = "claimed_at > now() - interval '1 minute' AND look_at > claimed_at + interval '29 s'"
    assert await until(lambda: desk.count("effects", held)) == 1


async def test_a_verification_that_fails_itself_stays_to_be_done(desk: Desk, build: Build):
    effect, due = await recovered(desk)
    verifier = build(breaks)
    verifier.begin(effect, due)
    await until_true(lambda: not verifier._under_way)
    assert await the_due(desk) == (effect, due)


async def prints(
    checks: Mapping[str, VerificationCheck],
    _: AskQuiet,
    tell: OnChecked,
    printed: OnPrinted,
    *_more: object,
) -> None:  # fmt: skip
    for check in checks:
        printed(check, b"token=abc123def456 of " + check.encode() + b"\n")
    await asyncio.Event().wait()


async def printing(desk: Desk, incident: int, wanted: int) -> dict[str, str]:
    async def found() -> dict[str, str]:
        async with desk.pool.acquire() as conn:
            return await verifications.printing(conn, incident)

    return await until(found, lambda texts: sum(map(bool, texts.values())) == wanted)


async def test_what_a_check_prints_is_there_while_it_runs_and_masked(desk: Desk, build: Build):
    effect, due = await recovered(desk)
    died = build(prints)
    died.begin(effect, due)
    found = await printing(desk, effect.incident, 2)
    assert found["smoke:login"].endswith("of smoke:login\n")
    assert "abc123def456" not in found["smoke:login"]
    async with desk.pool.acquire() as conn:
        assert await verifications.latest(conn, effect.incident) == {}, "nothing has come of them"
    await died.close()
    await desk.pool.execute("UPDATE effects SET claimed_at = NULL")
    assert await build(passes, "two").verify(effect, due)
    async with desk.pool.acquire() as conn:
        assert await verifications.printing(conn, effect.incident) == {}
        kept = await verifications.latest(conn, effect.incident)
    assert {name: row.output for name, row in kept.items()} == dict.fromkeys(BOTH, "ok")


async def test_a_result_waits_for_a_database_that_is_away(
    desk: Desk, build: Build, monkeypatch: pytest.MonkeyPatch
):
    effect, due = await recovered(desk)
    transact, failures = desk.engine.transact, [ConnectionRefusedError(), OSError()]

    async def away(work: Any) -> Any:
        if failures:
            raise failures.pop()
        return await transact(work)

    monkeypatch.setattr(desk.engine, "transact", away)
    runs: list[str] = []

    async def counted(
        checks: Mapping[str, VerificationCheck], ask: AskQuiet, tell: OnChecked, *_more: object
    ) -> None:
        runs.extend(checks)
        await passes(checks, ask, tell)

    assert await build(counted).verify(effect, due)
    assert (runs, await results(desk)) == (BOTH, [(name, "passed") for name in BOTH])


async def test_nothing_is_tested_on_once_the_service_has_relapsed(
    desk: Desk, build: Build, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verifier_module, "RENEW_EVERY", 0.02)
    effect, due = await recovered(desk)
    begun = build(hangs)
    begun.begin(effect, due)
    await claimed(desk)
    desk.clock.forward(minutes=1)
    await desk.receive(alert("BackendDown"))
    assert (await desk.only()).phase == "responding"
    await until_true(lambda: not begun._under_way)
    assert await desk.count("effects", f"done_at IS NULL AND seq = {effect.seq}") == 0
    assert await desk.count("verifications", "outcome IS NULL") == 0


async def test_a_verification_that_comes_too_late_runs_nothing(desk: Desk, build: Build):
    effect, _ = await recovered(desk)
    desk.clock.forward(minutes=1)
    await desk.receive(alert("BackendDown"))
    async with desk.pool.acquire() as conn:
        late = await effects.load(conn, effect)
    assert isinstance(late, Verification)
    assert await build(breaks).verify(effect, late)


async def test_a_check_that_the_manual_lost_meanwhile_is_inconclusive(desk: Desk, build: Build):
    effect, due = await recovered(desk)
    desk.engine.policy = compile_policy(manual(verification={"smoke": {"login": CHECK}}))
    await build(passes).verify(effect, due)
    assert sorted(await results(desk)) == [
        ("smoke:login", "passed"), ("smoke:search", "inconclusive")
    ]  # fmt: skip


async def test_how_quiet_it_is_is_asked_of_the_alerts(desk: Desk, build: Build):
    verifier = build(passes)
    ten = timedelta(minutes=10)
    found = await verifier.quiet(["P0"], ten)
    assert (found.quiet, found.count) == (timedelta(hours=1), 0), "no alert ever: as far as looked"
    await desk.receive(alert("BackendDown"))
    found = await verifier.quiet(["P0"], ten)
    assert (found.quiet, found.count) == (timedelta(), 1)
    assert (await verifier.quiet(["P1"], ten)).count == 0
    await desk.receive(alert("BackendDown", "resolved"))
    desk.clock.forward(minutes=4)
    found = await verifier.quiet(["P0", "P3"], ten)
    assert (found.quiet, found.count) == (timedelta(minutes=4), 1)
    desk.clock.forward(minutes=8)
    found = await verifier.quiet(["P0"], ten)
    assert (found.quiet, found.count) == (timedelta(minutes=12), 0)


async def test_alerts_of_a_false_alarm_or_a_merged_incident_are_not_waited_for_for_ever(
    desk: Desk, build: Build
):
    verifier = build(passes)
    await desk.receive(alert("BackendDown"))
    incident = await desk.only()
    await desk.engine.act(int(incident.id), "person:pm", lambda _p, i, _n: c.dismiss(i, "pm"))
    desk.clock.forward(minutes=20)
    found = await verifier.quiet(["P0"], timedelta(minutes=15))
    assert (found.quiet, found.count) == (timedelta(minutes=20), 0)


async def test_in_a_thread_a_check_asks_the_database_over_there(desk: Desk, build: Build):
    effect, due = await recovered(desk)
    found: list[timedelta] = []

    async def asks(
        checks: Mapping[str, VerificationCheck], ask: AskQuiet, tell: OnChecked, *_more: object
    ) -> None:
        found.append((await ask(["P1"], timedelta(minutes=1))).quiet)
        await passes(checks, ask, tell)

    await build(asks).verify(effect, due)
    assert found == [timedelta(hours=1)]
