"""Lets a write be repeated safely.

The header Idempotency-Key names it, and a repetition within a day gets the first one's answer
instead of doing it again.

A key is taken before the work begins. If the process dies in between, nobody knows whether the
work was done, and the repetition is told so: it must look before it repeats under a new key.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import structlog
from starlette.requests import Request

from bongsu.i18n import N_
from bongsu.store import idempotency as store
from bongsu.store.database import AWAY
from bongsu.store.idempotency import Answer, Unanswered
from bongsu.web.access.door import current_actor
from bongsu.web.bounds import replayed
from bongsu.web.problems import ProblemError
from bongsu.web.services import Services, services

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "idempotency-key"
KEPT = ("/incidents", "/oncall/overrides")
"""below these paths; what issues a secret is never kept"""
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_HEADERS = (b"content-type", b"content-language", b"location")
_SERVER_ERROR = 500

log = structlog.get_logger(__name__)


class Idempotent:
    """Stands before the API and answers repetitions by itself."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._paths = tuple(prefix + path for path in KEPT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        if not self._concerns(request):
            await self._app(scope, receive, send)
            return
        try:
            await self._once(request, receive, send)
        except ProblemError as problem:
            translator = services(request).translator(request, await current_actor(request))
            await problem.response(translator)(scope, receive, send)

    def _concerns(self, request: Request) -> bool:
        return (
            request.scope["type"] == "http"
            and request.method in ("POST", "PUT", "PATCH", "DELETE")
            and HEADER in request.headers
            and request.scope["path"].startswith(self._paths)
        )

    async def _once(self, request: Request, receive: Receive, send: Send) -> None:
        actor = await current_actor(request)
        body = await request.body()
        receive = replayed(body, receive)
        if actor is None:
            await self._app(request.scope, receive, send)
            return
        key = _checked(request.headers[HEADER])
        run = _Run(services(request), actor.signature, key)
        known = await run.begin(_fingerprint(request, body))
        if known is None:
            await run.answer_with(self._app, request.scope, receive, send)
        else:
            await _replay(known, send)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        text = N_("an Idempotency-Key has 1 to 200 printable ASCII characters, a UUID for example")
        raise ProblemError("invalid", text).at("header", "Idempotency-Key")
    return key


def _fingerprint(request: Request, body: bytes) -> bytes:
    head = f"{request.method} {request.scope['path']}\n".encode()
    return hashlib.sha256(head + body).digest()


class _Run:
    """One request under one key."""

    def __init__(self, at: Services, actor: str, key: str) -> None:
        self._at, self._actor, self._key = at, actor, key

    async def begin(self, fingerprint: bytes) -> Answer | None:
        """Take the key; return the first answer where there is one.

        Raises:
            ProblemError: the key belongs to another request, or to one without an answer.
        """
        async with self._at.pool.acquire() as conn:
            now = self._at.engine.clock.now()
            known = await store.begin(conn, self._actor, self._key, fingerprint, now)
        match known:
            case "new":
                return None
            case "another":
                text = N_("this Idempotency-Key was used for another request; take a new one")
                raise ProblemError("invalid", text).at("header", "Idempotency-Key")
            case Unanswered():
                text = N_(
                    "the same request is under way, or ended without an answer: see what came of it"
                    " before you repeat it with a new Idempotency-Key"
                )
                raise ProblemError("conflict", text).heading("retry-after", "1")
            case _:
                return known

    async def answer_with(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Do the work, and keep its answer; what failed on our side may be tried again."""
        seen = _Recorder(send)
        try:
            await app(scope, receive, seen)
        finally:
            await self._keep(seen)

    async def _keep(self, seen: _Recorder) -> None:
        try:
            async with self._at.pool.acquire() as conn:
                if seen.status >= _SERVER_ERROR:
                    await store.forget(conn, self._actor, self._key)
                else:
                    await store.answer(conn, self._actor, self._key, seen.answer())
        except AWAY as error:
            log.warning("idempotency.not_kept", error=repr(error))


class _Recorder:
    """Passes an answer on and remembers it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = _SERVER_ERROR
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = [pair for pair in message["headers"] if pair[0] in _HEADERS]
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
        await self._send(message)

    def answer(self) -> Answer:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._headers}
        return Answer(self.status, headers, self._body)


async def _replay(known: Answer, send: Send) -> None:
    pairs = {
        **known.headers,
        "idempotency-replayed": "true",
        "content-length": str(len(known.body)),
    }
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": known.status, "headers": headers})
    await send({"type": "http.response.body", "body": known.body})
