"""Accounts, tokens, integration keys and the manual: what admins do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.web.site import SEED, START, Api, Site

from bongsu.manual.load import load
from bongsu.web.app import App


@pytest.fixture
def admin(site: Site):
    """The API as an admin uses it."""
    return site.as_("admin")


async def test_an_account_is_made_invited_raised_and_shut_out(site, admin):
    made = await admin.post("/accounts", {"login": "devops-a", "role": "viewer"}, 201)
    assert (made["name"], made["has_password"]) == ("DevOps-A", False)
    link = await admin.post("/accounts/devops-a/invite", None, 201)
    assert link["url"].startswith("https://bongsu.example/sign-in/")
    browser = site.client()
    token = link["url"].rsplit("/", 1)[1]
    assert (await browser.post("/api/v1/session", json={"link": token})).status_code == 201
    raised = await admin.patch("/accounts/devops-a", {"role": "commander", "lang": "ko"})
    assert (raised["role"], raised["lang"]) == ("commander", "ko")
    assert (await browser.get("/api/v1/session")).json()["role"] == "commander"
    await admin.patch("/accounts/devops-a", {"disabled": True})
    assert (await browser.get("/api/v1/session")).status_code == 401
    refused = await admin.post("/accounts/devops-a/invite", status=409)
    assert refused["reason"]["code"] == "disabled"
    assert {a["login"] for a in (await admin.get("/accounts"))["accounts"]} >= {"devops-a", "root"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"login": "root"}, 409),
        ({"login": "Kim Bongsu"}, 422),
        ({"login": ""}, 422),
        ({"login": "kim", "role": "king"}, 422),
        ({"login": "kim", "name": "x" * 500}, 422),
        ({"login": "kim", "name": "\u202e"}, 422),
        ({}, 422),
    ],
)
async def test_an_account_that_can_not_be_is_refused(admin, body, status):
    assert (await admin.post("/accounts", body, status))["detail"]


async def test_the_last_admin_stays(admin):
    for change in ({"role": "viewer"}, {"disabled": True}):
        refused = await admin.patch("/accounts/root", change, 409)
        assert refused["reason"]["code"] == "last_admin"
    await admin.post("/accounts", {"login": "second", "role": "admin"}, 201)
    assert (await admin.patch("/accounts/root", {"role": "viewer"}))["role"] == "viewer"


async def test_a_token_can_do_no_more_than_its_account_may_now(site, admin):
    issued = await site.as_("commander").post("/tokens", {"name": "ci", "role": "responder"}, 201)
    assert issued["secret"].startswith("bgs_")
    program = Api(site.client(issued["secret"]))
    assert (await program.get("/session"))["role"] == "responder"
    await admin.patch("/accounts/pm", {"role": "viewer"})
    assert (await program.get("/session"))["role"] == "viewer"
    await program.post("/incidents", {"title": "x", "severity": "P3"}, 403)


async def test_nobody_issues_a_token_that_can_do_more_than_they(site):
    refused = await site.as_("responder").post("/tokens", {"name": "x", "role": "admin"}, 403)
    assert "responder" in refused["detail"]
    await site.as_("responder").post("/tokens", {"name": "x", "login": "root"}, 403)
    weak = await site.as_("admin").post("/tokens", {"name": "weak", "role": "viewer"}, 201)
    await Api(site.client(weak["secret"])).post("/tokens", {"name": "x", "role": "admin"}, 403)


async def test_a_token_ends_when_it_expires_or_is_revoked(site):
    api = site.as_("responder")
    body = {"name": "a day", "expires_at": (START + timedelta(days=1)).isoformat()}
    issued = await api.post("/tokens", body, 201)
    program = site.client(issued["secret"])
    assert (await program.get("/api/v1/session")).status_code == 200
    site.clock.forward(timedelta(days=1))
    assert (await program.get("/api/v1/session")).status_code == 401
    forever = await api.post("/tokens", {"name": "for ever"}, 201)
    await site.as_("viewer").delete(f"/tokens/{forever['token']['id']}", 404)
    await api.delete(f"/tokens/{forever['token']['id']}")
    assert (await site.client(forever["secret"]).get("/api/v1/session")).status_code == 401
    await api.delete(f"/tokens/{forever['token']['id']}", 404)
    late = {"name": "late", "expires_at": START.isoformat()}
    assert (await api.post("/tokens", late, 422))["reason"]["code"] == "expired"


async def test_tokens_are_listed_without_their_secrets_and_with_their_last_use(site, admin):
    await admin.get("/session")
    everybodys = (await admin.get("/tokens", all="true"))["tokens"]
    assert len(everybodys) == 4
    assert all("secret" not in token and "key" not in token for token in everybodys)
    (own,) = (await admin.get("/tokens"))["tokens"]
    assert own["used_at"] == "2025-08-14T05:30:00Z"
    await site.as_("viewer").get("/tokens", 403, all="true")


async def test_integration_keys_are_shown_once_and_revoked(admin):
    name = (await admin.get("/integrations"))["integrations"][0]["integration"]
    issued = await admin.post(f"/integrations/{name}/keys", None, 201)
    known = (await admin.get("/integrations"))["integrations"][0]["keys"]
    assert known[0]["hint"] == issued["key"][-4:]
    assert issued["key"] not in str(known)
    assert await admin.delete(f"/integrations/{name}/keys/{known[0]['id']}") == {"revoked": 1}
    await admin.delete(f"/integrations/{name}/keys/{known[0]['id']}", 404)
    await admin.post("/integrations/nobody/keys", None, 404)


async def test_the_manual_is_read_as_data_and_as_a_person_reads_it(site):
    api = site.as_("viewer")
    found = await api.get("/manual")
    assert found["name"] == found["document"]["overview"]["name"]
    assert found["sha"] == site.engine.policy.manual.sha
    page = await api.http.get("/api/v1/manual/print", params={"lang": "ko"})
    assert page.headers["content-type"].startswith("text/html")
    assert "장애" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    text = await api.http.get("/api/v1/manual/print", params={"format": "md", "lang": "en"})
    assert text.text.startswith("# ")


def reloading(site: Site, folder) -> Api:
    async def reload():
        manual = load(folder)
        site.engine.policy = site.engine.policy._replace(manual=manual)
        return manual

    services = replace(site.app.services, reload=reload)
    site.app = App(services, site.app._faces)
    return site.as_("admin")


@pytest.fixture
def folder(tmp_path):
    """A copy of the seed's manual."""
    import shutil

    return shutil.copytree(SEED, tmp_path / "manual")


async def test_a_manual_that_was_changed_decides_after_a_reload(site, folder):
    head = folder / "manual.yaml"
    head.write_text(
        head.read_text("utf-8").replace("name: Korea Public Data", "name: Renamed", 1), "utf-8"
    )
    adopted = await reloading(site, folder).post("/manual/reload")
    assert (adopted["name"], adopted["changed"]) == ("Renamed", True)
    assert (await site.as_("viewer").get("/manual"))["name"] == "Renamed"


async def test_a_broken_manual_is_refused_with_every_error_and_the_running_one_stays(site, folder):
    (folder / "oncall.yaml").write_text("rotations: 3\nnonsense: true\n", "utf-8")
    (folder / "team.yaml").write_text("roles: {}\n", "utf-8")
    before = site.engine.policy.manual.sha
    refused = await reloading(site, folder).post("/manual/reload", status=422)
    files = {error["file"] for error in refused["errors"]}
    assert files == {"oncall.yaml", "team.yaml"}
    assert all(error["line"] and error["detail"] for error in refused["errors"])
    assert site.engine.policy.manual.sha == before


async def test_a_folder_that_is_gone_is_said_to_be_gone(site, tmp_path):
    refused = await reloading(site, tmp_path / "gone").post("/manual/reload", status=409)
    assert "gone" in refused["detail"]


async def test_a_process_without_a_folder_says_so(admin):
    assert "folder" in (await admin.post("/manual/reload", status=409))["detail"]


async def test_signals_are_shown_as_they_came_with_what_was_refused(site):
    from bongsu.store.signals import Signal

    signal = Signal(START, None, "generic", b'{"x": "\xff\xed"}', "refused", '[{"message": "no"}]')
    await site.pool.execute(
        """INSERT INTO signals (received_at, integration, format, outcome, size, refusals, raw)
           VALUES ($1, $2, $3, $4, 99, $5, $6)""",
        signal.received_at, signal.integration, signal.format, signal.outcome, signal.refusals,
        signal.raw,
    )  # fmt: skip
    api = site.as_("viewer")
    (shown,) = (await api.get("/signals", outcome="refused"))["signals"]
    assert shown["refusals"] == [{"message": "no"}]
    assert shown["begins"].startswith('{"x": "')
    assert (await api.get("/signals", outcome="accepted"))["signals"] == []
    assert (await api.get("/alerts/unrouted"))["alerts"] == []
