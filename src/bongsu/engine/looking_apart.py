"""A diagnosis in a process of its own: ``python -m bongsu.engine.looking_apart``.

It reads what is asked from its standard input and writes the report to its standard output. It
gives way to everything else on the machine.
"""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec

from bongsu.engine.clock import SystemClock
from bongsu.engine.diagnosis import Asked
from bongsu.incident.report import Report
from bongsu.manual.load import from_document, to_document
from bongsu.manual.schema.document import Manual

NICE = 10
ENDS_WITHIN = 1.0
"""seconds that what hangs has to end once the report is made"""


class Task(msgspec.Struct):
    """What is asked of the process."""

    manual: bytes
    asked: Asked


def encode_task(manual: Manual, asked: Asked) -> bytes:
    """Write what is asked; the facts follow from the incident, and are made anew."""
    return msgspec.msgpack.encode(
        Task(to_document(manual), msgspec.structs.replace(asked, facts=None))
    )


async def look(task: Task) -> Report:
    """Look at everything that the manual names, and return the report at its deadline."""
    from bongsu.actions.diagnosis import diagnose, left_behind  # noqa: PLC0415  only here
    from bongsu.actions.looking import LookContext  # noqa: PLC0415  as above
    from bongsu.incident.diagnosis import Facts  # noqa: PLC0415  as above

    clock, asked = SystemClock(), task.asked
    manual = from_document(task.manual)
    facts = (
        Facts.of(asked.about, manual, clock.now())
        if asked.about is not None
        else Facts(service=asked.service, started_at=asked.started_at)
    )
    context = LookContext(env=os.environ, now=clock.now, timeout_s=asked.deadline_s)
    report = await diagnose(
        manual, facts=facts, context=context, deadline_s=asked.deadline_s, changes=asked.changes
    )
    await left_behind(ENDS_WITHIN)
    return report


def main() -> None:
    """Serve one diagnosis."""
    os.nice(NICE)
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Task)
    report = asyncio.run(look(task))
    sys.stdout.buffer.write(msgspec.json.encode(report))
    sys.stdout.buffer.flush()
    os._exit(0)  # what still hangs in a thread must not keep the report


if __name__ == "__main__":
    main()
