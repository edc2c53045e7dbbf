"""People with a real browser: one signs in, declares an incident, and nothing complains."""

from __future__ import annotations

from playwright.async_api import Browser, Page
from tests.waiting import PATIENCE
from tests.web.console.stage import PASSWORD, Stage

PHONE = {"width": 375, "height": 740}
DESK = {"width": 1280, "height": 900}
PATIENCE_MS = PATIENCE * 1000
"""as the browser's driver counts it"""


class Complaints(list[str]):
    """What a page's script or the browser complained about."""

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("console", lambda m: self.append(m.text) if m.type == "error" else None)


async def signed_in(
    browser: Browser, staged: Stage, login: str, size: dict[str, int], complaints: Complaints
) -> Page:
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, locale="ko-KR"
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints.watch(page)
    await page.goto(f"{staged.base_url}/incidents")
    await page.get_by_label("아이디").fill(login)
    await page.get_by_label("비밀번호").fill(PASSWORD)
    await page.get_by_role("button", name="로그인").click()
    await page.wait_for_url("**/incidents")
    return page


async def declare(page: Page, title: str) -> None:
    await page.get_by_role("link", name="장애 선언").click()
    await page.locator("#declare input[name=title]").fill(title)
    await page.locator("#declare input[value=P0]").check()
    await page.get_by_role("button", name="선언하고 호출하기").click()
    await page.wait_for_url("**/incidents/*")
