"""Diagnosis and changes over the API, as programs use them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.waiting import PATIENCE
from tests.web import documented, made_reports
from tests.web.site import START, Api, Site

from bongsu.engine.diagnosis import Asked, Diagnose, Diagnostician
from bongsu.incident.report import Report
from bongsu.manual.schema.document import Manual


def diagnoses(site: Site, diagnose: Diagnose) -> Diagnostician:
    doctor = Diagnostician(
        site.pool, lambda: site.engine.policy.manual, site.clock, diagnose, deadline=PATIENCE
    )
    site.app.services = dataclasses.replace(site.app.services, diagnostician=doctor)
    return doctor


async def waited(api: Api, path: str, wait: float, status: int = 200) -> Any:
    """Ask for a report and wait for it."""
    answer = await api.http.post(f"/api/v1{path}", params={"wait": wait})
    assert answer.status_code == status, answer.text[:1000]
    documented.check("POST", path, answer)
    return answer.json()


@pytest.fixture
async def clinic(site: Site) -> AsyncIterator[Site]:
    """A process that diagnoses, and finds one of everything."""
    doctor = diagnoses(site, made_reports.diagnose)
    yield site
    await doctor.close()


async def test_a_report_is_made_on_demand_and_can_be_waited_for(clinic: Site) -> None:
    api = clinic.as_("responder")
    incident = await api.declared()
    report = await waited(api, f"/incidents/{incident['number']}/reports", PATIENCE)
    assert report["incident"] == incident["number"]
    assert report["why"] == "asked"
    assert report["asked_by"].startswith("person:")
    first = report["findings"][0]
    assert (first["verdict"], first["evidence"]["numbers"]["status"]) == ("unhealthy", 503)
    assert report["not_checked"][0]["why"] == "the environment variable REDIS_DSN is not set"
    assert report["proposal"]["severity"] == "P1"
    assert report["next_actions"][0]["text"] == "Check the connection pool"
    assert report["logs"][0]["analysis"]["patterns"][0]["count"] == 412
    assert await api.get(f"/incidents/{incident['id']}/reports/{report['id']}") == report


async def test_without_waiting_it_is_found_later_under_its_id(site: Site) -> None:
    let_go = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(let_go.wait(), loop))
        return made_reports.full(asked.started_at)

    doctor = diagnoses(site, diagnose)
    api = site.as_("responder")
    incident = await api.declared()
    path = f"/incidents/{incident['id']}/reports"
    begun = await api.post(path, status=202)
    again = await waited(api, path, 0.05, 202)
    assert begun == again
    await api.get(f"{path}/{begun['id']}", 404)
    let_go.set()
    report = await waited(api, path, PATIENCE)
    assert report["id"] == begun["id"]
    await doctor.close()


async def test_reports_are_listed_the_newest_first(clinic: Site) -> None:
    api = clinic.as_("responder")
    incident = await api.declared()
    path = f"/incidents/{incident['id']}/reports"
    ids = [(await waited(api, path, PATIENCE))["id"] for _ in range(3)]
    first = await clinic.as_("viewer").get(path, limit=2)
    assert [one["id"] for one in first["reports"]] == [ids[2], ids[1]]
    assert first["reports"][0]["asked_by_name"]
    rest = await api.get(path, before=first["next"])
    assert ([one["id"] for one in rest["reports"]], rest["next"]) == ([ids[0]], None)


async def test_two_reports_are_compared_whichever_is_named_first(site: Site) -> None:
    made: list[Report] = []

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        whole = made_reports.full(asked.started_at, asked.incident)
        made.append(made_reports.recovered(whole) if made else whole)
        return made[-1]

    doctor = diagnoses(site, diagnose)
    api = site.as_("responder")
    path = f"/incidents/{(await api.declared())['id']}/reports"
    first, second = [(await waited(api, path, PATIENCE))["id"] for _ in range(2)]
    compared = await api.get(f"{path}/{second}/compare", **{"with": first})
    assert compared == await api.get(f"{path}/{first}/compare", **{"with": second})
    assert [one["check"] for one in compared["better"]] == ["api_health"]
    assert [one["code"] for one in compared["gone"]] == ["http_status"]
    assert (compared["worse"], compared["severity"]) == ([], ["P1", ""])
    await api.get(f"{path}/{first}/compare", 404, **{"with": second + 1})
    await api.get(f"{path}/{first}/compare", 422)
    await doctor.close()


async def test_who_may_only_look_may_not_diagnose(clinic: Site) -> None:
    incident = await clinic.as_("responder").declared()
    viewer = clinic.as_("viewer")
    await viewer.post(f"/incidents/{incident['id']}/reports", status=403)
    await viewer.post("/diagnose", {}, status=403)
    await viewer.post("/changes", {"summary": "x"}, status=403)


async def test_a_process_that_does_not_diagnose_says_so(site: Site) -> None:
    api = site.as_("responder")
    incident = await api.declared()
    refused = await api.post(f"/incidents/{incident['id']}/reports", status=409)
    assert "diagnose" in refused["detail"]


async def test_a_service_is_looked_at_without_an_incident(clinic: Site) -> None:
    api = clinic.as_("responder")
    name = next(iter(clinic.engine.policy.manual.services.services))
    report = await api.post("/diagnose", {"service": name})
    assert (report["id"], bool(report["findings"])) == (None, True)
    refused = await api.post("/diagnose", {"service": "ghost"}, status=422)
    assert refused["errors"][0]["field"] == "service"


async def test_reports_speak_the_readers_language(clinic: Site) -> None:
    api = clinic.as_("responder", **{"accept-language": "ko"})
    incident = await api.declared()
    report = await waited(api, f"/incidents/{incident['id']}/reports", PATIENCE)
    assert report["next_actions"][0]["text"] == "연결 풀을 확인해요"
    kinds = {one["kind"]: one for one in report["changes"]}
    assert any("전" in reason or "뒤" in reason for reason in kinds["flag"]["reasons"])


# ── changes ──────────────────────────────────────────────────────────────────────────────


async def test_a_told_change_is_listed_and_stands_in_the_next_report(clinic: Site) -> None:
    api = clinic.as_("responder")
    body = {
        "summary": "korea-backend v1.2.4", "kind": "deployment",
        "subject": "deployment/korea-backend", "key": "build-817", "link": "https://ci/817",
        "at": (START - timedelta(minutes=1)).isoformat(),
    }  # fmt: skip
    assert await api.post("/changes", body, 201) == {"new": True}
    assert await api.post("/changes", body, 201) == {"new": False}
    (listed,) = (await clinic.as_("viewer").get("/changes"))["changes"]
    assert listed["service"] is not None
    assert listed["told_by"].startswith("person:")
    incident = await api.declared(service=listed["service"]["id"])
    report = await waited(api, f"/incidents/{incident['id']}/reports", PATIENCE)
    assert report["changes"][0]["text"] == "korea-backend v1.2.4"
    assert report["changes"][0]["reasons"] == ["1 min before the onset", "the service itself"]


async def test_changes_are_listed_page_by_page_and_by_what_they_are_about(clinic: Site) -> None:
    api = clinic.as_("responder")
    for n in range(5):
        at = (START - timedelta(minutes=n)).isoformat()
        kind = "flag" if n % 2 else "event"
        await api.post("/changes", {"summary": f"{n}", "at": at, "kind": kind}, 201)
    first = await api.get("/changes", limit=3)
    rest = await api.get("/changes", limit=3, cursor=first["next"])
    assert [one["summary"] for one in first["changes"] + rest["changes"]] == list("01234")
    assert rest["next"] is None
    assert len((await api.get("/changes", kind="flag"))["changes"]) == 2
    since = (START - timedelta(minutes=1)).isoformat()
    assert len((await api.get("/changes", since=since))["changes"]) == 2
    await api.get("/changes", 422, cursor="nonsense")


@pytest.mark.parametrize(("body", "field"), [
    ({}, "summary"), ({"summary": "x", "kind": "?"}, "kind"), ({"summary": "a\0"}, "summary"),
    ({"summary": "x", "service": "ghost"}, "service"), ({"summary": "x", "at": "noon"}, "at"),
    ({"summary": "x", "sumary": "y"}, "sumary"),
])  # fmt: skip
async def test_a_bad_change_is_refused_by_its_field(
    clinic: Site, body: dict[str, str], field: str
) -> None:
    refused = await clinic.as_("responder").post("/changes", body, 422)
    assert refused["errors"][0]["field"] == field


async def test_ten_thousand_findings_are_answered(site: Site) -> None:
    async def diagnose(manual: Manual, asked: Asked) -> Report:
        return made_reports.full(asked.started_at, findings=10_000)

    doctor = diagnoses(site, diagnose)
    api = site.as_("responder")
    incident = await api.declared()
    report = await waited(api, f"/incidents/{incident['id']}/reports", PATIENCE)
    kept = await api.get(f"/incidents/{incident['id']}/reports/{report['id']}")
    assert kept["findings"][:2] == report["findings"][:2]
    assert msgspec.json.encode(kept["findings"][0])
    await doctor.close()
