"""Takes messages to people's channels: look again, claim, send, record.

A slow channel holds up only its own messages: each has its own places, and what finds none waits
in the job queue, where any worker may take it.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from bongsu.channels.message import Channel, DeliveryError, Message, Receipt
from bongsu.engine import effects
from bongsu.engine.advance import Step, advance
from bongsu.engine.effects import Effect
from bongsu.engine.engine import Engine, Work
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.engine.messages import Writer
from bongsu.engine.policy import Policy
from bongsu.engine.writing import URGENT
from bongsu.incident import events as e
from bongsu.incident.decide import wanted
from bongsu.store import incidents
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.store.database import Pool, PoolConnection

PLACES = 64
"""deliveries under way at once in this process"""
PLACES_PER_CHANNEL = 16
RECORD_PAUSE = 0.2
"""seconds between two attempts to record what was sent, once the database is away; shorter than
what workers wait after it came back (`jobs.PAUSE`), so that nobody sends it again before"""
LONGEST_SEND = 6.0
"""seconds after which every delivery under way has ended, by its channel's own time limit"""

log = structlog.get_logger(__name__)


class Courier:
    """Does the deliveries of one process."""

    def __init__(
        self,
        engine: Engine,
        channels: Mapping[str, Channel],
        writer: Writer,
        worker: str,
        claims: Pool,
    ) -> None:
        self._engine = engine
        self._claims = claims
        self._channels = channels
        self._writer = writer
        self._worker = worker
        self._under_way: set[asyncio.Task[None]] = set()
        self._in_hand: set[Effect] = set()
        self._leaving = asyncio.Event()
        self._places: dict[tuple[str, bool], asyncio.Semaphore] = {}
        """by channel, and apart for what is urgent: a P0 does not stand in line behind P2s"""

    def has_room(self, count: int) -> bool:
        """Whether this process would begin so many deliveries at once."""
        return len(self._under_way) + count <= PLACES

    def begin(self, effect: Effect, delivery: effects.Delivery) -> None:
        """Begin a delivery now; its job stays behind as the promise."""
        task = asyncio.create_task(self._by_hand(effect, delivery), name=f"deliver {effect}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def drain(self) -> None:
        """Wait for the deliveries under way.

        Those that only wait for a database that is away, to be recorded, are left to their jobs:
        they may be repeated.
        """
        asyncio.get_running_loop().call_later(LONGEST_SEND, self._leaving.set)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LONGEST_SEND + 1)

    async def _by_hand(self, effect: Effect, delivery: effects.Delivery) -> None:
        try:
            await self.deliver(effect, delivery)
        except BusyElsewhereError:
            log.info("delivery.busy_elsewhere", incident=effect.incident, seq=effect.seq)
        except Exception as error:  # noqa: BLE001  the edge of an effect: its job will try again
            log.warning(
                "delivery.left_to_job", incident=effect.incident, seq=effect.seq, error=repr(error)
            )

    async def _load(self, effect: Effect) -> effects.Delivery | None:
        async with self._engine.pool.acquire() as conn:
            found = await effects.load(conn, effect)
        return found if isinstance(found, effects.Delivery) else None

    async def deliver(self, effect: Effect, delivery: effects.Delivery) -> None:
        """Send what is still wanted once it is its turn; what had to wait is looked at again.

        Raises:
            BusyElsewhereError: another worker has claimed it and may still be sending.
        """
        if effect in self._in_hand:
            raise BusyElsewhereError(f"{effect} is under way in this process")
        self._in_hand.add(effect)
        try:
            places = self._places_of(delivery)
            waits = places.locked()
            async with places:
                found = await self._load(effect) if waits else delivery
                if found is not None:
                    await self._record(effect, await self._outcome(effect, found))
        finally:
            self._in_hand.discard(effect)

    def _places_of(self, delivery: effects.Delivery) -> asyncio.Semaphore:
        """Whoever has a place sends at once: a channel says how many it can serve side by side."""
        name, urgent = delivery.due.channel, delivery.incident.severity in URGENT
        if (name, urgent) not in self._places:
            count = getattr(self._channels[name], "places", PLACES_PER_CHANNEL)
            self._places[name, urgent] = asyncio.Semaphore(count)
        return self._places[name, urgent]

    async def _outcome(self, effect: Effect, found: effects.Delivery) -> e.AnyBody:
        """Send it unless it is no longer wanted; nothing leaves or is withdrawn unclaimed."""
        policy, due = self._engine.policy, found.due
        if found.receipt is not None:
            return e.Delivered(due.delivery, found.receipt)
        pending = found.incident.deliveries.get(due.delivery)
        if pending is None or not wanted(policy.manual, found.incident, pending):
            await self._claim(effect)
            return e.DeliveryWithdrawn(due.delivery, e.Reason("no_longer_wanted"))
        try:
            message = self._writer.message(policy, found.incident, due, self._engine.clock.now())
        except Exception as error:
            log.exception("delivery.unwritten", incident=effect.incident, channel=due.channel)
            await self._claim(effect)
            return e.DeliveryFailed(due.delivery, f"{type(error).__name__}: {error}")
        await self._claim(effect)
        return await self._send(effect, due, message)

    async def _send(self, effect: Effect, due: e.DeliveryDue, message: Message) -> e.AnyBody:
        try:
            receipt = await self._channels[due.channel].send(message, due.to)
        except DeliveryError as error:
            return e.DeliveryFailed(due.delivery, str(error), error.permanent, error.retry_after)
        except Exception as error:
            log.exception("delivery.broken", incident=effect.incident, channel=due.channel)
            return e.DeliveryFailed(due.delivery, f"{type(error).__name__}: {error}")
        await self._note(effect, receipt)
        return e.Delivered(due.delivery, receipt.id)

    async def _note(self, effect: Effect, receipt: Receipt) -> None:
        """Note at once that it is out: that takes a millisecond, the event waits for the disk."""
        with contextlib.suppress(*AWAY):
            async with self._claims.acquire() as conn:
                await effects.sent(conn, effect, receipt.id)

    async def _claim(self, effect: Effect) -> None:
        async with self._claims.acquire() as conn:
            if not await effects.claim(conn, effect, self._worker):
                raise BusyElsewhereError(f"{effect} is claimed")

    async def _record(self, effect: Effect, outcome: e.AnyBody) -> None:
        """Write what came of it.

        A database that is away is waited for: the message is out, and whoever does not find that
        written would send it again.
        """

        async def work(conn: PoolConnection, policy: Policy, now: datetime) -> list[Step]:
            found = await incidents.lock(conn, [effect.incident])
            if not await effects.done(conn, effect):
                return []
            incident = found[effect.incident]
            return [advance(policy, incident, e.SYSTEM, [outcome], now)]

        try:
            await self._waiting_for_database(effect, work)
        except AWAY:
            raise
        except Exception:
            log.exception("delivery.unrecordable", incident=effect.incident, seq=effect.seq)
            await self._waiting_for_database(effect, lambda conn, *_: _only_done(conn, effect))

    async def _waiting_for_database(self, effect: Effect, work: Work) -> None:
        while True:
            try:
                await self._engine.transact(work)
            except AWAY as error:
                log.warning("delivery.not_recorded_yet", effect=str(effect), error=repr(error))
                if self._leaving.is_set():
                    raise
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._leaving.wait(), RECORD_PAUSE)
            else:
                return


async def _only_done(conn: PoolConnection, effect: Effect) -> list[Step]:
    """What can't be written down is not sent for ever."""
    await effects.done(conn, effect)
    return []
