"""Writes what came of deliveries on the logs of their incidents, many in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import structlog

from bongsu.engine import effects, jobs
from bongsu.engine.advance import Step, advance
from bongsu.engine.effects import Effect
from bongsu.engine.engine import Engine
from bongsu.engine.policy import Policy
from bongsu.engine.together import Together
from bongsu.incident import events as e
from bongsu.store import incidents
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

AT_ONCE = 50
"""outcomes of one transaction"""
PAUSE = 0.2
"""seconds between two attempts to record what was sent, once the database is away; shorter than
what workers wait after it came back (`jobs.PAUSE`), so that nobody sends it again before"""

log = structlog.get_logger(__name__)


class Outcome(NamedTuple):
    """A delivery and what came of it."""

    effect: Effect
    body: e.AnyBody


class Recorder:
    """Writes outcomes; those of what is urgent do not wait for those of what isn't."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._leaving = asyncio.Event()
        self._away = False
        self._urgent = Together(self._record, AT_ONCE, self._answering)
        self._other = Together(self._record, AT_ONCE, self._answering)

    def leave(self) -> None:
        """Wait no longer for a database that is away."""
        self._leaving.set()

    async def record(self, effect: Effect, body: e.AnyBody, *, urgent: bool) -> None:
        """Write what came of a delivery.

        A database that is away is waited for: the message is out, and whoever does not find that
        written would send it again.
        """
        recorded = False
        while not recorded:
            try:
                await (self._urgent if urgent else self._other).do(Outcome(effect, body))
                recorded = True
            except AWAY as error:
                log.warning("delivery.not_recorded_yet", effect=str(effect), error=repr(error))
                if self._leaving.is_set():
                    raise
                self._away = True

    async def _answering(self) -> None:
        """Wait until a database that was away answers: then all that waits is written at once."""
        while self._away and not self._leaving.is_set():
            try:
                await self._engine.pool.execute("SELECT")
                self._away = False
            except AWAY:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._leaving.wait(), PAUSE)

    async def _record(self, outcomes: Sequence[Outcome]) -> list[None]:
        try:
            await self._engine.transact(
                lambda conn, policy, now: _written(conn, policy, now, outcomes)
            )
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001  the edge of an effect; recorded one by one
            await self._narrow(outcomes, error)
        return [None] * len(outcomes)

    async def _narrow(self, outcomes: Sequence[Outcome], error: Exception) -> None:
        """Record each alone; what can't be written down is not sent for ever."""
        if len(outcomes) > 1:
            for one in outcomes:
                await self._record([one])
            return
        effect = outcomes[0].effect
        log.error("delivery.unrecordable", effect=str(effect), error=repr(error))
        await self._engine.transact(lambda conn, *_: _only_done(conn, effect))


async def _written(
    conn: PoolConnection, policy: Policy, now: datetime, outcomes: Sequence[Outcome]
) -> list[Step]:
    found = await incidents.lock(conn, list({one.effect.incident for one in outcomes}))
    new = await effects.done_all(conn, [one.effect for one in outcomes])
    await jobs.forget(conn, new)
    came: dict[int, list[e.AnyBody]] = defaultdict(list)
    for one in outcomes:
        if one.effect in new:
            came[one.effect.incident].append(one.body)
    steps = []
    for incident, bodies in came.items():
        steps.append(advance(policy, found[incident], e.SYSTEM, bodies, now))
        await asyncio.sleep(0)  # signals and pages go on meanwhile
    return steps


async def _only_done(conn: PoolConnection, effect: Effect) -> list[Step]:
    await effects.done(conn, effect)
    return []
