"""Posts messages as JSON; an answer of 2xx says that they were taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from bongsu.channels.delivery import Secrets, bounded
from bongsu.channels.message import DeliveryError, Message, Receipt
from bongsu.channels.text import render, subject
from bongsu.i18n import Translator, translator

FROM_ENVIRONMENT = "env:"
LOGGER = "aiohttp.client"
LONGEST_WAIT = 3_600.0
AGAIN = frozenset((408, 425, 429))
"""what 4xx says of the moment and not of the message"""
_FINE, _REDIRECTS, _SERVER_ERROR = 200, 300, 500


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What is posted; keys are only ever added. Times are ISO 8601 in UTC."""

    alert: str
    """in one line"""
    severity: str
    """what the manual calls it, in lower case: ``critical``"""
    text: str
    """the whole message; what Slack and its like show of a webhook"""
    level: str
    """``P0`` … ``P3``"""
    kind: str
    """``page``, ``notice``, ``update``"""
    id: str
    """the same when a message is sent once more"""
    incident: str
    title: str
    type: str
    phase: str
    started_at: str
    drill: bool
    link: str


class Answer(NamedTuple):
    """What came back."""

    status: int
    retry_after: float | None


class WebhookChannel:
    """Each message is a request of its own: an address is posted to seldom."""

    name = "webhook"

    def __init__(self, variable: Callable[[str], str | None]) -> None:
        self._variable = variable

    async def warm(self) -> None:
        """Do nothing: there is no connection to keep."""

    async def send(self, message: Message, to: str) -> Receipt:
        """Post one message; there is no receipt.

        Raises:
            DeliveryError: it was not taken, as far as can be known.
        """
        t = translator(message.lang)
        url = self._address(to, t)
        place = urlsplit(url).hostname or ""
        async with bounded(place, message.lang):
            answer = await _post(url, message, t)
        if not _FINE <= answer.status < _REDIRECTS:
            text = t("{place} answered HTTP {status}", place=place, status=answer.status)
            later = answer.status in AGAIN or answer.status >= _SERVER_ERROR
            raise DeliveryError(text, permanent=not later, retry_after=answer.retry_after)
        return Receipt()

    async def close(self) -> None:
        """Do nothing, as above."""

    def _address(self, to: str, t: Translator) -> str:
        """Return where it goes; what stands in the environment is never shown."""
        name = to.removeprefix(FROM_ENVIRONMENT)
        url = self._variable(name) if to.startswith(FROM_ENVIRONMENT) else to
        if url is None:
            text = t("set the environment variable {name} to the webhook's address", name=name)
            raise DeliveryError(text, permanent=True)
        if not _is_address(url):
            text = t("what {name} holds is no address; write it with https://", name=name)
            raise DeliveryError(text, permanent=True)
        return url


def posted(message: Message) -> Posted:
    """Return what is posted for a message."""
    text = render(message)[1]
    first = text.strip().partition("\n")[0].strip("*# ")
    return Posted(
        alert=first if message.kind == "notice" and first else subject(message),
        severity=(message.severity_name or message.severity).lower(), text=text,
        level=message.severity, kind=message.kind, id=message.delivery_id,
        incident=message.incident_number, title=message.title, type=message.type,
        phase=message.phase, started_at=message.started_at.isoformat(), drill=message.drill,
        link=message.links.incident,
    )  # fmt: skip


async def _post(url: str, message: Message, t: Translator) -> Answer:
    import aiohttp  # noqa: PLC0415  loaded when first needed

    secrets = Secrets([url, urlsplit(url).path.strip("/"), urlsplit(url).query])
    headers = {
        "Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.delivery_id
    }  # fmt: skip
    secrets.guard(LOGGER)
    try:
        async with (
            aiohttp.ClientSession(trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.post(
                url, data=msgspec.json.encode(posted(message)), headers=headers,
                allow_redirects=False,
            ) as answer,
        ):  # fmt: skip
            return Answer(answer.status, _seconds(answer.headers.get("Retry-After")))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        cause = secrets.hide(str(error)) or type(error).__name__
        text = t("the webhook can't be reached: {cause}", cause=cause)
        raise DeliveryError(text, permanent=False) from None
    finally:
        secrets.release(LOGGER)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _seconds(header: str | None) -> float | None:
    try:
        return None if header is None else min(max(float(header), 0.0), LONGEST_WAIT)
    except ValueError:
        return None
