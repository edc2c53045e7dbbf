"""The example of an application's hooks does what its table says."""

from __future__ import annotations

import httpx
import pytest
from tests.recovery.conftest import example

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    monkeypatch.setenv("OPS_TOKEN", "secret")
    transport = httpx.ASGITransport(example().build())
    return httpx.AsyncClient(transport=transport, base_url="http://app")


async def test_writes_are_refused_while_it_is_read_only(client: httpx.AsyncClient):
    async with client:
        for _ in range(2):
            await client.put("/admin/read-only", json={"read_only": True}, headers=TOKEN)
        assert (await client.post("/notes", params={"note": "x"})).status_code == 503
        await client.put("/admin/read-only", json={"read_only": False}, headers=TOKEN)
        assert (await client.post("/notes", params={"note": "x"})).status_code == 201


async def test_the_cache_lives_longer_once_however_often_it_is_asked(client: httpx.AsyncClient):
    async with client:
        for _ in range(2):
            told = await client.put("/admin/cache-ttl", json={"longer_by_hours": 2}, headers=TOKEN)
        assert told.json() == {"cache_ttl_s": 7500}
        bad = await client.put("/admin/cache-ttl", json={"longer_by_hours": 99}, headers=TOKEN)
        assert bad.status_code == 422
        assert (await client.get("/health")).json()["cache_ttl_s"] == 7500


async def test_all_sessions_end(client: httpx.AsyncClient):
    app = client._transport.app  # type: ignore[attr-defined]
    app.state.service.sessions |= {"kim", "lee"}
    async with client:
        told = await client.delete("/admin/sessions", headers=TOKEN)
        assert told.json() == {"ended": 2}
        assert (await client.delete("/admin/sessions", headers=TOKEN)).json() == {"ended": 0}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
async def test_nobody_gets_in_without_the_token(client: httpx.AsyncClient, headers: dict[str, str]):
    async with client:
        for method, path in (("PUT", "/admin/read-only"), ("DELETE", "/admin/sessions")):
            body = {"read_only": True}
            told = await client.request(method, path, json=body, headers=headers)
            assert told.status_code == 401
