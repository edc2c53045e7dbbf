"""The links in a message: looking never acts, one tap does, and a second tap is no error."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from tests.web.site import SECRET, START, Site

from bongsu.channels import links
from bongsu.store import access


@pytest.fixture
async def incident(site: Site):
    """A P0 that has just been declared by backend-a."""
    return await site.as_("responder").declared("로그인 <불가>")


def link(incident, purpose="ack", *, person="backend-a", page="p1.1", at=START, secret=SECRET):
    expires = at + timedelta(hours=24)
    return "/go/" + links.sign(secret, purpose, str(incident["id"]), person, page, expires)


async def state(site, incident):
    return await site.as_("viewer").get(f"/incidents/{incident['id']}")


def read(answer):
    return BeautifulSoup(answer.text, "html.parser")


async def test_looking_at_a_link_any_number_of_times_does_nothing(site, incident):
    phone = site.client()
    for method in ("GET", "HEAD", "GET"):
        answer = await phone.request(method, link(incident))
        assert answer.status_code == 200
    assert (await state(site, incident))["seq"] == incident["seq"]


async def test_the_page_shows_what_it_is_about_and_one_button(site, incident):
    page = read(await site.client().get(link(incident)))
    assert page.html["lang"] == "ko"
    assert [b.text for b in page.find_all("button")] == ["확인"]
    assert page.form["method"] == "post"
    assert page.form["action"] == link(incident)
    assert "로그인 <불가>" in page.text
    assert incident["number"] in page.text
    assert not page.find_all("script")


async def test_one_tap_acknowledges_in_the_name_of_the_person_and_says_so(site, incident):
    answer = await site.client().post(link(incident))
    assert answer.status_code == 200
    assert "Backend-A" in read(answer).h1.text
    found = await state(site, incident)
    assert found["acknowledged_by"]["id"] == "backend-a"
    entries = (await site.as_("viewer").get(f"/incidents/{incident['id']}/timeline"))["entries"]
    (entry,) = [e for e in entries if e["kind"] == "acknowledged"]
    assert (entry["actor"], entry["body"]["via"]) == ("person:backend-a", "link")


async def test_a_second_tap_says_who_acknowledged_and_when(site, incident):
    await site.client().post(link(incident))
    site.clock.forward(timedelta(minutes=7))
    for method in ("POST", "GET"):
        answer = await site.client().request(method, link(incident))
        assert answer.status_code == 200
        assert "2025-08-14 14:30 (KST)" in answer.text
        assert "Backend-A" in answer.text
        assert read(answer).button is None
    kinds = [e["kind"] for e in (await timeline(site, incident))]
    assert kinds.count("acknowledged") == 1


async def timeline(site, incident):
    return (await site.as_("viewer").get(f"/incidents/{incident['id']}/timeline"))["entries"]


async def test_somebody_elses_tap_comes_too_late_and_hears_who_was_first(site, incident):
    await site.client().post(link(incident))
    answer = await site.client().post(link(incident, person="pm", page="p9.9"))
    assert answer.status_code == 200
    assert "Backend-A" in answer.text


@pytest.mark.parametrize(
    ("purpose", "phase"),
    [("confirm", "verified"), ("dismiss", "dismissed"), ("resolve", "resolved")],
)
async def test_each_purpose_does_its_own_thing_once(site, incident, purpose, phase):
    for _ in range(2):
        assert (await site.client().post(link(incident, purpose))).status_code == 200
    found = await state(site, incident)
    assert found["phase"] == phase
    assert found["acknowledged_by"]["id"] == "backend-a"


async def test_escalating_by_link_calls_the_next_one(site, incident):
    assert (await site.client().post(link(incident, "escalate"))).status_code == 200
    people = [page["person"]["id"] for page in (await state(site, incident))["pages"]]
    assert people == ["backend-a", "frontend-a"]


async def test_what_the_incident_does_not_allow_is_explained(site, incident):
    await site.client().post(link(incident, "resolve"))
    for purpose in ("escalate",):
        answer = await site.client().post(link(incident, purpose))
        assert answer.status_code == 409
        assert read(answer).p.text


async def test_a_link_of_yesterday_has_expired_and_says_what_to_do(site, incident):
    site.clock.forward(timedelta(hours=24))
    for method in ("GET", "POST"):
        answer = await site.client().request(method, link(incident))
        assert answer.status_code == 410
        assert read(answer).a["href"] == "https://bongsu.example/"
    assert (await state(site, incident))["seq"] == incident["seq"]


async def test_an_altered_link_does_nothing(site, incident):
    good = link(incident)
    bad = [
        good[:-1],
        good + "x",
        good[:-3] + "AAA",
        "/go/x",
        "/go/%00",
        link(incident, secret=b"another secret, 32 bytes long ok"),
    ]
    for address, method in itertools.product(bad, ("GET", "POST")):
        answer = await site.client(**{"accept-language": "ko"}).request(method, address)
        assert answer.status_code == 404, address
        assert "올바르지 않은 링크" in answer.text
    assert (await state(site, incident))["seq"] == incident["seq"]


async def test_a_link_to_an_incident_that_is_not_there_says_so(site, incident):
    for name in ("999", "", "x", "9" * 40):
        answer = await site.client().post(link({"id": name}))
        assert answer.status_code == 404


async def test_a_disabled_account_can_not_act_by_its_old_links(site, incident):
    async with site.pool.acquire() as conn:
        await access.set_disabled(conn, "backend-a", disabled=True, now=site.clock.now())
    assert (await site.client().post(link(incident))).status_code == 403
    assert (await state(site, incident))["acknowledged_by"] is None


async def test_who_has_left_the_manual_can_not_act_by_an_old_link(site, incident):
    answer = await site.client().post(link(incident, person="left-us"))
    assert answer.status_code == 403
    assert "매뉴얼에 더는 없는" in answer.text
    assert (await state(site, incident))["acknowledged_by"] is None


async def test_who_may_only_look_can_not_act_by_a_link(site, incident):
    async with site.pool.acquire() as conn:
        await access.create_account(conn, "devops-b", role="viewer", now=site.clock.now())
    answer = await site.client().post(link(incident, person="devops-b"))
    assert answer.status_code == 403
    assert "보기만" in answer.text
    assert (await state(site, incident))["acknowledged_by"] is None


async def test_a_person_without_an_account_can_act_by_link(site, incident):
    assert (await site.client().post(link(incident, person="devops-b"))).status_code == 200
    assert (await state(site, incident))["acknowledged_by"]["id"] == "devops-b"


async def test_the_page_can_not_be_framed_or_scripted(site, incident):
    answer = await site.client().get(link(incident))
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
