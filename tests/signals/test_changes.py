"""What was changed, as senders tell it: kept with its service, once, and never a page."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.signals.conftest import NOW, Clock, WayIn, way_in

from bongsu.manual.schema.document import Manual
from bongsu.store import changes as store
from bongsu.store.changes import KeptChange, Wanted
from bongsu.store.database import Pool

# The sample of LaunchDarkly's documentation ("Webhooks"), on a flag.
LAUNCHDARKLY: dict[str, Any] = {
    "_links": {
        "canonical": {"href": "/api/v2/flags/korea/new-search", "type": "application/json"},
        "site": {"href": "/korea/production/features/new-search", "type": "text/html"},
    },
    "_id": "57c0a8e29969090743529965",
    "date": 1755149100000,
    "accesses": [
        {"action": "updateOn", "resource": "proj/korea:env/production:flag/new-search;web"}
    ],
    "kind": "flag",
    "name": "New search",
    "description": "- Turned on the flag",
    "comment": "",
    "member": {"_id": "1", "email": "dev@example.com", "firstName": "Reese"},
    "titleVerb": "turned on the flag",
    "title": "[Reese](mailto:dev@example.com) turned on the flag [New search](…)",
}
# An event as Unleash's webhook sends it without a body template.
UNLEASH: dict[str, Any] = {
    "id": 1337,
    "type": "feature-environment-enabled",
    "createdBy": "dev@example.com",
    "createdByUserId": 7,
    "createdAt": "2025-08-14T05:20:00.000Z",
    "featureName": "new-search",
    "project": "default",
    "environment": "production",
    "data": None,
    "preData": None,
}
# Of GitHub's `deployment_status`, what is read of it.
GITHUB: dict[str, Any] = {
    "action": "created",
    "deployment_status": {
        "id": 1, "state": "success", "created_at": "2025-08-14T05:25:00Z",
        "target_url": "", "log_url": "https://github.com/o/korea-backend/actions/runs/1",
    },
    "deployment": {"id": 99, "ref": "v1.2.3", "sha": "abc", "environment": "production"},
    "repository": {"id": 3, "name": "korea-backend", "full_name": "o/korea-backend"},
}  # fmt: skip


@pytest.fixture
async def way(pool: Pool, database_url: str, seed: Manual, clock: Clock) -> AsyncIterator[WayIn]:
    """The way in, with an integration for what was changed."""
    document = seed.model_dump(by_alias=True, exclude={"sha"})
    document["signals"]["integrations"]["cd"] = {"name": "CD", "formats": ["changes"]}
    manual = Manual.model_validate({**document, "sha": seed.sha})
    async with way_in(pool, database_url, manual, clock) as opened:
        yield opened


async def tell(way: WayIn, body: object, form: str = "", **headers: str) -> httpx.Response:
    raw = json.dumps(body).encode() if not isinstance(body, bytes) else body
    path = f"/in/{way.key['changes']}/changes{form}"
    return await way.client.post(path, content=raw, headers={"accept-language": "en", **headers})


async def kept(way: WayIn) -> list[KeptChange]:
    async with way.pool.acquire() as conn:
        return await store.changes(conn, Wanted())


async def one_kept(way: WayIn) -> KeptChange:
    (found,) = await kept(way)
    return found


async def test_a_deployment_in_the_plain_form_is_kept_with_its_service(way: WayIn) -> None:
    body = {
        "summary": "v1.2.3", "kind": "deployment", "subject": "deployment/korea-backend",
        "at": "2025-08-14T14:25:00+09:00", "link": "https://ci/817", "details": {"image": "b:1"},
    }  # fmt: skip
    answer = await tell(way, body)
    assert (answer.status_code, answer.json()) == (202, {"kept": 1, "new": 1})
    found = await one_kept(way)
    deployed = {
        name: one.workload.deployment
        for name, one in way.app._manual().services.services.items()
        if one.workload
    }
    assert deployed[found.event.service or ""] == "korea-backend"
    assert (found.told_by, found.event.at) == ("cd", NOW - timedelta(minutes=5))
    assert found.event.links[0].href == "https://ci/817"
    assert found.event.details == {"image": "b:1"}


async def test_a_bearer_token_serves_as_the_key(way: WayIn) -> None:
    headers = {"authorization": f"Bearer {way.key['generic']}"}
    answer = await way.client.post("/v1/changes", json={"summary": "x"}, headers=headers)
    assert answer.status_code == 202


async def test_the_same_change_again_is_kept_once_and_says_so(way: WayIn) -> None:
    for body in ({"summary": "a", "key": "build-1"}, {"summary": "b", "at": NOW.isoformat()}):
        first, second = await tell(way, body), await tell(way, body)
        assert [first.json()["new"], second.json()["new"]] == [1, 0]
    assert len(await kept(way)) == 2


async def test_two_changes_that_say_neither_when_nor_which_are_two(way: WayIn) -> None:
    await tell(way, [{"summary": "restart"}, {"summary": "restart"}])
    assert len(await kept(way)) == 2


async def test_one_senders_key_is_not_anothers(way: WayIn) -> None:
    body = {"summary": "x", "key": "1"}
    await tell(way, body)
    await way.client.post(f"/in/{way.key['generic']}/changes", json=body)
    assert {one.told_by for one in await kept(way)} == {"cd", "generic"}


async def test_of_a_list_the_good_ones_are_kept_and_the_bad_ones_named(way: WayIn) -> None:
    answer = await tell(way, [{"summary": "ok"}, {"summary": ""}, {"summary": "x", "kind": "?"}])
    assert (answer.status_code, answer.json()["kept"]) == (400, 1)
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"[1].summary", "[2].kind"}
    assert all(error["message"] for error in answer.json()["errors"])


@pytest.mark.parametrize(("body", "field"), [
    (b"{", ""), (b"\xff", ""), (b'{"summary": 3}', "summary"), (b"{}", "summary"),
    (b'{"summary": "x", "at": "noon"}', "at"), (b'{"summary": "a\\u0000"}', ""),
])  # fmt: skip
async def test_a_bad_change_is_refused_by_its_field(way: WayIn, body: bytes, field: str) -> None:
    answer = await tell(way, body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert await kept(way) == []


async def test_an_unknown_key_and_one_that_may_not_are_told_apart(way: WayIn) -> None:
    answer = await way.client.post(f"/in/{'0' * 32}/changes", json={"summary": "x"})
    assert answer.status_code == 401
    answer = await way.client.post(f"/in/{way.key['prometheus']}/changes", json={"summary": "x"})
    assert answer.status_code == 403
    assert (await way.client.get(f"/in/{way.key['changes']}/changes")).status_code == 405


async def test_a_change_never_becomes_an_alert(way: WayIn) -> None:
    for form, body in (("", {"summary": "x"}), ("/github", GITHUB), ("/unleash", UNLEASH)):
        assert (await tell(way, body, form)).status_code == 202
    assert way.changed == []
    assert await way.pool.fetchval("SELECT count(*) FROM alerts") == 0


async def test_launchdarklys_flag_is_read_as_its_documentation_shows_it(way: WayIn) -> None:
    assert (await tell(way, LAUNCHDARKLY, "/launchdarkly")).status_code == 202
    found = (await one_kept(way)).event
    assert (found.kind, found.subject) == ("flag", "new-search")
    assert found.at == datetime(2025, 8, 14, 5, 25, tzinfo=UTC)
    assert found.summary == "turned on the flag New search"
    link = "https://app.launchdarkly.com/korea/production/features/new-search"
    assert found.links[0].href == link
    assert found.details["by"] == "dev@example.com"
    assert (await tell(way, LAUNCHDARKLY, "/launchdarkly")).json()["new"] == 0


def signed(body: object, key: str) -> str:
    return hmac.new(key.encode(), json.dumps(body).encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("form", "header", "before", "body"), [
    ("/launchdarkly", "x-ld-signature", "", LAUNCHDARKLY),
    ("/github", "x-hub-signature-256", "sha256=", GITHUB),
])  # fmt: skip
async def test_a_signature_must_be_made_with_the_key(
    way: WayIn, form: str, header: str, before: str, body: object
) -> None:
    forged = {header: before + signed(body, "another secret")}
    answer = await tell(way, body, form, **forged)
    assert (answer.status_code, await kept(way)) == (401, [])
    assert "integration key" in answer.json()["detail"]
    right = {header: before + signed(body, way.key["changes"])}
    assert (await tell(way, body, form, **right)).status_code == 202


async def test_unleashs_event_is_read_as_its_webhook_sends_it(way: WayIn) -> None:
    assert (await tell(way, UNLEASH, "/unleash")).status_code == 202
    found = (await one_kept(way)).event
    assert (found.kind, found.subject) == ("flag", "new-search")
    assert found.summary == "feature-environment-enabled: new-search (default production)"
    assert found.at == datetime(2025, 8, 14, 5, 20, tzinfo=UTC)


async def test_githubs_deployment_is_read_and_what_is_none_is_passed_over(way: WayIn) -> None:
    for other in (
        {"zen": "Keep it logically awesome.", "hook_id": 1},
        {**GITHUB, "deployment": None},
    ):
        answer = await tell(way, other, "/github")
        assert (answer.status_code, answer.json()["kept"]) == (202, 0)
    assert (await tell(way, GITHUB, "/github")).json() == {"kept": 1, "new": 1}
    found = (await one_kept(way)).event
    assert found.summary == "o/korea-backend v1.2.3 → production: success"
    assert (found.kind, found.subject) == ("deployment", "deployment/korea-backend")
    assert found.service is not None


async def test_a_change_with_a_clock_that_is_off_was_made_on_arrival(way: WayIn) -> None:
    await tell(way, {"summary": "x", "at": "2031-01-01T00:00:00Z"})
    assert (await one_kept(way)).event.at == NOW


async def test_changes_are_forgotten_after_their_time(way: WayIn) -> None:
    await tell(way, [{"summary": "old", "at": "2025-05-01T00:00:00Z"}, {"summary": "new"}])
    async with way.pool.acquire() as conn:
        await store.prune(conn, NOW - timedelta(days=90))
    assert [one.event.summary for one in await kept(way)] == ["new"]
