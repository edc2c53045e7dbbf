"""The history of runs through the API: a page at a time, and only what is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from tests.web.past_runs import past_runs
from tests.web.site import Api, Site


@pytest.fixture
def api(site: Site) -> Api:
    return site.as_("viewer")


async def declared(site: Site) -> int:
    return int((await site.as_("responder").declared())["id"])


async def pages(api: Api, path: str, **asked: Any) -> list[list[str]]:
    """Turn all pages; returns the names of the runs on each."""
    found: list[list[str]] = []
    while True:
        page = await api.get(path, **asked)
        found.append([one["run"] for one in page["runs"]])
        if page["next"] is None:
            return found
        asked["cursor"] = page["next"]


async def test_however_many_runs_there_were_every_one_is_on_exactly_one_page(site, api):
    await past_runs(site, await declared(site), 205)
    found = await pages(api, "/runs", limit=100)
    assert [len(page) for page in found] == [100, 100, 5]
    told = [run for page in found for run in page]
    assert sorted(told) == sorted(f"scale-{n}" for n in range(205))
    numbers = [int(run.removeprefix("scale-")) // 2 for run in told]
    assert numbers == sorted(numbers, reverse=True), "the newest first"
    assert await pages(api, "/playbooks/scale/history", limit=100) == found


async def test_the_last_page_says_so_also_where_it_is_full(site, api):
    await past_runs(site, await declared(site), 4)
    assert [len(page) for page in await pages(api, "/runs", limit=2)] == [2, 2]
    assert [len(page) for page in await pages(api, "/runs", limit=4)] == [4]


async def test_the_history_is_asked_for_a_playbook_an_incident_or_an_outcome(site, api):
    first, second = await declared(site), await declared(site)
    await past_runs(site, first, 3)
    await past_runs(site, second, 2, playbook="restart", outcome="failed")
    number = (await api.get(f"/incidents/{second}"))["number"]
    for asked in (
        {"playbook": "restart"}, {"incident": second}, {"incident": number}, {"outcome": "failed"},
    ):  # fmt: skip
        assert (await pages(api, "/runs", limit=1, **asked)) == [["restart-1"], ["restart-0"]]
    assert await pages(api, "/runs", incident=first, outcome="failed") == [[]]
    assert await pages(api, "/playbooks/scale/history", incident=second) == [[]]
    assert await pages(api, "/playbooks/scale/history", outcome="succeeded", incident=first) == [
        ["scale-2", "scale-1", "scale-0"]
    ]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"cursor": "made-up"}, "cursor"),
        ({"outcome": "fine"}, "outcome"),
        ({"incident": "99"}, "incident"),
        ({"incident": "../1"}, "incident"),
        ({"playbook": "a\0b"}, "playbook"),
        ({"limit": 201}, "limit"),
    ],
)
async def test_what_makes_no_sense_is_422_and_names_its_place(api, asked, field):
    refused = await api.get("/runs", 422, **asked)
    assert [one["field"] for one in refused["errors"]] == [field]


async def test_a_cursor_of_another_list_is_none_of_this_one(site, api):
    for _ in range(2):
        await declared(site)
    cursor = (await api.get("/incidents", limit=1))["next"]
    await api.get("/runs", 422, cursor=cursor)


@pytest.mark.parametrize("path", ["/playbooks/%00/history", "/incidents/{incident}/runs/%00"])
async def test_a_name_that_nothing_can_have_is_422(site, api, path):
    refused = await api.get(path.format(incident=await declared(site)), 422)
    assert refused["errors"][0]["in"] == "path"
