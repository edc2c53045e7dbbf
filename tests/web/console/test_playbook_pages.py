"""Playbooks in the console without a browser: what the pages show, and what their forms do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from bs4 import BeautifulSoup
from tests import waiting
from tests.engine.house import FakeHands
from tests.web.console.test_pages import Reader, declared, one, reader, site
from tests.web.made_playbooks import equipped, policy
from tests.web.site import Site

from bongsu.engine.step_records import Came

__all__ = ["site"]


@pytest.fixture
async def hands(site: Site) -> AsyncIterator[FakeHands]:
    async with equipped(site, FakeHands()) as hands:
        yield hands


async def typed(someone: Reader, kind: str) -> str:
    """Declare an incident of a type; returns its path."""
    at = await declared(someone)
    page = await someone.get(at)
    token = str(one(page, "form.note input[type=hidden]")["value"])
    name = str(one(page, "form.note input[type=hidden]")["name"])
    answer = await someone.http.post(f"{at}/type", data={name: token, "type": kind})
    assert answer.status_code == 303
    return at


async def until(someone: Reader, at: str, css: str) -> BeautifulSoup:
    """Look at a page until something on it is so."""
    return await waiting.until(lambda: someone.get(at), lambda page: page.select_one(css))


async def send(
    someone: Reader, at: str, action: str, status: int = 200, **fields: str
) -> BeautifulSoup:
    given = {name.replace("__", "."): value for name, value in fields.items()}
    return await someone.send(at, f"{at}{action}", status, **given)


async def begin(someone: Reader, at: str, playbook: str, **fields: str) -> BeautifulSoup:
    """Ask for a run, look at what it would do, and press the button below that."""
    plan = await send(someone, at, "/runs", 200, playbook=playbook, dry_run="no", **fields)
    form = one(plan, f".plan form[action='{at}/runs']")
    hidden = {str(i["name"]): str(i["value"]) for i in form.select("input[type=hidden]")}
    answer = await someone.http.post(
        f"{at}/runs", data={**hidden, "dry_run": "no"}, follow_redirects=True
    )
    assert answer.status_code == 200, answer.text
    return plan


async def test_the_playbook_of_the_type_is_suggested_with_a_typed_form(site, hands):
    someone = await reader(site, "responder")
    page = await someone.get(await typed(someone, "infinite_loop"))
    shown = one(page, "#playbook-scale")
    replicas = one(shown, "input[name='parameter.replicas']")
    assert (replicas["type"], replicas["min"], replicas["max"], replicas["value"]) == (
        "number", "1", "20", "10",
    )  # fmt: skip
    zones = [o.text for o in shown.select("select[name='parameter.zone'] option")]
    assert zones == ["a", "b"]
    urgent = one(shown, "select[name='parameter.urgent'] option[selected]")
    assert urgent["value"] == "false"
    assert page.select_one("#playbook-restart") is None


async def test_a_run_is_shown_with_steps_outcome_and_what_they_printed(site, hands):
    someone = await reader(site, "responder")
    at = await typed(someone, "infinite_loop")
    await begin(someone, at, "scale", parameter__replicas="12")
    page = await until(someone, at, ".run[data-outcome=succeeded]")
    run = one(page, ".run")
    assert [step["data-state"] for step in run.select(".step")] == ["done", "done"]
    assert "--replicas=12" in one(run, ".step .does").text
    assert "scale: 완료" in one(run, ".step pre").text
    assert "Backend-A" in run.text
    name = str(run["id"]).removeprefix("run-")
    await send(someone, at, f"/runs/{name}/undo")
    await until(someone, at, ".run[data-outcome=undone]")
    assert hands.done == ["scale", "look", "undo scale"]
    whole = await someone.get(f"{at}/runs/{name}/steps/0")
    assert len(whole.select("pre")) == 2


async def test_what_a_run_would_do_is_shown_before_it_does_it(site, hands):
    someone = await reader(site, "responder")
    at = await typed(someone, "memory_leak")
    plan = await send(someone, at, "/runs", playbook="restart", dry_run="no")
    steps = [step.get_text(" ", strip=True) for step in plan.select(".plan .step")]
    assert len(steps) == 3
    assert "first --now" in steps[0]
    assert "↩ first --back" in steps[0]
    assert "Technical Lead 승인" in steps[1]
    assert (await someone.get(at)).select(".run") == []
    assert hands.done == []


async def test_only_exactly_what_was_shown_is_run(site, hands):
    someone = await reader(site, "responder")
    at = await typed(someone, "infinite_loop")
    plan = await send(someone, at, "/runs", playbook="scale", parameter__replicas="5", dry_run="no")
    form = one(plan, ".plan form")
    hidden = {str(i["name"]): str(i["value"]) for i in form.select("input[type=hidden]")}
    assert hidden["parameter.replicas"] == "5"
    other = {**hidden, "parameter.replicas": "9", "dry_run": "no"}
    again = await someone.http.post(f"{at}/runs", data=other, follow_redirects=True)
    assert "다시 확인해 주세요" in again.text
    assert "--replicas=9" in again.text
    assert (await someone.get(at)).select(".run") == []


async def test_a_playbook_that_only_looks_is_run_at_once(site, hands):
    site.engine.policy = policy(
        look={"name": "Look", "steps": [{"name": "Rest", "kind": "wait", "duration": "1m"}]}
    )
    someone = await reader(site, "responder")
    at = await declared(someone)
    await someone.send("/playbooks/look", "/playbooks/look/runs",
                       incident=at.rsplit("/", 1)[1], dry_run="no")  # fmt: skip
    assert one(await someone.get(at), ".run").text


async def test_a_refused_form_of_a_playbooks_page_keeps_what_was_written(site, hands):
    someone = await reader(site, "responder")
    at = await declared(someone)
    number = at.rsplit("/", 1)[1]
    page = await someone.send(
        "/playbooks/scale", "/playbooks/scale/runs", 409, incident=number, dry_run="no",
        **{"parameter.replicas": "99", "parameter.zone": "b", "parameter.urgent": "true"},
    )  # fmt: skip
    assert one(page, "input[name='parameter.replicas']")["value"] == "99"
    assert one(page, "select[name='parameter.zone'] option[selected]")["value"] == "b"
    assert one(page, "select[name='parameter.urgent'] option[selected]")["value"] == "true"
    assert one(page, "select[name=incident] option[selected]")["value"] == number


async def test_a_value_that_does_not_fit_is_said_and_nothing_runs(site, hands):
    someone = await reader(site, "responder")
    at = await typed(someone, "infinite_loop")
    page = await send(
        someone, at, "/runs", 409, playbook="scale", parameter__replicas="99", dry_run="no"
    )
    assert "replicas" in one(page, ".error").text
    assert "20" in one(page, ".error").text
    assert page.select(".run") == []


async def test_only_who_may_approve_is_offered_the_buttons(site, hands):
    someone, lead = await reader(site, "responder"), await reader(site, "commander")
    at = await typed(someone, "memory_leak")
    await begin(someone, at, "restart")
    page = await until(someone, at, ".step[data-state=approval]")
    step = one(page, ".step[data-state=approval]")
    assert step.select("button") == []
    name = str(one(page, ".run")["id"]).removeprefix("run-")
    theirs = await lead.get(at)
    assert one(page, ".run .outcome-name").text == "승인 대기"
    assert page.select("#s-bar a") == []
    place = str(one(theirs, "#s-bar a.primary")["href"])
    assert one(theirs, place).select_one("button[value=yes]")
    assert one(theirs, f"#s-next a[href='{place}']").text == "보고 답하기"
    assert [b.text for b in one(theirs, ".step[data-state=approval]").select("button")] == [
        "승인", "거절",
    ]  # fmt: skip
    assert "승인" in one(theirs, "#s-next .todo.first, #s-next .todo").text or "승인" in theirs.text
    await send(lead, at, f"/runs/{name}/approve", yes="yes", note="지금 하세요")
    page = await until(someone, at, ".step[data-state=person]")
    buttons = [b.text for b in one(page, ".step[data-state=person]").select("button")]
    assert buttons == ["했음", "건너뜀", "중지"]
    assert "PM 승인" in one(page, ".run").text
    assert "대시보드를 보세요" in one(page, "#s-next").text
    await send(someone, at, f"/runs/{name}/answer", answer="done")
    await until(someone, at, ".run[data-outcome=succeeded]")


async def test_a_step_of_which_nobody_knows_offers_to_do_it_again(site, hands):
    hands.fate["look"] = Came("unknown", "it broke off")
    someone = await reader(site, "responder")
    at = await typed(someone, "infinite_loop")
    await begin(someone, at, "scale")
    page = await until(someone, at, ".step[data-state=unknown]")
    buttons = [b.text for b in one(page, ".step[data-state=unknown]").select("button")]
    assert buttons == ["했음", "다시", "건너뜀", "중지"]


async def test_who_may_only_look_sees_runs_and_no_buttons(site, hands):
    someone, visitor = await reader(site, "responder"), await reader(site, "viewer")
    at = await typed(someone, "memory_leak")
    await begin(someone, at, "restart")
    page = await until(visitor, at, ".step[data-state=approval]")
    assert one(page, "#s-runs").select("button, form") == []


async def test_the_page_of_a_playbook_runs_it_for_a_chosen_incident(site, hands):
    someone = await reader(site, "responder")
    at = await declared(someone)
    listed = await someone.get("/playbooks")
    assert "파드 증설" in one(listed, ".playbooks").text
    page = await someone.get(f"/playbooks/scale?incident={at.rsplit('/', 1)[1]}")
    assert "--replicas=3" in one(page, ".does.undo").text
    done = await someone.send("/playbooks/scale", "/playbooks/scale/runs",
                              incident=at.rsplit("/", 1)[1], dry_run="yes")  # fmt: skip
    assert one(done, ".run .drill").text == "모의 실행"
    await until(someone, at, ".run[data-outcome=succeeded]")
    assert "모의 실행" in one(await someone.get("/playbooks/scale"), ".plain").text
    wrong = await someone.send("/playbooks/scale", "/playbooks/scale/runs", 422, incident="999")
    assert one(wrong, ".error").text == "장애를 골라 주세요."
    await someone.get("/playbooks/nothing", 404)
