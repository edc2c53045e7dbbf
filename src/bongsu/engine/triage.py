"""Turns changed alerts into incidents: route, group, join or open, in one transaction a batch.

An alert row stays *pending* until the transaction that brought its change into an incident has
committed. So a crash loses nothing: `sweep` finds what a dead process left pending. P0 comes
first, whatever else is waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import structlog

from bongsu.engine.advance import Step, advance
from bongsu.engine.engine import Engine
from bongsu.engine.policy import Policy
from bongsu.engine.triage_lines import BATCH, MOST_WAITING, URGENT, Courtesy, Line
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.alert import ChangedAlert
from bongsu.incident.state import Incident
from bongsu.manual.schema.base import format_duration
from bongsu.signals.routing import Routed
from bongsu.store import alerts, incidents
from bongsu.store.database import AWAY

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

ATTEMPTS = 5
COLLISIONS = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)
LOOK_AGAIN = timedelta(seconds=5)
"""how long a swept alert is left to the process that swept it"""
PUT_OFF = timedelta(minutes=1)
"""how long an alert that can't be triaged waits before it is tried again"""
SWEEP_EVERY = 1.0
"""seconds between two looks for alerts that no process has in hand"""
MOST_SWEPT = 100_000
"""pending alerts that one sweep looks at"""
SWEEP_AFTER = timedelta(seconds=3)
"""an alert that is pending for so long was left by a process that died"""

log = structlog.get_logger(__name__)


class Case(NamedTuple):
    """A changed alert and what the manual makes of it."""

    alert: ChangedAlert
    routed: Routed

    @property
    def fired(self) -> bool:
        """Whether it began to fire since triage saw it last, even if it has ended since."""
        unseen = self.alert.generation > self.alert.triaged_generation
        return self.alert.status == "firing" or unseen


class Triage:
    """Takes changed alerts from the ingest of this process, and those that nobody took."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._urgent, self._other = Line(), Line()
        self._in_hand: set[str] = set()
        self._passed_over: set[str] = set()
        """alerts that were swept up and had to be left in the database again"""
        self.ingest_busy: Callable[[], bool] = lambda: False
        """whether signals come in floods; then what is not urgent gives way to them"""
        self._courtesy = Courtesy()

    def take(self, changed: Sequence[ChangedAlert]) -> None:
        """Queue alerts that have just been made durable; never blocks the ingest.

        Beyond `MOST_WAITING` they are left to the sweep, which finds them in the database.
        """
        router = self._engine.policy.router
        for alert in changed:
            urgency, group_key = router.urgency(alert)
            line = self._urgent if urgency in URGENT else self._other
            if line is self._urgent or len(line) < MOST_WAITING:
                line.put(urgency, group_key, alert)
                self._in_hand.add(alert.id)

    @property
    def waiting(self) -> int:
        """Alerts of this process that are not triaged yet."""
        return len(self._urgent) + len(self._other)

    def stop(self) -> None:
        """Wake up, so that `run` sees that it is to stop."""
        self._urgent.wake()
        self._other.wake()

    async def run(self, stopping: asyncio.Event) -> None:
        """Triage until ``stopping``; a lost database is waited for, and nothing is forgotten.

        What is urgent never waits for a transaction of what isn't.
        """
        async with asyncio.TaskGroup() as lines:
            lines.create_task(self._serve(self._urgent, stopping), name="triage what is urgent")
            lines.create_task(self._serve(self._other, stopping), name="triage")

    async def _serve(self, line: Line, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await line.filled()
            if line is self._other:
                await self._courtesy.give_way(self._urgent, self.ingest_busy)
            batch = line.next_batch()
            if not batch:
                continue
            try:
                await self.triage(batch)
            except Exception as error:  # noqa: BLE001  the edge: the rows stay pending for the sweep
                log.warning("triage.failed", alerts=len(batch), error=repr(error))
                await asyncio.sleep(0.1)
            finally:
                line.triaged()
                self._in_hand.difference_update(alert.id for alert in batch)

    async def keep_sweeping(self, stopping: asyncio.Event) -> None:
        """Look for what was left behind, whatever else is going on, until ``stopping``."""
        while not stopping.is_set():
            try:
                await self.sweep()
            except Exception as error:  # noqa: BLE001  the edge: it is tried again a second later
                log.warning("sweep.failed", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SWEEP_EVERY)

    async def sweep(self) -> int:
        """Take on what is pending although its process should long have triaged it.

        Of a storm of its own a process reads again only what it has no place for in memory, and
        that once: something urgent may be among it. Returns how many alerts were found.
        """
        if len(self._other) < MOST_WAITING // 2:
            self._passed_over.clear()
        before = self._engine.clock.now() - SWEEP_AFTER
        async with self._engine.pool.acquire() as conn:
            pending = await alerts.left(conn, before, MOST_SWEPT)
        known = self._in_hand | self._passed_over
        left = [one for one in pending if one not in known]
        for first in range(0, len(left), BATCH):
            await self._take_over(left[first : first + BATCH], before)
        return len(left)

    async def _take_over(self, left: Sequence[str], before: datetime) -> None:
        async with self._engine.pool.acquire() as conn:
            found = await alerts.take_over(conn, left, before, LOOK_AGAIN)
        self.take(found)
        self._passed_over.update({alert.id for alert in found} - self._in_hand)

    async def triage(self, changed: Sequence[ChangedAlert]) -> None:
        """Bring alerts into their incidents; one that can't be must not hold up the others.

        Two replicas that open the same incident at once collide on its group; the one that lost
        tries again and joins.
        """
        for _ in range(ATTEMPTS):
            try:
                await self._engine.transact(
                    lambda conn, policy, now: _triage(conn, policy, now, changed)
                )
            except COLLISIONS as error:
                failure: Exception = error
                await asyncio.sleep(0.01)
            except AWAY:
                raise
            except Exception as error:  # noqa: BLE001  the edge of deciding; narrowed down below
                failure = error
                break
            else:
                return
        await self._narrow(changed, failure)

    async def _narrow(self, changed: Sequence[ChangedAlert], failure: Exception) -> None:
        """Triage the halves by themselves; put off the one alert that fails alone."""
        if len(changed) > 1:
            middle = len(changed) // 2
            await self.triage(changed[:middle])
            await self.triage(changed[middle:])
            return
        alert = changed[0]
        log.error(
            "alert.untriaged", integration=alert.integration, key=alert.key, error=repr(failure)
        )
        async with self._engine.pool.acquire() as conn:
            await alerts.put_off(conn, alert.id, self._engine.clock.now() + PUT_OFF)


async def _triage(
    conn: PoolConnection, policy: Policy, now: datetime, changed: Sequence[ChangedAlert]
) -> list[Step]:
    rows = await alerts.lock_pending(conn, changed)
    cases = [Case(row, policy.router.route(row, now=now)) for row in rows]
    heard = [case for case in cases if case.routed.silenced is None]
    joined = await _incidents_of(conn, policy, now, heard)
    steps = []
    for incident, group in joined:
        steps.append(_advance(policy, incident, group, now))
        await asyncio.sleep(0)  # a storm's signals and pages go on meanwhile
    owners = {
        (case.alert.integration, case.alert.key): int(incident.id)
        for incident, group in joined
        for case in group
    }
    await alerts.settle(conn, rows, owners)
    return steps


async def _incidents_of(
    conn: PoolConnection, policy: Policy, now: datetime, cases: Sequence[Case]
) -> list[tuple[Incident, list[Case]]]:
    """Lock, or make, the incident of every case; cases that concern none are left out."""
    groups = {case.routed.group_key for case in cases if case.fired}
    ended_after = now - policy.manual.signals.reopen_within
    of_group = await alerts.incidents_of_groups(conn, list(groups), ended_after)
    former = {case.alert.incident_id for case in cases if case.alert.incident_id is not None}
    found = await incidents.lock(conn, list({*of_group.values(), *former}))
    while merged := _merged_into(found):
        found |= await incidents.lock(conn, merged)
    known: dict[int, list[Case]] = defaultdict(list)
    fresh: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        incident = _incident_of(case, found, of_group)
        if incident is not None:
            known[int(incident.id)].append(case)
        elif case.fired:
            fresh[case.routed.group_key].append(case)
    ids = await incidents.new_ids(conn, len(fresh)) if fresh else []
    opened = [(Incident(str(n)), group) for n, group in zip(ids, fresh.values(), strict=True)]
    return [*((found[n], group) for n, group in known.items()), *opened]


def _merged_into(found: Mapping[int, Incident]) -> list[int]:
    """Where incidents were merged into that are not loaded yet."""
    return list({int(i.merged_into) for i in found.values() if i.merged_into} - found.keys())


def _incident_of(
    case: Case, found: Mapping[int, Incident], of_group: Mapping[str, int]
) -> Incident | None:
    """The incident that an alert belongs to, or joins.

    One that was merged goes on where it ended up, as long as that is open; then its alerts are
    an incident of their own again. One that ended may be reopened, unless it was merged.
    """
    former = _last(found.get(case.alert.incident_id or 0), found)
    if not case.fired or (former is not None and former.open):
        return former
    known = found.get(of_group.get(case.routed.group_key, 0))
    last = _last(known, found)
    if last is not known and last is not None and not last.open:
        return None
    return last


def _last(incident: Incident | None, found: Mapping[int, Incident]) -> Incident | None:
    """Follow an incident to the one in which it goes on."""
    while incident is not None and incident.merged_into:
        incident = found.get(int(incident.merged_into))
    return incident


def _advance(policy: Policy, incident: Incident, cases: Sequence[Case], now: datetime) -> Step:
    actor = f"integration:{cases[0].alert.integration}"
    return advance(policy, incident, actor, list(_bodies(policy, incident, cases, now)), now)


def _bodies(
    policy: Policy, incident: Incident, cases: Sequence[Case], now: datetime
) -> Iterable[e.AnyBody]:
    """What these changes are to this incident."""
    firing = [case for case in cases if case.fired]
    begun = [case for case in firing if not case.alert.counted]
    over = [case for case in cases if case.alert.status == "resolved"]
    ended = [case for case in over if case.alert.counted or case.fired]
    worst = min(firing, key=lambda case: case.routed.severity, default=None)
    if worst is not None:
        if incident.seq == 0:
            yield _opened(policy, incident, worst, now)
        elif not incident.open:
            within = format_duration(policy.manual.signals.reopen_within)
            yield e.Reopened(why=e.Reason("fired_again", {"within": within}))
        if incident.seq and worst.routed.severity < incident.severity:
            why = e.Reason("alert_severity")
            yield from commands.severity_changed(incident, worst.routed.severity, why=why)
    count = incident.firing + len(begun)
    if begun:
        yield e.AlertsAdded(len(begun), count, begun[0].alert.summary)
    if ended:
        yield e.AlertsResolved(len(ended), max(0, count - len(ended)))
    answered = any(case.alert.status == "acknowledged" for case in cases)
    if answered and (incident.open or firing) and incident.acknowledged_at is None:
        yield e.Acknowledged(f"integration:{cases[0].alert.integration}", "signal")


def _opened(policy: Policy, incident: Incident, case: Case, now: datetime) -> e.Opened:
    alert, routed = case.alert, case.routed
    return e.Opened(
        number=number(policy, incident.id, now),
        title=policy.router.title(alert),
        severity=routed.severity,
        started_at=min(alert.starts_at, now),
        description=alert.description or alert.summary,
        type=routed.type,
        service=routed.service,
        group_key=routed.group_key,
        manual=policy.manual.sha,
        why=_why(case),
    )


def _why(case: Case) -> e.Reason:
    if case.routed.route_index is None:
        return e.Reason("default_route", {"integration": case.alert.integration})
    values = {"integration": case.alert.integration, "route": str(case.routed.route_index + 1)}
    return e.Reason("signal", values)


def number(policy: Policy, incident_id: str, now: datetime) -> str:
    """Return an incident's number as the manual writes it, with the id that people say aloud."""
    local = now.astimezone(policy.zone)
    return f"INC-{local:%Y%m%d-%H%M%S}-{incident_id}"
