"""Processes that run playbooks: everybody who does something outside, under the test's eyes."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from tests.engine.desk import Desk, alert
from tests.incident.manuals import manual
from tests.waiting import until, until_true

from bongsu.channels.message import Message, Receipt
from bongsu.engine import effects
from bongsu.engine.claims import LEASE
from bongsu.engine.courier import Courier
from bongsu.engine.diagnosis import Diagnostician
from bongsu.engine.doers import Doers
from bongsu.engine.messages import Writer
from bongsu.engine.policy import Policy, compile_policy
from bongsu.engine.reporter import Reporter
from bongsu.engine.step_records import Came
from bongsu.engine.stepper import Stepper
from bongsu.incident.runs import asking
from bongsu.incident.runs.state import Run
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Step


def command(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "command", "argv": [name], **more}


def policy(*steps: dict[str, Any], **more: Any) -> Policy:
    """Return a manual with one playbook of these steps, ``mend``."""
    words = {"severity_words": {"critical": "P0"}, "default": {"group_by": ["group"]}}
    mend = {"name": "Mend", "steps": list(steps), **more}
    return compile_policy(manual(signals=words, playbooks={"mend": mend}))


@dataclass
class FakeHands:
    """Does nothing but say that it did, and what a test has told it to say instead."""

    done: list[str] = field(default_factory=list)
    fate: dict[str, Came] = field(default_factory=dict)
    settles: bool | None = None
    hangs: str | None = None
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def perform(
        self, manual: Manual, step: Step, *, undo: bool, dry: bool,
        output: Callable[[str, bytes], None],
    ) -> Came:  # fmt: skip
        name = f"{'undo ' if undo else ''}{step.name.en}"
        self.done.append(name)
        output("out", f"{name}: 완료, password=hunter2\n".encode())
        if name == self.hangs:
            await self.goes_on.wait()
        return self.fate.get(name, Came("done", exit_code=0))

    async def settled(self, manual: Manual, step: Step) -> bool | None:
        return self.settles


class Silent:
    name = "slack"

    async def warm(self) -> None: ...

    async def send(self, message: Message, to: str) -> Receipt:
        return Receipt("1")

    async def close(self) -> None: ...


class House:
    """One process; its jobs are done only when a test says so, unless it begins them at once."""

    def __init__(
        self, desk: Desk, hands: FakeHands, worker: str = "one", runner: str | None = None
    ) -> None:
        self.desk, self.hands = desk, hands
        engine = desk.engine
        channels = dict.fromkeys(("slack", "email", "sms", "kakao", "call"), Silent())
        courier = Courier(engine, channels, Writer("http://b", b"s" * 32), worker, desk.pool)
        doctor = Diagnostician(desk.pool, lambda: engine.policy.manual, desk.clock, None)  # type: ignore[arg-type]
        self.stepper = Stepper(engine, hands, worker, runner)
        self.doers = Doers(desk.pool, courier, Reporter(engine, doctor, worker), None, self.stepper)

    def begins_at_once(self) -> House:
        self.desk.engine.takes = self.doers.takes
        self.desk.engine.hand_over = self.doers.hand_over
        return self

    async def close(self) -> None:
        """End it as a process ends; what hangs goes on, so that it is not waited for."""
        self.desk.engine.hand_over = None
        if isinstance(self.hands, FakeHands):
            self.hands.goes_on.set()
        await self.doers.drain()

    async def asks(self, incident: int, **options: Any) -> str:
        """Ask for the playbook as a person does; returns the run's name."""
        written = await self.desk.engine.act(
            incident, "person:pm",
            lambda policy, one, _: asking.ask(policy.manual, one, "mend", {}, **options),
        )  # fmt: skip
        return list(written.runs)[-1]

    async def run(self, incident: int, name: str) -> Run:
        return (await self.desk.incident(incident)).runs[name]

    async def over(self, incident: int, name: str) -> Run:
        """Wait for a run's end."""
        return await until_it(self, incident, name, lambda run: run.over)

    async def pending(self) -> list[effects.Effect]:
        """The steps that are due and not done."""
        rows = await self.desk.pool.fetch(
            "SELECT incident, seq FROM effects JOIN events USING (incident, seq)"
            " WHERE done_at IS NULL AND waits_for IS NULL"
            "   AND kind IN ('start_due', 'step_due') ORDER BY 1, 2"
        )
        return [effects.Effect(*row) for row in rows]

    async def do_pending(self) -> int:
        """Do what is due as its jobs would, until nothing more is."""
        count = 0
        while found := await self.pending():
            for effect in found:
                await self.doers.do(effect)
                count += 1
        return count


Build = Callable[..., House]


async def until_it(house: House, incident: int, name: str, holds: Callable[[Run], bool]) -> Run:
    """Wait until something holds of a run."""
    return await until(lambda: house.run(incident, name), holds)


async def opened(house: House, group: str = "g") -> int:
    await house.desk.receive(alert(f"Down{group}", group=group))
    return int(await house.desk.pool.fetchval("SELECT max(id) FROM incidents"))


async def begun(house: House) -> effects.Effect:
    """Wait until the only step has begun; returns its effect."""
    await until_true(lambda: house.hands.done)
    (effect,) = await house.pending()
    return effect


async def renewed(house: House, effect: effects.Effect) -> None:
    """Wait until a step's worker has once more renewed its claim, from beginning to end."""
    for _ in range(2):  # the first may have been on its way before
        since = await _claimed_at(house, effect)
        await until(partial(_claimed_at, house, effect), partial(operator.ne, since))


async def _claimed_at(house: House, effect: effects.Effect) -> object:
    return await house.desk.pool.fetchval(
        "SELECT claimed_at FROM effects WHERE incident = $1 AND seq = $2", *effect
    )


async def idle(house: House) -> None:
    """Wait until nothing more is under way."""
    await until_true(lambda: not house.stepper._under_way)


async def killed(house: House) -> None:
    """End what is under way in the middle; this process begins nothing more."""
    house.desk.engine.takes = lambda _: ()
    for task in house.stepper._under_way.values():
        task.cancel()
    await idle(house)


async def lapsed(house: House) -> None:
    """Let every claim end, as if its holder had been stopped for long."""
    late = LEASE + timedelta(seconds=1)
    await house.desk.pool.execute("UPDATE effects SET claimed_at = claimed_at - $1::interval", late)
    await settled_server(house)


async def settled_server(house: House) -> None:
    """Wait until the server has been up for as long as those have who record what they did."""
    await house.desk.pool.execute(
        "SELECT pg_sleep(greatest(0, 1.6 - extract(epoch FROM age)))"
        "  FROM (SELECT clock_timestamp() - pg_postmaster_start_time() AS age) AS server"
    )
