"""Diagnosis of one incident: run beside paging, kept, and told to whoever listens.

A thread waits for it, and `bongsu.engine.looks` has it done in a process: whatever a check does
there, the loop that pages people goes on. There are few places for it, and an incident is
diagnosed once at a time: whoever asks meanwhile is given the same report.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future, InvalidStateError
from datetime import datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog

from bongsu.engine.clock import Clock
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.changes import as_change, rank
from bongsu.incident.diagnosis import Facts
from bongsu.incident.events import SYSTEM
from bongsu.incident.report import Change, Looked, Report
from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual
from bongsu.store import changes as kept_changes
from bongsu.store import incidents, reports
from bongsu.store.changes import Wanted
from bongsu.store.reports import KeptReport, ReportRow

if TYPE_CHECKING:
    from bongsu.store.database import Pool

GRACE = 2.0
"""seconds after its deadline within which a diagnosis must have come back, or it is given up"""
PLACES = 2
"""diagnoses that run at once in this process"""
MOST_THREADS = 8
"""threads that may be alive: those that run, and those whose checks hang beyond their time"""
CHANGES_SINCE = timedelta(hours=24)
"""how long before the onset a change may have been made to be shown"""
MOST_CHANGES = 100

log = structlog.get_logger(__name__)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be diagnosed: an incident, or only a service, or the whole manual."""

    about: Incident | None = None
    """None for a look without an incident"""
    service: str | None = None
    started_at: datetime
    """the onset (UTC), or now"""
    changes: tuple[Change, ...] = ()
    """change events that were told, the best explanation first"""
    facts: Facts | None = None
    """what the manual's conditions may ask about; None for a look without an incident"""
    deadline_s: float

    @property
    def incident(self) -> str:
        """The incident's number; empty for a look without one."""
        return self.about.number if self.about else ""


class Run(NamedTuple):
    """A diagnosis under way, and the id that its report will have."""

    report: int
    done: asyncio.Task[KeptReport]


Diagnose = Callable[[Manual, Asked], Awaitable[Report]]
OnReport = Callable[[int, int, Report], Awaitable[None]]


class NoIncidentError(LookupError):
    """There is no incident with this id."""


class StillHangingError(RuntimeError):
    """No more threads are started, since the checks in too many of them don't end."""


async def _nobody(_incident: int, _report_id: int, _report: Report) -> None:
    """Tell nobody of a report."""


class Diagnostician:
    """Diagnoses incidents by the manual in force, which ``manual`` returns.

    ``deadline`` (seconds) stands in for the manual's.
    """

    def __init__(
        self, pool: Pool, manual: Callable[[], Manual], clock: Clock, diagnose: Diagnose,
        *, deadline: float | None = None,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._manual = manual
        self._clock = clock
        self._diagnose = diagnose
        self._fixed = deadline
        self._threads: list[Thread] = []
        self._places = asyncio.Semaphore(PLACES)
        self._under_way: dict[int, Run] = {}
        self.on_report: OnReport = _nobody
        """called when a report of an incident is kept: incident, report's id, report"""

    @property
    def deadline(self) -> float:
        """Seconds that the checks have together."""
        if self._fixed is not None:
            return self._fixed
        return self._manual().diagnosis.deadline.total_seconds()

    async def diagnose(
        self, incident_id: int, *, asked_by: str = SYSTEM, why: str = "opened"
    ) -> KeptReport:
        """Diagnose an incident, keep the report and return it.

        Raises:
            NoIncidentError: there is no such incident.
        """
        run = await self.begin(incident_id, asked_by=asked_by, why=why)
        return await asyncio.shield(run.done)

    async def begin(self, incident_id: int, *, asked_by: str = SYSTEM, why: str = "asked") -> Run:
        """Begin a diagnosis, or return the one that is under way."""
        if incident_id not in self._under_way:
            async with self._pool.acquire() as conn:
                report_id = await reports.new_id(conn)
            if incident_id not in self._under_way:  # nobody else was faster
                self._start(incident_id, report_id, asked_by, why)
        return self._under_way[incident_id]

    def _start(self, incident_id: int, report_id: int, asked_by: str, why: str) -> None:
        task = asyncio.create_task(
            self._whole(incident_id, report_id, asked_by, why), name=f"diagnose {incident_id}"
        )
        self._under_way[incident_id] = Run(report_id, task)
        task.add_done_callback(lambda done: self._ended(incident_id, done))

    def _ended(self, incident_id: int, task: asyncio.Task[KeptReport]) -> None:
        self._under_way.pop(incident_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("diagnosis.not_kept", incident=incident_id, error=repr(error))

    async def look(self, service: str | None) -> Report:
        """Diagnose a service, or the whole manual, without an incident; nothing is kept."""
        now = self._clock.now()
        asked = Asked(service=service, started_at=now, deadline_s=self.deadline)
        return await self._bounded(await self._with_changes(asked))

    async def close(self) -> None:
        """End what is under way; its jobs, where it has any, begin it anew."""
        for run in list(self._under_way.values()):
            run.done.cancel()

    async def _whole(self, incident_id: int, report_id: int, asked_by: str, why: str) -> KeptReport:
        async with self._places:
            async with self._pool.acquire() as conn:
                incident = await incidents.load(conn, incident_id)
            if incident is None:
                raise NoIncidentError(incident_id)
            asked = await self._with_changes(self._about(incident))
            report = await self._bounded(asked)
        row = ReportRow(report_id, incident_id, report.taken_at, asked_by, why)
        async with self._pool.acquire() as conn, conn.transaction():
            kept = await reports.add(conn, row, report)
        await self._tell(kept)
        return kept

    def _about(self, incident: Incident) -> Asked:
        return Asked(
            about=incident, service=incident.service, deadline_s=self.deadline,
            started_at=incident.started_at or incident.opened_at or self._clock.now(),
            facts=Facts.of(incident, self._manual(), self._clock.now()),
        )  # fmt: skip

    async def _with_changes(self, asked: Asked) -> Asked:
        wanted = Wanted(asked.started_at - CHANGES_SINCE, self._clock.now())
        async with self._pool.acquire() as conn:
            found = await kept_changes.changes(conn, wanted)
        told = [as_change(one.event, one.told_by) for one in found]
        return msgspec.structs.replace(asked, changes=self._ranked(told, asked))

    def _ranked(self, found: Iterable[Change], asked: Asked) -> tuple[Change, ...]:
        once = {(one.at, one.kind, one.subject, one.says.text, *one.says.values.values()): one
                for one in found}  # fmt: skip
        services = self._manual().services.services
        return rank(once.values(), asked.started_at, asked.service, services)[:MOST_CHANGES]

    async def _bounded(self, asked: Asked) -> Report:
        """Run the checks; a report comes whatever they do."""
        began, manual = self._clock.now(), self._manual()
        limit = asked.deadline_s + GRACE
        try:
            made = self._begun(manual, asked, limit)
            async with asyncio.timeout(limit + GRACE):
                report = await asyncio.wrap_future(made)
        except TimeoutError:
            report = self._failed(asked, began, Remark(N_("the checks did not come back in time")))
        except StillHangingError:
            why = Remark(N_("the checks of earlier diagnoses still hang"))
            report = self._failed(asked, began, why)
        except Exception as error:
            log.exception("diagnosis.failed", incident=asked.incident)
            why = Remark(N_("the diagnosis failed: {error}"), {"error": repr(error)[:300]})
            report = self._failed(asked, began, why)
        changes = self._ranked((*report.changes, *asked.changes), asked)
        return msgspec.structs.replace(report, changes=changes)

    def _begun(self, manual: Manual, asked: Asked, limit: float) -> Future[Report]:
        """Start a thread; the process does not wait for it when it ends.

        Raises:
            StillHangingError: too many of those before hang.
        """
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= MOST_THREADS:
            raise StillHangingError
        made = Future[Report]()
        arguments = self._diagnose, manual, asked, limit, made
        thread = Thread(target=_run, args=arguments, name="diagnosis", daemon=True)
        self._threads.append(thread)
        thread.start()
        return made

    def _failed(self, asked: Asked, began: datetime, why: Remark) -> Report:
        """Report that nothing could be looked at, which is no sign of health."""
        now = self._clock.now()
        took = (now - began).total_seconds()
        nothing = Looked(check="diagnosis", verdict="unknown", took_s=took, why=why)
        return Report(
            incident=asked.incident, service=asked.service or "", started_at=asked.started_at,
            taken_at=now, took_s=took, deadline_s=asked.deadline_s, not_checked=(nothing,),
            manual=self._manual().sha,
        )  # fmt: skip

    async def _tell(self, kept: KeptReport) -> None:
        try:
            await self.on_report(kept.row.incident, kept.row.id, kept.report)
        except Exception as error:  # noqa: BLE001  the edge: the report is kept, whoever looks sees it
            log.warning("diagnosis.not_told", incident=kept.row.incident, error=repr(error))


def _run(
    diagnose: Diagnose, manual: Manual, asked: Asked, limit: float, made: Future[Report]
) -> None:
    """Run the checks in this thread, on a loop of its own, and give them up after ``limit``.

    The report is handed over when it is there: what it left behind may take longer to end.
    """

    async def handed_over() -> None:
        async with asyncio.timeout(limit):
            report = await diagnose(manual, asked)
        with contextlib.suppress(InvalidStateError):  # nobody waits any more
            made.set_result(report)

    try:
        asyncio.run(handed_over())
    except Exception as error:  # noqa: BLE001  the edge of a thread: whoever waits records it
        with contextlib.suppress(InvalidStateError):
            made.set_exception(error)
