"""Where signals come in: a plain ASGI app, because a framework would cost more than the work.

It stands before the console's app and hands on whatever is not its own. What each sender's form
looks like is known by `bongsu.signals.formats`; what is answered follows the sender's own API.
Every answer in the 200s is given only when the signal is durable.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import asyncpg
import msgspec

from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.signals import SignalFormat
from bongsu.signals.alert import Parsed, Refusal
from bongsu.signals.formats import flags, pagerduty
from bongsu.store.alert_writer import NotKeptError
from bongsu.store.database import AWAY
from bongsu.store.integrations import KeysUnknownError
from bongsu.store.signals import Signal
from bongsu.web import alertmanager_api, ingest_changes
from bongsu.web.ingest_forms import FORMS, Form, Reader
from bongsu.web.ingest_http import (
    LARGEST_EVENT,
    MOST_FROM_STRANGERS,
    Answer,
    ASGIApp,
    Bodies,
    DisconnectedError,
    Receive,
    RefusedError,
    Request,
    Scope,
    Send,
    lingering,
    problem,
)
from bongsu.web.ingest_refusals import (
    no_database,
    no_silence,
    not_allowed,
    nothing_here,
    refusals_of,
    written,
    wrong_method,
)
from bongsu.web.ingest_short import LARGEST, Clock, ShortWay

if TYPE_CHECKING:
    from bongsu.store.alert_writer import AlertWriter
    from bongsu.store.database import Pool
    from bongsu.store.integrations import IntegrationKeys

TOO_LARGE = 413
T = TypeVar("T")
P = ParamSpec("P")
_NO_DATABASE = (asyncpg.PostgresError, *AWAY)
_PREFIXES = ("/in/", "/api/v2/silence")


Handler = Callable[[Request], Awaitable[Answer]]


class IngestApp:
    """Serves the signal routes; every other request goes to ``rest``.

    ``manual`` returns the manual in force, which says what each integration may send.
    """

    def __init__(  # noqa: PLR0917  what it works with, in the order of the way in
        self,
        writer: AlertWriter,
        keys: IntegrationKeys,
        clock: Clock,
        manual: Callable[[], Manual],
        pool: Pool,
        rest: ASGIApp | None = None,
    ) -> None:
        self._writer = writer
        self._keys = keys
        self._clock = clock
        self._manual = manual
        self._pool = pool
        self._rest = rest
        self._bodies = Bodies()
        self._strangers = Bodies(LARGEST_EVENT, MOST_FROM_STRANGERS)
        self._signals = Reader()
        self.short = ShortWay(writer, keys, clock, manual, self._signals)
        self._started = clock.now()
        self._posts: dict[str, Handler] = {
            "/v2/enqueue": self._pagerduty,
            "/v2/change/enqueue": self._pagerduty_change,
        }
        self._gets: dict[str, Handler] = {
            "/-/healthy": self._healthy,
            "/-/ready": self._ready,
            "/api/v2/status": self._status,
            "/api/v2/alerts": self._alerts,
            "/api/v2/silences": self._silences,
            "/api/v2/receivers": self._receivers,
        }
        self._paths = {"/api/v2/alerts", "/v1/changes", *self._posts, *self._gets}

    def before(self, rest: ASGIApp) -> IngestApp:
        """Hand on to ``rest`` what is not a signal's."""
        self._rest = rest
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] != "http" or not self._is_own(scope["path"]):
            await self._hand_on(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            posted = request.method == "POST"
            if posted and (form := FORMS.get(request.path)):
                answer = await self._take(request, form)
            elif posted and request.path in ingest_changes.FORMS:
                answer = await self._changes(request)
            else:
                answer = await self._handler(request)(request)
        except DisconnectedError:
            return
        except (RefusedError, KeysUnknownError, NotKeptError) as error:
            answer = problem(refusals_of(error), self._lang(request))
        await answer.send(lingering(send, receive) if answer.status == TOO_LARGE else send)

    def _is_own(self, path: str) -> bool:
        return path in self._paths or path.startswith(_PREFIXES)

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._rest is not None:
            await self._rest(scope, receive, send)
        elif scope["type"] == "http":
            await problem([nothing_here()], "en").send(send)

    def _handler(self, request: Request) -> Handler:
        post, get = self._posts.get(request.path), self._gets.get(request.path)
        if request.method == "POST" and post:
            return post
        if request.method in ("GET", "HEAD") and get:
            return get
        if request.path.startswith("/api/v2/silence"):
            raise RefusedError(no_silence())
        if post or request.path in FORMS or request.path in ingest_changes.FORMS:
            raise RefusedError(wrong_method("POST"))
        raise RefusedError(wrong_method("GET") if get else nothing_here())

    def _lang(self, request: Request) -> str:
        return request.language(self._manual().overview.locale)

    async def _take(self, request: Request, form: Form) -> Answer:
        """Make a signal's good alerts durable; the bad ones are answered, and kept to be seen."""
        integration = self._keys.known(request.key) if request.key else None
        if integration is None and request.key:
            integration = await self._keys.resolve(request.key)
        if not_allowed := self._not_allowed(integration, form.format):
            raise RefusedError(not_allowed)
        raw = await self._bodies.read(request)
        now = self._clock.now()
        usual = await _in_time(raw, self._signals.read, form, integration or "", raw, now)
        if usual is not None:
            signal = Signal(now, integration, form.format, raw)
            await self._writer.write_rows(signal, usual.rows)
            return usual.answer
        parsed = await _in_time(raw, form.parse, raw, now)
        if parsed.alerts:
            said = written(parsed.refused)
            signal = Signal(now, integration, form.format, raw, "partial", said)
            await self._writer.write(signal, parsed.alerts)
        else:
            self._refuse(now, integration, form.format, raw, parsed.refused)
        return form.refused(parsed, self._lang(request))

    async def _pagerduty(self, request: Request) -> Answer:
        raw = await self._strangers.read(request)
        now = self._clock.now()
        integration, not_allowed = await self._stranger(raw)
        if not_allowed:
            return self._refuse_event(now, integration, raw, [not_allowed])
        parsed = await _in_time(raw, _event, raw, now)
        if parsed.refused:
            return self._refuse_event(now, integration, raw, parsed.refused)
        await self._writer.write(Signal(now, integration, "pagerduty", raw), parsed.alerts)
        return Answer(202, pagerduty.accepted(parsed.alerts[0].key))

    async def _pagerduty_change(self, request: Request) -> Answer:
        raw = await self._strangers.read(request)
        now = self._clock.now()
        integration, not_allowed = await self._stranger(raw)
        if not_allowed:
            return self._refuse_event(now, integration, raw, [not_allowed])
        _, change = await _in_time(raw, pagerduty.parse_change, raw, now)
        if isinstance(change, list):
            return self._refuse_event(now, integration, raw, change)
        await ingest_changes.keep(self._pool, self._manual(), integration or "", now, [change])
        return Answer(202, pagerduty.CHANGE_ACCEPTED)

    async def _changes(self, request: Request) -> Answer:
        """Keep the good changes of a body; the bad ones are answered, and kept to be seen."""
        name, parse = ingest_changes.FORMS[request.path]
        integration = await self._keys.resolve(request.key) if request.key else None
        if not_allowed := self._not_allowed(integration, *ingest_changes.ALLOWED):
            raise RefusedError(not_allowed)
        raw = await self._bodies.read(request)
        now, lang = self._clock.now(), self._lang(request)
        sent = request.header(flags.SIGNATURES[name][0]) if name in flags.SIGNATURES else ""
        if forged := flags.signature_refusal(name, sent, request.key or "", raw):
            raise RefusedError(forged)
        parsed = await _in_time(raw, parse, raw, now)
        manual, told_by = self._manual(), integration or ""
        new = await ingest_changes.keep(self._pool, manual, told_by, now, parsed.changes)
        if parsed.refused:
            self._refuse(now, integration, "changes", raw, parsed.refused)
        return ingest_changes.answer(parsed, new, lang)

    async def _stranger(self, raw: bytes) -> tuple[str | None, Refusal | None]:
        """Say who sent an event, and why it is not taken: before anything else in it is parsed."""
        key = pagerduty.read_key(raw)
        if isinstance(key, Refusal):
            return None, key
        integration = await self._keys.resolve(key)
        not_allowed = self._not_allowed(integration, "pagerduty")
        if not_allowed is None:
            return integration, None
        return integration, msgspec.structs.replace(not_allowed, field="routing_key")

    def _refuse_event(
        self, now: datetime, integration: str | None, raw: bytes, refused: list[Refusal]
    ) -> Answer:
        self._refuse(now, integration, "pagerduty", raw, refused)
        return Answer(400, pagerduty.refused(refused))

    async def _reader(self, request: Request) -> str:
        """Return the integration that asks, if it may use Alertmanager's API."""
        integration = await self._keys.resolve(request.key) if request.key else None
        if not_allowed := self._not_allowed(integration, "prometheus"):
            raise RefusedError(not_allowed)
        return integration or ""

    def _not_allowed(self, integration: str | None, *formats: SignalFormat) -> Refusal | None:
        return not_allowed(self._manual(), integration, *formats)

    def _refuse(
        self,
        now: datetime,
        integration: str | None,
        format_: SignalFormat,
        raw: bytes,
        refused: Sequence[Refusal],
    ) -> None:
        signal = Signal(now, integration, format_, raw, "refused", written(refused))
        self._writer.keep_refused(signal)

    # What Prometheus's tools ask of an alertmanager:

    async def _healthy(self, _request: Request) -> Answer:
        return Answer(200, b"OK", ())

    async def _ready(self, _request: Request) -> Answer:
        if self._writer.ready:
            return Answer(200, b"OK", ())
        return Answer(503, b"the database does not answer", ())

    async def _status(self, request: Request) -> Answer:
        await self._reader(request)
        return alertmanager_api.status(self._started)

    async def _receivers(self, request: Request) -> Answer:
        await self._reader(request)
        return alertmanager_api.receivers()

    async def _silences(self, request: Request) -> Answer:
        await self._reader(request)
        return alertmanager_api.silences(self._manual(), self._started, self._clock.now())

    async def _alerts(self, request: Request) -> Answer:
        integration = await self._reader(request)
        try:
            async with self._pool.acquire(timeout=2) as conn:
                return await alertmanager_api.alerts(
                    conn, integration, request.query, self._manual(), self._clock.now()
                )
        except _NO_DATABASE:
            raise RefusedError(no_database()) from None


async def _in_time(raw: bytes, read: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """Read a body, a large one in a thread, so that others don't wait for it."""
    if len(raw) < LARGEST:
        return read(*args, **more)
    return await asyncio.to_thread(read, *args, **more)


def _event(raw: bytes, now: datetime) -> Parsed:
    return pagerduty.parse(raw, now, lambda: uuid.uuid4().hex).parsed
