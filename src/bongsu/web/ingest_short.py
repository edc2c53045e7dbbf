"""What the short way asks of a signal: see `bongsu.web.ingest_protocol`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bongsu.store.alert_writer import NotKeptError
from bongsu.store.signals import Signal
from bongsu.web.ingest_forms import Reader, addressed
from bongsu.web.ingest_http import Answer, Header, language, problem
from bongsu.web.ingest_refusals import no_database, not_allowed, refusals_of

if TYPE_CHECKING:
    import asyncio

    from bongsu.manual.schema.document import Manual
    from bongsu.store.alert_writer import AlertWriter
    from bongsu.store.integrations import IntegrationKeys

LARGEST = 131_072
"""bytes of a body that is read at once, while everybody else waits"""


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """Return the time now."""
        ...


class Taken(NamedTuple):
    """A signal on its way to the disk, and what to answer when it is there."""

    durable: asyncio.Future[None]
    answer: Answer


class ShortWay:
    """Takes whole signals in which nothing is unusual, without a request's ceremony."""

    def __init__(
        self,
        writer: AlertWriter,
        keys: IntegrationKeys,
        clock: Clock,
        manual: Callable[[], Manual],
        signals: Reader,
    ) -> None:
        self._writer = writer
        self._keys = keys
        self._clock = clock
        self._manual = manual
        self._signals = signals

    def is_signal(self, url: bytes) -> bool:
        """Whether a post to this address is a signal that `take` may take."""
        return addressed(url, b"")[0] is not None

    def take(self, url: bytes, headers: Sequence[Header], raw: bytes) -> Taken | None:
        """Begin to keep a signal; None: serve the request, which finds what is the matter."""
        form, key = addressed(url, _value(headers, b"authorization"))
        integration = self._keys.known(key) if key else None
        if form is None or integration is None or len(raw) >= LARGEST:
            return None
        if not_allowed(self._manual(), integration, form.format):
            return None
        now = self._clock.now()
        usual = self._signals.read(form, integration, raw, now)
        if usual is None:
            return None
        try:
            signal = Signal(now, integration, form.format, raw)
            return Taken(self._writer.write_rows(signal, usual.rows), usual.answer)
        except NotKeptError:
            return None

    def not_kept(self, error: BaseException, headers: Sequence[Header]) -> Answer:
        """Say why a signal that was taken is not durable after all."""
        refusals = refusals_of(error) if isinstance(error, NotKeptError) else [no_database()]
        otherwise = self._manual().overview.locale
        return problem(refusals, language(_value(headers, b"accept-language"), otherwise))


def _value(headers: Sequence[Header], name: bytes) -> bytes:
    """Return the last header of this name, or nothing."""
    found = b""
    for known, value in headers:
        if known == name:
            found = value
    return found
