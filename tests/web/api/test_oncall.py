"""Who is on call, who stands in, and the calendars that show it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from icalendar import Calendar
from tests.waiting import PATIENCE
from tests.web.site import START, Site, seed

from bongsu.engine.engine import Engine
from bongsu.engine.policy import compile_policy
from bongsu.store import manuals, overrides
from bongsu.store.database import listening

NEXT_WEEK = START + timedelta(days=7)
OVERRIDE = {
    "rotation": "main",
    "slot": "primary",
    "person": "devops-b",
    "start": (START - timedelta(hours=1)).isoformat(),
    "until": (START + timedelta(hours=3)).isoformat(),
    "reason": "휴가",
}


@pytest.fixture
def api(site: Site):
    """The API as a responder uses it."""
    return site.as_("responder")


def primary(found):
    return next(t for t in found["turns"] if t["slot"]["id"] == "primary")


async def test_who_is_on_call_now_and_at_any_other_time_and_why(api):
    now = primary(await api.get("/oncall"))
    assert now["person"] == {"id": "backend-a", "name": "Backend-A"}
    assert (now["start"], now["until"]) == ("2025-08-11T01:00:00Z", "2025-08-18T01:00:00Z")
    assert "Week 1" in now["why"]
    later = primary(await api.get("/oncall", at=NEXT_WEEK.isoformat()))
    assert later["person"]["id"] == "backend-b"
    korean = await api.http.get("/api/v1/oncall", headers={"accept-language": "ko"})
    assert "Backend-A예요" in primary(korean.json())["why"]


@pytest.mark.parametrize(
    "at",
    [
        "1999-01-01T00:00:00Z",
        "2101-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "yesterday",
        "2025-08-14T05:30:00",
    ],
)
async def test_a_time_that_is_none_is_refused(api, at):
    assert (await api.get("/oncall", 422, at=at))["errors"][0]["field"] == "at"


async def test_the_shifts_of_a_year_follow_each_other_without_a_gap(api):
    until = (START + timedelta(days=365)).isoformat()
    found = await api.get("/oncall/timeline", rotation="main", until=until)
    turns = [turn for turn in found["turns"] if turn["slot"]["id"] == "secondary"]
    assert len(turns) == 53
    assert all(one["until"] == other["start"] for one, other in pairwise(turns))


async def test_a_span_that_is_none_is_refused(api):
    for until in (START, START + timedelta(days=500)):
        refused = await api.get("/oncall/timeline", 422, until=until.isoformat())
        assert refused["errors"][0]["field"] == "until"
    unknown = await api.get("/oncall/timeline", 422, rotation="none")
    assert unknown["errors"][0]["field"] == "rotation"
    assert "main" in unknown["detail"]


async def test_the_load_is_counted_and_what_is_too_much_is_said(api):
    found = await api.get("/oncall/load", until=(START + timedelta(weeks=8)).isoformat())
    loads = {load["person"]["id"]: load for load in found["loads"]}
    assert loads["senior-dev"]["on_call_hours"] == 8 * 7 * 24
    assert any(one["code"] == "consecutive_weeks" and one["text"] for one in found["findings"])


async def test_an_override_decides_at_once_who_is_paged(site, api):
    made = await api.post("/oncall/overrides", OVERRIDE, 201)
    assert (made["person"]["id"], made["made_by"]["id"]) == ("devops-b", "backend-a")
    assert primary(await api.get("/oncall"))["person"]["id"] == "devops-b"
    incident = await api.declared()
    assert [page["person"]["id"] for page in incident["pages"]] == ["devops-b"]
    await api.delete(f"/oncall/overrides/{made['id']}")
    assert primary(await api.get("/oncall"))["person"]["id"] == "backend-a"
    await api.delete(f"/oncall/overrides/{made['id']}", 404)
    kept = await site.pool.fetchval("SELECT removed_by FROM overrides")
    assert kept == "backend-a"


async def test_every_replica_hears_of_an_override_and_decides_by_it(site, api):
    other = Engine(site.pool, compile_policy(seed()), site.clock)
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with listening(site.pool, manuals.CHANNEL, heard.put_nowait):
        assert await heard.get() == ""
        await api.post("/oncall/overrides", OVERRIDE, 201)
        assert await asyncio.wait_for(heard.get(), PATIENCE) == overrides.PAYLOAD
    async with site.pool.acquire() as conn:
        other.policy = compile_policy(other.policy.manual, await overrides.current(conn))
    assert other.policy.shifts.who("main", "primary", START).person == "devops-b"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rotation": "none"}, "rotation"),
        ({"slot": "none"}, "slot"),
        ({"person": "none"}, "person"),
        ({"until": "2025-08-14T03:00:00Z"}, ""),
        ({"until": "2026-08-14T03:00:00Z"}, ""),
        ({"start": "2025-08-13T00:00:00Z", "until": "2025-08-13T05:00:00Z"}, "until"),
        ({"start": "2025-08-14 05:00"}, "start"),
        ({"reason": "x" * 301}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"start": "2300-01-01T00:00:00Z", "until": "2300-01-02T00:00:00Z"}, "until"),
    ],
)
async def test_an_override_that_could_not_hold_is_refused(api, change, field):
    refused = await api.post("/oncall/overrides", {**OVERRIDE, **change}, 422)
    assert [error["field"] for error in refused["errors"]] == [field]
    assert primary(await api.get("/oncall"))["person"]["id"] == "backend-a"


async def test_overrides_are_listed_by_when_they_hold(api):
    later = {
        **OVERRIDE,
        "start": NEXT_WEEK.isoformat(),
        "until": (NEXT_WEEK + timedelta(days=1)).isoformat(),
    }
    for body in (later, OVERRIDE):
        await api.post("/oncall/overrides", body, 201)
    found = (await api.get("/oncall/overrides"))["overrides"]
    assert [one["id"] for one in found] == [2, 1]
    until = (START + timedelta(days=1)).isoformat()
    assert [o["id"] for o in (await api.get("/oncall/overrides", until=until))["overrides"]] == [2]


async def test_a_person_nobody_knows_any_more_breaks_nothing(site, api):
    await api.post("/oncall/overrides", OVERRIDE, 201)
    await site.pool.execute("UPDATE overrides SET person = 'left-us', rotation = 'gone'")
    await site.app.services.recompile()
    assert primary(await api.get("/oncall"))["person"]["id"] == "backend-a"
    assert (await api.get("/oncall/overrides"))["overrides"][0]["person"]["name"] == "left-us"


async def test_a_calendar_program_reads_the_shifts_at_a_secret_address(site, api):
    made = await api.post("/oncall/feeds", {"person": "backend-a"}, 201)
    program = site.client()
    answer = await program.get(made["url"])
    assert answer.headers["content-type"].startswith("text/calendar")
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert any("Backend-A" in str(event["summary"]) for event in events)
    again = await program.get(made["url"], headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_an_address_taken_back_or_altered_shows_nothing(site, api):
    made = await api.post("/oncall/feeds", {"rotation": "main"}, 201)
    program, address = site.client(), made["url"].removesuffix(".ics")
    assert (await program.get(f"{address[:-2]}xx.ics")).status_code == 404
    assert (await site.as_("viewer").get("/oncall/feeds"))["feeds"] == []
    await site.as_("viewer").delete(f"/oncall/feeds/{made['id']}", 404)
    assert [feed["url"] for feed in (await api.get("/oncall/feeds"))["feeds"]] == [made["url"]]
    await api.delete(f"/oncall/feeds/{made['id']}", 204)
    assert (await program.get(made["url"])).status_code == 404
