"""Passwords, one-time links, sessions: who gets in, and for how long."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from tests.web.site import BASE, SECRET, Site

from bongsu.store import access, sessions
from bongsu.web.access import Access, SignInRefusedError
from bongsu.web.access.attempts import TOGETHER, network
from bongsu.web.access.passwords import hash_password

PASSWORD = "봉수대의 첫 불빛"
HASH = hash_password(PASSWORD)


@pytest.fixture
async def kim(site: Site):
    """An account with a password."""
    async with site.pool.acquire() as conn:
        await access.create_account(conn, "kim", name="김봉수", password=HASH, now=site.clock.now())
    return "kim"


async def sign_in(browser: httpx.AsyncClient, login="kim", password=PASSWORD, **headers):
    body = {"login": login, "password": password}
    return await browser.post("/api/v1/session", json=body, headers=headers)


async def invite(site: Site, login="kim") -> str:
    async with site.pool.acquire() as conn:
        return await access.invite(conn, login, made_by="root", now=site.clock.now())


async def test_a_password_gives_a_cookie_that_scripts_and_other_sites_cannot_use(site, kim):
    browser = site.client()
    answer = await sign_in(browser)
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-bongsu=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    me = (await browser.get("/api/v1/session")).json()
    assert (me["login"], me["name"], me["role"], me["via"]) == (
        "kim",
        "김봉수",
        "responder",
        "console",
    )


async def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(site, kim):
    wrong = await sign_in(site.client(), password="not the password")
    unknown = await sign_in(site.client(), login="nobody", password="not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


@pytest.mark.parametrize("login", ["", "\0", "김", "x" * 4000, "Robert'); DROP TABLE accounts"])
async def test_whatever_is_typed_as_a_name_is_only_a_wrong_name(site, kim, login):
    assert (await sign_in(site.client(), login=login)).status_code == 401


async def test_after_too_many_attempts_one_must_wait_and_is_told_how_long(site, kim):
    browser = site.client(**{"accept-language": "ko"})
    for _ in range(TOGETHER):
        assert (await sign_in(browser, password="wrong wrong")).status_code == 401
    refused = await sign_in(browser)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "600"
    assert "10분" in refused.json()["detail"]
    site.clock.forward(timedelta(minutes=11))
    assert (await sign_in(browser)).status_code == 201


async def test_the_attempts_are_counted_for_all_replicas_together(site, kim):
    replicas = [Access(site.pool, site.clock, secret=SECRET, base_url=BASE) for _ in range(2)]
    request = site_request()
    for number in range(TOGETHER):
        with pytest.raises(SignInRefusedError, match="wrong"):
            await replicas[number % 2].sign_in(request, "kim", "wrong wrong")
    for replica in replicas:
        with pytest.raises(SignInRefusedError, match="too many"):
            await replica.sign_in(request, "kim", PASSWORD)


async def test_failures_at_one_address_shut_nobody_out_at_another(site, kim):
    here, there = site_request("192.0.2.1"), site_request("192.0.2.2")
    for _ in range(TOGETHER + 1):
        with pytest.raises(SignInRefusedError):
            await site.app.services.access.sign_in(here, "kim", "wrong wrong")
    assert (await site.app.services.access.sign_in(there, "kim", PASSWORD)).login == "kim"


async def test_one_address_cannot_try_account_after_account(site, kim):
    here = site_request("192.0.2.1")
    codes = []
    for number in range(32):
        with pytest.raises(SignInRefusedError) as refused:
            await site.app.services.access.sign_in(here, f"someone-{number}", "wrong wrong")
        codes.append(refused.value.code)
    assert codes == ["wrong_password"] * 30 + ["too_many_attempts"] * 2


def test_one_owner_of_an_ipv6_network_is_one_address():
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::1")
    assert network("2001:db8:1:3::1") != network("2001:db8:1:2::1")
    assert network("192.0.2.1") != network("192.0.2.2")


async def test_a_one_time_link_lets_in_whoever_failed_too_often(site, kim):
    browser = site.client()
    for _ in range(TOGETHER + 1):
        await sign_in(browser, password="wrong wrong")
    assert (await sign_in(browser)).status_code == 429
    link = await invite(site)
    assert (await browser.post("/api/v1/session", json={"link": link})).status_code == 201


async def test_a_one_time_link_works_once_and_looking_at_it_does_not_use_it_up(site, kim):
    link = await invite(site)
    door = site.app.services.access
    assert await door.link_owner(link) == ("kim", "김봉수")
    assert await door.link_owner(link) == ("kim", "김봉수")
    assert (await site.client().post("/api/v1/session", json={"link": link})).status_code == 201
    again = await site.client().post("/api/v1/session", json={"link": link})
    assert again.status_code == 401
    assert "used already" in again.json()["detail"]
    assert await door.link_owner(link) is None


async def test_a_link_of_yesterday_has_expired(site, kim):
    link = await invite(site)
    site.clock.forward(timedelta(hours=24))
    assert (await site.client().post("/api/v1/session", json={"link": link})).status_code == 401


async def test_a_form_of_another_site_signs_nobody_in(site, kim):
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = await sign_in(site.client(), **headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert (await sign_in(site.client(), origin=BASE)).status_code == 201


async def test_a_session_lives_while_it_is_used_and_ends_when_it_is_not(site, kim):
    browser = site.client()
    await sign_in(browser)
    for _ in range(3):
        site.clock.forward(timedelta(days=20))
        assert (await browser.get("/api/v1/session")).status_code == 200
    site.clock.forward(sessions.SESSION_LASTS)
    assert (await browser.get("/api/v1/session")).status_code == 401


async def test_signing_out_ends_the_session_and_not_only_the_cookie(site, kim):
    browser = site.client()
    token = (await sign_in(browser)).json()["csrf_token"]
    cookies = dict(browser.cookies)
    answer = await browser.delete("/api/v1/session", headers={"x-csrf-token": token})
    assert answer.json() == {"ended": 1}
    thief = site.client()
    thief.cookies.update(cookies)
    assert (await thief.get("/api/v1/session")).status_code == 401


async def test_signing_out_everywhere_ends_every_session(site, kim):
    browsers = [site.client() for _ in range(3)]
    tokens = [(await sign_in(browser)).json()["csrf_token"] for browser in browsers]
    known = (await browsers[0].get("/api/v1/sessions")).json()["sessions"]
    assert [one["here"] for one in known].count(True) == 1
    answer = await browsers[0].delete("/api/v1/sessions", headers={"x-csrf-token": tokens[0]})
    assert answer.json() == {"ended": 3}
    for browser in browsers:
        assert (await browser.get("/api/v1/session")).status_code == 401


async def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(site, kim):
    here, elsewhere = site.client(), site.client()
    headers = {"x-csrf-token": (await sign_in(here)).json()["csrf_token"]}
    await sign_in(elsewhere)
    wrong = {"old": "not the old one", "new": "a new password"}
    assert (await here.put("/api/v1/password", json=wrong, headers=headers)).status_code == 401
    short = await here.put(
        "/api/v1/password", json={"old": PASSWORD, "new": "too short"}, headers=headers
    )
    assert short.status_code == 422
    assert short.json()["errors"][0]["field"] == "new"
    right = {"old": PASSWORD, "new": "a new password"}
    assert (await here.put("/api/v1/password", json=right, headers=headers)).status_code == 200
    assert (await here.get("/api/v1/session")).status_code == 200
    assert (await elsewhere.get("/api/v1/session")).status_code == 401
    assert (await sign_in(site.client())).status_code == 401
    assert (await sign_in(site.client(), password="a new password")).status_code == 201


async def test_who_came_by_a_link_sets_a_first_password_without_an_old_one(site):
    async with site.pool.acquire() as conn:
        await access.create_account(conn, "lee", now=site.clock.now())
    browser = site.client()
    link = await invite(site, "lee")
    token = (await browser.post("/api/v1/session", json={"link": link})).json()["csrf_token"]
    answer = await browser.put(
        "/api/v1/password", json={"new": "first password"}, headers={"x-csrf-token": token}
    )
    assert answer.status_code == 200
    assert (await sign_in(site.client(), "lee", "first password")).status_code == 201


async def test_a_token_can_not_change_the_password(site):
    api = site.client(site.tokens["responder"])
    answer = await api.put("/api/v1/password", json={"old": "", "new": "taken over now"})
    assert answer.status_code == 403


async def test_an_account_that_is_disabled_is_out_at_once(site, kim):
    browser = site.client()
    await sign_in(browser)
    link = await invite(site)
    async with site.pool.acquire() as conn:
        now = site.clock.now()
        token, _ = await access.issue_token(conn, "kim", name="cli", made_by="kim", now=now)
        await access.set_disabled(conn, "kim", disabled=True, now=now)
    assert (await browser.get("/api/v1/session")).status_code == 401
    assert (await site.client(token).get("/api/v1/session")).status_code == 401
    assert (await sign_in(site.client())).status_code == 401
    assert (await site.client().post("/api/v1/session", json={"link": link})).status_code == 401


async def test_the_first_admin_gets_a_link_until_somebody_has_signed_in(pool, site):
    now = site.clock.now()
    async with pool.acquire() as conn:
        await conn.execute("DELETE FROM accounts")
        first = await access.first_link(conn, now=now)
        second = await access.first_link(conn, now=now)
        assert first != second
    browser = site.client()
    me = (await browser.post("/api/v1/session", json={"link": first})).json()
    assert (me["login"], me["role"]) == ("admin", "admin")
    async with pool.acquire() as conn:
        assert await access.first_link(conn, now=now) is None


async def test_nothing_in_the_database_lets_anybody_in(site, kim):
    browser = site.client()
    await sign_in(browser)
    link = await invite(site)
    secrets = [browser.cookies["__Host-bongsu"], link, PASSWORD, *site.tokens.values()]
    tables = ("accounts", "sessions", "api_tokens", "sign_in_links", "sign_in_attempts")
    async with site.pool.acquire() as conn:
        for table in tables:
            dump = str(await conn.fetchval(f"SELECT json_agg(t)::text FROM {table} t"))
            assert not [secret for secret in secrets if secret in dump]


def site_request(address: str = "192.0.2.1"):
    from starlette.requests import Request

    scope = {"type": "http", "headers": [], "client": (address, 50000), "method": "POST"}
    return Request(scope)
