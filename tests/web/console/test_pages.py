"""The pages without a browser: what they answer, to whom, and what their forms do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from bs4 import BeautifulSoup, Tag
from tests.web.site import BASE, CAST, SECRET, Site, open_site

from bongsu.channels import links
from bongsu.engine.engine import Command
from bongsu.engine.messages import Writer
from bongsu.incident import commands as c
from bongsu.store.access import Role
from bongsu.store.database import Pool
from bongsu.web.access.passwords import hash_password
from bongsu.web.app import create_app
from bongsu.web.console import Console, render_go

PASSWORD = "five beacons burn"
HASHED = hash_password(PASSWORD)


@pytest.fixture
async def site(pool: Pool) -> AsyncIterator[Site]:
    """A process with the console, and a password for everybody."""
    site = await open_site(pool)
    writer = Writer(BASE, SECRET)
    site.app = create_app(
        site.engine, writer=writer, channels={}, console=Console(), render_go=render_go
    )
    await pool.execute("UPDATE accounts SET password = $1", HASHED)
    yield site
    await site.close()


def one(page: Tag, css: str) -> Tag:
    """Return the first element; there must be one."""
    found = page.select_one(css)
    assert found is not None, f"nothing is {css}"
    return found


class Reader:
    """Somebody with a browser without JavaScript."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, status: int = 200) -> BeautifulSoup:
        return self._read(await self.http.get(path, follow_redirects=True), status)

    async def send(self, path: str, action: str, status: int = 200, **fields: str) -> BeautifulSoup:
        """Fill in the form of a page that posts to ``action``."""
        page = await self.get(path)
        form = page.find("form", method="post", action=action)
        assert form, f"{path} has no form for {action}"
        hidden = {str(i["name"]): str(i["value"]) for i in form.select("input[type=hidden]")}
        answer = await self.http.post(action, data={**hidden, **fields}, follow_redirects=True)
        return self._read(answer, status)

    @staticmethod
    def _read(answer: httpx.Response, status: int) -> BeautifulSoup:
        assert answer.status_code == status, answer.text
        return BeautifulSoup(answer.text, "html.parser")


async def reader(site: Site, role: Role, lang: str = "ko") -> Reader:
    http = site.client(**{"accept-language": lang})
    answer = await http.post("/sign-in", data={"login": CAST[role], "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return Reader(http)


async def declared(someone: Reader, title: str = "검색이 되지 않아요", severity: str = "P0") -> str:
    """Declare an incident in the list's form; returns its path."""
    page = await someone.send("/incidents", "/incidents", title=title, severity=severity)
    action = one(page, "form.note")["action"]
    return str(action).removesuffix("/note")


async def test_the_list_says_what_is_brought_back_first_where_several_services_are_broken(
    site: Site,
) -> None:
    someone = await reader(site, "responder")
    for service in ("redis", "mongodb"):
        await someone.send(
            "/incidents", "/incidents", title=service, severity="P1", service=service
        )
    page = await someone.get("/incidents")
    places = [place.get_text(" ", strip=True) for place in page.select("#s-order .places li")]
    assert "MongoDB" in places[0]
    assert any("Redis" in place for place in places[1:])


def thousand_notes(start: int) -> Command:
    bodies = [body for n in range(1000) for body in c.note(f"메모 {start + n}")]
    return lambda _policy, _incident, _now: bodies


async def test_who_is_not_signed_in_is_asked_and_then_goes_where_they_wanted(site: Site) -> None:
    stranger = site.client()
    answer = await stranger.get("/incidents?severity=P0")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/incidents%3Fseverity%3DP0"
    form = {"login": "pm", "password": PASSWORD, "next": "/incidents?severity=P0"}
    answer = await stranger.post("/sign-in", data=form)
    assert answer.headers["location"] == "/incidents?severity=P0"


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_signing_in_leads_nowhere_but_to_our_own_pages(site: Site, target: str) -> None:
    form = {"login": "pm", "password": PASSWORD, "next": target}
    answer = await site.client().post("/sign-in", data=form)
    assert answer.headers["location"] == "/"


async def test_a_wrong_password_is_said_in_words_and_keeps_the_name(site: Site) -> None:
    stranger = Reader(site.client(**{"accept-language": "ko"}))
    answer = await stranger.http.post("/sign-in", data={"login": "pm", "password": "nothing"})
    page = stranger._read(answer, 401)
    assert page.select_one("[role=alert]")
    assert one(page, "input[name=login]")["value"] == "pm"


async def test_an_empty_list_teaches_how_to_connect_a_sender(site: Site) -> None:
    page = await (await reader(site, "responder")).get("/incidents")
    empty = one(page, ".empty")
    assert "아직 장애가 없어요." in empty.text
    assert "bongsu integration key prometheus" in empty.text


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("path", ["/incidents", "/oncall", "/manual", "/signals", "/profile"])
async def test_every_page_is_in_the_readers_language(site: Site, path: str, lang: str) -> None:
    page = await (await reader(site, "admin", lang)).get(path)
    assert one(page, "html")["lang"] == lang
    nav = one(page, ".top nav").text
    assert ("당직" in nav) == (lang == "ko")
    assert ("On-call" in nav) == (lang == "en")


async def test_open_incidents_come_by_severity_and_then_the_ended_ones(site: Site) -> None:
    someone = await reader(site, "responder")
    ended = await declared(someone, "끝난 것", "P0")
    await someone.send(ended, f"{ended}/dismiss")
    await declared(someone, "낮은 것", "P3")
    await declared(someone, "급한 것", "P0")
    page = await someone.get("/incidents")
    titles = [title.text.strip() for title in page.select(".incident .title")]
    assert titles == ["급한 것", "낮은 것", "끝난 것"]


async def test_a_search_finds_korean_whose_letters_were_typed_apart(site: Site) -> None:
    someone = await reader(site, "responder")
    await declared(someone, "검색이 느려요", "P2")
    await declared(someone, "로그인 불가", "P1")
    apart = unicodedata.normalize("NFD", "검색")
    assert len(apart) == 6
    page = await someone.get(f"/incidents?q={apart}")
    assert [title.text.strip() for title in page.select(".incident .title")] == ["검색이 느려요"]


async def test_the_page_says_what_to_do_next_by_whom_and_by_when(site: Site) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone)
    first = one(await someone.get(path), ".todo.first")
    assert "호출" in one(first, ".what").text
    assert first.select_one(".you"), "backend-a is on call and was called"
    assert one(first, "time[data-due]")["datetime"] == "2025-08-14T05:33:00.000+00:00"


async def test_an_incident_is_driven_through_its_phases_without_javascript(site: Site) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone)
    for action, phase in [
        ("ack", "detected"),
        ("confirm", "verified"),
        ("recovery", "recovering"),
        ("recovered", "monitoring"),
        ("resolve", "resolved"),
    ]:
        page = await someone.send(path, f"{path}/{action}")
        assert one(page, "#s-head .phase")["data-phase"] == phase
    assert len(page.select("#timeline > li")) > 5


async def test_a_second_acknowledgement_says_who_was_faster(site: Site) -> None:
    someone, other = await reader(site, "responder"), await reader(site, "commander")
    path = await declared(someone)
    token = str(one((await other.get(path)), "input[name=csrf_token]")["value"])
    await someone.send(path, f"{path}/ack")
    answer = await other.http.post(f"{path}/ack", data={"csrf_token": token})
    page = other._read(answer, 409)
    assert "Backend-A" in one(page, "main > .error").text
    parts = {"csrf_token": token}
    answer = await other.http.post(f"{path}/ack", data=parts, headers={"hx-request": "true"})
    assert answer.status_code == 409
    assert 'hx-target="#said"' in answer.text


async def test_a_form_without_the_sessions_token_does_nothing(site: Site) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone)
    answer = await someone.http.post(f"{path}/ack", data={"csrf_token": "made-up"})
    assert answer.status_code == 403
    assert not (await someone.get(path)).select_one("#s-roles b:not(.nobody)")


async def test_a_viewer_sees_everything_and_can_do_nothing(site: Site) -> None:
    path = await declared(await reader(site, "responder"))
    viewer = await reader(site, "viewer")
    page = await viewer.get(path)
    assert page.select_one(".todo.first")
    forms = page.find_all("form", method="post")
    assert not forms
    token = str(one((await viewer.get("/profile")), "input[name=csrf_token]")["value"])
    answer = await viewer.http.post(f"{path}/ack", data={"csrf_token": token})
    assert answer.status_code == 403
    assert "조회자" in answer.text


async def test_ticking_an_item_moves_it_to_what_is_done(site: Site) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone)
    before = len((await someone.get(path)).select("#s-next > .todos > li"))
    page = await someone.send(path, f"{path}/tick")
    assert len(page.select("#s-next > .todos > li")) == before - 1
    assert len(page.select("#done-todos li")) == 1


async def test_a_note_is_shown_as_text_and_never_as_markup(site: Site) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone, "<img src=x onerror=alert(1)>")
    page = await someone.send(path, f"{path}/note", text="<script>alert(1)</script>")
    assert not page.find("img")
    assert all(script.get("src") for script in page.find_all("script"))
    assert "<script>alert(1)</script>" in one(page, "#timeline li p").text


async def test_a_breached_clock_says_so_in_words(site: Site) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone)
    site.clock.forward(timedelta(minutes=6))
    late = (await someone.get(path)).select(".clock[data-state=late]")
    assert [one(clock, ".name").text for clock in late] == ["초기 대응"]
    assert "목표 초과" in late[0].text


async def test_a_long_timeline_begins_with_the_latest_and_has_the_older_on_demand(
    site: Site,
) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone)
    incident = int(path.rsplit("/", 1)[1])
    for start in range(0, 5000, 1000):
        await site.engine.act(incident, "person:pm", thousand_notes(start))
    page = await someone.get(path)
    seen = [str(li["id"]) for li in page.select("#timeline > li[id]")]
    assert len(seen) == 200
    while link := page.select_one("li.older a"):
        page = await someone.get(str(link["href"]))
        seen += [str(li["id"]) for li in page.select(".timeline > li[id]")]
    numbers = [int(name.removeprefix("e-")) for name in seen]
    assert numbers == list(range(numbers[0], 0, -1))
    assert numbers[0] > 5000


async def test_a_declaration_without_a_severity_is_refused_and_keeps_what_was_typed(
    site: Site,
) -> None:
    someone = await reader(site, "responder")
    page = await someone.send("/incidents", "/incidents", 422, title="무언가 이상해요")
    assert page.select_one("#declare .error")
    assert one(page, "#declare input[name=title]")["value"] == "무언가 이상해요"


async def test_ten_thousand_incidents_are_listed_a_page_at_a_time(site: Site, pool: Pool) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone, "본보기", "P3")
    await someone.send(path, f"{path}/dismiss")
    await pool.execute(
        """INSERT INTO incidents SELECT (jsonb_populate_record(i, jsonb_build_object(
             'id', i.id + n, 'number', 'INC-' || n, 'opened_at', i.opened_at - n * interval '1 min'
           ))).* FROM incidents i, generate_series(1, 10000) n"""
    )
    page = await someone.get("/incidents")
    seen = [str(li["id"]) for li in page.select(".incident")]
    assert len(seen) == 50
    page = await someone.get(str(one(page, ".more a")["href"]))
    more = [str(li["id"]) for li in page.select(".incident")]
    assert len(more) == 50
    assert not set(seen) & set(more)


async def test_a_one_tap_page_has_one_button_and_its_post_acts(site: Site) -> None:
    someone = await reader(site, "responder")
    path = await declared(someone)
    until = site.clock.now() + timedelta(hours=1)
    token = links.sign(SECRET, "ack", path.rsplit("/", 1)[1], "backend-a", "", until)
    stranger = Reader(site.client())
    page = await stranger.get(f"/go/{token}")
    assert len(page.select("button")) == 1
    assert "Backend-A" in page.text
    answer = await stranger.http.post(f"/go/{token}")
    assert "Backend-A" in one(stranger._read(answer, 200), "h1").text
    assert not (await stranger.get(f"/go/{token}")).select("button")
    assert one(await someone.get(path), "#s-roles b:not(.nobody)").text == "Backend-A"


async def test_a_link_that_was_cut_off_leads_to_the_sign_in_page(site: Site) -> None:
    page = await Reader(site.client()).get("/go/nonsense", 404)
    assert page.select_one(".door a.button")


@pytest.mark.parametrize("path", ["/nothing", "/incidents/999", "/incidents/INC-NONE"])
async def test_what_is_not_there_is_said_on_a_page_of_ours(site: Site, path: str) -> None:
    page = await (await reader(site, "viewer")).get(path, 404)
    assert page.select_one(".door h1")
    assert page.select_one("a.button[href='/incidents']")


async def test_somebody_stands_in_and_the_page_shows_it_at_once(site: Site) -> None:
    someone = await reader(site, "responder")
    page = await someone.send(
        "/oncall",
        "/oncall/overrides",
        slot="main/primary",
        person="backend-b",
        start="2025-08-14T14:00",
        until="2025-08-15T10:00",
        reason="병원",
    )
    assert one(page, ".on-call b").text == "Backend-B"
    assert "병원" in one(page, "#overrides").text
    again = await someone.send(
        "/oncall",
        "/oncall/overrides",
        422,
        slot="main/primary",
        person="backend-b",
        start="2025-08-15T14:00",
        until="2025-08-15T10:00",
    )
    assert again.select_one("#overrides .error")


async def test_the_calendar_shows_four_whole_weeks(site: Site) -> None:
    page = await (await reader(site, "viewer")).get("/oncall")
    weeks = page.select(".week")
    assert len(weeks) == 4
    for lane in page.select(".slot-row .lane"):
        widths = [
            re.search(r"width: ([\d.]+)%", str(li["style"])) for li in lane.select(".stretch")
        ]
        assert sum(float(found[1]) for found in widths if found) == pytest.approx(100, abs=0.1)
    assert "광복절" in weeks[0].text


async def test_an_issued_key_is_shown_once_and_fills_the_snippets(site: Site) -> None:
    admin = await reader(site, "admin")
    page = await admin.send("/signals", "/signals/keys", 201)
    key = one(page, ".sender .command code").text
    assert re.fullmatch("[0-9a-f]{32}", key)
    snippets = " ".join(pre.text for pre in page.select(".snippet pre"))
    assert f"/in/{key}/alertmanager" in snippets
    later = await admin.get("/signals")
    assert key not in later.text
    assert f"…{key[-4:]}" in later.text


async def test_only_an_admin_sees_keys(site: Site) -> None:
    page = await (await reader(site, "commander")).get("/signals")
    assert not page.find("form", action="/signals/keys")


async def test_the_manual_is_shown_in_a_frame_that_only_we_may_use(site: Site) -> None:
    someone = await reader(site, "viewer")
    page = await someone.get("/manual")
    frame = str(one(page, "iframe")["src"])
    answer = await someone.http.get(frame)
    assert answer.status_code == 200
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


async def test_a_chosen_language_and_theme_stay(site: Site) -> None:
    someone = await reader(site, "responder", "ko")
    await someone.send("/profile", "/profile/language", lang="en")
    page = await someone.send("/profile", "/profile/theme", theme="dark")
    assert one(page, "html")["lang"] == "en"
    assert one(page, "html")["data-theme"] == "dark"


async def test_signing_out_ends_the_session(site: Site) -> None:
    someone = await reader(site, "responder")
    await someone.send("/profile", "/sign-out")
    assert (await someone.http.get("/incidents")).status_code == 303
