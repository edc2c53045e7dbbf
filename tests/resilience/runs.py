"""Runs of playbooks in a storm of kills: who asks for them, and who answers for lost steps."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from tests.resilience.processes import House

from bongsu.engine.engine import Command, Engine
from bongsu.incident import events as e
from bongsu.incident.runs import asking
from bongsu.incident.runs.state import Run
from bongsu.incident.state import Incident
from bongsu.store import incidents
from bongsu.store.database import AWAY

T = TypeVar("T")

BEACON = Path(__file__).with_name("beacon.py")
TOWERS = ("north", "north", "south", "south", *["free"] * 5)
"""of each lane; runs on one of the first two hold its lock, those on the last none"""
STEPS = 5
REPEATED = 3
"""the step that the manual calls idempotent"""
PER_INCIDENT = 8


def write_manual(house: House, marks: Path) -> None:
    """Add a playbook for each tower, and the checks that tell whether its second step is done."""
    folder = house.manual / "playbooks"
    folder.mkdir()
    python = [sys.executable, "-I", "-S", str(BEACON), str(marks)]
    checks = {}
    for tower in dict.fromkeys(TOWERS):
        checks[f"lit_{tower}"] = {
            "name": f"Lit {tower}", "probe": {"kind": "command", "argv": [*python, tower, "1"]},
        }  # fmt: skip
        text = yaml.safe_dump(_playbook(tower, python), allow_unicode=True)
        (folder / f"light_{tower}.yaml").write_text(text)
    (house.manual / "diagnosis.yaml").write_text(yaml.safe_dump({"checks": checks}))


def _playbook(tower: str, python: list[str]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [_step(tower, number, python) for number in range(STEPS)]
    steps[1]["after"] = [f"lit_{tower}"] if tower != "free" else []
    steps[REPEATED]["idempotent"] = True
    steps.insert(2, {"name": "Let it catch", "kind": "wait", "duration": "1s"})
    playbook = {
        "name": f"Light {tower}", "types": ["server_down"], "steps": steps,
        "parameters": {
            "tag": {"type": "string", "pattern": "[a-z0-9-]+"},
            "seconds": {"type": "number", "default": 0.1},
            "fails": {"type": "boolean", "default": False},
        },
    }  # fmt: skip
    return playbook if tower == "free" else {**playbook, "lock": f"tower/{tower}"}


def _step(tower: str, number: int, python: list[str]) -> dict[str, Any]:
    fails = "{{ fails }}" if number == STEPS - 1 else "false"
    words = [*python, "{{ tag }}", tower, str(number)]
    step: dict[str, Any] = {
        "name": f"Step {number}", "kind": "command", "timeout": "30s",
        "argv": [*words, "do", "{{ seconds }}", fails],
    }  # fmt: skip
    if number != REPEATED:
        step["undo"] = [*words, "undo", "{{ seconds }}", "false"]
    return step


class Mark(NamedTuple):
    """One line that a step wrote."""

    tag: str
    tower: str
    step: int
    direction: str
    token: str
    what: str


def read_marks(path: Path) -> list[Mark]:
    """Return all lines, in the order in which they were written."""
    lines = path.read_text().splitlines() if path.exists() else []
    words = [line.split() for line in lines]
    return [Mark(w[0], w[1], int(w[2]), w[3], w[4], w[5]) for w in words]


class Asked(NamedTuple):
    """One run that somebody asked for."""

    tag: str
    incident: int
    fails: bool


@dataclass
class Askers:
    """A person in each lane, who has one playbook after the other run."""

    engine: Engine
    marks: Path
    lots: random.Random
    asked: list[Asked] = field(default_factory=list)
    ended: dict[str, Run] = field(default_factory=dict)
    again: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    """by run, step and direction: how often a person had it done again"""
    answers: Counter[str] = field(default_factory=Counter)
    stopping: bool = False

    async def run(self) -> None:
        """Ask until `stopping`, and then let each run come to its end."""
        async with asyncio.TaskGroup() as group:
            for lane, tower in enumerate(TOWERS):
                group.create_task(self._lane(lane, tower, random.Random(self.lots.random())))

    async def only(self, tower: str, seconds: float) -> None:
        """Have one run done, and nothing else."""
        asked = Asked("only-1", await self._declared("the only one"), fails=False)
        self.asked.append(asked)
        await self._one(asked, f"light_{tower}", seconds)

    async def _lane(self, lane: int, tower: str, lots: random.Random) -> None:
        number = 0
        while not self.stopping:
            incident = await self._declared(f"tower {tower} lane {lane}")
            last = number + PER_INCIDENT
            while number < last and not self.stopping:
                number += 1
                asked = Asked(f"l{lane}-{number}", incident, lots.random() < 0.25)
                self.asked.append(asked)
                await self._one(asked, f"light_{tower}", round(lots.uniform(0, 0.4), 2))

    async def _declared(self, title: str) -> int:
        def opened(_policy: object, number: int, now: Any) -> e.Opened:
            return e.Opened(f"INC-{number}", title, "P2", now, service="backend")

        made = await _there(lambda: self.engine.declare("person:kim", opened))
        return int(made.id)

    async def _one(self, asked: Asked, playbook: str, seconds: float) -> None:
        given = {"tag": asked.tag, "seconds": seconds, "fails": asked.fails}

        def ask(policy: Any, incident: Incident, _now: object) -> Any:
            if _of(incident, asked.tag):  # it was written, though nobody heard so
                return []
            return asking.ask(policy.manual, incident, playbook, given)

        await self._act(asked.incident, ask)
        while True:
            run = _of(await self._incident(asked.incident), asked.tag)
            assert run is not None
            if run.over:
                self.ended[asked.tag] = run
                return
            if run.stuck is not None:
                await self._answer(asked, run)
            await asyncio.sleep(0.2)

    async def _answer(self, asked: Asked, run: Run) -> None:
        """Look at the tower: it burns, or it is to be lit again."""
        assert run.stuck is not None
        planned, direction = run.stuck, "undo" if run.phase == "undoing" else "do"
        step = planned - 1 if planned > 1 else planned  # the wait stands third
        mine = [
            m for m in read_marks(self.marks)
            if (m.tag, m.step, m.direction) == (asked.tag, step, direction)
        ]  # fmt: skip
        said: Any = "done" if mine and mine[-1].what == "end" else "again"
        if said == "again":
            self.again[asked.tag, step, direction] += 1
        elif asked.fails and step == STEPS - 1 and direction == "do":
            said = "stop"  # it is done, and has failed
        self.answers[said] += 1

        def answer(_policy: object, incident: Incident, _now: object) -> Any:
            found = _of(incident, asked.tag)
            if found is None or found.stuck != planned:
                return []
            return asking.answer(incident, found.id, planned, "kim", said=said)

        await self._act(asked.incident, answer)

    async def _act(self, incident: int, command: Command) -> None:
        await _there(lambda: self.engine.act(incident, "person:kim", command))

    async def _incident(self, incident: int) -> Incident:
        async def loaded() -> Incident | None:
            async with self.engine.pool.acquire() as conn:
                return await incidents.load(conn, incident)

        found = await _there(loaded)
        assert found is not None
        return found


def _of(incident: Incident, tag: str) -> Run | None:
    runs = incident.runs.values()
    return next((run for run in runs if run.asked.parameters["tag"] == tag), None)


async def _there(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask a database that is killed now and then."""
    while True:
        try:
            return await ask()
        except AWAY:
            await asyncio.sleep(0.1)
