"""Presses of our buttons, as Slack reports them: is it Slack, and what was pressed?

The endpoint that receives them must verify the raw body before it reads it, and answer within
three seconds.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Literal
from urllib.parse import parse_qs

import msgspec

from bongsu.channels.links import Refusal
from bongsu.channels.message import ACTION_CODES, ActionCode
from bongsu.channels.slack.blocks import OPEN

MAX_AGE = 300
"""seconds that a request may be old, or ahead of us"""
MAX_BODY = 1_000_000
_DIGITS = 12

__all__ = ["Interaction", "Refusal", "parse_interaction", "verify"]


class Interaction(msgspec.Struct, frozen=True):
    """One press of a button."""

    user_id: str
    """the Slack member who pressed it; the manual's contacts say who that is"""
    action: ActionCode | Literal["open"]
    """``open`` is a button that only opened a page: answer 200 and do nothing"""
    value: str
    response_url: str
    message_ts: str
    channel: str

    @property
    def receipt(self) -> str:
        """The receipt of the message that held the button, as `SlackChannel.send` returned it."""
        return f"{self.channel}:{self.message_ts}"


def verify(signing_secret: str, timestamp: str, body: bytes, signature: str, now: datetime) -> bool:
    """Say whether Slack signed this body (version v0) within five minutes of ``now``.

    ``timestamp`` and ``signature`` are the headers X-Slack-Request-Timestamp and
    X-Slack-Signature; pass an empty text for one that is missing.
    """
    if not signing_secret or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if len(timestamp) > _DIGITS or abs(now.timestamp() - int(timestamp)) > MAX_AGE:
        return False
    base = b"v0:" + timestamp.encode() + b":" + body
    expected = "v0=" + hmac.new(signing_secret.encode(), base, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


class _Named(msgspec.Struct):
    id: str


class _Action(msgspec.Struct):
    action_id: str
    value: str = ""


class _Container(msgspec.Struct):
    message_ts: str = ""
    channel_id: str = ""


class _Payload(msgspec.Struct):
    type: str
    user: _Named
    actions: list[_Action]
    container: _Container = msgspec.field(default_factory=_Container)
    channel: _Named | None = None
    response_url: str = ""


def parse_interaction(body: bytes) -> Interaction:
    """Read a verified request: a form whose field ``payload`` is JSON of type ``block_actions``.

    Raises:
        Refusal: it is something else; the text says what is wrong with it.
    """
    payload = _payload(body)
    if payload.type != "block_actions":
        raise Refusal(f"payload.type is {payload.type[:40]!r}; only block_actions is understood")
    if not payload.actions:
        raise Refusal("payload.actions is empty; nothing was pressed")
    pressed = payload.actions[0]
    channel = payload.channel.id if payload.channel else payload.container.channel_id
    return Interaction(
        payload.user.id, _code(pressed.action_id), pressed.value,
        payload.response_url, payload.container.message_ts, channel,
    )  # fmt: skip


def _payload(body: bytes) -> _Payload:
    if len(body) > MAX_BODY:
        raise Refusal(f"the body has {len(body)} bytes; at most {MAX_BODY} are read")
    try:
        fields = parse_qs(body.decode(), max_num_fields=20).get("payload", [])
        if len(fields) != 1:
            raise Refusal("the form has no field 'payload', or more than one")
        return msgspec.json.decode(fields[0], type=_Payload)
    except msgspec.MsgspecError as error:
        raise Refusal(f"payload: {error}") from None
    except UnicodeError:
        raise Refusal("the body is not UTF-8") from None
    except RecursionError:
        raise Refusal("payload: nested too deeply") from None
    except ValueError as error:
        raise error if isinstance(error, Refusal) else Refusal(f"the form: {error}") from None


def _code(action_id: str) -> ActionCode | Literal["open"]:
    if action_id.startswith(OPEN):
        return "open"
    for known in ACTION_CODES:
        if known == action_id:
            return known
    raise Refusal(f"action_id {action_id[:40]!r} is none of ours; use one of {ACTION_CODES}")
