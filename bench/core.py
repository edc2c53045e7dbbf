"""How long the core takes to decide, and how large an incident grows; ``--year`` lives a whole one.

Every figure is for one incident on one core, by the seed's manual: the median of many decisions.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.incident.world import START, Runner  # noqa: E402  the path is set above

from bongsu.i18n import translator  # noqa: E402  the lines above must come first
from bongsu.incident import events as e  # noqa: E402  the lines above must come first
from bongsu.incident.decide import settle  # noqa: E402  the lines above must come first
from bongsu.incident.guide import next_actions  # noqa: E402  the lines above must come first
from bongsu.incident.state import Incident, fold  # noqa: E402  the lines above must come first
from bongsu.incident.timeline import timeline  # noqa: E402  the lines above must come first
from bongsu.manual.load import load  # noqa: E402  the lines above must come first
from bongsu.oncall import Shifts  # noqa: E402  the lines above must come first

SEED = load(ROOT / "manuals" / "korea-public-data")
SHIFTS = Shifts(SEED)
OPENED = e.Opened("INC-1", "KoreaBackendDown", "P0", START, service="korea-backend")


def microseconds(work: Callable[[], object], times: int = 2000) -> float:
    """Return the median time of one call."""
    taken = []
    for _ in range(times):
        began = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - began)
    return median(taken) / 1000


def opened() -> Runner:
    """A P0 that has just begun."""
    runner = Runner(SEED, START)
    runner.write(e.SYSTEM, [OPENED, e.AlertsAdded(1, 1, "x")])
    return runner


def unanswered(length: timedelta) -> Runner:
    """A P0 that nobody has answered for so long; it sleeps up to its last day."""
    runner = opened()
    runner.sleep_until(START + max(length - timedelta(days=1), timedelta()))
    runner.run_until(START + length)
    return runner


def team_at_work() -> Runner:
    """A P0 whose whole team is called and has not answered."""
    runner = opened()
    runner.run_until(START + timedelta(minutes=1))
    runner.write("person:backend-a", [e.Acknowledged("backend-a"), e.Confirmed()])
    runner.write("person:pm", [e.RoleAssigned("incident_commander", "pm")])
    runner.run_until(START + timedelta(minutes=20))
    return runner


def report(name: str, runner: Runner) -> None:
    """Print what deciding costs when nothing is due, and how large the state is."""
    incident, now = runner.incident, runner.now
    decided = microseconds(lambda: settle(SEED, incident, SHIFTS, now))
    guided = microseconds(lambda: next_actions(SEED, incident, SHIFTS, now), 500)
    state = msgspec.msgpack.encode(incident)
    decoder = msgspec.msgpack.Decoder(Incident)
    decoded = microseconds(lambda: decoder.decode(state), 500)
    print(
        f"{name:32} decide {decided:6.0f} µs   guide {guided:6.0f} µs   "
        f"state {len(state):6,} bytes, read in {decoded:4.0f} µs   {len(runner.log):6,} events"
    )


def opening() -> None:
    """Print what the first decision about a new incident costs."""
    fresh = fold("1", [e.Event(1, START, e.SYSTEM, OPENED)])
    count = len(settle(SEED, fresh, SHIFTS, START).events)
    taken = microseconds(lambda: settle(SEED, fresh, SHIFTS, START))
    print(f"a new P0: {count} events decided in {taken:.0f} µs")


def reading(runner: Runner) -> None:
    """Print what folding and wording a log costs."""
    log, t = runner.log, translator("ko")
    folded = microseconds(lambda: fold("1", log), 20) / len(log)
    worded = microseconds(lambda: list(timeline(log, SEED, t)), 20) / len(log)
    print(f"a log of {len(log):,} events: fold {folded:.1f} µs, words {worded:.1f} µs an event")


def whole_year() -> None:
    """Live every minute of a year without an answer."""
    runner, began = opened(), time.perf_counter()
    runner.run_until(START + timedelta(days=365))
    seconds = time.perf_counter() - began
    pages = sum(isinstance(event.body, e.Paged) for event in runner.log)
    print(f"a whole year: {pages:,} pages, {len(runner.log):,} events in {seconds:.0f} s")
    report("  at its end", runner)


def main(arguments: list[str]) -> None:
    """Measure and print."""
    opening()
    report("a P0 that has just begun", opened())
    report("a P0, its whole team called", team_at_work())
    report("a P0 unanswered for an hour", unanswered(timedelta(hours=1)))
    report("a P0 unanswered for a day", unanswered(timedelta(days=1)))
    report("a P0 unanswered for a year", unanswered(timedelta(days=365)))
    reading(unanswered(timedelta(days=1)))
    if "--year" in arguments:
        whole_year()


if __name__ == "__main__":
    main(sys.argv[1:])
