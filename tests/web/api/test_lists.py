"""The list of incidents with more than ten thousand of them, and the lists of alerts."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.web.site import START, Site

from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident
from bongsu.store import incidents as store

COUNT = 10_500
PHASES = ("detected", "responding", "resolved", "dismissed", "reviewed")


@pytest.fixture
async def many(site: Site):
    """Ten thousand incidents of a few years, some hundred of them open."""
    dice = random.Random(42)
    made = [_incident(n, dice) for n in range(1, COUNT + 1)]
    columns = list(zip(*(store._row(one, None) for one in made), strict=True))
    async with site.pool.acquire() as conn:
        await conn.execute(store.SAVE, *columns)
        await conn.execute("ANALYZE incidents")
    return SimpleNamespace(all=made, api=site.as_("viewer"))


def _incident(number: int, dice: random.Random) -> Incident:
    phase = dice.choices(PHASES, (1, 2, 60, 20, 17))[0]
    opened = START - timedelta(minutes=dice.randrange(0, 500_000))
    return Incident(
        str(number),
        number=f"INC-{number}",
        title=dice.choice(["검색 지연", "로그인 불가 100%", "DB_down", "디스크 부족"]),
        severity=dice.choice(["P0", "P1", "P2", "P3"]),
        service=dice.choice(["search", "login", None]),
        type=dice.choice(["api_timeout", "storage_full", None]),
        phase=Phase(phase),
        opened_at=opened,
        started_at=opened,
        drill=dice.random() < 0.1,
    )


def expected(made, test=lambda _: True):
    kept = [one for one in made if test(one)]
    return sorted(kept, key=lambda i: (i.open, i.opened_at, int(i.id)), reverse=True)


async def walk(api, limit=200, **params):
    found, cursor = [], None
    while True:
        more: dict[str, Any] = {"cursor": cursor} if cursor else {}
        answer = await api.http.get("/api/v1/incidents", params={"limit": limit, **params, **more})
        page = answer.json()
        found += page["incidents"]
        cursor = page["next"]
        if cursor is None:
            return found


async def test_every_incident_is_on_exactly_one_page_in_order(many):
    found = await walk(many.api)
    assert [one["id"] for one in found] == [int(one.id) for one in expected(many.all)]


async def test_what_is_opened_meanwhile_shifts_nothing(many, site):
    first = await many.api.get("/incidents", limit=100)
    await site.as_("responder").declared()
    second = await many.api.get("/incidents", limit=100, cursor=first["next"])
    ids = [one["id"] for one in first["incidents"] + second["incidents"]]
    assert ids == [int(one.id) for one in expected(many.all)[:200]]


FILTERS: list[tuple[dict[str, Any], Callable[[Incident], bool]]] = [
    ({"open": "true"}, lambda i: i.open),
    ({"open": "false", "severity": ["P0", "P1"]}, lambda i: not i.open and i.severity < "P2"),
    ({"phase": "dismissed"}, lambda i: i.phase == "dismissed"),
    ({"phase": ["detected", "responding"]}, lambda i: i.phase in ("detected", "responding")),
    ({"service": "search", "drill": "true"}, lambda i: i.service == "search" and i.drill),
    ({"type": "storage_full", "open": "true"}, lambda i: i.type == "storage_full" and i.open),
    ({"q": "로그인", "severity": "P0"}, lambda i: "로그인" in i.title and i.severity == "P0"),
    ({"q": "100%", "open": "true"}, lambda i: "100%" in i.title and i.open),
    ({"q": "db_DOWN", "open": "true"}, lambda i: i.title == "DB_down" and i.open),
    ({"q": "inc-1234"}, lambda i: "1234" in i.number),
    ({"q": "\\"}, lambda _: False),
    ({"service": "nothing"}, lambda _: False),
]


async def test_filters_leave_exactly_what_was_asked_for(many):
    for params, test in FILTERS:
        found = await walk(many.api, **params)
        wanted = [int(one.id) for one in expected(many.all, test)]
        assert [one["id"] for one in found] == wanted, params


async def test_a_page_far_down_is_found_by_the_index_and_not_by_counting(many, site):
    from bongsu.store.reading import LIST

    async with site.pool.acquire() as conn:
        deep = (False, START - timedelta(minutes=400_000), 5)
        nothing = (None,) * 7
        plan = await conn.fetch(
            f"EXPLAIN (FORMAT TEXT) {LIST.replace('$11', '51')}", *nothing, *deep
        )
    text = "\n".join(row[0] for row in plan)
    assert "incidents_page" in text
    assert "Sort" not in text


@pytest.mark.parametrize("cursor", ["x", "%00", "AAAA", "kwHDwA", "gA"])
async def test_a_cursor_that_was_made_up_is_refused(site, cursor):
    refused = await site.as_("viewer").get("/incidents", 422, cursor=cursor)
    assert refused["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_a_cursor_of_a_day_that_no_calendar_has_is_refused(site, at):
    raw = msgspec.msgpack.encode([at, 1, "r1"])
    cursor = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    refused = await site.as_("viewer").get("/runs", 422, cursor=cursor)
    assert refused["errors"][0]["field"] == "cursor"


async def test_an_incidents_alerts_come_page_by_page_firing_ones_first(site):
    api = site.as_("responder")
    made = await api.declared()
    async with site.pool.acquire() as conn:
        for number in range(25):
            await conn.execute(
                ALERT, f"{number:032x}", START + timedelta(seconds=number % 7), made["id"],
                "resolved" if number % 3 == 0 else "firing", f"alert {number}",
            )  # fmt: skip
    found, cursor = [], None
    while True:
        more: dict[str, Any] = {"cursor": cursor} if cursor else {}
        page = await api.get(f"/incidents/{made['id']}/alerts", limit=4, **more)
        found += page["alerts"]
        if (cursor := page["next"]) is None:
            break
    assert len({one["id"] for one in found}) == 25
    assert [one["status"] for one in found] == ["firing"] * 16 + ["resolved"] * 9
    order = [(one["status"] == "resolved", one["first_seen"], one["id"]) for one in found]
    assert order == sorted(order)


ALERT = """
INSERT INTO alerts (id, last_seen, count, changed_in, generation, first_seen, starts_at,
                    incident_id, status, integration, key, summary, labels, details, pending)
VALUES ($1::text::uuid, $2, 1, 1, 1, $2, $2, $3, $4, 'prometheus', $1, $5, '{}', '{}', false)
"""
