"""The first report comes by itself, beside the pages, and stands on the incident's log."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import msgspec
import pytest
from tests.engine.desk import START, Desk, alert
from tests.incident.manuals import manual
from tests.waiting import until, until_true

from bongsu.channels.message import Message, Receipt
from bongsu.engine import effects
from bongsu.engine.courier import Courier
from bongsu.engine.diagnosis import Asked, Diagnose, Diagnostician
from bongsu.engine.doers import Doers
from bongsu.engine.effects import Diagnosis
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.engine.messages import Writer
from bongsu.engine.policy import compile_policy
from bongsu.engine.reporter import TOO_LATE, Reporter, in_short
from bongsu.incident import events as e
from bongsu.incident.alert import Remark
from bongsu.incident.report import Finding, Looked, Proposal, Report
from bongsu.manual.schema.document import Manual
from bongsu.store.database import Pool

WITH_CHECKS = compile_policy(
    manual(
        signals={"severity_words": {"critical": "P0", "quiet": "P3"}},
        diagnosis={"checks": {"api": {"name": "API", "probe": {"kind": "http", "url": "http://a"}}}},
    )
)  # fmt: skip


class Post:
    """A channel that keeps what it is given."""

    name = "slack"

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def warm(self) -> None: ...

    async def send(self, message: Message, to: str) -> Receipt:
        self.sent.append(message)
        return Receipt("1")

    async def close(self) -> None: ...


class House:
    """One process's desk with everybody who does something outside."""

    def __init__(self, desk: Desk, diagnose: Diagnose) -> None:
        self.desk, self.post = desk, Post()
        channels = dict.fromkeys(("slack", "email", "sms", "kakao", "call"), self.post)
        engine = desk.engine
        courier = Courier(engine, channels, Writer("http://b", b"s" * 32), "one", desk.pool)
        self.doctor = Diagnostician(
            desk.pool, lambda: engine.policy.manual, desk.clock, diagnose, deadline=600.0
        )
        self.doers = Doers(desk.pool, courier, Reporter(engine, self.doctor, "one"))

    def begins_at_once(self) -> None:
        self.desk.engine.takes = self.doers.takes
        self.desk.engine.hand_over = self.doers.hand_over

    async def comes(self, kind: type[e.Body]) -> e.AnyBody:
        """Wait for an event of the only incident."""

        async def found() -> e.AnyBody | None:
            log = await self.desk.log((await self.desk.only()).id)
            return next((one.body for one in log if isinstance(one.body, kind)), None)

        return await until(found)


Build = Callable[[Diagnose], House]


class Hanging:
    """Checks that don't come to an end before their test does."""

    def __init__(self) -> None:
        self.over = threading.Event()

    async def __call__(self, manual: Manual, asked: Asked) -> Report:
        await until_true(self.over.is_set, within=600)
        return report(asked)


@pytest.fixture
def hangs() -> Hanging:
    return Hanging()


@pytest.fixture
async def build(pool: Pool, database_url: str, hangs: Hanging) -> AsyncIterator[Build]:
    made: list[House] = []

    def one(diagnose: Diagnose) -> House:
        made.append(House(Desk(pool, database_url, WITH_CHECKS), diagnose))
        return made[-1]

    yield one
    hangs.over.set()
    for house in made:
        await house.doers.drain()
        for thread in house.doctor._threads:
            thread.join()


def report(asked: Asked, *checks: Looked, **more: object) -> Report:
    made = Report(
        incident=asked.incident, started_at=asked.started_at, taken_at=START, took_s=0.5,
        deadline_s=asked.deadline_s, checks=checks,
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


async def api_is_down(manual: Manual, asked: Asked) -> Report:
    found = Finding(code="http_refused", says=Remark("refused"), verdict="unhealthy")
    api = Looked(check="api", verdict="unhealthy", took_s=0.1, findings=(found,))
    return report(asked, api, findings=(found,), proposal=Proposal("P0", "server_down", "true"))


async def the_due(house: House) -> tuple[effects.Effect, Diagnosis]:
    for row in await house.desk.pool.fetch("SELECT incident, seq FROM effects"):
        effect = effects.Effect(row["incident"], row["seq"])
        async with house.desk.pool.acquire() as conn:
            found = await effects.load(conn, effect)
        if isinstance(found, Diagnosis):
            return effect, found
    raise AssertionError("no diagnosis is due")


async def test_a_p0_is_diagnosed_by_itself_and_its_log_says_what_was_found(build: Build):
    house = build(api_is_down)
    house.begins_at_once()
    await house.desk.receive(alert("BackendDown"))

    said = await house.comes(e.Diagnosed)
    assert isinstance(said, e.Diagnosed)
    assert (said.worst, said.findings, said.severity) == ("unhealthy", 1, "P0")
    assert said.checks == ["api=unhealthy"]
    assert (await house.desk.only()).diagnosed == said


async def test_a_check_that_hangs_delays_no_page(build: Build, hangs: Hanging):
    house = build(hangs)
    house.begins_at_once()
    await house.desk.receive(alert("BackendDown"))
    await house.comes(e.Delivered)
    assert house.post.sent
    kinds = [e.kind_of(one.body) for one in await house.desk.log((await house.desk.only()).id)]
    assert "diagnosed" not in kinds


async def test_a_minor_incident_is_diagnosed_only_when_a_person_asks(build: Build):
    house = build(api_is_down)
    await house.desk.receive(alert("Typo", severity="quiet"))
    kinds = [e.kind_of(one.body) for one in await house.desk.log((await house.desk.only()).id)]
    assert "diagnosis_due" not in kinds


async def test_a_report_that_its_process_left_behind_is_made_by_another(build: Build):
    house = build(api_is_down)
    await house.desk.receive(alert("BackendDown"))
    effect, _ = await the_due(house)
    await house.doers.do(effect)
    await house.comes(e.Diagnosed)
    assert await house.desk.count("effects", "done_at IS NOT NULL") == 1
    await house.doers.do(effect)
    assert await house.desk.count("events", "kind = 'diagnosed'") == 1, "it is done once"


async def test_of_two_workers_only_one_makes_the_report(build: Build, hangs: Hanging):
    house = build(hangs)
    await house.desk.receive(alert("BackendDown"))
    effect, due = await the_due(house)
    house.doers.reporter.begin(effect, due)
    await until(lambda: house.desk.count("effects", "claimed_by = 'one'"))
    other = build(api_is_down)
    with pytest.raises(BusyElsewhereError):
        await other.doers.do(effect)


async def test_in_a_storm_the_last_reports_are_left_to_whoever_asks(build: Build):
    house = build(api_is_down)
    await house.desk.receive(alert("BackendDown"))
    effect, _ = await the_due(house)
    house.desk.clock.time += TOO_LATE + timedelta(seconds=1)
    await house.doers.do(effect)
    skipped = await house.comes(e.DiagnosisSkipped)
    assert isinstance(skipped, e.DiagnosisSkipped)
    assert skipped.why.code == "too_many_at_once"
    assert not await house.desk.count("reports")


async def test_a_process_begins_no_more_reports_than_it_can_make_soon(build: Build, hangs: Hanging):
    house = build(hangs)
    await house.desk.receive(alert("BackendDown"))
    effect, due = await the_due(house)
    asked = effects.Asked(effect, due)
    assert len(house.doers.takes([asked] * 8)) == 8
    assert not house.doers.takes([asked] * 9)


async def test_reports_that_wait_keep_no_page_waiting(build: Build, hangs: Hanging):
    house = build(hangs)
    house.begins_at_once()
    for number in range(12):
        await house.desk.receive(alert(f"Down{number}", group=f"g{number}"))
    await until_true(lambda: len(house.post.sent) == 12)


async def test_an_incident_that_comes_back_is_diagnosed_anew(build: Build):
    house = build(api_is_down)
    await house.desk.receive(alert("BackendDown"))
    await house.desk.receive(alert("BackendDown", "resolved"))
    incident = await house.desk.only()
    resolve = [e.Resolved()]
    await house.desk.engine.act(int(incident.id), "person:pm", lambda *_: resolve)
    house.desk.clock.forward(minutes=1)
    await house.desk.receive(alert("BackendDown"))
    assert await house.desk.count("events", "kind = 'diagnosis_due'") == 2


def test_what_could_not_be_looked_at_is_worse_than_healthy_and_better_than_broken():
    asked = Asked(started_at=START, deadline_s=5)
    looked = {name: Looked(check=name, verdict=name, took_s=0) for name in ("healthy", "unknown")}
    assert in_short(1, report(asked, looked["healthy"])).worst == "healthy"
    assert in_short(1, report(asked, *looked.values())).worst == "unknown"
    assert in_short(1, report(asked, *looked.values())).unknown == 1
    assert in_short(1, report(asked)).worst == "unknown"
