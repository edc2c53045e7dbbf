"""Whatever is sent, the answer is a refusal that names the place, and nothing else is disturbed."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web import documented
from tests.web.site import Api, Site

from bongsu.web.api import openapi
from bongsu.web.api.app import ROUTERS

OPERATIONS = [
    (method, route.path)
    for route in openapi.api_routes(ROUTERS)
    for method in sorted(route.methods or ())
    if not route.path.endswith("live")
]
WRITES = [(method, path) for method, path in OPERATIONS if method != "GET"]
WORDS = [
    "title",
    "severity",
    "note",
    "text",
    "role",
    "person",
    "target",
    "for",
    "until",
    "page",
    "into",
    "checklist",
    "item",
    "done",
    "type",
    "service",
    "started_at",
    "description",
    "drill",
    "rotation",
    "slot",
    "start",
    "reason",
    "login",
    "password",
    "link",
    "name",
    "expires_at",
    "disabled",
    "lang",
]
VALUES = [
    "P0", "30m", "1w", "person:pm", "role:incident_commander", "rotation:main/primary", "pm",
    "main", "primary", "2025-08-14T06:00:00Z", "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "backend-a", "incident_commander", "1", "-1", "", " ", "\0", "\ud800", "x" * 20_000, 10**30,
    -1, 1e308, True, None,
]  # fmt: skip

leaves = st.sampled_from(VALUES) | st.text(max_size=20) | st.integers() | st.floats() | st.none()
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
nearly = st.dictionaries(st.sampled_from(WORDS), leaves, max_size=6)
names = st.sampled_from(["1", "INC-1", "pm", "main", "\0", "9" * 40]) | st.text(max_size=8)


def address(path: str, name: str) -> str:
    quoted = quote(name, safe="", errors="replace").replace(".", "%2E") or "-"
    return "/api/v1" + re.sub(r"\{[^}]+\}", quoted, path)


def raw(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def accepted(answer, method, path) -> None:
    assert answer.status_code < 500, answer.text
    if answer.is_error:
        found = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        documented._validator("Problem").validate(found)
        assert found["status"] == answer.status_code
        if found["type"].endswith(":invalid"):
            assert all(error["detail"] for error in found["errors"]), found


many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("language", ["ko", "en"])
@many
@given(st.data())
async def test_no_body_breaks_any_write(site: Site, language, data):
    client = site.clients[0] if site.clients else site.client(site.tokens["admin"])
    if not await site.pool.fetchval("SELECT EXISTS (SELECT FROM incidents)"):
        await Api(client).declared()
    method, path = data.draw(st.sampled_from(WRITES))
    body = data.draw(nearly.map(raw) | anything.map(raw) | st.binary(max_size=40))
    name = "1" if data.draw(st.booleans()) else data.draw(names)
    headers = {"content-type": "application/json", "accept-language": language}
    answer = await client.request(method, address(path, name), content=body, headers=headers)
    accepted(answer, method, path)


@many
@given(st.data())
async def test_no_question_breaks_any_list(site: Site, data):
    method, path = data.draw(st.sampled_from([o for o in OPERATIONS if o[0] == "GET"]))
    keys = st.sampled_from(
        ["cursor", "limit", "q", "open", "phase", "severity", "after", "before", "at", "from",
         "until", "rotation", "outcome", "all", "format", "lang", "drill", "type", "service"]
    )  # fmt: skip
    values = st.sampled_from(VALUES).map(lambda value: str(value)[:2000]) | st.text(max_size=10)
    encodable = values.map(lambda text: text.encode("utf-8", "replace").decode())
    params = data.draw(st.dictionaries(keys, encodable, max_size=4))
    name = data.draw(names)
    client = site.clients[0] if site.clients else site.client(site.tokens["admin"])
    answer = await client.get(address(path, name), params=params)
    accepted(answer, method, path)


@pytest.fixture
def api(site: Site):
    """The API as a responder uses it."""
    return site.as_("responder")


@pytest.mark.parametrize(
    "body", [b"{", b"", b"nonsense", b'{"title": "x"', b"\xff\xfe{}", b'"\xed\xa0\x80"']
)
async def test_what_is_no_json_is_said_to_be_none(api, body):
    answer = await api.http.post(
        "/api/v1/incidents", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


async def test_every_wrong_field_is_named_at_once_in_either_language(site):
    body = {
        "title": "",
        "severity": "P9",
        "drill": "maybe",
        "started_at": "yesterday",
        "sevirity": 1,
    }
    fields = {"title", "severity", "drill", "started_at", "sevirity"}
    told = {}
    for language in ("ko", "en"):
        api = site.as_("responder", **{"accept-language": language})
        refused = await api.post("/incidents", body, 422)
        assert {error["field"] for error in refused["errors"]} == fields
        told[language] = {error["field"]: error["detail"] for error in refused["errors"]}
    assert told["en"]["sevirity"] == "is not known here; leave it out or check its spelling"
    assert told["ko"]["sevirity"] == "모르는 항목이에요. 빼거나 철자를 확인해 주세요"
    assert told["ko"]["started_at"].startswith("시각이어야 해요")
    assert "P0" in told["ko"]["severity"]
    assert all(told["ko"][field] != told["en"][field] for field in fields)


async def test_control_characters_are_refused_where_people_will_read_them(api):
    for title in ("a\0b", "a\x1b[31mb", "a\x07b"):
        refused = await api.post("/incidents", {"title": title, "severity": "P3"}, 422)
        assert refused["errors"][0]["field"] == "title"


async def test_a_body_that_is_too_large_is_refused_whether_or_not_it_says_so(api):
    async def endless():
        for _ in range(40):
            yield b" " * 10_000

    for content in (b" " * 300_000, endless()):
        answer = await api.http.post("/api/v1/incidents", content=content)
        assert answer.status_code == 413
        assert "262,144" in answer.json()["detail"]
    assert (await api.get("/incidents"))["incidents"] == []


async def test_an_address_that_is_none_and_a_method_that_is_none(api):
    nothing = await api.get("/nonsense", 404)
    assert nothing["type"] == "urn:bongsu:problem:not_found"
    answer = await api.http.put("/api/v1/incidents", json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert answer.json()["type"] == "urn:bongsu:problem:method_not_allowed"


async def test_a_database_that_is_away_is_said_to_be_away(site, api):
    await site.pool.close()
    for method, path in (("GET", "/incidents"), ("POST", "/incidents")):
        answer = await api.http.request(
            method, f"/api/v1{path}", json={"title": "x", "severity": "P1"}
        )
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.json()["type"] == "urn:bongsu:problem:unavailable"
    assert (await api.http.get("/healthz")).status_code == 503
    metrics = (await api.http.get("/metrics")).text
    assert "bongsu_database_up 0" in metrics
