"""A recovery's checks over the API: how they stand, running them, resolving without them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.web.site import Api, Site, seed

from bongsu.engine.policy import compile_policy
from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.manual.schema.document import Manual

LISTS = {
    "smoke": {
        "login": {
            "name": {"ko": "사용자 로그인", "en": "User login"},
            "test": {"kind": "command", "argv": ["true"]}, "passes": "exit_code == 0",
            "criterion": {"ko": "통과율 100%", "en": "100% pass rate"},
        }
    },
}  # fmt: skip


@pytest.fixture
def site(site: Site) -> Site:
    document = seed().model_dump(by_alias=True, exclude={"sha"})
    site.engine.policy = compile_policy(
        Manual.model_validate({**document, "verification": LISTS, "sha": "verified"})
    )
    return site


async def recovered(api: Api) -> str:
    at = f"/incidents/{(await api.declared())['id']}"
    await api.post(f"{at}/recovered")
    return at


async def comes_to(site: Site, at: str, outcome: v.Outcome) -> None:
    """What the engine writes when a check was run."""
    number = int(at.rsplit("/", 1)[1])

    def verified(_p: object, incident: Any, _n: object) -> list[e.AnyBody]:
        due = incident.verification.asked["smoke:login"].due
        why = e.Reason("criterion_met", {"numbers": "exit_code 0"})
        return [v.Verified("smoke:login", outcome, why, due, {"exit_code": 0.0}, 1.5)]

    await site.engine.act(number, e.SYSTEM, verified)


async def test_the_checks_of_a_recovery_can_be_read(site: Site) -> None:
    api = site.as_("responder")
    at = await recovered(api)
    found = await api.get(f"{at}/verifications")
    check = found["checks"][0]
    assert (check["check"], check["name"], check["running"]) == ("smoke:login", "User login", True)
    assert (check["outcome"], found["unverified"]) == (None, ["smoke:login"])
    await comes_to(site, at, "passed")
    found = await api.get(f"{at}/verifications")
    check = found["checks"][0]
    assert (check["outcome"], check["why"], check["numbers"], found["unverified"]) == (
        "passed", "exit_code 0", {"exit_code": 0.0}, []
    )  # fmt: skip
    assert (await api.post(f"{at}/resolve"))["phase"] == "resolved"


async def test_what_has_not_passed_keeps_it_from_being_resolved_and_is_named(site: Site) -> None:
    api = site.as_("responder")
    at = await recovered(api)
    await comes_to(site, at, "failed")
    refused = await api.post(f"{at}/resolve", status=409)
    assert "User login" in refused["detail"]


async def test_only_a_commander_overrides_the_checks(site: Site) -> None:
    api = site.as_("responder")
    at = await recovered(api)
    await comes_to(site, at, "failed")
    body = {"override": "the test account has expired"}
    assert (await api.post(f"{at}/resolve", body, status=403))["status"] == 403
    done = await site.as_("commander").post(f"{at}/resolve", body)
    assert done["phase"] == "resolved"
    told = (await api.get(f"{at}/timeline"))["entries"]
    assert any("the test account has expired" in entry["text"] for entry in told)


async def test_nothing_runs_any_more_at_an_incident_that_was_resolved_without(site: Site) -> None:
    api = site.as_("commander")
    at = await recovered(api)
    assert (await api.get(f"{at}/verifications"))["checks"][0]["running"]
    await api.post(f"{at}/resolve", {"override": "by hand"})
    assert not (await api.get(f"{at}/verifications"))["checks"][0]["running"]


async def test_checks_are_run_again_when_asked(site: Site) -> None:
    api = site.as_("responder")
    at = await recovered(api)
    await api.post(f"{at}/verifications", {}, status=409)
    await comes_to(site, at, "failed")
    found = await api.post(f"{at}/verifications", {"checks": ["smoke:login"]}, status=202)
    assert found["checks"][0]["running"]
    await api.post(f"{at}/verifications", {"checks": ["smoke:logout"]}, status=409)
    await site.as_("viewer").post(f"{at}/verifications", {}, status=403)


async def test_runs_are_listed_without_any(site: Site) -> None:
    api = site.as_("viewer")
    at = f"/incidents/{(await site.as_('responder').declared())['id']}"
    assert await api.get(f"{at}/verifications/runs") == {"runs": [], "next": None}


async def test_several_broken_services_have_an_order(site: Site) -> None:
    api = site.as_("responder")
    for service in ("korea-frontend", "mongodb", "external-data-api"):
        await api.declared(service=service)
    breach = await api.declared(service="search", type="data_breach")
    places = (await api.get("/recovery-order"))["places"]
    assert [one["service"]["id"] for one in places] == [
        "search", "mongodb", "korea-frontend", "external-data-api"
    ]  # fmt: skip
    assert (places[0]["safety"], places[0]["incidents"]) == (True, [breach["number"]])
    await api.post(f"/incidents/{breach['id']}/recovered")
    assert len((await api.get("/recovery-order"))["places"]) == 3


async def test_what_the_last_report_found_broken_has_its_place_in_the_order(site: Site) -> None:
    api = site.as_("responder")
    made = await api.declared(service="korea-frontend")
    for checks in (["redis=unhealthy"], ["mongodb=unhealthy", "redis=healthy"]):
        said = e.Diagnosed(1, "unhealthy", checks=checks)
        await site.engine.act(int(made["id"]), "system", lambda *_, said=said: [said])
    places = (await api.get("/recovery-order"))["places"]
    assert [(one["service"]["id"], one["incidents"]) for one in places] == [
        ("mongodb", [made["number"]]), ("korea-frontend", [made["number"]]),
    ]  # fmt: skip
