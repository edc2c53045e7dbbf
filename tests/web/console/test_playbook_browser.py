"""A playbook in a real browser: begun on the phone, approved at the desk, live on both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from tests.web.console.browsing import DESK, PHONE, Complaints, declare, signed_in
from tests.web.console.stage import Stage, stage
from tests.web.made_playbooks import command, with_playbooks
from tests.web.site import SEED

from bongsu.manual.load import load

pytestmark = pytest.mark.browser


def slow(gate: Path) -> dict[str, Any]:
    """A playbook whose second step has begun to talk, and goes on once the gate is there."""
    waits = f"echo line 1; echo line 2; until [ -e {gate} ]; do sleep 0.1; done; echo line 3"
    return {
        "name": {"ko": "재시작", "en": "Restart"},
        "purpose": {"ko": "파드를 차례로 재시작해요", "en": "Restarts the pods"},
        "types": ["memory_leak"],
        "parameters": {
            "replicas": {"type": "integer", "default": 3, "minimum": 1, "maximum": 20,
                         "means": {"ko": "파드 수", "en": "Pods"}},
        },
        "steps": [
            {**command("first"), "argv": ["echo", "replicas={{ replicas }}"],
             "undo": ["echo", "back"]},
            {"name": {"ko": "말하기", "en": "talk"}, "kind": "command",
             "argv": ["sh", "-c", waits], "timeout": "100s"},
            {**command("bounce", approve="technical_lead"), "argv": ["echo", "bounced"]},
            {"name": {"ko": "눈으로 확인", "en": "see"}, "kind": "human",
             "instruction": {"ko": "대시보드를 보세요", "en": "Look at the dashboard"}},
        ],
    }  # fmt: skip


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The talking step goes on once this file is there."""
    return tmp_path / "gate"


@pytest.fixture
async def staged(database_url: str, gate: Path) -> AsyncIterator[Stage]:
    manual = with_playbooks(await asyncio.to_thread(load, SEED), slow=slow(gate))
    async with stage(database_url, manual=manual) as staged:
        yield staged


async def typed(page: Page, kind: str) -> None:
    """Declare an incident of a type."""
    await declare(page, "검색 API 오류")
    await page.locator("#s-facts details summary, #s-facts summary").first.click()
    await page.locator("form[action$='/type'] select").select_option(kind)
    await page.locator("form[action$='/type'] button").click()
    await expect(page.locator("#playbook-slow")).to_be_visible()


async def taken(page: Page, name: str) -> None:
    """Keep a picture where a person asks for one."""
    if folder := os.environ.get("BONGSU_SCREENSHOTS"):
        shown = page.locator("#s-runs, main > .grid, main > section").first
        await shown.screenshot(path=str(Path(folder) / f"{name}.png"))


async def fits(page: Page) -> None:
    """Nothing scrolls sideways, and every target is big enough for a thumb."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = """[...document.querySelectorAll("#main button, #main summary, #main .button")]
        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43)
        .map(e => e.outerHTML)"""
    assert await page.evaluate(small) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_a_run_goes_from_a_thumb_to_its_end_on_both_screens(
    staged: Stage, browser: Browser, gate: Path, theme: str
) -> None:
    complaints = Complaints()
    phone = await signed_in(browser, staged, "backend-a", PHONE, complaints)
    desk = await signed_in(browser, staged, "pm", DESK, complaints)
    for page in (phone, desk):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await typed(phone, "memory_leak")
    await desk.goto(phone.url)
    await phone.locator("#playbook-slow summary").click()
    await phone.locator("#playbook-slow input[name='parameter.replicas']").fill("7")
    await taken(phone, f"form-{theme}")
    await fits(phone)
    await phone.locator("#playbook-slow").get_by_role("button", name="실행", exact=True).click()
    plan = phone.get_by_role("dialog")
    await expect(plan).to_contain_text("replicas=7")
    await taken(phone, f"plan-{theme}")
    await plan.get_by_role("button", name="취소").click()
    await expect(plan).to_be_hidden()
    await phone.locator("#playbook-slow").get_by_role("button", name="실행", exact=True).click()
    await plan.get_by_role("button", name="실행하기").click()
    await expect(plan).to_be_hidden()
    for page in (phone, desk):
        await expect(page.locator(".step").nth(0)).to_have_attribute("data-state", "done")
        await expect(page.locator(".step").nth(0)).to_contain_text("replicas=7")
    talk = desk.locator(".step").nth(1)
    await expect(talk.locator("pre")).to_contain_text("line 2")
    await expect(talk).to_have_attribute("data-state", "running")
    gate.touch()
    asks = desk.locator(".step[data-state=approval]")
    await expect(asks).to_contain_text("Technical Lead의 승인이 필요해요")
    await expect(talk.locator(".step-output")).to_have_attribute("open", "")
    await expect(phone.locator(".step[data-state=approval] button")).to_have_count(0)
    await asks.locator("input[name=note]").fill("진행하세요")
    await taken(desk, f"approval-{theme}")
    await taken(phone, f"waiting-{theme}")
    await fits(phone)
    await asks.get_by_role("button", name="승인").click()
    done = phone.locator(".step[data-state=person]").get_by_role("button", name="했음")
    await taken(phone, f"person-{theme}")
    await done.click()
    for page in (phone, desk):
        await expect(page.locator(".run").first).to_have_attribute("data-outcome", "succeeded")
    await expect(desk.locator(".run").first).to_contain_text("PM 승인")
    phone.on("dialog", lambda dialog: dialog.accept())
    await phone.get_by_role("button", name="되돌리기", exact=True).click()
    await expect(desk.locator(".run").first).to_have_attribute("data-outcome", "undone")
    await taken(desk, f"undone-{theme}")
    assert complaints == []


async def test_a_half_filled_form_outlives_what_another_run_prints(
    staged: Stage, browser: Browser
) -> None:
    complaints = Complaints()
    phone = await signed_in(browser, staged, "backend-a", PHONE, complaints)
    desk = await signed_in(browser, staged, "pm", DESK, complaints)
    await typed(phone, "memory_leak")
    await desk.goto(phone.url)
    await desk.locator("#playbook-slow summary").click()
    field = desk.locator("#playbook-slow input[name='parameter.replicas']")
    await field.fill("11")
    await phone.locator("#playbook-slow summary").click()
    await phone.locator("#playbook-slow").get_by_role("button", name="모의 실행").click()
    await expect(desk.locator(".run").first).to_have_attribute("data-outcome", "succeeded")
    await expect(field).to_have_value("11")
    await expect(desk.locator("#playbook-slow")).to_have_attribute("open", "")
    assert complaints == []


@pytest.mark.parametrize("size", [PHONE, DESK])
async def test_the_pages_of_playbooks_fit_any_screen(
    staged: Stage, browser: Browser, size: dict[str, int]
) -> None:
    complaints = Complaints()
    page = await signed_in(browser, staged, "backend-a", size, complaints)
    await declare(page, "검색 API 오류")
    await page.locator("header nav").get_by_role("link", name="조치서").click()
    await page.wait_for_url("**/playbooks")
    if size is PHONE:
        await page.locator("header summary").click()
    await page.locator("header nav").get_by_role("link", name="신호").last.click()
    await page.wait_for_url("**/signals")
    for path in ("/playbooks", "/playbooks/slow"):
        await page.goto(staged.base_url + path)
        await taken(page, f"{path.replace('/', '-')}-{size['width']}")
        await fits(page)
    assert complaints == []
