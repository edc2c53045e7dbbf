"""The little of HTTP that the signal routes need, without a framework between."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn, TypeAlias

import msgspec

from bongsu.i18n import LANGUAGES, N_, translator
from bongsu.signals.refusal import Refusal

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

LARGEST_BODY = 10_000_000
"""bytes; a body of this size or more is refused before it is read to its end"""
LARGEST_EVENT = 2**19
"""the same for an event of PagerDuty's form: 512 KB, as PagerDuty itself has it"""
MOST_RECEIVING = 128 * 2**20
"""bytes of bodies that are being received at once from senders that are known"""
MOST_FROM_STRANGERS = 32 * 2**20
"""the same from senders whose key stands in the body, so that they are not known yet"""
MOST_FORGOTTEN, LONGEST_FORGOTTEN = 64 * 2**20, 5.0
"""bytes and seconds for which the rest of a refused body is still read"""
LONGEST = 30.0
"""seconds that a sender may take for its whole body"""
RETRY_AFTER = 2
"""seconds after which a sender should try again"""

JSON: Header = (b"content-type", b"application/json")
_PROBLEM: Header = (b"content-type", b"application/problem+json")
_EXTRA: dict[int, Iterable[Header]] = {
    503: ((b"retry-after", str(RETRY_AFTER).encode()),),
    413: ((b"connection", b"close"),),  # the rest of the body is not wanted
    408: ((b"connection", b"close"),),
    401: ((b"www-authenticate", b'Bearer realm="bongsu"'),),
}

_TITLES = {
    400: N_("The signal was not accepted."),
    401: N_("The integration key is missing or not known."),
    403: N_("This integration may not send this."),
    404: N_("There is nothing here."),
    405: N_("This method is not allowed here."),
    408: N_("The body took too long."),
    413: N_("The body is too large."),
    415: N_("The body's encoding is not understood."),
    422: N_("The signal can't be stored."),
    503: N_("The signal can't be taken at the moment."),
}


class RefusedError(Exception):
    """A request ends here, with refusals of one status."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__(refusals[0].message)
        self.refusals = refusals


class DisconnectedError(Exception):
    """The sender went away before its body was complete: there is nobody to answer."""


class Answer:
    """A whole response, ready to be sent any number of times."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Sequence[Header] = (JSON,)) -> None:
        length = (b"content-length", str(len(body)).encode())
        self.status = status
        self.body = body
        self.headers = [*headers, length, *_EXTRA.get(status, ())]

    async def send(self, send: Send) -> None:
        """Send it."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


def problem(refusals: Sequence[Refusal], lang: str, *, kept: int = 0) -> Answer:
    """Say what is wrong and what to send instead, as ``application/problem+json`` (RFC 9457)."""
    first = refusals[0]
    body = {
        "title": translator(lang)(_TITLES.get(first.status, _TITLES[400])),
        "status": first.status,
        "detail": f"{first.says(lang)} {first.advises(lang)}".strip(),
        "errors": [
            {"field": r.field, "message": r.says(lang), "mend": r.advises(lang)} for r in refusals
        ],
        "kept": kept,
    }
    return Answer(first.status, msgspec.json.encode(body), (_PROBLEM,))


class Request:
    """What the handlers read of a request."""

    __slots__ = (
        "_headers",
        "encoding",
        "key",
        "languages",
        "length",
        "method",
        "path",
        "query",
        "receive",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive) -> None:
        path: str = scope["path"]
        self.method: str = scope["method"]
        self.query: bytes = scope["query_string"]
        self.receive = receive
        self.key: str | None = None
        """the integration key of the path or of ``Authorization``"""
        self.length = 0
        """of the body as the sender announces it; 0 where it doesn't"""
        self.encoding = self.languages = b""
        self._headers = scope["headers"]
        for name, value in self._headers:
            if name == b"content-length":
                self.length = int(value)
            elif name == b"authorization":
                self.key = credentials(value)
            elif name == b"content-encoding":
                self.encoding = value
            elif name == b"accept-language":
                self.languages = value
        key, self.path = address(path)
        self.key = self.key if key is None else key
        """below the key, where the path holds one"""

    def header(self, wanted: bytes) -> str:
        """Return a header by its name in lower case; empty where it was not sent."""
        found = next((value for name, value in self._headers if name == wanted), b"")
        return str(found, "latin-1")

    def language(self, otherwise: str) -> str:
        """Return the language that the client asks for, or the other."""
        return language(self.languages, otherwise)


def language(accepted: bytes, otherwise: str) -> str:
    """Return the language that ``Accept-Language`` asks for, or the other."""
    asked = accepted.decode("latin-1").replace(";", ",").replace("-", ",")
    return next((word for word in asked.split(",") if word in LANGUAGES), otherwise)


def address(path: str) -> tuple[str | None, str]:
    """Take a path apart: the integration key, where it begins with one, and what is below."""
    if not path.startswith("/in/"):
        return None, path
    key, slash, below = path[4:].partition("/")
    return key, slash + below


def credentials(value: bytes) -> str | None:
    """Return the integration key of ``Authorization``: a bearer token, or a password."""
    scheme, _, credentials = value.decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def lingering(send: Send, receive: Receive) -> Send:
    """Return a ``send`` that ends the answer only when the sender has sent all, within bounds.

    A connection that is closed over unread data is reset, and the reset takes the answer with it:
    whoever is still sending would never read why it was refused.
    """

    async def slowly(message: Message) -> None:
        if message["type"] != "http.response.body" or message.get("more_body", False):
            await send(message)
            return
        await send({**message, "more_body": True})
        await _forget(receive)
        await send({"type": "http.response.body", "body": b""})

    return slowly


async def _forget(receive: Receive) -> None:
    """Read the rest of a body and keep none of it."""
    left, more = MOST_FORGOTTEN, True
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_FORGOTTEN):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


class Bodies:
    """Receives bodies, within bounds for each and for all together."""

    def __init__(self, largest: int = LARGEST_BODY, most: int = MOST_RECEIVING) -> None:
        self.largest, self.most = largest, most
        self._receiving = 0

    async def read(self, request: Request) -> bytes:
        """Return a request's body.

        Raises:
            RefusedError: it is too large, too slow, encoded, or too much is being received.
            DisconnectedError: the sender went away.
        """
        if request.length >= self.largest:
            _too_large(self.largest)
        if request.encoding and request.encoding != b"identity":
            raise RefusedError(_encoded(request.encoding))
        try:
            async with asyncio.timeout(LONGEST):
                return await self._whole(request.receive)
        except TimeoutError:
            raise RefusedError(_too_slow()) from None

    async def _whole(self, receive: Receive) -> bytes:
        message = await _next(receive)
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            return await self._rest(body, receive)
        return body

    async def _rest(self, first: bytes, receive: Receive) -> bytes:
        pieces, size = [first], len(first)
        self._receiving += size
        try:
            more = True
            while more:
                message = await _next(receive)
                piece: bytes = message.get("body", b"")
                pieces.append(piece)
                size += len(piece)
                self._receiving += len(piece)
                if size >= self.largest:
                    _too_large(self.largest)
                if self._receiving > self.most:
                    raise RefusedError(overloaded())
                more = message.get("more_body", False)
            return b"".join(pieces)
        finally:
            self._receiving -= size


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    return message


def _encoded(encoding: bytes) -> Refusal:
    return Refusal(
        N_("The body is encoded as {encoding}."),
        N_("Send it plain, without Content-Encoding."),
        values={"encoding": encoding.decode("latin-1")},
        status=415,
    )


def _too_slow() -> Refusal:
    return Refusal(
        N_("The body was not complete within {seconds} seconds."),
        N_("Send it faster, or in several requests."),
        values={"seconds": int(LONGEST)},
        status=408,
    )


def _too_large(largest: int) -> NoReturn:
    raise RefusedError(
        Refusal(
            N_("A body may have less than {most} bytes."),
            N_("Send it in several requests, or leave details out."),
            values={"most": largest},
            status=413,
        )
    )


def overloaded() -> Refusal:
    """Ask for another try in a moment: Alertmanager repeats after 5xx only, never after 429."""
    return Refusal(
        N_("More signals are waiting than can be written in time."),
        N_("Send it again in {seconds} seconds."),
        values={"seconds": RETRY_AFTER},
        status=503,
    )
