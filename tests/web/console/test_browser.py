"""The console in a real browser: what changes by itself, and what a thumb and a keyboard can do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from tests.web.console.browsing import DESK, PHONE, Complaints, declare, signed_in
from tests.web.console.stage import Stage, stage

pytestmark = pytest.mark.browser


@pytest.fixture
async def staged(database_url: str) -> AsyncIterator[Stage]:
    async with stage(database_url) as staged:
        yield staged


async def test_two_people_work_on_an_incident_without_ever_loading_a_page_again(
    staged: Stage, browser: Browser
) -> None:
    complaints = Complaints()
    desk = await signed_in(browser, staged, "pm", DESK, complaints)
    phone = await signed_in(browser, staged, "backend-a", PHONE, complaints)

    await declare(phone, "검색 서버가 응답하지 않아요")
    row = desk.locator(".incident .title", has_text="검색 서버가 응답하지 않아요")
    await expect(row).to_be_visible()
    await desk.goto(phone.url)

    await phone.locator("#s-bar").get_by_role("button", name="확인", exact=True).click()
    # First what disappears by itself.
    await expect(phone.locator("#said")).to_contain_text("호출을 멈췄어요")
    await expect(desk.locator("#s-head .headline")).to_contain_text("Backend-A")

    await desk.keyboard.press("c")
    await expect(phone.locator("#s-head .phase")).to_have_attribute("data-phase", "verified")

    note = phone.locator("[data-note]")
    await note.fill("인덱스 노드가 내려가 있어요")
    await phone.locator(".note button").click()
    first = desk.locator("#timeline li", has_text="인덱스 노드가 내려가 있어요")
    await expect(first).to_have_count(1)
    await expect(note).to_have_value("")

    seen = await desk.locator("#timeline > li").evaluate_all("lines => lines.map(l => l.id)")
    assert len(seen) == len(set(seen))
    assert staged.postmen["slack"].sent[0][1].kind == "page"
    assert complaints == []


async def test_a_half_written_note_outlives_what_others_do(staged: Stage, browser: Browser) -> None:
    complaints = Complaints()
    page = await signed_in(browser, staged, "backend-a", DESK, complaints)
    other = await signed_in(browser, staged, "pm", DESK, complaints)
    await declare(page, "로그인 불가")
    await other.goto(page.url)
    await page.locator("[data-note]").fill("쓰다 만 메모")
    role = page.locator("#s-roles details").first
    await role.locator("summary").click()
    await other.keyboard.press("a")
    await expect(page.locator("#s-head .headline")).to_contain_text("PM")
    await expect(page.locator("[data-note]")).to_have_value("쓰다 만 메모")
    await expect(role).to_have_attribute("open", "")
    assert complaints == []


async def test_a_lost_connection_is_said_and_what_was_missed_comes_after_it(
    staged: Stage, browser: Browser
) -> None:
    complaints = Complaints()
    page = await signed_in(browser, staged, "backend-a", DESK, complaints)
    other = await signed_in(browser, staged, "pm", DESK, complaints)
    await declare(page, "데이터베이스 장애")
    await other.goto(page.url)
    await page.context.set_offline(offline=True)
    await expect(page.locator("#connection")).to_be_visible()
    await other.keyboard.press("a")
    await expect(other.locator("#s-head .headline")).to_contain_text("PM")
    await page.context.set_offline(offline=False)
    await expect(page.locator("#s-head .headline")).to_contain_text("PM")


@pytest.mark.parametrize("path", ["/incidents", "/incidents/1", "/oncall", "/manual", "/signals"])
async def test_nothing_scrolls_sideways_on_a_phone_and_every_target_is_big_enough(
    staged: Stage, browser: Browser, path: str
) -> None:
    complaints = Complaints()
    page = await signed_in(browser, staged, "root", PHONE, complaints)
    await declare(page, "가나다라마바사" * 40)
    await page.goto(staged.base_url + path)
    wide = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0
    small = await page.locator("button:visible, .button:visible, .top a:visible").evaluate_all(
        "all => all.filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
    )
    assert small == []
    assert complaints == []
