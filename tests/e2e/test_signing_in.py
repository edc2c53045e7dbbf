"""A person signs in over HTTP, and what another site sends in their name is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from tests.e2e.programs import Bongsu
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow


async def test_a_link_signs_in_once_and_writes_need_the_sessions_own_token(bongsu: Bongsu) -> None:
    url = (await bongsu.json("account", "invite", "backend-a"))["url"]
    assert url.startswith(bongsu.url)
    link = urlsplit(url).path.rsplit("/", 1)[1]
    async with httpx.AsyncClient(base_url=bongsu.url, trust_env=False, timeout=PATIENCE) as browser:
        assert (await browser.get("/api/v1/session")).status_code == 401
        signed = await browser.post("/api/v1/session", json={"link": link})
        assert (signed.status_code, signed.json()["login"]) == (201, "backend-a")
        cookie = signed.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=" in cookie

        asked = {"title": "Search is down", "severity": "P2"}
        forged = await browser.post("/api/v1/incidents", json=asked)
        assert (forged.status_code, forged.json()["type"]) == (403, "urn:bongsu:problem:csrf")
        assert await bongsu.incidents() == []
        headers = {"x-csrf-token": signed.json()["csrf_token"]}
        meant = await browser.post("/api/v1/incidents", json=asked, headers=headers)
        assert meant.status_code == 201

        out = await browser.delete("/api/v1/session", headers=headers)
        assert out.status_code == 200
        assert (await browser.get("/api/v1/incidents")).status_code == 401
    async with httpx.AsyncClient(base_url=bongsu.url, trust_env=False, timeout=PATIENCE) as thief:
        again = await thief.post("/api/v1/session", json={"link": link})
        assert again.status_code == 401


async def test_another_site_can_not_sign_anybody_in(bongsu: Bongsu) -> None:
    link = (await bongsu.json("account", "invite", "backend-a"))["url"].rsplit("/", 1)[1]
    elsewhere = {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
    async with httpx.AsyncClient(base_url=bongsu.url, trust_env=False, timeout=PATIENCE) as browser:
        refused = await browser.post("/api/v1/session", json={"link": link}, headers=elsewhere)
        assert refused.status_code == 403
        signed = await browser.post("/api/v1/session", json={"link": link})
        assert signed.status_code == 201


async def test_a_viewer_looks_and_is_told_what_more_would_need(bongsu: Bongsu) -> None:
    await bongsu.run("account", "invite", "visitor", "--role", "viewer")
    token = (await bongsu.run("account", "token", "visitor")).strip()
    assert "No incident is open" in await bongsu.run("list", BONGSU_TOKEN=token)
    refused = await bongsu.run("declare", "Mine", "-s", "P3", code=1, BONGSU_TOKEN=token)
    assert "needs the role responder" in refused
    wrong = await bongsu.run("list", code=1, BONGSU_TOKEN="bgs_" + "0" * 40)
    assert "bongsu login" in wrong
