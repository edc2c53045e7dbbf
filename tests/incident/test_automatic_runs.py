"""Playbooks that begin by themselves: once each time that it is broken, by a new report."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.incident.manuals import manual
from tests.incident.world import World

from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.runs.state import Run

MEND: dict[str, Any] = {
    "name": "Mend",
    "steps": [{"name": "restart", "kind": "command", "argv": ["restart"]}],
    "automatic": {"when": "checks.cpu == 'unhealthy'"},
}


def reports(world: World, verdict: str = "unhealthy") -> None:
    """Look, which takes ten seconds, and write down what was found."""
    world.runner.run_until(world.runner.now + timedelta(seconds=10))
    number = len(world.bodies(e.Diagnosed)) + 1
    world.runner.write(e.SYSTEM, [e.Diagnosed(number, "unhealthy", checks=[f"cpu={verdict}"])])


def runs(world: World) -> list[Run]:
    return list(world.incident.runs.values())


def ends(world: World, run: Run, outcome: r.Outcome = "done") -> None:
    """Let a worker take the lock and do the one step."""
    world.runner.write(e.SYSTEM, [r.RunStarted(run.id)])
    world.runner.write(e.SYSTEM, [r.StepEnded(run.id, 0, "do", 1, outcome)])
    assert world.incident.runs[run.id].over


def mended_by_itself() -> World:
    """The alert fires, the report calls for the playbook, which mends it; the alert is quiet."""
    world = World(manual(playbooks={"mend": MEND}))
    world.at("0:00").opens("P0").fires()
    world.skip_to("0:30")
    world.runner.write("person:backend-a", commands.start_recovery(world.incident, "backend-a"))
    reports(world)
    ends(world, runs(world)[0])
    world.skip_to("5:00").clears()
    assert world.incident.phase == "monitoring"
    return world


def relapsed() -> World:
    world = mended_by_itself()
    world.skip_to("10:00").fires()
    assert world.incident.phase == "responding"
    return world


def test_what_breaks_again_while_it_is_watched_is_mended_again_by_itself():
    world = relapsed()
    assert len(runs(world)) == 1, "what the report found before is of another time"
    reports(world)
    assert [run.asked.automatic for run in runs(world)] == [True, True]
    ends(world, runs(world)[1])
    reports(world)
    assert len(runs(world)) == 2, "once each time that it is broken"


def test_what_is_reopened_is_mended_again_by_itself():
    world = mended_by_itself()
    world.runner.write("person:pm", commands.resolve(world.runner.manual, world.incident, "pm"))
    world.skip_to("30:00")
    world.runner.write("person:pm", commands.reopen(world.incident, "", e.Reason("alerts_back")))
    assert len(runs(world)) == 1
    reports(world)
    assert len(runs(world)) == 2


def test_a_report_that_finds_it_healthy_after_a_relapse_starts_nothing():
    world = relapsed()
    reports(world, "healthy")
    assert len(runs(world)) == 1


@pytest.mark.parametrize("outcome", ["failed", "refused"])
def test_what_did_not_help_is_not_tried_again_until_it_is_broken_anew(outcome: r.Outcome):
    world = World(manual(playbooks={"mend": MEND}))
    world.at("0:00").opens("P0").fires()
    reports(world)
    ends(world, runs(world)[0], outcome)
    reports(world)
    assert len(runs(world)) == 1


def test_a_run_that_is_still_at_it_when_it_breaks_again_has_no_second_one_beside_it():
    world = World(manual(playbooks={"mend": MEND}))
    world.at("0:00").opens("P0").fires()
    world.skip_to("0:30")
    world.runner.write("person:backend-a", commands.start_recovery(world.incident, "backend-a"))
    reports(world)
    world.skip_to("5:00").clears()
    world.skip_to("10:00").fires()
    reports(world)
    assert [run.over for run in runs(world)] == [False]


def test_beyond_the_bound_a_relapse_calls_a_person_instead():
    world = relapsed()
    reports(world)
    bound = e.Reason("automation_bound", {"times": "1", "per": "1h"})
    world.runner.write(e.SYSTEM, [r.StartRefused(runs(world)[1].id, bound)])
    assert runs(world)[1].outcome == "refused"
    assert world.bodies(e.Paged)[-1].why.code == "run_bounded"
    reports(world)
    assert len(runs(world)) == 2, "nor is it tried until the bound lets it"
