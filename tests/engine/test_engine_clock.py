"""Time goes on, whatever is done to the machine's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bongsu.engine.clock import SystemClock

START = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)


@dataclass
class Machine:
    """A machine whose clock can be set."""

    shows: datetime = START
    passed: float = 1000.0

    def goes_on(self, seconds: float) -> None:
        self.shows += timedelta(seconds=seconds)
        self.passed += seconds


def clock_of(machine: Machine) -> SystemClock:
    return SystemClock(lambda: machine.shows, lambda: machine.passed)


def test_a_clock_that_is_set_back_does_not_hold_up_what_is_due():
    machine = Machine()
    clock = clock_of(machine)
    due = clock.now() + timedelta(minutes=2)
    machine.goes_on(60)
    machine.shows -= timedelta(hours=1)
    machine.goes_on(60)
    assert clock.now() == due


def test_a_clock_that_is_set_forward_again_is_followed():
    machine = Machine()
    clock = clock_of(machine)
    machine.shows -= timedelta(hours=1)
    assert clock.now() == START
    machine.shows += timedelta(minutes=90)
    assert clock.now() == START + timedelta(minutes=30)
    assert clock.ahead == timedelta()


def test_a_clock_that_is_trimmed_by_little_is_simply_read():
    machine = Machine()
    clock = clock_of(machine)
    machine.goes_on(10)
    machine.shows -= timedelta(milliseconds=300)
    assert clock.now() == machine.shows
