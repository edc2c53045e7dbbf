"""The looking of a diagnosis: everything at once, under one deadline, and then the report.

The report comes at the deadline whatever still hangs: what has not answered by then is cancelled,
reported as unknown, and not waited for. `left_behind` waits for it, where a program must end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog

from bongsu.actions.lookers import look
from bongsu.actions.looking import PROMETHEUS_URL, LookContext, unknown
from bongsu.actions.probes.outcome import bounded, said, seconds
from bongsu.actions.surroundings import analysis_of, changes_of, within
from bongsu.i18n import N_
from bongsu.incident.diagnosis import Facts, assemble, wanted
from bongsu.incident.diagnosis.wanted import group_of
from bongsu.incident.report import Change, Looked, Report
from bongsu.logs.analysis import Analysis
from bongsu.manual.schema.diagnosis import Check
from bongsu.manual.schema.document import Manual

T = TypeVar("T")
OnLooked = Callable[[Looked], None]
Look = Callable[[str, Any, LookContext], Awaitable[Looked]]

HARDLY = 0.25
"""seconds that a looker may take beyond its time to say by itself what it was waiting for"""
LOGS, CHANGES = "logs.", "changes"
"""how ids begin of what is done beside the checks"""

log = structlog.get_logger(__name__)
_left: set[asyncio.Task[Any]] = set()


class Way(NamedTuple):
    """How a diagnosis goes about it; tests put other lookers in."""

    look: Look = look
    analysis_of: Callable[..., Awaitable[Analysis]] = analysis_of
    changes_of: Callable[..., Awaitable[Sequence[Change]]] = changes_of


async def diagnose(
    manual: Manual,
    *,
    facts: Facts | None = None,
    context: LookContext,
    deadline_s: float | None = None,
    changes: Iterable[Change] = (),
    on_looked: OnLooked | None = None,
    way: Way | None = None,
) -> Report:
    """Look at everything at once and return the report, after ``deadline_s`` seconds at the latest.

    ``changes`` are those that were told; the cluster's own are added. ``on_looked`` is called when
    a check is done. A failure of one look stops none of the others, and nothing is raised for it.
    """
    return await _Diagnosis(
        manual, facts or Facts(), _prepared(manual, context), on_looked or _nothing, way or Way()
    ).run(_deadline(manual, deadline_s), tuple(changes))


async def left_behind(timeout_s: float) -> bool:
    """Wait for what was cancelled and still ends; returns whether all of it has ended."""
    if _left:
        await asyncio.wait(set(_left), timeout=timeout_s)
    return not _left


def _nothing(_looked: Looked) -> None:
    """Tell nobody."""


def _deadline(manual: Manual, deadline_s: float | None) -> float:
    return manual.diagnosis.deadline.total_seconds() if deadline_s is None else deadline_s


def _prepared(manual: Manual, context: LookContext) -> LookContext:
    """Add what the manual says of places; the environment comes before it."""
    services = manual.services.services.items()
    workloads = {name: one.workload for name, one in services if one.workload}
    env = dict(context.env)
    if manual.diagnosis.prometheus and not env.get(PROMETHEUS_URL):
        env[PROMETHEUS_URL] = manual.diagnosis.prometheus
    return replace(context, env=env, workloads={**workloads, **context.workloads})


class _Diagnosis:
    """One diagnosis under way."""

    def __init__(
        self, manual: Manual, facts: Facts, context: LookContext, on_looked: OnLooked, way: Way
    ) -> None:
        self._manual = manual
        self._facts = facts
        self._context = context
        self._on_looked = on_looked
        self._way = way
        self._checks = wanted(manual, facts)
        self._not_looked: list[Looked] = []
        self._over = False

    async def run(self, deadline_s: float, told: tuple[Change, ...]) -> Report:
        loop = asyncio.get_running_loop()
        began, began_at = loop.time(), self._context.now()
        looks = {name: _task(name, self._look(name, one)) for name, one in self._checks.items()}
        beside = within(self._context, deadline_s)
        logs = self._logs(beside)
        changes = _task(CHANGES, self._changes(beside))
        await _until(deadline_s, [*looks.values(), *logs.values(), changes])
        self._over = True
        return assemble(
            self._manual,
            self._facts,
            looked=[self._came(name, task, deadline_s) for name, task in looks.items()],
            logs=self._analyses(logs, deadline_s),
            changes=(*told, *self._taken(CHANGES, changes, (), deadline_s)),
            not_looked=self._not_looked,
            taken_at=self._context.now(),
            began_at=began_at,
            took_s=loop.time() - began,
            deadline_s=deadline_s,
        )

    async def _look(self, name: str, check: Check) -> Looked:
        """Look once within the check's own time; tells as soon as it is done."""
        loop, timeout_s = asyncio.get_running_loop(), check.timeout.total_seconds()
        began = loop.time()
        try:
            async with asyncio.timeout(timeout_s + HARDLY):
                context = replace(self._context, timeout_s=timeout_s)
                came = await self._way.look(name, check.probe, context)
        except TimeoutError:
            came = _silent(name, timeout_s)
        except Exception as error:  # noqa: BLE001  one look's failure must not stop the others
            # Without a traceback: the values in it are connection strings.
            log.warning("diagnosis.look_failed", check=name, error=bounded(repr(error), 300))
            came = _failed(name, error)
        whole = self._whole(came, name, loop.time() - began)
        if not self._over:
            self._on_looked(whole)
        return whole

    def _whole(self, came: Looked, name: str, took_s: float) -> Looked:
        return msgspec.structs.replace(
            came, took_s=round(took_s, 3), group=group_of(name, self._manual),
            service=self._checks[name].service,
        )  # fmt: skip

    def _logs(self, context: LookContext) -> dict[str, asyncio.Task[Analysis]]:
        return {
            name: _task(f"{LOGS}{name}", self._way.analysis_of(query, context))
            for name, query in self._manual.diagnosis.logs.items()
        }

    async def _changes(self, context: LookContext) -> Sequence[Change]:
        onset = self._facts.started_at or context.now()
        return await self._way.changes_of(self._manual, onset, context, self._not_looked.append)

    def _came(self, name: str, task: asyncio.Task[Looked], deadline_s: float) -> Looked:
        if _ended_well(task):
            return task.result()
        late = self._whole(_silent(name, deadline_s), name, deadline_s)
        self._on_looked(late)
        return late

    def _analyses(
        self, tasks: Mapping[str, asyncio.Task[Analysis]], deadline_s: float
    ) -> dict[str, Analysis]:
        taken = {
            name: self._taken(f"{LOGS}{name}", task, None, deadline_s)
            for name, task in tasks.items()
        }
        return {name: analysis for name, analysis in taken.items() if analysis is not None}

    def _taken(self, name: str, task: asyncio.Task[T], otherwise: Any, deadline_s: float) -> Any:
        """Return what came of something beside the checks, or note why nothing did."""
        if _ended_well(task):
            return task.result()
        error = task.exception() if task.done() and not task.cancelled() else None
        self._not_looked.append(_failed(name, error) if error else _silent(name, deadline_s))
        return otherwise


def _task(name: str, work: Awaitable[T]) -> asyncio.Task[T]:
    async def run() -> T:
        return await work

    coroutine: Coroutine[Any, Any, T] = run()
    return asyncio.create_task(coroutine, name=f"diagnosis {name}")


async def _until(deadline_s: float, tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Wait for all; what is not done then is cancelled and left behind, for it may not obey."""
    _, hanging = await asyncio.wait(list(tasks), timeout=deadline_s)
    for task in hanging:
        _left.add(task)
        task.add_done_callback(_buried)
        task.cancel()


def _buried(task: asyncio.Task[Any]) -> None:
    _left.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.info("diagnosis.late_failure", task=task.get_name(), error=repr(error))


def _ended_well(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _silent(name: str, wait_s: float) -> Looked:
    return unknown(name, said(N_("it did not answer within {wait}"), wait=seconds(wait_s)))


def _failed(name: str, error: BaseException) -> Looked:
    text = N_("looking failed: {error}")
    return unknown(name, said(text, error=bounded(f"{type(error).__name__}: {error}", 300)))
