"""Takes a small signal straight from the connection, without a task of its own.

For a signal of one alert, what uvicorn does for every request (a task, an event, a timer, two
writes) costs more than all that is done with the alert. So a signal that came in one piece, and in
which nothing is unusual, is handed over at once, and answered in one write when it is durable.
Everything else goes on as if this were not here: what came so far is given to uvicorn.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from bongsu.web.ingest_http import Answer, Header
    from bongsu.web.ingest_short import ShortWay, Taken

_NOBODY_WAITS = asyncio.Event()
_LONG_WAY = frozenset((b"content-encoding", b"transfer-encoding", b"expect", b"upgrade"))
"""headers that ask for more than is done here"""


class _Cycle:
    """Stands for a request that was taken, where uvicorn keeps its own."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.disconnected = self.response_complete = False
        self.message_event = _NOBODY_WAITS


class SignalProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with a short way for signals."""

    def __init__(
        self,
        short: ShortWay,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._short = short
        self._held: list[bytes] | None = None
        """the body so far of a request that may go the short way"""
        self._idle_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take what came; a request that is not complete with it goes the long way."""
        super().data_received(data)
        if self._held is not None:
            if self.transport.is_closing():
                self._held = None
            else:
                self._let_go()

    def on_message_begin(self) -> None:
        """Begin a request; what only uvicorn needs of it is made when it goes the long way."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Hold a request back that may be a signal, until its body is there."""
        former: Any = self.cycle  # uvicorn declares that there always is one
        if (
            (former is None or former.response_complete)
            and self.parser.get_method() == b"POST"
            and not self.flow.write_paused
            and self._short.is_signal(self.url)
            and _LONG_WAY.isdisjoint([name for name, _ in self.headers])
        ):
            self._held = []
        else:
            self._go_the_long_way()

    def _go_the_long_way(self) -> None:
        url, headers, expected = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expected
        self.headers += headers  # the list that the request's scope holds
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Gather the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        """Hand a whole signal over."""
        if self._held is not None:
            held = self._held
            raw = held[0] if len(held) == 1 else b"".join(held)
            taken = self._short.take(self.url, self.headers, raw)
            if taken is not None:
                self._held = None
                self._wait_for(taken)
                return
            self._let_go()
        super().on_message_complete()

    def _let_go(self) -> None:
        """Give uvicorn what was held back."""
        held, self._held = self._held or [], None
        self._go_the_long_way()
        for body in held:
            super().on_body(body)

    def _wait_for(self, taken: Taken) -> None:
        http = self.parser.get_http_version()
        cycle = _Cycle(keep_alive=http != "1.0" and self.parser.should_keep_alive())
        self.cycle = cycle  # type: ignore[assignment]  # it has all that uvicorn looks at
        taken.durable.add_done_callback(partial(self._answer, cycle, taken.answer))

    def _answer(self, cycle: _Cycle, answer: Answer, durable: asyncio.Future[None]) -> None:
        failure = None if durable.cancelled() else durable.exception()
        cycle.response_complete = True
        if cycle.disconnected or durable.cancelled():
            self.transport.close()
            return
        if failure is not None:
            answer = self._short.not_kept(failure, self.headers)
        self.transport.write(_wire(answer, self.server_state.default_headers, cycle))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    # A connection that is idle is closed by one timer that looks now and then, rather than by one
    # that is made and cancelled with each request.

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self._timer is None:
            self._timer = self.loop.call_later(self.timeout_keep_alive, self._close_idle)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _close_idle(self) -> None:
        self._timer = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._close_idle)
        else:
            self.timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._held = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _wire(answer: Answer, common: list[Header], cycle: _Cycle) -> bytes:
    """Return an answer as it goes over the wire."""
    lines = [STATUS_LINE[answer.status]]
    for name, value in (*common, *answer.headers):
        lines += (name, b": ", value, b"\r\n")
    if not cycle.keep_alive:
        lines.append(b"connection: close\r\n")
    lines += (b"\r\n", answer.body)
    return b"".join(lines)
