"""What diagnosis found, in a real browser: it arrives by itself, on a phone as on a desk."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, expect
from tests.web import made_reports
from tests.web.console.browsing import DESK, PHONE, Complaints, declare, signed_in
from tests.web.console.stage import Stage, stage

from bongsu.engine.diagnosis import Asked
from bongsu.incident.report import Report
from bongsu.manual.schema.document import Manual

pytestmark = pytest.mark.browser


@dataclass
class Clinic:
    """A stage whose diagnoses a test decides: each gives the next of these numbers of findings."""

    stage: Stage
    findings: list[int] = field(default_factory=lambda: [0])
    asked: int = 0

    async def diagnose(self, manual: Manual, asked: Asked) -> Report:
        await asyncio.sleep(0.2)
        more = self.findings[min(self.asked, len(self.findings) - 1)]
        self.asked += 1
        return made_reports.full(asked.started_at, asked.incident, findings=more)


@pytest.fixture
async def clinic(database_url: str) -> AsyncIterator[Clinic]:
    async with stage(database_url) as staged:
        clinic, doctor = Clinic(staged), staged.runtime.diagnostician
        doctor._diagnose = clinic.diagnose
        staged.app.services = dataclasses.replace(staged.app.services, diagnostician=doctor)
        yield clinic


async def test_the_first_report_arrives_by_itself_and_a_new_one_on_demand(
    clinic: Clinic, browser: Browser
) -> None:
    complaints = Complaints()
    clinic.findings = [0, 12]
    phone = await signed_in(browser, clinic.stage, "backend-a", PHONE, complaints)
    await declare(phone, "검색 API 오류")
    found = phone.locator("#s-found")
    await expect(found.locator(".findings > li")).to_have_count(2)
    await expect(phone.locator("#s-glance")).to_contain_text("health: 503")
    desk = await signed_in(browser, clinic.stage, "pm", DESK, complaints)
    await desk.goto(phone.url)
    evidence = desk.locator("#evidence-1")
    await evidence.locator("summary").click()
    await expect(evidence.locator("pre")).to_contain_text("503 Service Unavailable")
    await phone.get_by_role("button", name="다시 진단").click()
    for page in (phone, desk):
        await expect(page.locator("#s-found .more").first).to_contain_text("9개 더")
    await expect(evidence).to_have_attribute("open", "")
    assert complaints == []


async def test_the_proposed_severity_is_taken_with_one_tap(
    clinic: Clinic, browser: Browser
) -> None:
    complaints = Complaints()
    phone = await signed_in(browser, clinic.stage, "backend-a", PHONE, complaints)
    await declare(phone, "검색 API 오류")
    await phone.locator("#s-found").get_by_role("button", name="P1로 변경").click()
    await expect(phone.locator("#s-head")).to_have_attribute("data-severity", "P1")
    await expect(phone.locator("#s-found .proposal")).to_contain_text("지금과 같아요")
    await expect(phone.locator("#timeline")).to_contain_text("api_health == 'unhealthy'")
    assert complaints == []


@pytest.mark.parametrize(("size", "theme"), [(PHONE, "dark"), (DESK, "light")])
async def test_ten_thousand_findings_fit_any_screen(
    clinic: Clinic, browser: Browser, size: dict[str, int], theme: str
) -> None:
    complaints = Complaints()
    clinic.findings = [10_000]
    page = await signed_in(browser, clinic.stage, "backend-a", size, complaints)
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await declare(page, "검색 API 오류")
    more = page.locator("#s-found .more").first
    await expect(more).to_contain_text("개 더 있어요")
    assert await page.locator("#s-found .findings > li").count() == 5
    await more.locator("a").click()
    await page.wait_for_url("**/reports/*")
    assert await page.locator(".findings > li").count() == 200
    for _ in range(2):
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert await page.evaluate(wide)
        small = """[...document.querySelectorAll("#main button, #main summary, #main .button")]
            .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43)
            .map(e => e.outerHTML)"""
        assert await page.evaluate(small) == []
        await page.go_back()
    assert complaints == []
