"""Takes messages to people's channels: claim, look again, send, record.

A slow channel holds up only its own messages: each has its own places, and what finds no room waits
in the job queue, where any worker may take it. In a storm many deliveries share each statement.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import structlog

from bongsu.channels.message import Channel, DeliveryError, Message
from bongsu.engine import effects
from bongsu.engine.effects import Effect
from bongsu.engine.engine import Engine
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.engine.messages import Writer
from bongsu.engine.recorder import Recorder
from bongsu.engine.together import Together
from bongsu.engine.writing import URGENT
from bongsu.incident import events as e
from bongsu.incident.rules.paging import wanted
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bongsu.store.database import Pool

PLACES_PER_CHANNEL = 16
ROOM = 256
"""deliveries of a channel that this process takes by hand: on their way, or waiting for a place"""
AT_ONCE = 100
"""claims and receipts of one statement"""
LONGEST_SEND = 6.0
"""seconds after which every delivery under way has ended, by its channel's own time limit"""

log = structlog.get_logger(__name__)


class Line(NamedTuple):
    """Deliveries that wait for one another: a P0 does not stand in line behind P2s."""

    channel: str
    urgent: bool


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
        self._recorder = Recorder(engine)
        self._claiming = Together(self._claim, AT_ONCE)
        self._noting = Together(self._note, AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()
        self._taken: Counter[Line] = Counter()
        self._in_hand: set[Effect] = set()
        self._places: dict[Line, asyncio.Semaphore] = {}

    def takes(self, deliveries: Sequence[effects.Delivery]) -> bool:
        """Whether this process would begin all of these at once."""
        asked = Counter(map(_line, deliveries))
        return all(self._taken[line] + count <= ROOM for line, count in asked.items())

    def begin(self, effect: Effect, delivery: effects.Delivery) -> None:
        """Begin a delivery now; its job stays behind as the promise."""
        line = _line(delivery)
        task = asyncio.create_task(self._by_hand(effect, delivery), name=f"deliver {effect}")
        self._under_way.add(task)
        self._taken[line] += 1
        task.add_done_callback(partial(self._ended, line))

    def _ended(self, line: Line, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._taken[line] -= 1

    async def drain(self) -> None:
        """Wait for the deliveries under way.

        Those that only wait for a database that is away, to be recorded, are left to their jobs:
        they may be repeated.
        """
        asyncio.get_running_loop().call_later(LONGEST_SEND, self._recorder.leave)
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
        """Send what is still wanted once it is its turn.

        Raises:
            BusyElsewhereError: another worker has claimed it and may still be sending.
        """
        if effect in self._in_hand:
            raise BusyElsewhereError(f"{effect} is under way in this process")
        self._in_hand.add(effect)
        try:
            line = _line(delivery)
            # Until it is recorded, so that a crash finds few that are just being sent.
            async with self._place(line):
                outcome = await self._outcome(effect, delivery)
                if outcome is not None:
                    await self._recorder.record(effect, outcome, urgent=line.urgent)
        finally:
            self._in_hand.discard(effect)

    def _place(self, line: Line) -> asyncio.Semaphore:
        """Whoever has a place sends at once: a channel says how many it can serve side by side."""
        if line not in self._places:
            count = getattr(self._channels[line.channel], "places", PLACES_PER_CHANNEL)
            self._places[line] = asyncio.Semaphore(count)
        return self._places[line]

    async def _outcome(self, effect: Effect, known: effects.Delivery) -> e.AnyBody | None:
        """Send it unless it is no longer wanted; None where it was done meanwhile.

        Nothing leaves or is withdrawn unclaimed; and what has changed since it was read is read
        again then, so that nobody is called who has answered.
        """
        if known.receipt is not None:
            return e.Delivered(known.due.delivery, known.receipt)
        last = await self._claiming.do(effect)
        if last is None:
            raise BusyElsewhereError(f"{effect} is claimed")
        found = known if last == known.incident.seq else await self._load(effect)
        return None if found is None else await self._wanted(effect, found)

    async def _wanted(self, effect: Effect, found: effects.Delivery) -> e.AnyBody:
        policy, due = self._engine.policy, found.due
        pending = found.incident.deliveries.get(due.delivery)
        if pending is None or not wanted(policy.manual, found.incident, pending):
            return e.DeliveryWithdrawn(due.delivery, e.Reason("no_longer_wanted"))
        try:
            message = self._writer.message(policy, found.incident, due, self._engine.clock.now())
        except Exception as error:
            log.exception("delivery.unwritten", incident=effect.incident, channel=due.channel)
            return e.DeliveryFailed(due.delivery, f"{type(error).__name__}: {error}")
        return await self._send(effect, due, message)

    async def _send(self, effect: Effect, due: e.DeliveryDue, message: Message) -> e.AnyBody:
        try:
            receipt = await self._channels[due.channel].send(message, due.to)
        except DeliveryError as error:
            return e.DeliveryFailed(due.delivery, str(error), error.permanent, error.retry_after)
        except Exception as error:
            log.exception("delivery.broken", incident=effect.incident, channel=due.channel)
            return e.DeliveryFailed(due.delivery, f"{type(error).__name__}: {error}")
        with contextlib.suppress(*AWAY):  # noted at once: the event waits for the disk
            await self._noting.do((effect, receipt.id))
        return e.Delivered(due.delivery, receipt.id)

    async def _claim(self, wanted: Sequence[Effect]) -> list[int | None]:
        async with self._claims.acquire() as conn:
            claimed = await effects.claim_all(conn, wanted, self._worker)
        return [claimed.get(one) for one in wanted]

    async def _note(self, sent: Sequence[tuple[Effect, str]]) -> list[None]:
        async with self._claims.acquire() as conn:
            await effects.sent(conn, dict(sent))
        return [None] * len(sent)


def _line(delivery: effects.Delivery) -> Line:
    return Line(delivery.due.channel, delivery.incident.severity in URGENT)
