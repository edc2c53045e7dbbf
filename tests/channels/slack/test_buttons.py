"""Presses of buttons: signed by Slack, recent, and of a button that we made."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from bongsu.channels.slack.interaction import Refusal, parse_interaction, verify

# The example that docs.slack.dev/authentication/verifying-requests-from-slack walks through.
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIMESTAMP = "1531420618"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
    b"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
NOW = datetime.fromtimestamp(1531420618, UTC)


def payload(**changes: Any) -> bytes:
    """A press as docs.slack.dev/reference/interaction-payloads/block_actions-payload shows it."""
    whole = {
        "type": "block_actions",
        "user": {"id": "U024BE7LH", "username": "kim", "name": "kim", "team_id": "T9TK3CUKW"},
        "api_app_id": "AABA1ABCD",
        "token": "9s8d9as89d8as9d8as989",
        "container": {
            "type": "message",
            "message_ts": "1548261231.000200",
            "channel_id": "CBR2V3XEX",
            "is_ephemeral": False,
        },
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
        "team": {"id": "T9TK3CUKW", "domain": "example"},
        "channel": {"id": "CBR2V3XEX", "name": "critical-alerts"},
        "message": {"type": "message", "ts": "1548261231.000200", "text": "…"},
        "response_url": "https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091",
        "actions": [
            {
                "action_id": "ack",
                "block_id": "=qXel",
                "text": {"type": "plain_text", "text": "확인", "emoji": False},
                "value": "01K2:p1",
                "type": "button",
                "action_ts": "1548426417.840180",
            }
        ],
    }
    return urlencode({"payload": json.dumps({**whole, **changes})}).encode()


def test_slacks_documented_example_is_verified() -> None:
    assert verify(SECRET, TIMESTAMP, BODY, SIGNATURE, NOW)


@pytest.mark.parametrize("late", [300, -300, 0])
def test_a_request_of_up_to_five_minutes_is_accepted(late: int) -> None:
    assert verify(SECRET, TIMESTAMP, BODY, SIGNATURE, NOW + timedelta(seconds=late))


@pytest.mark.parametrize("late", [301, -301, 10**9])
def test_an_old_request_is_refused_though_its_signature_is_right(late: int) -> None:
    assert not verify(SECRET, TIMESTAMP, BODY, SIGNATURE, NOW + timedelta(seconds=late))


@pytest.mark.parametrize(
    ("secret", "timestamp", "body", "signature"),
    [
        ("another-secret", TIMESTAMP, BODY, SIGNATURE),
        ("", TIMESTAMP, BODY, SIGNATURE),
        (SECRET, TIMESTAMP, BODY + b"&x=1", SIGNATURE),
        (SECRET, "1531420619", BODY, SIGNATURE),
        (SECRET, TIMESTAMP, BODY, SIGNATURE.replace("v0", "v1")),
        (SECRET, TIMESTAMP, BODY, SIGNATURE[:-1]),
        (SECRET, TIMESTAMP, BODY, SIGNATURE.upper()),
        (SECRET, TIMESTAMP, BODY, ""),
        (SECRET, TIMESTAMP, BODY, "v0=봉수"),
        (SECRET, TIMESTAMP, BODY, "\ud800"),
        (SECRET, "", BODY, SIGNATURE),
        (SECRET, "soon", BODY, SIGNATURE),
        (SECRET, "1531420618.0", BODY, SIGNATURE),
        (SECRET, "-1531420618", BODY, SIGNATURE),
        (SECRET, "١٥٣١٤٢٠٦١٨", BODY, SIGNATURE),
        (SECRET, "9" * 5_000, BODY, SIGNATURE),
    ],
)
def test_anything_else_is_not_slack(
    secret: str, timestamp: str, body: bytes, signature: str
) -> None:
    assert not verify(secret, timestamp, body, signature, NOW)


def test_an_empty_secret_verifies_nothing_not_even_what_is_signed_with_it() -> None:
    forged = "v0=" + hmac.new(b"", b"v0:%s:x" % TIMESTAMP.encode(), hashlib.sha256).hexdigest()
    assert not verify("", TIMESTAMP, b"x", forged, NOW)


class StoppedClock(Clock):
    def now(self) -> float:
        return NOW.timestamp()


@given(st.text(max_size=200))
def test_slacks_own_verifier_agrees(text: str) -> None:
    body = text.encode("utf-8", "ignore")
    theirs = SignatureVerifier(SECRET, StoppedClock())
    signature = theirs.generate_signature(timestamp=TIMESTAMP, body=body)
    assert signature is not None
    assert verify(SECRET, TIMESTAMP, body, signature, NOW)
    assert not theirs.is_valid(body + b"x", TIMESTAMP, signature)
    assert not verify(SECRET, TIMESTAMP, body + b"x", signature, NOW)


def test_a_press_says_who_pressed_what_and_where() -> None:
    press = parse_interaction(payload())
    assert (press.user_id, press.action, press.value) == ("U024BE7LH", "ack", "01K2:p1")
    assert press.receipt == "CBR2V3XEX:1548261231.000200"
    assert press.response_url.startswith("https://hooks.slack.com/actions/")


@pytest.mark.parametrize("action_id", ["open", "open-ack"])
def test_a_button_that_only_opens_a_page_asks_for_nothing(action_id: str) -> None:
    assert parse_interaction(payload(actions=[{"action_id": action_id}])).action == "open"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no field 'payload'"),
        (b"payload=", "no field 'payload'"),
        (b"payload=%7B%7D&payload=%7B%7D", "more than one"),
        (b"payload=not+json", "payload: JSON is malformed"),
        (b"payload=%7B%7D", "missing required field `type`"),
        (b"payload=%5B1%5D", "Expected `object`, got `array`"),
        (b"\xff\xfe", "not UTF-8"),
        (b"payload=%FF", "payload: "),
        (b"a=1&" * 50, "the form: "),
        (b"payload=" + b"%5B" * 200_000, "payload: "),
        (b"x" * 1_000_001, "at most 1000000"),
        (payload(type="view_submission"), "'view_submission'; only block_actions"),
        (payload(actions=[]), "nothing was pressed"),
        (payload(actions=[{"action_id": "delete_everything"}]), "'delete_everything' is none of"),
        (payload(actions=[{"action_id": 5}]), "Expected `str`, got `int`"),
        (payload(user=None), "Expected `object`, got `null`"),
    ],
)
def test_rubbish_is_refused_with_a_reason(body: bytes, says: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_interaction(body)
    assert says in str(refused.value)


@given(st.binary(max_size=300))
def test_no_body_breaks_the_parser(body: bytes) -> None:
    with pytest.raises(Refusal):
        parse_interaction(b"payload=" + body)
