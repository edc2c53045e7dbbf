"""A recovery's checks in a real browser: they are run for real, and arrive by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from tests.web.console.browsing import DESK, PHONE, Complaints, declare, signed_in
from tests.web.console.stage import Stage, stage
from tests.web.site import seed

from bongsu.manual.schema.document import Manual

pytestmark = pytest.mark.browser


def check(name: str, program: str, **more: object) -> dict[str, object]:
    return {
        "name": {"ko": name, "en": name}, "passes": "exit_code == 0",
        "test": {"kind": "command", "argv": ["sh", "-c", program]},
        "criterion": {"ko": "통과율 100%", "en": "100% pass rate"}, "timeout": "100s", **more,
    }  # fmt: skip


def lists(gate: Path) -> dict[str, object]:
    waits = f"echo 'signs in as tester'; until [ -e {gate} ]; do sleep 0.1; done"
    return {
        "smoke": {
            "login": check("사용자 로그인", waits),
            "search": check("검색 기능", "echo 'search answers 500'; exit 3"),
        },
        "monitoring": {"extra": check("참고", "exit 0", required=False)},
    }


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A test goes on once this file is there."""
    return tmp_path / "gate"


@pytest.fixture
async def staged(database_url: str, gate: Path) -> AsyncIterator[Stage]:
    document = seed().model_dump(by_alias=True, exclude={"sha"})
    manual = Manual.model_validate({**document, "verification": lists(gate), "sha": "verified"})
    async with stage(database_url) as made:
        await made.runtime.adopt(manual)
        yield made


async def test_checks_arrive_by_themselves_on_a_phone_and_a_commander_overrides_one(
    staged: Stage, browser: Browser, gate: Path
) -> None:
    complaints = Complaints()
    phone = await signed_in(browser, staged, "backend-a", PHONE, complaints)
    await declare(phone, "검색 API 오류")
    await phone.get_by_role("button", name="실제 장애").click()
    phone.on("dialog", lambda asked: asked.accept())
    await phone.get_by_role("button", name="서비스 정상화됨").first.click()
    lines = phone.locator("#s-verification .verified > li")
    await expect(lines).to_have_count(3)
    await expect(lines.nth(0).locator("pre.output")).to_have_text("signs in as tester\n")
    await expect(lines.nth(0).locator(".verdict")).to_have_text("진행 중")
    gate.touch()
    await expect(lines.nth(0).locator(".verdict")).to_have_text("통과")
    await expect(lines.nth(1).locator(".verdict")).to_have_text("실패")
    await expect(lines.nth(1)).to_contain_text("exit_code 3")
    width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert await phone.evaluate(width), "the page scrolls sideways"

    desk = await signed_in(browser, staged, "pm", DESK, complaints)
    await desk.goto(phone.url)
    await desk.locator("#override summary").click()
    await desk.locator("#override textarea").fill("시험 계정 만료")
    await desk.get_by_role("button", name="그래도 종결").click()
    await expect(phone.locator("#s-verification")).to_contain_text("시험 계정 만료")
    await lines.nth(1).get_by_role("link", name="출력 보기").click()
    await expect(phone.locator("pre.output").first).to_have_text("search answers 500")
    assert complaints == []
