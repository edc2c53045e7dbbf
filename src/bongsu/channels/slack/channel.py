"""Delivers messages to Slack, by the way that is configured."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bongsu.channels.delivery import bounded
from bongsu.channels.message import DeliveryError, Message, Receipt
from bongsu.channels.slack import errors
from bongsu.channels.slack.api import SlackHttp
from bongsu.channels.slack.blocks import Answers, Composed, addressed, compose
from bongsu.channels.slack.mrkdwn import escape, to_mrkdwn
from bongsu.channels.slack.settings import SlackSettings
from bongsu.i18n import translator

_MEMBER = re.compile(r"[UW][A-Z0-9]{5,}")
_RECEIPT = re.compile(r"([A-Z0-9]{3,}):(\d+\.\d+)")
_HOSTS = ("slack.com", "slack-gov.com")


class SlackChannel:
    """Messages by ``chat.postMessage`` and ``chat.update``, or by an incoming webhook.

    An address is ``#channel``, a channel id, or a member id (a direct message). A webhook posts to
    its own channel whatever the address; the message then says whom it is for.
    """

    name = "slack"

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._http = SlackHttp(settings)

    @property
    def signing_secret(self) -> str | None:
        """What presses of our buttons are signed with (`interaction.verify`)."""
        return self._settings.signing_secret

    async def warm(self) -> None:
        """Load what writes the messages, connect, and check the token.

        Raises:
            DeliveryError: messages would fail now.
        """
        await asyncio.to_thread(to_mrkdwn, "")
        async with bounded("Slack", "en"):
            await self._http.open(translator("en"))

    async def send(self, message: Message, to: str) -> Receipt:
        """Post a message, or bring an earlier one up to date.

        The receipt is ``CHANNEL:TS``, empty for a webhook, which gives none. What Slack refuses
        for its form goes out again in a plainer one.

        Raises:
            DeliveryError: it was not delivered.
        """
        async with bounded("Slack", message.lang):
            if self._settings.bot_token is None:
                return await self._hook(message, to)
            if message.kind == "update" and (earlier := _RECEIPT.fullmatch(message.thread)):
                return await self._update(message, to, *earlier.groups())
            return await self._post(message, to)

    async def respond(
        self, response_url: str, text: str, *, lang: str = "ko", replace: bool = False
    ) -> None:
        """Answer the press of a button, to the person who pressed it alone.

        With ``replace`` the message that held the button becomes ``text``.

        Raises:
            DeliveryError: Slack did not take it; permanent if the address isn't Slack's.
        """
        t = translator(lang)
        if not self._is_slack(response_url):
            raise DeliveryError(t("the response_url is not Slack's"), permanent=True)
        body = {"text": escape(text), "response_type": "ephemeral", "replace_original": replace}
        async with bounded("Slack", lang):
            await self._http.hook(response_url, body, t)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _post(self, message: Message, to: str) -> Receipt:
        composed = await _composed(message, self._answers(private=bool(_MEMBER.fullmatch(to))))
        body = {**_body(message, composed), "channel": to, **_thread(message)}
        return await self._call("chat.postMessage", body, composed, message)

    async def _update(self, message: Message, to: str, channel: str, ts: str) -> Receipt:
        """Change an earlier message; where that is gone or locked, say it in a new one."""
        composed = await _composed(message, self._answers(private=bool(_MEMBER.fullmatch(to))))
        body = {**_body(message, composed), "channel": channel, "ts": ts}
        try:
            return await self._call("chat.update", body, composed, message)
        except errors.SlackError as refusal:
            if refusal.code not in errors.NOT_UPDATABLE:
                raise
            return await self._post(msgspec.structs.replace(message, thread=""), to)

    async def _call(
        self, method: str, body: dict[str, Any], composed: Composed, message: Message
    ) -> Receipt:
        t = translator(message.lang)
        while True:
            try:
                answer = await self._http.call(method, body, t)
            except errors.SlackError as refusal:
                body = plainer(body, composed, refusal)
            else:
                return Receipt(f"{answer.channel}:{answer.ts}")

    async def _hook(self, message: Message, to: str) -> Receipt:
        composed = await _composed(message, self._answers(private=False))
        person = f"<@{to}>" if _MEMBER.fullmatch(to) else escape(to)
        blocks = addressed(composed.blocks, person)
        composed = msgspec.structs.replace(
            composed, blocks=blocks, plain=f"→ {person}\n{composed.plain}"
        )
        body: dict[str, Any] = {"blocks": composed.blocks, "text": composed.text}
        while True:
            try:
                await self._http.hook(
                    self._settings.webhook_url or "", body, translator(message.lang)
                )
            except errors.SlackError as refusal:
                body = plainer(body, composed, refusal)
            else:
                return Receipt()

    def _answers(self, *, private: bool) -> Answers:
        if self._settings.signing_secret:
            return "buttons"
        return "links" if private else "none"

    def _is_slack(self, url: str) -> bool:
        parts, own = urlsplit(url), urlsplit(self._settings.api_url)
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return True
        host = parts.hostname or ""
        return parts.scheme == "https" and any(
            host == known or host.endswith("." + known) for known in _HOSTS
        )


async def _composed(message: Message, answers: Answers) -> Composed:
    """Write a message; Markdown can be written to take a second, so it does not block the loop."""
    if message.kind == "notice":
        return await asyncio.to_thread(compose, message, answers)
    return compose(message, answers)


def plainer(body: dict[str, Any], composed: Composed, refusal: errors.SlackError) -> dict[str, Any]:
    """Return the same message without what Slack refused.

    Raises:
        SlackError: ``refusal`` itself, where leaving something out would not help.
    """
    if refusal.code in errors.BLOCKS_REFUSED and body.get("blocks"):
        # An update keeps the blocks of the old message unless it empties them.
        return {**body, "blocks": [], "text": composed.plain}
    if refusal.code in errors.THREAD_REFUSED and "thread_ts" in body:
        return _without(body, "thread_ts", "reply_broadcast")
    if refusal.code in errors.METADATA_REFUSED and "metadata" in body:
        return _without(body, "metadata")
    raise refusal


def _without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def _body(message: Message, composed: Composed) -> dict[str, Any]:
    payload = {"delivery_id": message.delivery_id, "incident_id": message.incident_id}
    return {
        "blocks": composed.blocks,
        "text": composed.text,
        "link_names": False,
        "parse": "none",
        # A preview would fetch the signed links for everybody.
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": "bongsu_delivery", "event_payload": payload},
    }


def _thread(message: Message) -> dict[str, Any]:
    """A reply to an earlier message; a page shows in the channel too, so that nobody misses it."""
    found = _RECEIPT.fullmatch(message.thread)
    if found is None:
        return {}
    return {"thread_ts": found[2], **({"reply_broadcast": True} if message.kind == "page" else {})}
