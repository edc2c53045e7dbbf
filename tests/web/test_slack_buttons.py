"""Presses of our buttons in Slack, from the signed request to what everybody then reads."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import datetime
from urllib.parse import urlencode

import pytest
from tests.channels.slack.standin import TOKEN, running
from tests.waiting import PATIENCE
from tests.web.site import PM_IN_SLACK, Site, open_site

from bongsu.channels.slack import SlackChannel, SlackSettings
from bongsu.store import access, incidents
from bongsu.web import slack as endpoint

SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
CHANNEL = "C0CRITICAL"


@pytest.fixture
async def slack():
    """A stand-in for Slack, with a message in which the buttons are."""
    async with running() as standin:
        yield standin


@pytest.fixture
async def site(pool, slack):
    """A process that Slack can reach."""
    settings = SlackSettings(bot_token=TOKEN, signing_secret=SIGNING, api_url=slack.api_url)
    channel = SlackChannel(settings)
    site = await open_site(pool, {"slack": channel})
    yield site
    await channel.close()
    await site.close()


@pytest.fixture
async def incident(site: Site):
    """A P0 that waits for an answer."""
    return await site.as_("responder").declared()


@pytest.fixture
def message(slack):
    """The receipt of a message that is in the channel already."""
    slack.messages[f"{CHANNEL}:1700000000.000100"] = {"text": "before"}
    return "1700000000.000100"


def payload(
    slack, incident, action="ack", *, user=PM_IN_SLACK, page="", ts="1700000000.000100", **more
):
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "someone"},
        "actions": [{"type": "button", "action_id": action, "value": f"{incident['id']}:{page}"}],
        "container": {"type": "message", "message_ts": ts, "channel_id": CHANNEL},
        "channel": {"id": CHANNEL, "name": "critical-alerts"},
        "response_url": f"http://127.0.0.1:{slack.port}/actions/T0001/1/xyz",
        **more,
    }


def signed(body: bytes, at: datetime, secret=SIGNING) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    base = b"v0:" + timestamp.encode() + b":" + body
    mac = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={mac}",
    }


async def press(site, sent, **headers):
    body = urlencode({"payload": json.dumps(sent)}).encode()
    headers = {**signed(body, site.clock.now()), **headers}
    return await site.client().post("/slack/interactions", content=body, headers=headers)


def told(slack) -> str:
    return str(next(c.body["text"] for c in slack.calls if c.method.startswith("/actions/")))


async def state(site, incident):
    return await site.as_("viewer").get(f"/incidents/{incident['id']}")


async def test_a_press_acknowledges_in_the_name_of_the_member(site, slack, incident, message):
    answer = await press(site, payload(slack, incident))
    assert (answer.status_code, answer.content) == (200, b"")
    found = await state(site, incident)
    assert found["acknowledged_by"]["id"] == "pm"
    entries = (await site.as_("viewer").get(f"/incidents/{incident['id']}/timeline"))["entries"]
    (entry,) = [e for e in entries if e["kind"] == "acknowledged"]
    assert entry["body"]["via"] == "slack"
    assert told(slack).startswith("PM이 INC-")


async def test_the_message_itself_then_says_so_and_loses_the_button(site, slack, incident, message):
    await press(site, payload(slack, incident))
    updated = slack.messages[f"{CHANNEL}:{message}"]
    assert "PM이" in json.dumps(updated, ensure_ascii=False)
    actions = [b["action_id"] for block in updated["blocks"] if block["type"] == "actions"
               for b in block["elements"]]  # fmt: skip
    assert "ack" not in actions
    assert "confirm" in actions


@pytest.mark.parametrize(
    ("action", "phase"),
    [("confirm", "verified"), ("dismiss", "dismissed"), ("resolve", "resolved")],
)
async def test_each_button_does_its_own_thing(site, slack, incident, message, *, action, phase):
    await press(site, payload(slack, incident, action))
    assert (await state(site, incident))["phase"] == phase


async def test_a_member_whom_the_manual_does_not_know_is_told_what_to_do(site, slack, incident):
    answer = await press(site, payload(slack, incident, user="U0STRANGER"))
    assert answer.status_code == 200
    assert "U0STRANGER" in told(slack)
    assert "team.yaml" in told(slack)
    assert slack.calls[-1].body["response_type"] == "ephemeral"
    assert (await state(site, incident))["seq"] == incident["seq"]


async def test_a_press_by_who_may_only_look_does_nothing(site, slack, incident):
    async with site.pool.acquire() as conn:
        await access.set_role(conn, "pm", "viewer")
    await press(site, payload(slack, incident))
    assert "보기만" in told(slack)
    assert (await state(site, incident))["seq"] == incident["seq"]


async def test_a_second_press_is_told_why_nothing_happened(site, slack, incident, message):
    await press(site, payload(slack, incident))
    slack.calls.clear()
    assert (await press(site, payload(slack, incident))).status_code == 200
    assert "PM" in told(slack)
    assert [call.method for call in slack.calls if "chat" in call.method] == []


@pytest.mark.parametrize("value", ["", "x:y", "999:", "9" * 40, "1" * 18 + ":p", "-1:", "١:"])
async def test_a_button_that_names_no_incident_of_ours_is_told_so(site, slack, incident, value):
    sent = payload(slack, incident)
    sent["actions"][0]["value"] = value
    assert (await press(site, sent)).status_code == 200
    assert told(slack)
    assert (await state(site, incident))["seq"] == incident["seq"]


async def test_opening_a_page_asks_nothing_of_us(site, slack, incident):
    assert (await press(site, payload(slack, incident, "open"))).status_code == 200
    assert slack.calls == []


async def test_what_slack_did_not_sign_does_nothing(site, slack, incident):
    sent = payload(slack, incident)
    body = urlencode({"payload": json.dumps(sent)}).encode()
    now = site.clock.now()
    forged = [
        {},
        signed(body, now, secret="another"),
        signed(body + b"x", now),
        {**signed(body, now), "x-slack-request-timestamp": "0"},
        {**signed(body, now), "x-slack-signature": "v0=é"},
    ]
    old = signed(body, now.replace(hour=now.hour - 1))
    for headers in [*forged, old]:
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = await site.client().post("/slack/interactions", content=body, headers=encoded)
        assert answer.status_code == 401
    assert (await state(site, incident))["seq"] == incident["seq"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a=b",
        b"payload=",
        b"payload=%7B",
        b"payload=[]",
        b"payload=%22x%22",
        b"payload={}&payload={}",
        b"\xff\xfe",
    ],
)
async def test_a_signed_request_of_another_form_is_refused_in_words(site, body):
    headers = signed(body, site.clock.now())
    answer = await site.client().post("/slack/interactions", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.text


async def test_a_body_without_end_is_refused_before_it_is_read(site):
    headers = signed(b"", site.clock.now())
    answer = await site.client().post(
        "/slack/interactions", content=b"x" * 1_000_001, headers=headers
    )
    assert answer.status_code == 413


async def test_a_disabled_account_does_nothing(site, slack, incident):
    async with site.pool.acquire() as conn:
        await access.set_disabled(conn, "pm", disabled=True, now=site.clock.now())
    await press(site, payload(slack, incident))
    assert (await state(site, incident))["acknowledged_by"] is None


async def test_slack_is_answered_in_time_even_where_the_incident_is_busy(
    site, slack, incident, monkeypatch
):
    monkeypatch.setattr(endpoint, "IN_TIME", 0.2)
    async with site.pool.acquire() as conn, conn.transaction():
        await incidents.lock(conn, [incident["id"]])
        answer = await asyncio.wait_for(press(site, payload(slack, incident)), PATIENCE)
    assert answer.status_code == 200
    assert "https://bongsu.example" in told(slack)
    assert (await state(site, incident))["acknowledged_by"] is None


async def test_without_slack_the_address_says_what_is_missing(pool):
    site = await open_site(pool)
    answer = await site.client().post("/slack/interactions", content=b"payload={}")
    assert answer.status_code == 404
    assert "BONGSU_SLACK_SIGNING_SECRET" in answer.text
    await site.close()
