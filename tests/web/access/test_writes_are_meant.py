"""A write that a browser sends by itself must prove that the person meant it."""

from __future__ import annotations

import pytest

from bongsu.store import access
from bongsu.web.access import csrf


@pytest.fixture
async def browser(site):
    """A browser that is signed in as a responder, and its CSRF token."""
    async with site.pool.acquire() as conn:
        link = await access.invite(conn, "backend-a", made_by="root", now=site.clock.now())
    client = site.client()
    client.csrf = (await client.post("/api/v1/session", json={"link": link})).json()["csrf_token"]
    return client


BODY = {"title": "검색 오류", "severity": "P2"}


async def test_a_cookie_alone_writes_nothing(site, browser):
    refused = await browser.post("/api/v1/incidents", json=BODY)
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:bongsu:problem:csrf"
    assert (await browser.get("/api/v1/incidents")).json()["incidents"] == []


async def test_the_token_of_the_session_lets_it_write(browser):
    answer = await browser.post(
        "/api/v1/incidents", json=BODY, headers={"x-csrf-token": browser.csrf}
    )
    assert answer.status_code == 201


async def test_another_sessions_token_does_not(site, browser):
    other = csrf.token(b"x" * 32, b"another session")
    theirs = csrf.token(site.app.services.secret, b"another session")
    for wrong in (other, theirs, "", "%%%", browser.csrf[:-2], "é"):
        headers = {"x-csrf-token": wrong.encode("latin-1", "replace")}
        assert (
            await browser.post("/api/v1/incidents", json=BODY, headers=headers)
        ).status_code == 403


async def test_every_token_of_a_session_differs_and_all_are_good(site, browser):
    second = (await browser.get("/api/v1/session")).json()["csrf_token"]
    assert second != browser.csrf
    for token in (second, browser.csrf):
        headers = {"x-csrf-token": token}
        assert (
            await browser.post("/api/v1/incidents", json=BODY, headers=headers)
        ).status_code == 201


async def test_a_program_with_a_token_needs_none(site):
    answer = await site.client(site.tokens["responder"]).post("/api/v1/incidents", json=BODY)
    assert answer.status_code == 201


async def test_a_wrong_token_is_not_saved_by_a_good_cookie(browser):
    headers = {"authorization": "Bearer bgs_wrong", "x-csrf-token": browser.csrf}
    refused = await browser.get("/api/v1/session", headers=headers)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
