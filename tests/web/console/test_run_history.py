"""The console's page of all runs: turned, filtered, and reached from the playbooks."""

from __future__ import annotations

from bs4 import BeautifulSoup
from tests.web.console.test_pages import declared, one, reader, site
from tests.web.past_runs import past_runs

__all__ = ["site"]


def told(page: BeautifulSoup) -> list[str]:
    return [link.get_text() for link in page.select("main ul.plain .meta > a")]


async def test_the_page_of_all_runs_goes_on_until_the_first_one(site):
    someone = await reader(site, "responder")
    incident = int((await declared(someone)).rsplit("/", 1)[1])
    await past_runs(site, incident, 120)
    link = str(one(await someone.get("/playbooks"), "main a[href='/runs']")["href"])
    seen: list[str] = []
    while True:
        page = await someone.get(link)
        seen += told(page)
        following = page.select_one("p.more a")
        if following is None:
            break
        link = str(following["href"])
    assert sorted(seen) == sorted(f"#{incident} scale-{n}" for n in range(120))


async def test_its_filters_stay_while_the_pages_are_turned(site):
    someone = await reader(site, "responder")
    incident = int((await declared(someone)).rsplit("/", 1)[1])
    await past_runs(site, incident, 60)
    await past_runs(site, incident, 60, playbook="restart", outcome="failed")
    page = await someone.get(f"/runs?playbook=restart&outcome=failed&incident=%23{incident}")
    assert len(told(page)) == 50
    assert one(page, "select[name=outcome] option[selected]")["value"] == "failed"
    assert one(page, "select[name=playbook] option[selected]")["value"] == "restart"
    rest = told(await someone.get(str(one(page, "p.more a")["href"])))
    assert rest == [f"#{incident} restart-{n}" for n in sorted(range(10), reverse=True)]


async def test_an_incident_that_there_is_not_has_no_runs_and_a_way_back_to_all(site):
    someone = await reader(site, "viewer")
    page = await someone.get("/runs?incident=nothing&outcome=made-up")
    assert told(page) == []
    assert one(page, ".muted a[href='/runs']")
    assert one(page, "input[name=incident]")["value"] == "nothing"


async def test_where_no_run_matches_it_speaks_of_runs(site):
    someone = await reader(site, "viewer")
    page = await someone.get("/runs?outcome=undone")
    assert "찾는 실행이 없어요." in one(page, "main .muted").get_text()


async def test_the_history_stands_among_the_playbooks_in_the_menu(site):
    someone = await reader(site, "viewer")
    page = await someone.get("/runs")
    assert [str(link["href"]) for link in page.select("nav a[aria-current]")] == ["/playbooks"]
    assert page.select_one("nav summary[aria-current]") is None
