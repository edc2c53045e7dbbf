"""What every route of this process works with; it lies in the request's scope."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bongsu.channels.message import Channel
from bongsu.engine.messages import Writer
from bongsu.engine.policy import Policy, compile_policy
from bongsu.i18n import Translator, translator
from bongsu.store import overrides
from bongsu.web.access.actor import Actor
from bongsu.web.access.door import Access
from bongsu.web.access.language import language
from bongsu.web.metrics import Counters

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from bongsu.engine.diagnosis import Diagnostician
    from bongsu.engine.engine import Engine
    from bongsu.manual.schema.document import Manual
    from bongsu.store.database import Pool, PoolConnection
    from bongsu.web.live import LiveFeed

SCOPE = "bongsu"
READERS = 4
"""connections that pages and lists may hold at once; the others sign people in and write"""

Reload = Callable[[], Awaitable["Manual"]]
MetricSource = Callable[[], Iterable[str]]
"""yields lines in Prometheus's text format (`bongsu.web.metrics.numbers`)"""


@dataclass(frozen=True)
class Services:
    """The running process, as its routes see it."""

    engine: Engine
    pool: Pool
    """the faces' connections; the engine has its own, which nobody outside can hold"""
    access: Access
    live: LiveFeed
    writer: Writer
    channels: Mapping[str, Channel]
    counters: Counters
    reload: Reload | None = None
    """reads the manual's folder again; raises what `bongsu.manual.load.load` raises"""
    more_metrics: Sequence[MetricSource] = ()
    diagnostician: Diagnostician | None = None
    """diagnoses incidents; None where this process does not"""
    _readers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READERS))

    @property
    def policy(self) -> Policy:
        """What decides at the moment."""
        return self.engine.policy

    @property
    def base_url(self) -> str:
        """The public address, without a slash at its end."""
        return self.writer.base_url

    @property
    def secret(self) -> bytes:
        """What links are signed with."""
        return self.writer.secret

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PoolConnection]:
        """Lend a connection for reading, so that many readers don't hold up the writers."""
        async with self._readers, self.pool.acquire() as conn:
            yield conn

    def translator(self, request: HTTPConnection, actor: Actor | None = None) -> Translator:
        """Return the texts in the language that a program asks for."""
        accepted = request.headers.get("accept-language", "")
        return translator(language(accepted, actor, self.policy.manual.overview.locale))

    async def recompile(self) -> None:
        """Decide by the overrides as they are now; other processes hear of it by NOTIFY."""
        async with self.pool.acquire() as conn:
            found = await overrides.current(conn)
        # The manual is read after the wait: another one may have been adopted meanwhile.
        self.engine.policy = compile_policy(self.engine.policy.manual, found)


def services(request: HTTPConnection) -> Services:
    """Return what the routes of this process work with."""
    found: Services = request.scope[SCOPE]
    return found
