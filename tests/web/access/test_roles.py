"""Every write of the API, for every role: who may, and what the others are told."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.web.site import Site

from bongsu.store.access import ROLES, Role
from bongsu.web.api import openapi
from bongsu.web.api.app import ROUTERS
from bongsu.web.api.depends import SAFE

OPERATIONS = [
    (method, route.path, openapi.needed(route))
    for route in openapi.api_routes(ROUTERS)
    for method in sorted(route.methods or ())
    if not route.path.endswith("live")
]
ANYBODY = [("POST", "/session")]
VIEWER_WRITES = {
    "/session", "/sessions", "/password", "/tokens", "/tokens/{token}", "/oncall/feeds",
    "/oncall/feeds/{feed}",
}  # fmt: skip
"""what concerns oneself alone"""


def test_only_signing_in_needs_nobody():
    assert [(m, p) for m, p, role in OPERATIONS if role is None] == ANYBODY


def test_a_viewer_writes_nothing_but_what_is_their_own():
    writes = {p for m, p, role in OPERATIONS if m not in SAFE and role == "viewer"}
    assert writes == VIEWER_WRITES


def test_what_ends_a_response_for_good_needs_a_commander_and_what_opens_doors_an_admin():
    needed = {p: role for m, p, role in OPERATIONS if m != "GET"}
    assert needed["/incidents/{incident}/merge"] == "commander"
    assert needed["/incidents/{incident}/review"] == "commander"
    assert needed["/incidents/{incident}/ack"] == "responder"
    assert needed["/manual/reload"] == needed["/accounts"] == "admin"
    assert needed["/integrations/{integration}/keys"] == "admin"


@pytest.mark.parametrize("role", [None, *ROLES])
async def test_each_operation_lets_in_who_may_and_tells_the_others_what_they_need(site: Site, role):
    client = site.client(site.tokens[role] if role else None)
    wrong = []
    for method, path, needed in OPERATIONS:
        address = "/api/v1" + re.sub(r"\{[^}]+\}", "1", path)
        answer = await client.request(method, address, json={})
        if not _as_it_should(answer, role, needed):
            wrong.append((method, path, answer.status_code, answer.text[:200]))
    assert wrong == []


def _as_it_should(answer: httpx.Response, role: Role | None, needed: Role | None) -> bool:
    if needed is None:
        return answer.status_code == 401 and "www-authenticate" not in answer.headers
    if role is None:
        return answer.status_code == 401 and "www-authenticate" in answer.headers
    if ROLES.index(role) >= ROLES.index(needed):
        return answer.status_code not in (401, 403, 500) or "sign in" in answer.text
    told = answer.json()
    named = told.get("needed") == needed and told.get("role") == role and needed in told["detail"]
    return answer.status_code == 403 and named
