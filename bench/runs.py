"""Playbooks: from a report to its playbook's first program, and what twenty no-op steps cost.

    python bench runs                        # about a minute
    python bench runs --count 100 --rounds 10

One process as `bongsu serve` runs it (engine, timer, queues) on an embedded PostgreSQL with every
commit flushed. "Here" is the process that wrote the report; "elsewhere" is another one, which hears
of the step by the job queue, as a runner inside a cluster does. A program counts as started when
it has read the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import structlog
import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.incident.manuals import manual  # noqa: E402  the path is set above

from bongsu.channels.message import Message, Receipt  # noqa: E402  the lines above must come first
from bongsu.engine.advance import Step  # noqa: E402  as above
from bongsu.engine.engine import Engine  # noqa: E402  as above
from bongsu.engine.policy import Policy  # noqa: E402  as above
from bongsu.engine.runtime import Runtime, running  # noqa: E402  as above
from bongsu.incident import events as e  # noqa: E402  as above
from bongsu.incident import run_events as r  # noqa: E402  as above
from bongsu.incident.runs import asking  # noqa: E402  as above
from bongsu.manual.schema.document import Manual  # noqa: E402  as above
from bongsu.store.embedded import start_embedded  # noqa: E402  as above

STEPS = 20
KINDS: dict[str, dict[str, Any]] = {
    "program": {"kind": "command", "argv": ["true"]},
    "check": {"kind": "check", "checks": ["well"]},
    "wait": {"kind": "wait", "duration": "0s"},
}
CALLS_FOR_IT = e.Diagnosed(1, "unhealthy", checks=["ill=unhealthy"])


class Silent:
    """A channel that takes everything."""

    name = "slack"

    async def warm(self) -> None: ...

    async def send(self, message: Message, to: str) -> Receipt:  # noqa: ARG002  a channel's
        return Receipt("1")

    async def close(self) -> None: ...


def playbooks(seen: Path) -> Manual:
    """Make a manual: a playbook that runs by itself, and one of each kind of step."""
    note = ["bash", "-c", 'echo $EPOCHREALTIME >> "$0"', str(seen)]
    by_itself = {
        "name": "By itself", "steps": [{"name": "Note", "kind": "command", "argv": note}],
        "automatic": {"when": "checks.ill == 'unhealthy'", "at_most": 100_000, "per": "1h"},
    }  # fmt: skip
    twenty = {
        kind: {"name": kind, "steps": [{"name": f"Step {n}", **step} for n in range(STEPS)]}
        for kind, step in KINDS.items()
    }
    checks = {
        name: {"name": name, "probe": {"kind": "command", "argv": ["true"]}}
        for name in ("ill", "well")
    }
    made: Manual = manual(
        playbooks={"by_itself": by_itself, **twenty}, diagnosis={"checks": checks}
    )
    return made


@asynccontextmanager
async def process(seen: Path, folder: Path) -> AsyncIterator[Runtime]:
    """Run what a server runs, without its web."""
    embedded = await asyncio.to_thread(start_embedded, folder / "postgres")
    channels = dict.fromkeys(("slack", "email", "sms", "kakao", "call"), Silent())
    try:
        async with running(
            embedded.url, channels, base_url="http://b", manual=playbooks(seen)
        ) as runtime:
            assert await runtime.pool.fetchval("SHOW fsync") == "on"
            yield runtime
    finally:
        await asyncio.to_thread(embedded.stop)


async def declared(engine: Engine) -> int:
    """Open an incident about which nobody is called."""

    def opened(_policy: Policy, number: int, now: datetime) -> e.Opened:
        return e.Opened(f"INC-{number}", "slow", "P3", now, service="backend")

    return int((await engine.declare("person:pm", opened)).id)


async def until_begun(engine: Engine, seen: Path, count: int) -> list[float]:
    """Write reports that call for the playbook; returns the milliseconds to each first program."""
    found = []
    for _ in range(count):
        incident = await declared(engine)
        await asyncio.sleep(0.05)
        known = len(lines(seen))
        began = time.time()
        await engine.act(incident, "system", lambda *_: [CALLS_FOR_IT])
        while len(lines(seen)) == known:  # noqa: ASYNC110  another program's file
            await asyncio.sleep(0.002)
        found.append((float(lines(seen)[-1]) - began) * 1000)
    return found


def lines(path: Path) -> list[str]:
    """Return the whole lines of a file that may not be there yet."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


async def of_twenty(engine: Engine, kind: str, rounds: int) -> list[float]:
    """Run a playbook of twenty steps; returns milliseconds from asking to each end."""
    ended = asyncio.Event()

    def written(steps: Sequence[Step]) -> None:
        bodies = [event.body for step in steps for event in step.events]
        for body in bodies:
            if isinstance(body, r.RunEnded):
                assert body.outcome == "succeeded", body
                ended.set()

    engine.committed = written
    found = []
    for _ in range(rounds):
        incident = await declared(engine)
        await asyncio.sleep(0.2)
        ended.clear()
        began = time.perf_counter()
        await engine.act(
            incident, "person:pm",
            lambda policy, one, _: asking.ask(policy.manual, one, kind, {}),
        )  # fmt: skip
        await asyncio.wait_for(ended.wait(), 60)
        found.append((time.perf_counter() - began) * 1000)
    return found


def told(name: str, values: list[float]) -> None:
    """Print one line."""
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    load = os.getloadavg()[0]
    print(
        f"{name:36} p50 {median(ordered):7.1f} ms  p99 {p99:7.1f} ms  worst {ordered[-1]:7.1f} ms"
        f"  (n={len(ordered)}, load {load:.1f})",
        flush=True,
    )


async def measured(folder: Path, count: int, rounds: int) -> dict[str, list[float]]:
    """Measure everything, in one process."""
    report: dict[str, list[float]] = {}

    async def of(name: str, values: Callable[[], Any]) -> None:
        report[name] = await values()
        told(name, report[name])

    seen = folder / "seen"
    async with process(seen, folder) as runtime:
        here = runtime.engine
        elsewhere = Engine(here.pool, here.policy)
        await until_begun(here, seen, 5)
        await of("report to first program, here", lambda: until_begun(here, seen, count))
        await of("report to first program, elsewhere", lambda: until_begun(elsewhere, seen, count))
        for kind in KINDS:
            await of(f"{STEPS} steps: {kind}", partial(of_twenty, here, kind, rounds))
    return report


def main() -> None:
    """Run it, print it, and write it down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        report = uvloop.run(measured(folder, options.count, options.rounds))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
