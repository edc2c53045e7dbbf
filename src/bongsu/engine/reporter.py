"""Makes the reports that events ask for, and writes what came of each as an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bongsu.engine import effects
from bongsu.engine.advance import Step, advance
from bongsu.engine.diagnosis import GRACE, Diagnostician
from bongsu.engine.effects import Diagnosis, Effect
from bongsu.engine.engine import Engine
from bongsu.engine.jobs import BusyElsewhereError
from bongsu.engine.policy import Policy
from bongsu.incident import events as e
from bongsu.incident.digest import report_notices
from bongsu.incident.report import Report, Verdict
from bongsu.incident.state import Incident
from bongsu.store import incidents

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

MOST_WAITING = 8
"""reports that a process begins by itself before it leaves more to the queue"""
TOO_LATE = timedelta(minutes=2)
"""a first report that could not be begun for so long is left to whoever asks for it: in a storm
of incidents the last ones would be looked at hours later"""
AT_ONCE = 1
"""reports that a process makes by itself at once: each starts a dozen programs"""
STAND_BACK = 0.5
"""seconds between two looks whether a flood of alerts is over"""
MOST_CODES = 10
_WORST: tuple[Verdict, ...] = ("unhealthy", "degraded", "unknown", "healthy")

log = structlog.get_logger(__name__)


class Reporter:
    """Does the diagnoses of one process."""

    def __init__(self, engine: Engine, diagnostician: Diagnostician, worker: str) -> None:
        self._engine = engine
        self._diagnostician = diagnostician
        self._worker = worker
        self._under_way: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)
        diagnostician.on_report = self.record
        self.flooded: Callable[[], bool] = lambda: False
        """whether alerts wait to be triaged; pages come before reports"""

    def has_room(self, count: int) -> bool:
        """Whether this process would begin so many at once."""
        return not count or len(self._under_way) + count <= MOST_WAITING

    def begin(self, effect: Effect, diagnosis: Diagnosis) -> None:
        """Begin a report now; its job stays behind as the promise."""
        task = asyncio.create_task(self._by_hand(effect, diagnosis), name=f"report {effect}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _by_hand(self, effect: Effect, diagnosis: Diagnosis) -> None:
        try:
            await self.report(effect, diagnosis)
        except BusyElsewhereError:
            log.info("report.busy_elsewhere", incident=effect.incident)
        except Exception as error:  # noqa: BLE001  the edge of an effect: its job will try again
            log.warning("report.left_to_job", incident=effect.incident, error=repr(error))

    async def report(self, effect: Effect, diagnosis: Diagnosis) -> None:
        """Make one report, unless nobody would read it any more.

        Raises:
            BusyElsewhereError: another worker is making it.
        """
        async with self._turns:
            while self.flooded() and not self._too_late(diagnosis.incident):  # noqa: ASYNC110  a flood's end is no event
                await asyncio.sleep(STAND_BACK)
            if not diagnosis.incident.open or self._too_late(diagnosis.incident):
                await self._skip(effect)
                return
            await self._claim(effect)
            await self._diagnostician.diagnose(effect.incident)
            await self._engine.transact(lambda conn, *_: _done(conn, effect))

    def _too_late(self, incident: Incident) -> bool:
        begun = incident.looked_at
        return begun is not None and self._engine.clock.now() - begun > TOO_LATE

    async def _claim(self, effect: Effect) -> None:
        lease = timedelta(seconds=self._diagnostician.deadline + 3 * GRACE)
        async with self._engine.pool.acquire() as conn:
            if not await effects.claim(conn, effect, self._worker, lease):
                raise BusyElsewhereError(f"{effect} is claimed")

    async def _skip(self, effect: Effect) -> None:
        async def work(conn: PoolConnection, policy: Policy, now: datetime) -> Sequence[Step]:
            found = await incidents.lock(conn, [effect.incident])
            if not await effects.done(conn, effect) or not found[effect.incident].open:
                return []
            skipped = e.DiagnosisSkipped(e.Reason("too_many_at_once"))
            return [advance(policy, found[effect.incident], e.SYSTEM, [skipped], now)]

        await self._engine.transact(work)

    async def record(self, incident_id: int, report_id: int, report: Report) -> None:
        """Write on the incident's log that a report was made, and what it says in short."""
        body = in_short(report_id, report)

        def said(policy: Policy, incident: Incident, _now: datetime) -> list[e.AnyBody]:
            return [body, *report_notices(policy.manual, incident, report_id, report)]

        await self._engine.act(incident_id, e.SYSTEM, said)

    async def close(self) -> None:
        """End what is under way; its jobs begin it anew."""
        for task in list(self._under_way):
            task.cancel()
        await self._diagnostician.close()


async def _done(conn: PoolConnection, effect: Effect) -> Sequence[Step]:
    await effects.done(conn, effect)
    return []


def in_short(report_id: int, report: Report) -> e.Diagnosed:
    """Return what of a report stands on the log, and what later decisions go by."""
    looked = {one.check: one.verdict for one in (*report.checks, *report.not_checked)}
    worst: Verdict = min(looked.values(), key=_WORST.index, default="unknown")
    return e.Diagnosed(
        report_id,
        worst,
        findings=len(report.findings),
        unknown=sum(verdict == "unknown" for verdict in looked.values()),
        checks=[f"{check}={verdict}" for check, verdict in looked.items()],
        codes=list(dict.fromkeys(one.code for one in report.findings))[:MOST_CODES],
        new_log_patterns=sum(
            one.novelty == "new" for analysis in report.logs.values() for one in analysis.patterns
        ),
        severity=report.proposal.severity,
        type=report.proposal.type,
        took=round(report.took_s, 3),
    )
