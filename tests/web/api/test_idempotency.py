"""A write that is repeated under the same key is done once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.web.site import Site

KEY = {"idempotency-key": "5a2f6c1e-1f0a-4f0e-9d7e-2f8f3b6a7c55"}
BODY = {"title": "검색 오류", "severity": "P2"}


async def count(site: Site) -> int:
    return int(await site.pool.fetchval("SELECT count(*) FROM incidents"))


async def post(api, path="/incidents", body=BODY, **headers):
    return await api.http.post(f"/api/v1{path}", json=body, headers={**KEY, **headers})


@pytest.fixture
def api(site: Site):
    """The API as a responder uses it."""
    return site.as_("responder")


async def test_a_repeated_declaration_opens_one_incident_and_is_answered_alike(site, api):
    first, second = await post(api), await post(api)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await count(site) == 1


async def test_a_refusal_is_repeated_too(api):
    made = (await post(api)).json()
    other = {"idempotency-key": "another"}
    ack = f"/incidents/{made['id']}/unack"
    first, second = await post(api, ack, {}, **other), await post(api, ack, {}, **other)
    assert first.status_code == second.status_code == 409
    assert first.json() == second.json()
    assert second.headers["content-type"] == "application/problem+json"


async def test_the_same_key_for_another_request_is_refused(site, api):
    await post(api)
    for path, body in (("/incidents", {**BODY, "title": "x"}), ("/incidents/1/ack", BODY)):
        refused = await post(api, path, body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await count(site) == 1


async def test_keys_of_two_people_have_nothing_to_do_with_each_other(site, api):
    await post(api)
    assert (await post(site.as_("commander"))).status_code == 201
    assert await count(site) == 2


async def test_a_key_is_forgotten_after_a_day(site, api):
    await post(api)
    site.clock.forward(timedelta(hours=24, seconds=1))
    again = await post(api)
    assert "idempotency-replayed" not in again.headers
    assert await count(site) == 2


async def test_of_many_at_once_one_does_it(site, api):
    answers = await asyncio.gather(*(post(api) for _ in range(8)))
    assert await count(site) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert (await post(api)).status_code == 201


async def test_a_request_whose_process_died_is_not_done_again_but_said_to_be_unknown(site, api):
    await post(api)
    await site.pool.execute("UPDATE idempotent_requests SET status = NULL")
    unknown = await post(api, **{"accept-language": "ko"})
    assert unknown.status_code == 409
    assert "결과를 확인" in unknown.json()["detail"]
    assert await count(site) == 1


async def test_what_broke_on_our_side_may_be_tried_again_under_its_key(site, api, monkeypatch):
    async def broken(*_args):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(site.engine, "declare", broken)
        assert (await post(api)).status_code == 500
    assert (await post(api)).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "한글"])
async def test_a_key_that_is_none_is_refused(api, key):
    headers = {"idempotency-key": key.encode()}
    refused = await api.http.post("/api/v1/incidents", json=BODY, headers=headers)
    assert refused.status_code == 422


async def test_a_stranger_leaves_nothing_behind(site):
    answer = await site.client().post("/api/v1/incidents", json=BODY, headers=KEY)
    assert answer.status_code == 401
    assert await site.pool.fetchval("SELECT count(*) FROM idempotent_requests") == 0


async def test_secrets_are_never_kept_for_a_repetition(site):
    admin = site.as_("admin")
    first = await post(admin, "/tokens", {"name": "ci"})
    second = await post(admin, "/tokens", {"name": "ci"})
    assert first.json()["secret"] != second.json()["secret"]
    assert await site.pool.fetchval("SELECT count(*) FROM idempotent_requests") == 0
