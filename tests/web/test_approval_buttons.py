"""Approvals out of messages: Slack's buttons and the links of a mail, by whom they may be given."""

from __future__ import annotations

import json
import re

import pytest
from tests.engine.house import FakeHands
from tests.web.made_playbooks import equipped, until, until_step
from tests.web.site import PM_IN_SLACK, Site
from tests.web.test_slack_buttons import (
    CHANNEL,
    incident,
    message,
    payload,
    press,
    site,
    slack,
    told,
)

from bongsu.channels.message import Message
from bongsu.incident.events import DeliveryDue
from bongsu.store import incidents

__all__ = ["incident", "message", "site", "slack"]


@pytest.fixture
async def waiting(site: Site, incident):
    """A run whose second step waits for the yes of the technical lead; its address."""
    async with equipped(site, FakeHands()):
        api, at = site.as_("responder"), f"/incidents/{incident['id']}/runs"
        made = await api.post(at, {"playbook": "restart"}, 201)
        run = f"{at}/{made['run']}"
        await until_step(api, run, 1, "approval")
        yield run


async def page_of(site: Site, number: int) -> tuple[str, Message]:
    """Return the call for the approval, and the message that goes out for it."""
    async with site.pool.acquire() as conn:
        now = await incidents.load(conn, number)
    assert now is not None
    page = next(p for p in now.pages.values() if p.ladder.startswith("approval:"))
    due = DeliveryDue("d1", "page", page.id, "email", "x@example.com")
    written = site.app.services.writer.message(site.engine.policy, now, due, site.clock.now())
    return page.id, written


async def test_the_message_says_exactly_what_is_to_be_approved(site, incident, waiting):
    _, message = await page_of(site, incident["id"])
    assert [action.code for action in message.actions] == ["approve", "refuse"]
    assert "3단계 중 2단계" in message.text
    assert "bounce --now" in message.text


async def test_a_press_approves_and_the_message_loses_its_buttons(
    site, slack, incident, waiting, message
):
    page, _ = await page_of(site, incident["id"])
    answer = await press(site, payload(slack, incident, "approve", page=page))
    assert (answer.status_code, answer.content) == (200, b"")
    run = await site.as_("viewer").get(waiting)
    approval = run["steps"][1]["approval"]
    assert (approval["yes"], approval["person"]["id"]) == (True, "pm")
    assert told(slack).startswith("PM이 승인했습니다")
    updated = slack.messages[f"{CHANNEL}:{message}"]
    assert '"approve"' not in json.dumps(updated)
    assert '"ack"' not in json.dumps(updated)


async def test_a_press_refuses_and_the_run_ends(site, slack, incident, waiting):
    page, _ = await page_of(site, incident["id"])
    await press(site, payload(slack, incident, "refuse", page=page))
    run = await site.as_("viewer").get(waiting)
    assert (run["outcome"], run["steps"][1]["state"]) == ("stopped", "denied")


async def test_who_may_not_approve_is_told_why_and_nothing_happens(
    site, slack, incident, waiting, monkeypatch
):
    page, _ = await page_of(site, incident["id"])
    monkeypatch.setattr(
        "bongsu.web.slack.person_of",
        lambda _member, manual: ("backend-a", manual.team.people["backend-a"]),
    )
    await press(site, payload(slack, incident, "approve", page=page))
    assert "Backend-A" in told(slack)
    assert "Technical Lead" in told(slack)
    run = await site.as_("viewer").get(waiting)
    assert run["steps"][1]["approval"]["yes"] is None


async def test_a_second_press_is_told_that_nobody_is_waited_for(site, slack, incident, waiting):
    page, _ = await page_of(site, incident["id"])
    await press(site, payload(slack, incident, "approve", page=page))
    slack.calls.clear()
    await press(site, payload(slack, incident, "refuse", page=page))
    assert told(slack)
    run = await site.as_("viewer").get(waiting)
    assert run["steps"][1]["approval"]["yes"] is True


@pytest.mark.parametrize("page", ["", "nothing", "r1/1/pm"])
async def test_a_button_without_a_call_of_ours_approves_nothing(
    site, slack, incident, waiting, page
):
    await press(site, payload(slack, incident, "approve", user=PM_IN_SLACK, page=page))
    assert told(slack)
    assert (await site.as_("viewer").get(waiting))["steps"][1]["approval"]["yes"] is None


# ── the link in a mail ───────────────────────────────────────────────────────────────────


async def link(site: Site, number: int) -> str:
    _, message = await page_of(site, number)
    return message.actions[0].url.removeprefix("https://bongsu.example")


async def test_looking_at_the_link_approves_nothing_and_shows_both_buttons(site, incident, waiting):
    page = await site.client().get(await link(site, incident["id"]))
    assert page.status_code == 200
    assert re.findall(r"value=\"?(\w+)", page.text) == ["approve", "refuse"]
    assert "bounce --now" in page.text
    assert (await site.as_("viewer").get(waiting))["steps"][1]["approval"]["yes"] is None


@pytest.mark.parametrize(("answer", "yes"), [("approve", True), ("refuse", False)])
async def test_either_button_answers_once_and_says_so(site, incident, waiting, answer, yes):
    path = await link(site, incident["id"])
    done = await site.client().post(path, data={"answer": answer})
    assert done.status_code == 200
    run = await site.as_("viewer").get(waiting)
    assert run["steps"][1]["approval"]["yes"] is yes
    again = await site.client().post(path, data={"answer": "approve"})
    assert again.status_code == 200
    assert "button" not in again.text
    assert ("승인했습니다" if yes else "거절했습니다") in again.text
    after = await site.as_("viewer").get(waiting)
    assert after["steps"][1]["approval"]["yes"] is yes


async def test_a_link_to_acknowledge_never_approves(site, incident, waiting):
    from bongsu.channels import links

    page, _ = await page_of(site, incident["id"])
    expires = site.clock.now().replace(year=2026)
    token = links.sign(site.app.services.secret, "ack", str(incident["id"]), "pm", page, expires)
    await site.client().post(f"/go/{token}", data={"answer": "approve"})
    await until(site.as_("viewer"), waiting, "phase", "running")
    assert (await site.as_("viewer").get(waiting))["steps"][1]["approval"]["yes"] is None
