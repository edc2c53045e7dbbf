"""Each clock: what it counts from, what stops it, which target it has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.incident.manuals import severity
from tests.incident.world import START, World

from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.clocks import Clock, clocks
from bongsu.manual.schema.base import SeverityLevel

MINUTE = timedelta(minutes=1)


def running(world: World) -> dict[str, Clock]:
    return {clock.name: clock for clock in clocks(world.runner.manual, world.incident)}


def test_the_clocks_stand_in_the_order_of_the_response(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")

    assert list(running(world)) == [
        "detection", "first_response", "verification", "response", "communication", "recovery",
    ]  # fmt: skip


def test_there_is_nothing_to_verify_before_somebody_has_answered(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")

    assert "verification" not in running(world)


@pytest.mark.parametrize(
    ("level", "minutes"), [("P0", 30), ("P1", 120), ("P2", 24 * 60), ("P3", 7 * 24 * 60)]
)
def test_recovery_has_the_severitys_own_target(world: World, level: SeverityLevel, minutes: int):
    world.at("0:00").opens(level).expects(paged="backend-a")

    assert running(world)["recovery"].target == minutes * MINUTE


def test_a_severity_may_have_targets_of_its_own(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")

    assert running(world)["first_response"].target == 60 * MINUTE
    assert running(world)["response"].target == 240 * MINUTE


def test_each_clock_stops_where_the_manual_says(world: World):
    world.at("2:00").opens("P0", started="0:30", alerts=1).expects(paged="backend-a")
    world.at("3:00").acknowledges("backend-a")
    world.at("4:00").confirms("backend-a").expects(paged="pm")
    world.at("5:00").assigns("incident_commander", "pm")
    world.calls()
    world.at("9:30").clears()
    elapsed = {name: clock.elapsed(world.runner.now) for name, clock in running(world).items()}

    assert elapsed == {
        "detection": 1.5 * MINUTE,
        "first_response": 1 * MINUTE,
        "verification": 1 * MINUTE,
        "response": 3 * MINUTE,
        "communication": 2 * MINUTE + timedelta(seconds=1),
        "recovery": 7.5 * MINUTE,
    }


def test_an_end_stops_every_clock(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").resolves("backend-a")

    assert {clock.stopped_at for clock in running(world).values()} == {START, START + MINUTE}


def test_what_stops_exactly_in_time_has_met_its_target():
    clock = Clock("response", START, 10 * MINUTE, START + 10 * MINUTE)

    assert not clock.breached(START + 60 * MINUTE)
    assert clock.due_at == START + 10 * MINUTE


def test_what_still_runs_when_the_time_is_up_has_missed_it():
    clock = Clock("response", START, 10 * MINUTE, None)

    assert not clock.breached(START + 10 * MINUTE - timedelta(microseconds=1))
    assert clock.breached(START + 10 * MINUTE)


def test_an_answer_that_is_taken_back_leaves_the_first_response_as_it_was(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    world.at("1:30").writes(*commands.unacknowledge(world.incident)).expects(paged="backend-a")

    assert running(world)["first_response"].elapsed(world.runner.now) == MINUTE


def test_a_clock_that_was_missed_while_nobody_looked_is_noted_late_and_once(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.sleeps_until("2h")
    world.at("2h").expects(missed=["first_response", "response", "communication", "recovery"])
    world.skip_to("3h")
    world.calls()

    assert len(world.bodies(e.ClockBreached)) == 4
    assert world.bodies(e.ClockBreached)[0].due_at == START + 5 * MINUTE


def test_a_lowered_severity_does_not_take_a_miss_back_nor_repeat_it(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.skip_to("31:00").turns("P2")
    world.skip_to("2d")
    world.calls()

    assert [b.clock for b in world.bodies(e.ClockBreached)].count("recovery") == 1


def test_a_target_of_the_severity_wins_over_the_manuals():
    manual = severity("P0", targets={"communication": "7m"})
    world = World(manual)
    world.at("0:00").opens("P0")

    assert running(world)["communication"].target == 7 * MINUTE
