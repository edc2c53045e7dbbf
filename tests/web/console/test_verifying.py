"""The checks of a recovery on an incident's page, without a browser's script."""

from __future__ import annotations

import pytest
from tests.web.api.test_verifications import LISTS, comes_to
from tests.web.console import test_pages
from tests.web.console.test_pages import declared, one, reader
from tests.web.site import Site, seed

from bongsu.engine.policy import compile_policy
from bongsu.manual.schema.document import Manual

site_of_pages = test_pages.site


@pytest.fixture
def site(site_of_pages: Site) -> Site:
    document = seed().model_dump(by_alias=True, exclude={"sha"})
    manual = Manual.model_validate({**document, "verification": LISTS, "sha": "verified"})
    site_of_pages.engine.policy = compile_policy(manual)
    return site_of_pages


async def test_the_page_says_which_checks_have_passed(site: Site) -> None:
    who = await reader(site, "responder")
    at = await declared(who)
    page = await who.get(at)
    assert one(page, "#s-verification").has_attr("hidden")
    await who.send(at, f"{at}/confirm")
    page = await who.send(at, f"{at}/recovered")
    line = one(page, "#s-verification .verified li")
    assert "사용자 로그인" in line.text
    assert "통과율 100%" in line.text
    await comes_to(site, at, "failed")
    page = await who.get(at)
    assert one(page, "#s-verification .verdict")["data-verdict"] == "unhealthy"
    assert "아직 통과하지 못했어요" in one(page, "#s-verification").text


async def test_a_responder_runs_a_check_again_and_may_not_resolve_without_it(site: Site) -> None:
    who = await reader(site, "responder")
    at = await declared(who)
    await who.send(at, f"{at}/confirm")
    await who.send(at, f"{at}/recovered")
    await comes_to(site, at, "failed")
    assert (await who.get(at)).select_one("#override") is None
    page = await who.send(at, f"{at}/resolve", 409)
    assert "사용자 로그인" in one(page, ".error").text
    page = await who.send(at, f"{at}/verifications", check="smoke:login")
    assert "진행 중" in one(page, "#s-verification .verdict").text


async def test_a_commander_resolves_without_the_checks_and_says_why(site: Site) -> None:
    who = await reader(site, "commander")
    at = await declared(who)
    await who.send(at, f"{at}/confirm")
    await who.send(at, f"{at}/recovered")
    await comes_to(site, at, "failed")
    one(await who.get(at), "#override textarea[name=override][required]")
    page = await who.send(at, f"{at}/resolve", override="시험 계정 만료")
    assert "시험 계정 만료" in one(page, "#s-verification").text


async def test_a_check_that_was_never_run_has_no_page(site: Site) -> None:
    who = await reader(site, "viewer")
    at = await declared(await reader(site, "responder"))
    await who.get(f"{at}/verifications/smoke:login", 404)


async def test_several_broken_services_are_shown_in_order(site: Site) -> None:
    who = await reader(site, "responder")
    for service in ("korea-frontend", "mongodb"):
        await site.as_("responder").declared(service=service)
    page = await who.get(await declared(who))
    assert [li.b.text for li in page.select("#s-order li") if li.b] == [
        "데이터베이스 (MongoDB)", "웹사이트"
    ]  # fmt: skip
