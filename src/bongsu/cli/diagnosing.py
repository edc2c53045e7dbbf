"""A diagnosis run from a terminal: one loop, what is done so far, and an end in any case."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bongsu.actions.diagnosis import diagnose
from bongsu.actions.looking import LookContext
from bongsu.actions.process import kill_left
from bongsu.cli import language
from bongsu.cli.printing import log_nothing
from bongsu.engine.clock import SystemClock
from bongsu.i18n import N_, translator
from bongsu.incident.diagnosis import Facts, wanted
from bongsu.incident.report import Looked, Report

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual

LAST_WORDS_S = 2.5
"""seconds that what was cancelled may take to end, after the report"""
MOST_NAMES = 3

t = translator(language())


def run(manual: Manual, service: str | None, deadline_s: float | None) -> tuple[Report, bool]:
    """Return the report, and whether everything has ended that was begun for it."""
    log_nothing()
    loop = asyncio.new_event_loop()
    facts = Facts(service=service)
    context = LookContext(env=os.environ, now=SystemClock().now, timeout_s=0.0, lang=language())
    with _Watch(manual, facts) as watch, _ended(loop):
        looking = loop.create_task(
            diagnose(
                manual, facts=facts, context=context, deadline_s=deadline_s, on_looked=watch.done
            )
        )
        report = _until_ctrl_c(loop, looking)
    return report, not asyncio.all_tasks(loop)


def _until_ctrl_c(loop: asyncio.AbstractEventLoop, looking: asyncio.Task[Report]) -> Report:
    """Wait for it; Ctrl-C is heard between two steps of the loop.

    In the middle of a program's start it would leave one of which nobody knows.
    """
    loop.add_signal_handler(signal.SIGINT, looking.cancel)
    try:
        return loop.run_until_complete(looking)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _ended(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """End what was begun, also when Ctrl-C comes between: programs would go on without us."""
    try:
        yield
    except BaseException:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        raise
    finally:
        if tasks := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.wait(tasks, timeout=LAST_WORDS_S))
        kill_left()
        if not asyncio.all_tasks(loop):
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


class _Watch:
    """Shows on standard error which checks are done, while they run; nothing where it is a pipe."""

    def __init__(self, manual: Manual, facts: Facts) -> None:
        self._names = {name: one.name.in_(t.lang) for name, one in wanted(manual, facts).items()}
        self._left = dict(self._names)
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("[dim]{task.fields[waiting]}"),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(
            t(N_("Looking")), total=len(self._names), waiting=self._waiting()
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()

    def done(self, looked: Looked) -> None:
        """Count a check that is done."""
        self._left.pop(looked.check, None)
        self._bar.update(self._task, advance=1, waiting=self._waiting())

    def _waiting(self) -> str:
        names = list(self._left.values())
        more = " …" if len(names) > MOST_NAMES else ""
        return ", ".join(names[:MOST_NAMES]) + more
