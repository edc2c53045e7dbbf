"""What a person does to an incident through the API, and what they are told where it can't be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.web.site import START, Site


@pytest.fixture
def api(site: Site):
    """The API as a commander uses it."""
    return site.as_("commander")


async def texts(api, incident) -> list[str]:
    found = await api.get(f"/incidents/{incident['id']}/timeline")
    return [entry["text"] for entry in found["entries"]]


async def test_a_declared_incident_pages_who_is_on_call_and_says_why(api):
    made = await api.declared(type="database_failure", description="연결이 모두 끊깁니다.")
    assert made["number"] == "INC-20250814-143000-1"
    assert (made["phase"], made["open"], made["severity"]) == ("detected", True, "P0")
    (page,) = made["pages"]
    assert page["person"] == {"id": "backend-a", "name": "Backend-A"}
    assert page["why"]
    assert made["next_actions"][0]["text"]
    clocks = {clock["clock"]: clock for clock in made["clocks"]}
    assert clocks["first_response"]["target_seconds"] == 300
    assert clocks["first_response"]["stopped_at"] is None


async def test_it_is_found_by_its_id_and_by_its_number_in_any_case(api):
    made = await api.declared()
    for name in (made["id"], made["number"], made["number"].lower()):
        assert (await api.get(f"/incidents/{name}"))["id"] == made["id"]


@pytest.mark.parametrize("name", ["999", "0", "9" * 30, "INC-1", "-1"])
async def test_an_incident_that_is_not_there_is_not_found(api, name):
    refused = await api.get(f"/incidents/{name}", 404)
    assert name in refused["detail"]


async def test_the_usual_severity_of_a_type_is_taken_where_none_is_given(api):
    types = (await api.get("/manual"))["document"]["overview"]["incident_types"]
    usual = {n: t["default_severity"] for g in types.values() for n, t in g.items()}
    name, severity = next((n, s) for n, s in usual.items() if s)
    made = await api.post("/incidents", {"title": "DB", "type": name}, 201)
    assert made["severity"] == severity
    refused = await api.post("/incidents", {"title": "DB"}, 422)
    assert refused["errors"][0]["field"] == "severity"


async def test_the_onset_may_lie_before_the_declaration_but_not_in_the_future(site, api):
    earlier = START - timedelta(minutes=20)
    made = await api.declared(started_at=earlier.isoformat())
    assert made["started_at"] == "2025-08-14T05:10:00Z"
    detection = next(c for c in made["clocks"] if c["clock"] == "detection")
    assert detection["elapsed_seconds"] == 1200
    assert detection["breached"]
    for wrong in (START + timedelta(hours=1), START - timedelta(days=400)):
        body = {"title": "x", "severity": "P3", "started_at": wrong.isoformat()}
        assert (await api.post("/incidents", body, 422))["errors"][0]["field"] == "started_at"


async def test_what_the_manual_does_not_know_is_refused_with_what_it_knows(api):
    body = {"title": "x", "severity": "P3", "service": "nothing"}
    refused = await api.post("/incidents", body, 422)
    assert refused["errors"][0]["field"] == "service"
    services = (await api.get("/manual"))["document"]["services"]["services"]
    assert all(name in refused["detail"] for name in services)


async def test_a_response_goes_from_the_page_to_the_review(site, api):
    at = f"/incidents/{(await api.declared())['id']}"
    site.clock.forward(timedelta(minutes=1))
    acknowledged = await api.post(f"{at}/ack")
    assert acknowledged["acknowledged_by"] == {"id": "pm", "name": "PM"}
    assert acknowledged["acknowledged_at"] == "2025-08-14T05:31:00Z"
    assert (await api.post(f"{at}/confirm", {"note": "로그인이 안 됩니다"}))["phase"] == "verified"
    assigned = await api.post(f"{at}/assign", {"role": "incident_commander"})
    assert {"role": "incident_commander", "name": "Incident Commander",
            "person": {"id": "pm", "name": "PM"}} in assigned["roles"]  # fmt: skip
    assert (await api.post(f"{at}/recovery"))["phase"] == "recovering"
    assert (await api.post(f"{at}/recovered"))["phase"] == "monitoring"
    resolved = await api.post(f"{at}/resolve", {"note": "연결 풀을 늘렸습니다"})
    assert (resolved["phase"], resolved["open"]) == ("resolved", False)
    assert (await api.post(f"{at}/review"))["phase"] == "reviewed"


async def test_the_timeline_says_who_did_what_by_which_way(api):
    made = await api.declared()
    await api.post(f"/incidents/{made['id']}/confirm", {"note": "진짜입니다"})
    found = await api.get(f"/incidents/{made['id']}/timeline")
    entry = next(e for e in found["entries"] if e["kind"] == "acknowledged")
    assert (entry["actor"], entry["actor_name"]) == ("person:pm", "PM")
    assert entry["body"] == {"kind": "acknowledged", "person": "pm", "via": "api"}
    confirmed = next(e for e in found["entries"] if e["kind"] == "confirmed")
    assert confirmed["body"]["note"] == "진짜입니다"
    assert "진짜입니다" in confirmed["text"]


async def test_our_own_command_line_is_named_as_such(site):
    cli = site.as_("responder", **{"user-agent": "bongsu-cli/0.1.0"})
    made = await cli.declared()
    await cli.post(f"/incidents/{made['id']}/ack")
    found = await cli.get(f"/incidents/{made['id']}/timeline")
    assert [e["body"]["via"] for e in found["entries"] if e["kind"] == "acknowledged"] == ["cli"]


async def test_the_timeline_can_be_read_on_from_any_event_with_the_same_words(api):
    made = await api.declared()
    whole = (await api.get(f"/incidents/{made['id']}/timeline"))["entries"]
    read, after = [], 0
    while True:
        found = await api.get(f"/incidents/{made['id']}/timeline", after=after, limit=1)
        read += found["entries"]
        after = found["last"]
        if not found["more"]:
            break
    assert read == whole
    assert (await api.get(f"/incidents/{made['id']}/timeline", after=after))["entries"] == []


async def test_a_refusal_says_why_in_the_language_of_who_asked(site, api):
    made = await api.declared()
    at = f"/incidents/{made['id']}"
    await api.post(f"{at}/ack")
    english = await api.post(f"{at}/ack", status=409)
    assert english["detail"] == "PM has acknowledged it already"
    assert english["reason"] == {"code": "already_acknowledged", "values": {"person": "pm"}}
    korean = await site.as_("commander", **{"accept-language": "ko-KR,ko;q=0.9"}).post(
        f"{at}/ack", status=409
    )
    assert korean["title"] == "이 장애에서는 할 수 없어요"
    assert "PM" in korean["detail"]
    assert korean["detail"] != english["detail"]


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("unack", None, "not_acknowledged"),
        ("release", {"role": "technical_lead"}, "role_not_taken"),
        ("assign", {"role": "king", "person": "pm"}, "unknown_role"),
        ("assign", {"role": "technical_lead", "person": "nobody"}, "unknown_person"),
        ("severity", {"severity": "P0"}, "severity_unchanged"),
        ("type", {"type": "boredom"}, "unknown_type"),
        ("note", {"text": "   "}, "empty_text"),
        ("tick", {"checklist": "nothing", "item": 0}, "unknown_item"),
        ("snooze", {"for": "8d"}, "snooze_out_of_range"),
        ("snooze", {"for": "0s"}, "snooze_out_of_range"),
        ("snooze", {"until": "2025-08-01T00:00:00Z"}, "snooze_out_of_range"),
        ("unsnooze", None, "not_snoozed"),
        ("reopen", None, "not_in_this_phase"),
        ("review", None, "not_in_this_phase"),
        ("escalate", {"target": "person:nobody"}, "nobody_reachable"),
        ("merge", {"into": "1"}, "merge_with_itself"),
    ],
)
async def test_each_action_is_refused_by_name_where_the_incident_does_not_allow_it(
    api, action, body, code
):
    made = await api.declared()
    refused = await api.post(f"/incidents/{made['id']}/{action}", body, 409)
    assert refused["reason"]["code"] == code
    assert (await api.get(f"/incidents/{made['id']}"))["seq"] == made["seq"]


async def test_each_action_does_what_it_says(api):
    made = await api.declared()
    at = f"/incidents/{made['id']}"
    assert (await api.post(f"{at}/severity", {"severity": "P1", "note": "일부만"}))[
        "severity"
    ] == "P1"
    assert (await api.post(f"{at}/type", {"type": "api_timeout"}))["type"]["id"] == "api_timeout"
    retitled = await api.post(f"{at}/title", {"title": "  검색   지연 ", "description": "느립니다"})
    assert (retitled["title"], retitled["description"]) == ("검색 지연", "느립니다")
    await api.post(f"{at}/note", {"text": "배포를 되돌립니다"})
    assert "배포를 되돌립니다" in await texts(api, made)
    checklist = retitled["checklists"][0]["checklist"]
    ticked = await api.post(f"{at}/tick", {"checklist": checklist, "item": 0})
    assert ticked["checklists"][0]["items"][0]["done"]
    unticked = await api.post(f"{at}/tick", {"checklist": checklist, "item": 0, "done": False})
    assert not unticked["checklists"][0]["items"][0]["done"]
    snoozed = await api.post(f"{at}/snooze", {"for": "30m", "note": "배포 대기"})
    assert snoozed["snoozed_until"] == "2025-08-14T06:00:00Z"
    assert (await api.post(f"{at}/unsnooze"))["snoozed_until"] is None
    until = await api.post(f"{at}/snooze", {"until": "2025-08-14T15:00:00+09:00"})
    assert until["snoozed_until"] == "2025-08-14T06:00:00Z"
    await api.post(f"{at}/unsnooze")
    assert (await api.post(f"{at}/ack"))["acknowledged_by"]["id"] == "pm"
    assert (await api.post(f"{at}/unack"))["acknowledged_by"] is None
    assigned = await api.post(f"{at}/assign", {"role": "technical_lead", "person": "senior-dev"})
    assert "senior-dev" in [r["person"]["id"] for r in assigned["roles"] if r["person"]]
    released = await api.post(f"{at}/release", {"role": "technical_lead"})
    assert not any(r["person"] for r in released["roles"])
    called = await api.post(f"{at}/escalate", {"target": "person:devops"})
    assert "devops" in [page["person"]["id"] for page in called["pages"]]
    assert (await api.post(f"{at}/dismiss", {"note": "점검이었습니다"}))["phase"] == "dismissed"
    assert (await api.post(f"{at}/reopen"))["phase"] == "detected"


async def test_escalating_without_a_target_calls_the_manuals_next_ones_now(api):
    made = await api.declared()
    called = await api.post(f"/incidents/{made['id']}/escalate")
    assert {p["person"]["id"] for p in called["pages"]} == {"backend-a", "frontend-a"}


async def test_two_incidents_become_one(api):
    one, other = await api.declared("하나"), await api.declared("또 하나")
    merged = await api.post(f"/incidents/{one['id']}/merge", {"into": other["number"]})
    assert (merged["merged_into"], merged["open"]) == (other["id"], False)
    refused = await api.post(f"/incidents/{one['id']}/ack", status=409)
    assert refused["reason"]["code"] == "merged_elsewhere"
    gone = await api.post(f"/incidents/{other['id']}/merge", {"into": "999"}, 422)
    assert gone["errors"][0]["field"] == "into"
