"""Playbooks and their runs through the API: who may do what, and what is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.engine.house import FakeHands
from tests.web.made_playbooks import equipped, until, until_step
from tests.web.site import Site

from bongsu.engine.step_records import Came
from bongsu.incident.runs.state import KEPT


@pytest.fixture
async def hands(site: Site) -> AsyncIterator[FakeHands]:
    async with equipped(site, FakeHands()) as hands:
        yield hands


@pytest.fixture
def api(site: Site, hands: FakeHands):
    """The API as the on-call responder uses it, with playbooks that run at once."""
    return site.as_("responder")


async def runs_of(api: Any, **more: Any) -> str:
    made = await api.declared(**more)
    return f"/incidents/{made['id']}/runs"


async def asked(api: Any, playbook: str = "scale", **body: Any) -> str:
    """Run a playbook for a new incident; returns the run's address."""
    at = await runs_of(api)
    made = await api.post(at, {"playbook": playbook, **body}, 201)
    return f"{at}/{made['run']}"


# ── what there is ────────────────────────────────────────────────────────────────────────


async def test_a_playbook_is_listed_with_its_types_parameters_and_whose_yes_it_needs(api):
    listed = {one["playbook"]: one for one in (await api.get("/playbooks"))["playbooks"]}
    assert [one["id"] for one in listed["scale"]["types"]] == ["infinite_loop"]
    replicas = listed["scale"]["parameters"][0]
    assert (replicas["type"], replicas["minimum"], replicas["maximum"]) == ("integer", 1, 20)
    assert not replicas["required"]
    assert listed["node"]["parameters"][0]["required"]
    assert [one["id"] for one in listed["restart"]["approvals"]] == ["technical_lead"]
    assert listed["guarded"]["approve"]["id"] == "technical_lead"
    of_type = (await api.get("/playbooks", type="memory_leak"))["playbooks"]
    assert [one["playbook"] for one in of_type] == ["restart"]


async def test_a_step_is_shown_with_exactly_what_it_does_and_what_takes_it_back(api):
    step = (await api.get("/playbooks/scale"))["steps"][0]
    assert step["does"] == (
        "kubectl -n korea-prod scale deployment/korea-backend '--replicas={{ replicas }}'"
    )
    assert step["undo"] == "kubectl -n korea-prod scale deployment/korea-backend --replicas=3"
    refused = await api.get("/playbooks/nothing", 404)
    assert "scale" in refused["detail"]


async def test_every_type_of_the_seed_is_named_by_its_playbooks(site):
    manual = site.engine.policy.manual
    found = (await site.as_("viewer").get("/playbooks"))["playbooks"]
    assert {one["playbook"] for one in found} == set(manual.playbooks)


# ── running ──────────────────────────────────────────────────────────────────────────────


async def test_a_run_is_frozen_begun_and_shown_with_outcomes_and_outputs(api, hands):
    run = await asked(api, parameters={"replicas": 12, "zone": "b"})
    ended = await until(api, run, "outcome", "succeeded")
    assert ended["parameters"] == {"replicas": 12, "zone": "b", "urgent": False}
    assert [step["state"] for step in ended["steps"]] == ["done", "done"]
    assert ended["steps"][0]["does"].endswith("--replicas=12")
    assert "scale: 완료" in ended["steps"][0]["outputs"][0]["text"]
    assert ended["asked_by_name"] == "Backend-A"
    assert ended["can_be_undone"]
    whole = await api.get(f"{run}/steps/1/output")
    assert whole["outputs"][0]["text"].startswith("look: 완료")
    assert "hunter2" not in whole["outputs"][0]["text"]
    assert (await api.get(f"{run}/steps/7/output", 404))["detail"]


async def test_the_recovery_has_begun_with_it_and_the_list_has_it(api):
    run = await asked(api)
    await until(api, run, "outcome", "succeeded")
    incident = await api.get(run.rsplit("/runs/", 1)[0])
    assert incident["phase"] == "recovering"
    listed = (await api.get(run.rsplit("/", 1)[0]))["runs"]
    assert [one["run"] for one in listed] == [run.rsplit("/", 1)[1]]
    assert listed[0]["steps"][0]["outputs"] == []


async def test_its_history_names_incident_outcome_and_who_asked(api):
    run = await asked(api)
    await until(api, run, "outcome", "succeeded")
    (row,) = (await api.get("/playbooks/scale/history"))["runs"]
    assert (row["outcome"], row["asked_by"], row["dry"]) == ("succeeded", "person:backend-a", False)
    assert (await api.get("/playbooks/restart/history"))["runs"] == []
    assert (await api.get("/runs"))["runs"] == [row]


async def test_a_run_that_waits_for_a_yes_and_one_that_got_a_no_are_in_the_history(site, api):
    run = await asked(api, "guarded")
    (row,) = (await api.get("/runs"))["runs"]
    assert (row["run"], row["began_at"], row["outcome"]) == (run.rsplit("/", 1)[1], None, None)
    assert row["state_name"] == "waits to begin"
    await site.as_("commander").post(f"{run}/approve", {"yes": False})
    (row,) = (await api.get("/playbooks/guarded/history"))["runs"]
    assert (row["began_at"], row["outcome"], row["state_name"]) == (
        None, "refused", "was not begun",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"playbook": "nothing"}, "playbook", "guarded"),
        ({"parameters": {"replicas": 21}}, "parameters.replicas", "from 1 to 20"),
        ({"parameters": {"replicas": "ten"}}, "parameters.replicas", "integer"),
        ({"parameters": {"replicas": [1]}}, "parameters.replicas", "integer"),
        ({"parameters": {"zone": "c"}}, "parameters.zone", "a, b"),
        ({"parameters": {"pods": 3}}, "parameters.pods", "replicas"),
        ({"playbook": "node"}, "parameters.node", "missing"),
        ({"playbook": "node", "parameters": {"node": "-rf"}}, "parameters.node", "pattern"),
        ({"playbook": "node", "parameters": {"node": "n; rm -rf /"}}, "parameters.node", "pattern"),
        ({"playbook": "node", "parameters": {"node": "ｎode"}}, "parameters.node", "look like"),
        ({"dry_run": "yes"}, "dry_run", "true or false"),
        ({"params": {}}, "params", "not known"),
    ],
)
async def test_what_does_not_fit_is_422_with_the_field_and_the_mend(api, body, field, says):
    at = await runs_of(api)
    refused = await api.post(at, {"playbook": "scale", **body}, 422)
    assert refused["errors"][0]["field"] == field
    assert says in refused["errors"][0]["detail"]
    assert (await api.get(at))["runs"] == []


async def test_a_dry_run_says_so_and_is_no_recovery(api, hands):
    run = await asked(api, dry_run=True)
    ended = await until(api, run, "outcome", "succeeded")
    assert ended["dry"]
    assert not ended["can_be_undone"]
    assert (await api.post(f"{run}/undo", status=409))["reason"]["code"] == "nothing_to_undo"


async def test_a_failure_takes_back_and_says_which_step_it_was(api, hands):
    hands.fate["look"] = Came("failed", "program: {error}", {"error": "no"}, 1)
    ended = await until(api, await asked(api), "outcome", "undone")
    assert [step["state"] for step in ended["steps"]] == ["undone", "failed"]
    assert ended["steps"][1]["says"] == "program: no"
    assert "step 2 failed" in ended["why"]


# ── whose yes ────────────────────────────────────────────────────────────────────────────


async def test_a_step_waits_for_its_role_and_goes_on_with_the_yes(site, api, hands):
    run = await asked(api, "restart")
    waits = await until_step(api, run, 1, "approval")
    approval = waits["steps"][1]["approval"]
    assert (approval["role"]["id"], approval["yes"], approval["yours"]) == (
        "technical_lead", None, False,
    )  # fmt: skip
    assert "bounce" in waits["waits"][0]
    refused = await api.post(f"{run}/approve", {"yes": True}, 409)
    assert refused["reason"]["code"] == "not_theirs_to_approve"
    lead = site.as_("commander")
    assert (await lead.get(run))["steps"][1]["approval"]["yours"]
    said = await lead.post(f"{run}/approve", {"yes": True, "step": 1, "note": "지금"})
    assert said["steps"][1]["approval"]["person"]["id"] == "pm"
    ends = await until_step(api, run, 2, "person")
    assert hands.done == ["first", "bounce"]
    assert ends["steps"][2]["answers"] == ["done", "skip", "stop"]
    assert (await lead.post(f"{run}/approve", {"yes": True}, 409))["reason"]["code"] == (
        "no_approval_wanted"
    )


async def test_a_no_ends_the_run_before_anything_is_done(site, api, hands):
    run = await asked(api, "guarded")
    await api.get(run)
    ended = await site.as_("commander").post(f"{run}/approve", {"yes": False})
    assert (ended["outcome"], hands.done) == ("refused", [])
    assert ended["approval"]["yes"] is False
    assert "PM" in ended["why"]


# ── what a person says ───────────────────────────────────────────────────────────────────


async def at_its_human_step(site: Site, api: Any) -> str:
    run = await asked(api, "restart")
    await until_step(api, run, 1, "approval")
    await site.as_("commander").post(f"{run}/approve", {"yes": True})
    await until_step(api, run, 2, "person")
    return run


async def test_a_persons_step_is_done_when_they_say_so(site, api):
    run = await at_its_human_step(site, api)
    early = await api.post(f"{run}/answer", {"step": 0, "answer": "done"}, 409)
    assert early["reason"]["code"] == "no_answer_wanted"
    ended = await api.post(f"{run}/answer", {"step": 2, "answer": "done", "note": "정상"})
    assert ended["outcome"] == "succeeded"
    assert (await api.post(f"{run}/stop", status=409))["reason"]["code"] == "run_is_over"


async def test_a_stop_may_take_back_what_was_done(site, api, hands):
    run = await at_its_human_step(site, api)
    await api.post(f"{run}/stop", {"undo": True})
    ended = await until(api, run, "outcome", "undone")
    assert ended["steps"][0]["state"] == "undone"
    assert hands.done[-1] == "undo first"


async def test_a_step_under_way_is_ended_at_once_where_somebody_says_so(api, hands):
    hands.hangs = "look"
    run = await asked(api)
    await until_step(api, run, 1, "running")
    assert (await api.post(f"{run}/stop", {"at_once": True}))["stopping"]
    ended = await until(api, run, "outcome", "stopped")
    assert [step["state"] for step in ended["steps"]] == ["done", "failed"]
    await api.post(f"{run}/stop", {"at_once": "yes"}, status=422)


async def test_a_run_that_has_ended_is_taken_back_on_demand(api, hands):
    run = await asked(api)
    await until(api, run, "outcome", "succeeded")
    await api.post(f"{run}/undo", {"note": "효과가 없어요"})
    ended = await until(api, run, "outcome", "undone")
    assert [step["state"] for step in ended["steps"]] == ["undone", "done"]
    assert hands.done == ["scale", "look", "undo scale"]


async def test_a_step_of_which_nobody_knows_is_answered_for(api, hands):
    hands.fate["look"] = Came("unknown", "it broke off")
    run = await asked(api)
    waits = await until_step(api, run, 1, "unknown")
    assert waits["steps"][1]["answers"] == ["done", "again", "skip", "stop"]
    hands.fate.clear()
    await api.post(f"{run}/answer", {"step": 1, "answer": "again"})
    await until(api, run, "outcome", "succeeded")
    assert hands.done == ["scale", "look", "look"]


# ── who may ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["", "/{run}/approve", "/{run}/stop", "/{run}/undo"])
async def test_who_may_only_look_runs_and_says_nothing(site, api, what):
    run = await asked(api)
    at, _, name = run.rpartition("/")
    body = {"playbook": "scale"} if not what else {"yes": True} if "approve" in what else {}
    refused = await site.as_("viewer").post(at + what.format(run=name), body, 403)
    assert refused["needed"] == "responder"
    assert (await site.as_("viewer").get(run))["run"] == name


async def test_the_record_of_a_run_stays_however_many_follow(api, hands):
    first = await asked(api, dry_run=True)
    shown = await until(api, first, "outcome", "succeeded")
    at = first.rsplit("/", 1)[0]
    for _ in range(KEPT):
        made = await api.post(at, {"playbook": "scale", "dry_run": True}, 201)
        await until(api, f"{at}/{made['run']}", "outcome", "succeeded")
    assert shown["run"] not in [one["run"] for one in (await api.get(at))["runs"]]
    again = await api.get(first)
    assert (again["outcome"], again["asked_by"]) == ("succeeded", "person:backend-a")
    assert [one["state"] for one in again["steps"]] == [one["state"] for one in shown["steps"]]
    assert (await api.get(f"{first}/steps/0/output"))["run"] == shown["run"]


@pytest.mark.parametrize("what", ["", "/approve", "/answer", "/stop", "/undo"])
async def test_a_run_that_is_not_there_is_not_found(api, what):
    at = await runs_of(api)
    bodies = {"/approve": {"yes": True}, "/answer": {"step": 0, "answer": "done"}}
    path = f"{at}/r99{what}"
    found = await (api.post(path, bodies.get(what, {}), 404) if what else api.get(path, 404))
    assert "r99" in found["detail"]


async def test_a_key_makes_a_repeated_run_the_same_run(api, hands):
    at = await runs_of(api)
    key = {"idempotency-key": "one-and-only"}
    first = await api.post(at, {"playbook": "scale"}, 201, **key)
    again = await api.post(at, {"playbook": "scale"}, 201, **key)
    assert again["run"] == first["run"]
    await until(api, f"{at}/{first['run']}", "outcome", "succeeded")
    assert hands.done == ["scale", "look"]
