"""What was changed, told from a terminal and by senders, stands in the report of what broke."""

from __future__ import annotations

from typing import Any

import pytest
from tests.e2e.programs import Bongsu, eventually

pytestmark = pytest.mark.slow


async def test_a_told_deployment_stands_in_the_first_report_and_calls_nobody(
    bongsu: Bongsu,
) -> None:
    add = ("change", "add", "korea-backend v1.2.4", "-k", "deployment")
    about = ("--subject", "deployment/korea-backend", "--key", "build-817", "-d", "image=b:1.2.4")
    assert "Kept" in await bongsu.run(*add, *about)
    assert "known already" in await bongsu.run(*add, *about)
    assert "NAME=VALUE" in await bongsu.run("change", "add", "x", "-d", "nothing", code=2)
    assert "kind" in await bongsu.run("change", "add", "x", "-k", "rollout", code=2)
    async with bongsu.http() as http:
        flag = {"summary": "new-search on", "kind": "flag", "subject": "new-search"}
        key, routing_key = await bongsu.key("generic"), await bongsu.key("pagerduty")
        answer = await http.post(f"/in/{key}/changes", json=flag)
        assert answer.status_code == 202, answer.text
        event = {"routing_key": routing_key, "payload": {"summary": "PD change"}}
        assert (await http.post("/v2/change/enqueue", json=event)).status_code == 202
    assert await bongsu.incidents() == []

    listed = (await bongsu.json("change", "list"))["changes"]
    assert {one["summary"] for one in listed} == {
        "korea-backend v1.2.4", "new-search on", "PD change",
    }  # fmt: skip
    assert "korea-backend v1.2.4" in await bongsu.run("change", "list", "-k", "deployment")
    service = next(one["service"]["id"] for one in listed if one["kind"] == "deployment")

    await bongsu.json("declare", "Search is down", "-s", "P0", "--service", service)
    report = await eventually(lambda: _report(bongsu), "the first report")
    told = [one for one in report["changes"] if one["source"] != "kubernetes"]
    assert told[0]["text"] == "korea-backend v1.2.4"
    assert told[0]["reasons"][1] == "the service itself"
    assert {one["text"] for one in told} >= {"new-search on", "PD change"}


async def _report(bongsu: Bongsu) -> dict[str, Any]:
    async with bongsu.http() as http:
        listed = (await http.get("/api/v1/incidents/1/reports")).raise_for_status().json()
        if not listed["reports"]:
            return {}
        report: dict[str, Any] = (
            (await http.get(f"/api/v1/incidents/1/reports/{listed['reports'][-1]['id']}"))
            .raise_for_status()
            .json()
        )
        return report
