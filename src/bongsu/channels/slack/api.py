"""Slack over HTTP: one client whose connections stay open, and its answers as typed values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from bongsu.channels.delivery import Secrets
from bongsu.channels.message import DeliveryError
from bongsu.channels.slack import errors
from bongsu.channels.slack.settings import SlackSettings
from bongsu.i18n import Translator

if TYPE_CHECKING:
    import httpx

KEEP_ALIVE = 120.0
"""seconds; firewalls forget idle connections after a few minutes, and a page would find out late"""
CONNECTIONS = 20
LONGEST_WAIT = 3_600.0
_OK, _TOO_MANY, _CLIENT_ERROR, _SERVER_ERROR = 200, 429, 400, 500
_TIMEOUT = 408


class Answer(msgspec.Struct, frozen=True):
    """The parts of a Web API answer that matter here."""

    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""


class SlackHttp:
    """Makes requests; every failure is a `DeliveryError` without secrets."""

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._secrets = Secrets([settings.bot_token, settings.webhook_url, settings.signing_secret])
        self._client: httpx.AsyncClient | None = None

    async def call(self, method: str, body: dict[str, Any], t: Translator) -> Answer:
        """Call a method of the Web API with the bot token.

        Raises:
            SlackError: Slack said no.
            DeliveryError: Slack could not be reached or understood; temporary.
        """
        url = f"{self._settings.api_url}/{method}"
        headers = {"Authorization": f"Bearer {self._settings.bot_token}"}
        response = await self._post(url, body, headers, t)
        if response.status_code != _OK:
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
        if response.status_code == _OK:
            return
        code = response.text.strip()
        if _CLIENT_ERROR <= response.status_code < _SERVER_ERROR and code.isidentifier():
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
            root = self._http().build_request("HEAD", self._settings.webhook_url).url
            await self._exchange("HEAD", str(root.copy_with(path="/", query=None)), None, {}, t)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
            self._secrets.release("httpx")

    def hide(self, text: str) -> str:
        """Return ``text`` without secrets."""
        return self._secrets.hide(text)

    async def _post(
        self, url: str, body: dict[str, Any], headers: dict[str, str], t: Translator
    ) -> httpx.Response:
        content = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        response = await self._exchange("POST", url, content, headers, t)
        if response.status_code == _TOO_MANY:
            raise errors.too_many(_seconds(response.headers.get("Retry-After")), t)
        return response

    async def _exchange(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str], t: Translator
    ) -> httpx.Response:
        import httpx  # noqa: PLC0415  loaded when first needed

        http = self._http()
        try:
            try:
                return await http.request(method, url, content=content, headers=headers)
            except httpx.RemoteProtocolError:
                # Slack closed an idle connection just as it was used again.
                return await http.request(method, url, content=content, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            cause = self.hide(str(error)) or type(error).__name__
            text = t("Slack can't be reached: {cause}", cause=cause)
            raise DeliveryError(text, permanent=False) from None

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx  # noqa: PLC0415  loaded when first needed

            self._secrets.guard("httpx")
            limits = httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=KEEP_ALIVE)
            # The whole delivery has one time limit; a second one inside would only hide it.
            self._client = httpx.AsyncClient(limits=limits, timeout=None)  # noqa: S113
        return self._client

    def _not_understood(self, response: httpx.Response, t: Translator) -> DeliveryError:
        """A proxy's page, an outage, or an address that isn't Slack's."""
        status = response.status_code
        text = t("Slack answered HTTP {status}, not as documented", status=status)
        permanent = _CLIENT_ERROR <= status < _SERVER_ERROR and status != _TIMEOUT
        return DeliveryError(text, permanent=permanent)


def _seconds(header: str | None) -> float:
    """Read Retry-After; Slack sends whole seconds, and a wrong one must not stop us for ever."""
    try:
        return min(max(float(header or 1), 0.0), LONGEST_WAIT)
    except ValueError:
        return 1.0
