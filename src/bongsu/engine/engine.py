"""The loop around the pure core: lock, decide, write, hand over.

Everything that changes an incident goes through `Engine.transact`: in one transaction the
incidents are locked, advanced and saved with their events, their effects and the jobs that
promise those effects. After the commit the effects are handed to the courier of this process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import structlog

from bongsu.engine import effects
from bongsu.engine.advance import POISON_PAUSE, Step, advance
from bongsu.engine.clock import Clock, SystemClock
from bongsu.engine.policy import Policy
from bongsu.engine.starter import freed
from bongsu.engine.writing import write
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.state import Incident
from bongsu.store import incidents
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import Pool, PoolConnection

DEADLOCKS = 3

Command = Callable[[Policy, Incident, datetime], Sequence[e.AnyBody]]
Work = Callable[["PoolConnection", Policy, datetime], Awaitable[Sequence[Step]]]

log = structlog.get_logger(__name__)


class UnknownIncidentError(Exception):
    """There is no incident with this id."""

    def __init__(self, incident_id: int) -> None:
        super().__init__(f"no incident {incident_id}")
        self.incident_id = incident_id


class Engine:
    """Writes incidents; one per process, any number of processes on one database."""

    def __init__(self, pool: Pool, policy: Policy, clock: Clock | None = None) -> None:
        self.pool = pool
        self.policy = policy
        self.clock = clock or SystemClock()
        self.look_sooner: Callable[[datetime], None] = lambda _: None
        """called with the time of a look that a transaction asked for"""
        self.hand_over: Callable[[Sequence[effects.Asked]], None] | None = None
        """begins effects in this process at once, those that it `takes`"""
        self.takes: Callable[[Sequence[effects.Asked]], Sequence[effects.Asked]] = lambda _: ()
        self.committed: Callable[[Sequence[Step]], None] = lambda _: None
        """called with what a transaction wrote, after its commit; counts for metrics"""

    async def transact(self, work: Work) -> list[Incident]:
        """Run ``work`` in a transaction, save the steps it returns, and see to their effects.

        Where two transactions waited for each other, the one that the database gave up is run
        again.
        """
        for _ in range(DEADLOCKS):
            try:
                return await self._transact(work)
            except asyncpg.DeadlockDetectedError:
                log.info("transaction.again")
        return await self._transact(work)

    async def _transact(self, work: Work) -> list[Incident]:
        async with self.pool.acquire() as conn, conn.transaction():
            steps = await work(conn, self.policy, self.clock.now())
            asked, woken = effects.asked_by(steps), await freed(conn, steps)
            own = [*self.takes(asked), *self.takes(woken)] if self.hand_over is not None else []
            await write(conn, steps, asked, woken, own={one.effect for one in own})
        if own and self.hand_over is not None:
            self.hand_over(own)
        for step in steps:
            if step.look_at is not None:
                self.look_sooner(step.look_at)
        self.committed(steps)
        return [step.incident for step in steps]

    async def act(self, incident_id: int, actor: str, command: Command) -> Incident:
        """Let ``actor`` do something to an incident.

        Raises:
            UnknownIncidentError: there is no such incident.
            commands.RefusedError: the incident does not allow it.
        """

        async def work(conn: PoolConnection, policy: Policy, now: datetime) -> list[Step]:
            incident = await _locked(conn, incident_id)
            return [advance(policy, incident, actor, command(policy, incident, now), now)]

        try:
            return (await self.transact(work))[0]
        except asyncpg.UniqueViolationError as error:
            raise commands.RefusedError("group_goes_on") from error

    async def declare(
        self, actor: str, opened: Callable[[Policy, int, datetime], e.Opened]
    ) -> Incident:
        """Open an incident that no signal has opened; ``opened`` is given its id."""

        async def work(conn: PoolConnection, policy: Policy, now: datetime) -> list[Step]:
            incident_id = (await incidents.new_ids(conn, 1))[0]
            body = opened(policy, incident_id, now)
            return [advance(policy, Incident(str(incident_id)), actor, [body], now)]

        return (await self.transact(work))[0]

    async def merge(self, source_id: int, target_id: int, actor: str) -> list[Incident]:
        """Let one incident go on in another, its alerts with it."""

        async def work(conn: PoolConnection, policy: Policy, now: datetime) -> list[Step]:
            found = await incidents.lock(conn, [source_id, target_id])
            for wanted in (source_id, target_id):
                if wanted not in found:
                    raise UnknownIncidentError(wanted)
            pair = found[source_id], found[target_id]
            bodies = commands.merge(*pair)
            await conn.execute(
                "UPDATE alerts SET incident_id = $2 WHERE incident_id = $1", source_id, target_id
            )
            return [
                advance(policy, one, actor, its, now) for one, its in zip(pair, bodies, strict=True)
            ]

        return await self.transact(work)

    async def look(self, limit: int = 100) -> int:
        """Decide the incidents whose time has come; returns how many there were.

        If they can't be read and written together, each is tried alone, and one that fails alone
        is put off with its error: it must not stop the others.
        """
        looked: list[int] = []

        async def together(conn: PoolConnection, policy: Policy, now: datetime) -> list[Step]:
            looked.extend(await incidents.due(conn, now, limit))
            return await _looked(conn, policy, now, looked)

        try:
            await self.transact(together)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001  the edge of deciding; recorded one by one
            log.warning("look.failed_together", incidents=len(looked), error=repr(error))
            for incident_id in looked:
                await self._look_alone(incident_id)
        return len(looked)

    async def _look_alone(self, incident_id: int) -> None:
        try:
            await self.transact(lambda conn, policy, now: _looked(conn, policy, now, [incident_id]))
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001  the edge of deciding; recorded
            await self._put_off(incident_id, error)

    async def _put_off(self, incident_id: int, error: Exception) -> None:
        log.error("incident.undecided", incident=incident_id, error=repr(error))
        until = self.clock.now() + POISON_PAUSE
        async with self.pool.acquire() as conn:
            await incidents.put_off(conn, incident_id, until, repr(error))


async def _looked(
    conn: PoolConnection, policy: Policy, now: datetime, ids: Sequence[int]
) -> list[Step]:
    found = await incidents.lock(conn, ids)
    return [advance(policy, incident, e.SYSTEM, (), now) for incident in found.values()]


async def _locked(conn: PoolConnection, incident_id: int) -> Incident:
    found = await incidents.lock(conn, [incident_id])
    if incident_id not in found:
        raise UnknownIncidentError(incident_id)
    return found[incident_id]
