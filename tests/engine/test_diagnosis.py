"""Diagnosis beside paging: a report always comes, is kept, told, and bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import msgspec
import pytest
from tests.engine.desk import START, Desk, alert
from tests.waiting import PATIENCE, until_true

from bongsu.engine import diagnosis
from bongsu.engine.diagnosis import Asked, Diagnose, Diagnostician, NoIncidentError
from bongsu.incident.alert import Remark
from bongsu.incident.changes import ChangeEvent
from bongsu.incident.report import Change, Evidence, Finding, Looked, Report
from bongsu.manual.schema.document import Manual
from bongsu.store import changes, reports
from bongsu.store.reports import KeptReport, bounded


def report(asked: Asked, **more: object) -> Report:
    fields = {
        "incident": asked.incident, "started_at": asked.started_at, "taken_at": START,
        "took_s": 0.1, "deadline_s": asked.deadline_s,
    }  # fmt: skip
    return msgspec.convert({**fields, **more}, Report)


async def found_nothing(manual: Manual, asked: Asked) -> Report:
    return report(asked)


Make = Callable[..., Diagnostician]


@pytest.fixture
async def make(desk: Desk) -> AsyncIterator[Make]:
    made: list[Diagnostician] = []

    def one(diagnose: Diagnose = found_nothing, deadline: float = 600.0) -> Diagnostician:
        policy = desk.engine.policy
        made.append(
            Diagnostician(desk.pool, lambda: policy.manual, desk.clock, diagnose, deadline=deadline)
        )
        return made[-1]

    yield one
    for each in made:
        await each.close()
        for thread in each._threads:
            await asyncio.to_thread(thread.join)


@pytest.fixture
async def incident(desk: Desk) -> int:
    await desk.receive(alert("BackendDown"))
    return int((await desk.only()).id)


async def latest(desk: Desk, incident: int) -> KeptReport:
    async with desk.pool.acquire() as conn:
        found = await reports.latest(conn, incident)
    assert found is not None
    return found


async def test_a_report_is_made_of_the_incidents_facts_kept_and_told(
    desk: Desk, make: Make, incident: int
) -> None:
    seen: list[Asked] = []
    told: list[tuple[int, int, Report]] = []

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        seen.append(asked)
        return report(asked)

    async def tell(*given: object) -> None:
        told.append(given)  # type: ignore[arg-type]

    doctor = make(diagnose)
    doctor.on_report = tell
    kept = await doctor.diagnose(incident)
    one = await desk.only()
    assert (seen[0].incident, seen[0].about) == (one.number, one)
    assert seen[0].started_at == one.started_at
    assert await latest(desk, incident) == kept
    assert told == [(incident, kept.row.id, kept.report)]
    assert (kept.row.asked_by, kept.row.why) == ("system", "opened")


async def test_the_loop_that_pages_goes_on_while_a_check_holds_its_thread(
    make: Make, incident: int
) -> None:
    held, let_go = threading.Event(), threading.Event()

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        held.set()
        let_go.wait(PATIENCE)
        return report(asked)

    under_way = asyncio.create_task(make(diagnose).diagnose(incident))
    await until_true(held.is_set)
    await asyncio.sleep(0.05)  # this loop turns although the diagnosis does not
    assert not under_way.done()
    let_go.set()
    assert (await under_way).report.incident


async def test_checks_that_hang_give_a_report_that_says_so(
    desk: Desk, make: Make, incident: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "GRACE", 0.1)

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        await asyncio.Event().wait()
        raise AssertionError

    kept = await make(diagnose, deadline=0.1).diagnose(incident)
    (nothing,) = kept.report.not_checked
    assert nothing.verdict == "unknown"
    assert nothing.why is not None
    assert "in time" in nothing.why.says("en")
    assert nothing.why.says("ko") != nothing.why.says("en")


async def test_checks_that_hold_their_thread_are_left_behind(
    make: Make, incident: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "GRACE", 0.1)
    let_go = threading.Event()

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        let_go.wait(PATIENCE)
        return report(asked)

    kept = await make(diagnose, deadline=0.1).diagnose(incident)
    let_go.set()
    assert kept.report.not_checked[0].verdict == "unknown"


async def test_checks_that_never_end_are_not_joined_by_ever_more_of_them(
    make: Make, incident: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "GRACE", 0.05)
    monkeypatch.setattr(diagnosis, "MOST_THREADS", 2)
    let_go = threading.Event()

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        let_go.wait(PATIENCE)
        return report(asked)

    doctor = make(diagnose, deadline=0.05)
    said = [await doctor.diagnose(incident) for _ in range(3)]
    reasons = [one.report.not_checked[0].why for one in said]
    assert ["still hang" in (why.says("en") if why else "") for why in reasons] == [
        False, False, True,
    ]  # fmt: skip
    let_go.set()
    for thread in doctor._threads:
        thread.join()
    monkeypatch.setattr(diagnosis, "GRACE", PATIENCE)
    again = await doctor.diagnose(incident)
    assert again.report.not_checked == ()


async def test_a_report_is_not_held_up_by_what_its_checks_left_behind(
    make: Make, incident: int
) -> None:
    let_go = threading.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await until_true(let_go.is_set)

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        left.append(asyncio.create_task(stubborn()))
        await asyncio.sleep(0)
        return report(asked)

    left: list[asyncio.Task[None]] = []
    kept = await make(diagnose).diagnose(incident)
    let_go.set()
    assert kept.report.not_checked == ()


async def test_a_diagnosis_that_breaks_gives_a_report_that_says_so(
    make: Make, incident: int
) -> None:
    async def diagnose(manual: Manual, asked: Asked) -> Report:
        raise OSError("no kubectl")

    kept = await make(diagnose).diagnose(incident)
    why = kept.report.not_checked[0].why
    assert why is not None
    assert "no kubectl" in why.says("ko")


async def test_who_asks_meanwhile_is_given_the_same_report(
    desk: Desk, make: Make, incident: int
) -> None:
    let_go = threading.Event()

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        await until_true(let_go.is_set)
        return report(asked)

    doctor = make(diagnose)
    first, second = await asyncio.gather(doctor.begin(incident), doctor.begin(incident))
    meanwhile = asyncio.create_task(doctor.diagnose(incident))
    await asyncio.sleep(0)
    let_go.set()
    assert first is second
    assert await meanwhile == await first.done
    third = await doctor.diagnose(incident, asked_by="person:pm", why="asked")
    assert first.report < third.row.id
    assert await desk.count("reports") == 2
    assert third.row.asked_by == "person:pm"


async def test_no_more_than_two_run_at_once(desk: Desk, make: Make) -> None:
    for name in "abcd":
        await desk.receive(alert(name, group=name))
    ids = [row["id"] for row in await desk.pool.fetch("SELECT id FROM incidents")]
    running: set[str] = set()
    let_go = threading.Semaphore(0)

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        running.add(asked.incident)
        await until_true(lambda: let_go.acquire(blocking=False))
        running.remove(asked.incident)
        return report(asked)

    doctor = make(diagnose)
    runs = [await doctor.begin(one) for one in ids]
    await until_true(lambda: len(running) == 2)
    await asyncio.sleep(0.1)  # others would come now, too
    assert (len(ids), len(running)) == (4, 2)
    let_go.release()
    await until_true(lambda: sum(run.done.done() for run in runs) == 1)
    await until_true(lambda: len(running) == 2)
    let_go.release(3)
    await asyncio.gather(*(run.done for run in runs))


async def test_an_incident_that_is_not_there_is_said_to_be_none(make: Make) -> None:
    with pytest.raises(NoIncidentError):
        await make().diagnose(4711)


async def test_who_listens_and_breaks_does_not_cost_the_report(
    desk: Desk, make: Make, incident: int
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("no room")

    doctor = make()
    doctor.on_report = broken
    kept = await doctor.diagnose(incident)
    assert (await latest(desk, incident)).row.id == kept.row.id


async def test_told_changes_and_found_ones_are_ranked_together_each_once(
    desk: Desk, make: Make, incident: int
) -> None:
    told = [
        ChangeEvent(at=START - timedelta(minutes=3), summary="v2", kind="deployment"),
        ChangeEvent(at=START - timedelta(hours=30), summary="too long ago", kind="deployment"),
    ]
    async with desk.pool.acquire() as conn:
        await changes.add(conn, START, "ci", told)

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        found = Change(
            at=START - timedelta(minutes=9), kind="deployment", subject="deployment/x",
            says=Remark("rolled out"), source="kubernetes",
        )  # fmt: skip
        return msgspec.structs.replace(report(asked), changes=(found, *asked.changes))

    kept = await make(diagnose).diagnose(incident)
    assert [one.says.says("en") for one in kept.report.changes] == ["v2", "rolled out"]
    assert all(one.score and one.reasons for one in kept.report.changes)


async def test_a_service_is_looked_at_without_an_incident_and_nothing_is_kept(
    desk: Desk, make: Make
) -> None:
    found = await make().look(None)
    assert (found.incident, await desk.count("reports")) == ("", 0)


# ── what is kept ─────────────────────────────────────────────────────────────────────────


async def test_reports_are_listed_newest_first_and_the_one_before_is_found(
    desk: Desk, make: Make, incident: int
) -> None:
    doctor = make()
    ids = [(await doctor.diagnose(incident)).row.id for _ in range(3)]
    async with desk.pool.acquire() as conn:
        rows = await reports.rows(conn, incident)
        older = await reports.rows(conn, incident, before=ids[2], limit=1)
        before = await reports.previous(conn, incident, ids[1])
        assert await reports.previous(conn, incident, ids[0]) is None
        assert await reports.get(conn, incident + 1, ids[0]) is None
    assert [row.id for row in rows] == ids[::-1]
    assert [row.id for row in older] == [ids[1]]
    assert before is not None
    assert before.row.id == ids[0]


async def test_of_very_many_reports_the_first_and_the_newest_stay(
    desk: Desk, make: Make, incident: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST_REPORTS", 3)
    doctor = make()
    ids = [(await doctor.diagnose(incident)).row.id for _ in range(6)]
    async with desk.pool.acquire() as conn:
        rows = await reports.rows(conn, incident)
    assert [row.id for row in rows] == [ids[5], ids[4], ids[0]]


def huge(findings: int, output: int) -> Report:
    found = tuple(
        Finding(
            code="pod_crash_loop", says=Remark(f"pod {n}"), verdict="unhealthy", subject=f"pod/{n}",
            evidence=Evidence(output="x" * output),
        )
        for n in range(findings)
    )  # fmt: skip
    looked = Looked(check="pods", verdict="unhealthy", took_s=1, findings=found)
    return Report(
        started_at=START, taken_at=START, took_s=1, deadline_s=10, findings=found, checks=(looked,)
    )


@pytest.mark.parametrize(("findings", "output"), [(10_000, 200), (3, 2_000_000), (50_000, 0)])
def test_a_report_of_any_size_is_kept_within_bounds_its_best_findings_first(
    findings: int, output: int
) -> None:
    written = bounded(huge(findings, output))
    kept = msgspec.json.decode(written, type=Report)
    assert len(written.encode()) <= reports.LARGEST
    assert kept.findings[0].subject == "pod/0"
    assert [one.subject for one in kept.findings] == [f"pod/{n}" for n in range(len(kept.findings))]


def test_a_small_report_is_kept_as_it_is() -> None:
    small = huge(3, 100)
    assert msgspec.json.decode(bounded(small), type=Report) == small
