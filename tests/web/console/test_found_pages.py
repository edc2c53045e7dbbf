"""The report's pages without a browser: who sees what, and what they say where nothing is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import pytest
from tests.waiting import PATIENCE
from tests.web import made_reports
from tests.web.console.test_pages import HASHED, Reader, declared, one, reader
from tests.web.site import BASE, SECRET, START, Site, open_site

from bongsu.engine.diagnosis import Asked, Diagnostician
from bongsu.engine.messages import Writer
from bongsu.incident import events as e
from bongsu.incident.alert import Remark
from bongsu.incident.changes import ChangeEvent
from bongsu.incident.report import Report
from bongsu.manual.schema.document import Manual
from bongsu.store import changes
from bongsu.store.database import Pool
from bongsu.web.app import create_app
from bongsu.web.console import Console, render_go
from bongsu.web.console.views.report import SPARK_BARS, SPARK_HEIGHT, spark


@dataclass
class Clinic:
    """A process with the console, whose diagnoses find what a test says."""

    site: Site
    reports: list[Report] = field(default_factory=list)

    async def diagnose(self, manual: Manual, asked: Asked) -> Report:
        if len(self.reports) > 1:
            return self.reports.pop(0)
        return self.reports[0] if self.reports else made_reports.full(START, asked.incident)


@pytest.fixture
async def clinic(pool: Pool) -> AsyncIterator[Clinic]:
    site = await open_site(pool)
    clinic = Clinic(site)
    manual = site.engine.policy.manual
    doctor = Diagnostician(pool, lambda: manual, site.clock, clinic.diagnose, deadline=PATIENCE)
    site.app = create_app(
        site.engine, writer=Writer(BASE, SECRET), channels={}, console=Console(),
        render_go=render_go, diagnostician=doctor,
    )  # fmt: skip
    await pool.execute("UPDATE accounts SET password = $1", HASHED)
    yield clinic
    await doctor.close()
    await site.close()


async def diagnosed(someone: Reader) -> str:
    """Declare an incident and have it diagnosed; returns its path."""
    incident = await declared(someone)
    await someone.send(incident, f"{incident}/reports")
    return incident


async def test_before_anybody_has_looked_the_page_says_so_and_offers_to(clinic: Clinic) -> None:
    someone = await reader(clinic.site, "responder")
    page = await someone.get(await declared(someone))
    found = one(page, "#s-found")
    assert "아직 살펴보지 않았어요" in found.text
    assert "지금 진단" in one(found, "form.again").text
    assert one(page, "#s-glance").text.strip() == ""


async def test_the_page_says_what_was_found_from_the_worst_down(clinic: Clinic) -> None:
    someone = await reader(clinic.site, "responder")
    found = one(await someone.get(await diagnosed(someone)), "#s-found")
    verdicts = [str(li["data-verdict"]) for li in found.select(".findings > li")]
    assert verdicts == ["unhealthy", "degraded"]
    chips = [chip.text.split() for chip in found.select(".chips .verdict")]
    assert [chip[-1] for chip in chips] == ["1", "1", "1", "1"]
    assert "503 Service Unavailable" in one(found, "#evidence-1 pre").text
    assert "Redis 연결과 메모리" in one(found, ".not-checked").text
    assert "REDIS_DSN" in one(found, ".not-checked").text
    assert "ERROR pool exhausted after <*> ms" in one(found, ".patterns").text
    assert found.select_one(".spark polygon")
    assert "연결 풀을 확인해요" in one(found, ".next-actions").text
    assert "root cause" not in found.text.lower()


async def test_it_reads_in_english_as_well(clinic: Clinic) -> None:
    someone = await reader(clinic.site, "responder", "en")
    found = one(await someone.get(await diagnosed(someone)), "#s-found")
    for text in ("What was found", "Evidence", "could not look", "Change to P1", "Affected"):
        assert text in found.text


async def test_a_viewer_sees_it_and_changes_nothing(clinic: Clinic) -> None:
    incident = await diagnosed(await reader(clinic.site, "responder"))
    viewer = await reader(clinic.site, "viewer")
    found = one(await viewer.get(incident), "#s-found")
    assert found.select_one(".findings")
    assert found.select("form") == []
    answer = await viewer.http.post(f"{incident}/reports")
    assert answer.status_code == 403


async def test_the_severity_can_be_taken_over_without_javascript(clinic: Clinic) -> None:
    someone = await reader(clinic.site, "responder")
    incident = await diagnosed(someone)
    form = one(await someone.get(incident), "#s-found .proposal form")
    fields = {str(i["name"]): str(i["value"]) for i in form.select("input")}
    await someone.http.post(str(form["action"]), data=fields)
    page = await someone.get(incident)
    assert one(page, "#s-head")["data-severity"] == "P1"
    assert page.select_one("#s-found .proposal form") is None


async def test_a_lower_severity_is_not_offered_while_alerts_fire(clinic: Clinic) -> None:
    someone = await reader(clinic.site, "responder")
    incident = await diagnosed(someone)
    fires = [e.AlertsAdded(1, 1, "BackendDown")]
    number = int(incident.rsplit("/", 1)[1])
    await clinic.site.engine.act(number, "integration:prometheus", lambda *_: fires)
    assert (await someone.get(incident)).select_one("#s-found .proposal form") is None


async def test_what_a_system_said_is_text_and_its_links_lead_only_to_the_web(
    clinic: Clinic,
) -> None:
    whole, bad = made_reports.full(START), "<img src=x onerror=alert(1)>"
    evidence = msgspec.structs.replace(
        whole.findings[0].evidence, output=bad, command=bad, link="javascript:alert(1)"
    )
    says = Remark("{text}", {"text": bad})
    finding = msgspec.structs.replace(whole.findings[0], says=says, evidence=evidence)
    change = msgspec.structs.replace(whole.changes[0], link="javascript:alert(1)", says=says)
    clinic.reports = [msgspec.structs.replace(whole, findings=(finding,), changes=(change,))]
    someone = await reader(clinic.site, "responder")
    page = await someone.get(await diagnosed(someone))
    assert page.select("#s-found img") == []
    assert bad in one(page, "#s-found .findings").text
    assert not [a for a in page.select("a") if str(a["href"]).startswith("javascript:")]


async def test_the_whole_report_and_two_beside_each_other(clinic: Clinic) -> None:
    whole = made_reports.full(START)
    clinic.reports = [whole, made_reports.recovered(whole)]
    someone = await reader(clinic.site, "responder")
    incident = await diagnosed(someone)
    page = await someone.send(incident, f"{incident}/reports")
    before_after = next(a for a in page.select("#s-found a") if a.text == "전후 비교")
    compared = await someone.get(str(before_after["href"]))
    assert "나아진 것" in compared.text
    assert "API 상태" in compared.text
    assert "사라진 소견" in compared.text
    assert "P1 → 없음" in compared.text
    full = next(a for a in page.select("#s-found a") if a.text == "보고서 전체")
    report = await someone.get(str(full["href"]))
    assert len(report.select(".looked > li")) == 4
    assert [a.text for a in report.select("a") if "compare" in str(a["href"])] == ["비교"]


@pytest.mark.parametrize("path", ["reports/999", "reports/x", "reports/1/compare?with=999"])
async def test_a_report_that_is_not_there_is_said_to_be_none(clinic: Clinic, path: str) -> None:
    someone = await reader(clinic.site, "responder")
    incident = await diagnosed(someone)
    assert "그런 보고서가 없어요" in (await someone.get(f"{incident}/{path}", 404)).text


async def test_changes_are_listed_by_kind_and_page_by_page(clinic: Clinic) -> None:
    told = [
        ChangeEvent(
            at=START - timedelta(minutes=n), summary=f"변경 {n}", key=f"{n}",
            kind="flag" if n % 2 else "deployment", details={"by": "<b>dev</b>"},
        )
        for n in range(60)
    ]  # fmt: skip
    async with clinic.site.pool.acquire() as conn:
        await changes.add(conn, START, "generic", told)
    viewer = await reader(clinic.site, "viewer")
    page = await viewer.get("/changes")
    assert len(page.select(".changes > li")) == 50
    assert page.select(".changes b") == []
    older = next(a for a in page.select("a.wide"))
    assert len((await viewer.get(str(older["href"]))).select(".changes > li")) == 10
    flags = await viewer.get("/changes?kind=flag")
    assert len(flags.select(".changes > li")) == 30
    assert "아직 알려진 변경이 없어요" in (await viewer.get("/changes?service=ghost")).text


def test_a_rate_of_any_length_is_a_picture_within_its_frame() -> None:
    assert spark(()) == spark((0, 0)) == ""
    points = [tuple(map(float, p.split(","))) for p in spark(range(10_000)).split()]
    assert len(points) <= SPARK_BARS + 2
    assert min(y for _, y in points) == 0
    assert max(y for _, y in points) == SPARK_HEIGHT
    assert spark((5,))
