"""Prints an incident's timeline while it is being written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.markup import escape

from bongsu.cli import language
from bongsu.i18n import translator
from bongsu.incident import events as e
from bongsu.incident.state import Incident
from bongsu.incident.timeline import Entry, timeline
from bongsu.store import incidents

if TYPE_CHECKING:
    from rich.console import Console

    from bongsu.engine.runtime import Runtime

LOOK_EVERY = 0.1
NEWEST = "SELECT max(id) FROM incidents"
COLOURS = {
    "life": "bold", "page": "magenta", "trouble": "red", "notice": "blue", "people": "green",
    "alert": "yellow", "delivery": "dim", "fact": "white",
    "check": "cyan", "run": "bright_blue",
}  # fmt: skip


class Viewer:
    """Follows the newest incident; players wait here for what they act on."""

    def __init__(self, runtime: Runtime, console: Console) -> None:
        self._runtime = runtime
        self._console = console
        self._shown = 0
        self._changed = asyncio.Condition()
        self.log: list[e.Event] = []
        self.incident: Incident | None = None

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY)

    async def until(self, *kinds: type[e.Body], count: int = 1) -> Incident:
        """Return once the log has so many events of one of these kinds."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: sum(isinstance(one.body, kinds) for one in self.log) >= count
            )
        assert self.incident is not None
        return self.incident

    async def _look(self) -> None:
        async with self._runtime.pool.acquire() as conn:
            newest = await conn.fetchval(NEWEST)
            if newest is None:
                return
            fresh = await incidents.log(conn, newest, len(self.log))
            if fresh:
                self.incident = await incidents.load(conn, newest)
        if not fresh:
            return
        self.log += fresh
        self._print()
        async with self._changed:
            self._changed.notify_all()

    def _print(self) -> None:
        manual = self._runtime.engine.policy.manual
        for entry in timeline(self.log, manual, translator(language())):
            if entry.seq > self._shown:
                self._line(entry)
                self._shown = entry.seq

    def _line(self, entry: Entry) -> None:
        at = f"{entry.at.astimezone(self._runtime.engine.policy.zone):%H:%M:%S}"
        why = f"  [dim italic]— {escape(entry.why)}[/dim italic]" if entry.why else ""
        who = f"  [dim]\\[{escape(entry.actor)}][/dim]" if entry.actor else ""
        colour = COLOURS.get(entry.tone, "white")
        self._console.print(
            f"[dim]{at}[/dim]  [{colour}]{escape(entry.text)}[/{colour}]{who}{why}", soft_wrap=True
        )
