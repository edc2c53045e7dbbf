"""Slack over HTTP: one client whose connections stay open, and its answers as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from bongsu.channels.delivery import Secrets
from bongsu.channels.message import DeliveryError
from bongsu.channels.slack import errors
from bongsu.channels.slack.settings import SlackSettings
from bongsu.i18n import Translator

if TYPE_CHECKING:
    import aiohttp

KEEP_ALIVE = 120.0
"""seconds; firewalls forget idle connections after a few minutes, and a page would find out late"""
CONNECTIONS = 20
LONGEST_WAIT = 3_600.0
LOGGER = "aiohttp.client"
_OK, _TOO_MANY, _CLIENT_ERROR, _SERVER_ERROR = 200, 429, 400, 500
_TIMEOUT = 408


class Answer(msgspec.Struct, frozen=True):
    """The parts of a Web API answer that matter here."""

    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""


class Response(NamedTuple):
    """An HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class SlackHttp:
    """Makes requests; every failure is a `DeliveryError` without secrets."""

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._secrets = Secrets([settings.bot_token, settings.webhook_url, settings.signing_secret])
        self._client: aiohttp.ClientSession | None = None
        self._proxies: dict[str, str | None] = {}
        """by address; the client itself would ask the environment anew for every message"""

    async def call(self, method: str, body: dict[str, Any], t: Translator) -> Answer:
        """Call a method of the Web API with the bot token.

        Raises:
            SlackError: Slack said no.
            DeliveryError: Slack could not be reached or understood; temporary.
        """
        url = f"{self._settings.api_url}/{method}"
        headers = {"Authorization": f"Bearer {self._settings.bot_token}"}
        response = await self._post(url, body, headers, t)
        if response.status != _OK:
            raise self._not_understood(response, t)
        try:
            answer = msgspec.json.decode(response.content, type=Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._not_understood(response, t) from None
        if not answer.ok:
            raise errors.refused(answer.error or "unknown_error", t)
        return answer

    async def hook(self, url: str, body: dict[str, Any], t: Translator) -> None:
        """Post to an incoming webhook or a response_url; their answers are plain words.

        Raises:
            SlackError: Slack said no.
            DeliveryError: Slack could not be reached or understood; temporary.
        """
        response = await self._post(url, body, {}, t)
        if response.status == _OK:
            return
        code = response.content.decode(errors="replace").strip()
        if _CLIENT_ERROR <= response.status < _SERVER_ERROR and code.isidentifier():
            raise errors.refused(code, t)
        raise self._not_understood(response, t)

    async def open(self, t: Translator) -> None:
        """Connect ahead of the first message; with a token also check it.

        Raises:
            DeliveryError: messages would fail now.
        """
        if self._settings.bot_token:
            await self.call("auth.test", {}, t)
        elif self._settings.webhook_url:
            root = urljoin(self._settings.webhook_url, "/")
            await self._exchange("HEAD", root, None, {}, t)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
            self._secrets.release(LOGGER)

    def hide(self, text: str) -> str:
        """Return ``text`` without secrets."""
        return self._secrets.hide(text)

    async def _post(
        self, url: str, body: dict[str, Any], headers: dict[str, str], t: Translator
    ) -> Response:
        content = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        response = await self._exchange("POST", url, content, headers, t)
        if response.status == _TOO_MANY:
            raise errors.too_many(_seconds(response.headers.get("Retry-After")), t)
        return response

    async def _exchange(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str], t: Translator
    ) -> Response:
        import aiohttp  # noqa: PLC0415  loaded when first needed

        request = partial(
            _request, self._http(), method, url, content, headers, proxy=self._proxy(url)
        )
        try:
            try:
                return await request()
            except aiohttp.ServerDisconnectedError:
                # Slack closed an idle connection just as it was used again.
                return await request()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = self.hide(str(error)) or type(error).__name__
            text = t("Slack can't be reached: {cause}", cause=cause)
            raise DeliveryError(text, permanent=False) from None

    def _http(self) -> aiohttp.ClientSession:
        if self._client is None:
            import aiohttp  # noqa: PLC0415  loaded when first needed

            self._secrets.guard(LOGGER)
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                # The whole delivery has one time limit; a second one inside would only hide it.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            )
        return self._client

    def _proxy(self, url: str) -> str | None:
        """Return the proxy that the environment names for an address, None for the direct way."""
        address = urlsplit(url)
        origin = f"{address.scheme}://{address.netloc}"
        if origin not in self._proxies:
            direct = proxy_bypass(address.hostname or "")
            self._proxies[origin] = None if direct else getproxies().get(address.scheme)
        return self._proxies[origin]

    def _not_understood(self, response: Response, t: Translator) -> DeliveryError:
        """A proxy's page, an outage, or an address that isn't Slack's."""
        status = response.status
        text = t("Slack answered HTTP {status}, not as documented", status=status)
        permanent = _CLIENT_ERROR <= status < _SERVER_ERROR and status != _TIMEOUT
        return DeliveryError(text, permanent=permanent)


async def _request(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    content: bytes | None,
    headers: dict[str, str],
    *,
    proxy: str | None,
) -> Response:
    async with http.request(
        method, url, data=content, headers=headers, allow_redirects=False, proxy=proxy
    ) as answer:
        return Response(answer.status, answer.headers, await answer.read())


def _seconds(header: str | None) -> float:
    """Read Retry-After; Slack sends whole seconds, and a wrong one must not stop us for ever."""
    try:
        return min(max(float(header or 1), 0.0), LONGEST_WAIT)
    except ValueError:
        return 1.0
