"""A playbook at work: its steps in order, its yes and its lock, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.incident.manuals import manual
from tests.incident.world import World

from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.commands import RefusedError
from bongsu.incident.runs import asking
from bongsu.incident.runs.state import KEPT, Run
from bongsu.manual.schema.document import Manual

PERSON = "devops-a"


def command(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "command", "argv": [name], **more}


SCALE = command("scale", undo=["scale-back"])
RESTART = command("restart", undo=["restart-back"])
LOOK = command("look")


def with_playbook(*steps: dict[str, Any], **more: Any) -> Manual:
    return manual(playbooks={"mend": {"name": "Mend", "steps": list(steps), **more}})


class Workers:
    """Does what a run asks for, as the test says: step number and direction → outcome."""

    def __init__(self, world: World, fate: Mapping[str, r.Outcome] | None = None) -> None:
        self.world, self.fate = world, dict(fate or {})
        self.done: list[str] = []
        self._seen = 0

    def work(self) -> Run:
        """Answer everything that is asked for until nothing is."""
        while self._seen < len(self.world.log):
            body = self.world.log[self._seen].body
            self._seen += 1
            match body:
                case r.StartDue():
                    self.world.runner.write("system", [r.RunStarted(body.run)])
                case r.StepDue():
                    self._step(body)
        return self.run

    def _step(self, due: r.StepDue) -> None:
        name = f"{due.direction} {due.step}"
        self.done.append(f"{name} #{due.attempt}" if due.attempt > 1 else name)
        outcome = self.fate.get(f"{name} #{due.attempt}", self.fate.get(name, "done"))
        ended = r.StepEnded(due.run, due.step, due.direction, due.attempt, outcome)
        self.world.runner.write("system", [ended])

    @property
    def run(self) -> Run:
        return list(self.world.incident.runs.values())[-1]

    def ends(self, after: str) -> Run:
        """Let time pass, and work, until a time."""
        self.world.skip_to(after)
        return self.work()


def begun(whole: Manual, fate: Mapping[str, r.Outcome] | None = None, **options: Any) -> Workers:
    """A P0 that somebody has answered, with the playbook asked for at 5:00."""
    world = World(whole)
    world.at("0:00").opens("P0")
    world.skip_to("1:00").confirms("backend-a")
    world.skip_to("5:00")
    bodies = asking.ask(whole, world.incident, "mend", {}, **options)
    world.runner.write(f"person:{PERSON}", bodies)
    workers = Workers(world, fate)
    workers.work()
    return workers


# ── forwards ─────────────────────────────────────────────────────────────────────────────


def test_steps_are_done_one_after_the_other_and_the_recovery_has_begun():
    workers = begun(with_playbook(SCALE, RESTART, LOOK))
    assert workers.done == ["do 0", "do 1", "do 2"]
    assert workers.run.outcome == "succeeded"
    assert workers.world.incident.phase == "recovering"


def test_a_wait_lets_its_time_pass():
    workers = begun(
        with_playbook(SCALE, {"name": "settle", "kind": "wait", "duration": "30s"}, LOOK)
    )
    assert workers.done == ["do 0"]
    assert not workers.ends("5:29").over
    assert workers.ends("5:30").outcome == "succeeded"
    assert workers.done == ["do 0", "do 2"]


def test_what_a_person_does_waits_for_their_word():
    hand = {"name": "swap the disk", "kind": "human", "instruction": "swap it"}
    workers = begun(with_playbook(hand, LOOK))
    assert not workers.ends("2:00:00").over
    incident, run = workers.world.incident, workers.run
    workers.world.runner.write(
        f"person:{PERSON}", asking.answer(incident, run.id, 0, PERSON, said="done")
    )
    assert workers.work().outcome == "succeeded"


def test_a_step_whose_condition_does_not_hold_is_left_out():
    workers = begun(with_playbook({**SCALE, "when": "severity == 'P3'"}, LOOK))
    assert workers.done == ["do 1"]
    assert workers.run.done[0].outcome == "skipped"


def test_a_condition_that_cannot_be_answered_fails_its_step():
    workers = begun(with_playbook({**SCALE, "when": "nonsense > 1"}, LOOK))
    assert workers.done == []
    assert workers.run.outcome == "failed"


def test_a_condition_goes_by_what_the_runs_own_steps_have_seen():
    look = {"name": "look", "kind": "check", "checks": ["mongodb"], "required": False}
    restore = {**SCALE, "when": "checks.mongodb == 'unhealthy'"}
    whole = with_playbook(look, restore)
    world = World(whole)
    world.at("0:00").opens("P0")
    world.runner.write("person:pm", asking.ask(whole, world.incident, "mend", {}))
    run = next(iter(world.incident.runs))
    world.runner.write("system", [r.RunStarted(run)])
    came = r.StepEnded(run, 0, "do", 1, "failed", checks=["mongodb=unhealthy"])
    world.runner.write("system", [came])
    assert [one.step for one in world.bodies(r.StepDue)] == [0, 1]


def test_a_failed_step_is_tried_again_with_the_wait_doubled():
    again = {**LOOK, "retry": {"times": 2, "wait": "10s"}}
    workers = begun(with_playbook(again), {"do 0": "failed", "do 0 #3": "done"})
    assert workers.done == ["do 0"]
    workers.ends("5:10")
    assert workers.done == ["do 0", "do 0 #2"]
    workers.ends("5:29")
    assert len(workers.done) == 2
    assert workers.ends("5:30").outcome == "succeeded"


def test_a_step_that_only_looks_may_fail():
    workers = begun(with_playbook({**LOOK, "required": False}, SCALE), {"do 0": "failed"})
    assert workers.done == ["do 0", "do 1"]
    assert workers.run.outcome == "succeeded"


# ── backwards ────────────────────────────────────────────────────────────────────────────


def test_a_failure_takes_back_what_was_done_the_last_step_first():
    workers = begun(with_playbook(SCALE, RESTART, LOOK), {"do 2": "failed"})
    assert workers.done == ["do 0", "do 1", "do 2", "undo 1", "undo 0"]
    assert workers.run.outcome == "undone"


def test_a_step_that_failed_half_way_is_taken_back_as_well_and_one_not_begun_is_not():
    workers = begun(with_playbook(SCALE, RESTART), {"do 1": "failed"})
    assert workers.done == ["do 0", "do 1", "undo 1", "undo 0"]
    workers = begun(with_playbook(SCALE, RESTART), {"do 1": "refused"})
    assert workers.done == ["do 0", "do 1", "undo 0"]


def test_a_step_that_cannot_be_taken_back_stops_none_of_the_others():
    fate: dict[str, r.Outcome] = {"do 2": "failed", "undo 1": "failed"}
    workers = begun(with_playbook(SCALE, RESTART, LOOK), fate)
    assert workers.done[-2:] == ["undo 1", "undo 0"]
    assert workers.run.outcome == "undo_failed"


def test_where_the_manual_says_stop_nothing_is_taken_back():
    workers = begun(with_playbook(SCALE, LOOK, on_failure="stop"), {"do 1": "failed"})
    assert workers.done == ["do 0", "do 1"]
    assert workers.run.outcome == "failed"


def test_a_run_that_fails_calls_whoever_asked_for_it():
    workers = begun(with_playbook(LOOK), {"do 0": "failed"})
    pages = [one for one in workers.world.bodies(e.Paged) if one.why.code == "run_failed"]
    assert PERSON in [one.person for one in pages]


def test_a_run_that_succeeded_can_be_taken_back_later_and_only_once():
    workers = begun(with_playbook(SCALE, RESTART))
    workers.world.skip_to("9:00")
    run = workers.run.id
    back = asking.take_back(workers.world.incident, run)
    workers.world.runner.write(f"person:{PERSON}", back)
    assert workers.work().outcome == "undone"
    assert called_for(workers, "run_failed") == [], "whoever took it back knows"
    assert workers.done == ["do 0", "do 1", "undo 1", "undo 0"]
    with pytest.raises(RefusedError, match="nothing_to_undo"):
        asking.take_back(workers.world.incident, run)


def test_a_person_may_stop_a_run_and_have_it_taken_back():
    settle = {"name": "settle", "kind": "wait", "duration": "10m"}
    workers = begun(with_playbook(SCALE, settle, LOOK))
    stop = asking.stop(workers.world.incident, workers.run.id, undo=True)
    workers.world.runner.write(f"person:{PERSON}", stop)
    assert workers.work().outcome == "undone"
    assert workers.done == ["do 0", "undo 0"]


# ── what nobody knows ────────────────────────────────────────────────────────────────────


def test_a_step_whose_outcome_is_unknown_waits_for_a_persons_word():
    workers = begun(with_playbook(SCALE, LOOK), {"do 0": "unknown"})
    assert workers.ends("5:00:00").stuck == 0
    assert workers.done == ["do 0"], "it is not run again blindly"
    said = asking.answer(workers.world.incident, workers.run.id, 0, PERSON, said="done")
    workers.world.runner.write(f"person:{PERSON}", said)
    assert workers.work().outcome == "succeeded"
    assert workers.done == ["do 0", "do 1"]


def test_a_person_may_have_an_unknown_step_run_again():
    workers = begun(with_playbook(SCALE), {"do 0": "unknown"})
    workers.fate.clear()
    said = asking.answer(workers.world.incident, workers.run.id, 0, PERSON, said="again")
    workers.world.runner.write(f"person:{PERSON}", said)
    assert workers.work().outcome == "succeeded"
    assert workers.done == ["do 0", "do 0"]


def called_for(workers: Workers, code: str) -> list[str]:
    return [one.person for one in workers.world.bodies(e.Paged) if one.why.code == code]


def test_nobody_has_to_find_out_by_themselves_that_an_outcome_is_unknown():
    workers = begun(with_playbook(SCALE, LOOK), {"do 0": "unknown"})
    assert called_for(workers, "say_of_step") == [PERSON, "backend-a"]
    (needed,) = workers.world.bodies(r.PersonNeeded)
    assert (needed.run, needed.step) == (workers.run.id, 0)
    workers.ends("1:00:00")
    assert len(workers.world.bodies(r.PersonNeeded)) == 1, "the calls themselves go on"
    said = asking.answer(workers.world.incident, workers.run.id, 0, PERSON, said="done")
    workers.world.runner.write(f"person:{PERSON}", said)
    sent = len(workers.world.bodies(e.DeliveryDue))
    workers.world.skip_to("2:00:00")
    assert not [
        one for one in workers.world.bodies(e.DeliveryDue)[sent:] if "/0." in one.ref
    ], "what was answered calls nobody"  # fmt: skip


def test_whose_step_it_is_is_called_and_once_more_everybody_when_it_is_overdue():
    hand = {"name": "swap", "kind": "human", "instruction": "swap it", "role": "technical_lead",
            "timeout": "20m"}  # fmt: skip
    workers = begun(with_playbook(hand))
    assert called_for(workers, "do_step") == ["senior-dev"]
    workers.ends("24:59")
    assert len(workers.world.bodies(r.PersonNeeded)) == 1
    workers.ends("25:00")
    assert called_for(workers, "do_step")[1:] == [PERSON, "backend-a"]
    workers.ends("9:00:00")
    assert len(workers.world.bodies(r.PersonNeeded)) == 2, "nobody is called for ever"
    assert not workers.run.over


def test_whoever_has_just_asked_for_a_run_is_not_called_for_its_first_step():
    hand = {"name": "swap", "kind": "human", "instruction": "swap it"}
    workers = begun(with_playbook(hand))
    assert called_for(workers, "do_step") == ["backend-a"]


def test_an_incident_does_not_resolve_by_itself_while_a_playbook_is_at_work():
    wait = {"name": "w", "kind": "wait", "duration": "3h"}
    whole = manual(
        playbooks={"mend": {"name": "Mend", "steps": [wait]}},
        response={"severities": {"P0": {"resolve_when_clear": "1h"}}},
    )
    workers = begun(whole)
    workers.world.skip_to("10:00").clears()
    workers.ends("2:00:00")
    assert workers.world.incident.open
    assert workers.ends("3:05:00").outcome == "succeeded"
    assert not workers.world.incident.open, "it does when the run has ended"


def test_a_run_that_fails_after_its_incident_has_ended_still_calls_people():
    workers = begun(with_playbook({"name": "w", "kind": "wait", "duration": "9m"}, LOOK),
                    {"do 1": "failed"})  # fmt: skip
    workers.world.runner.write("person:pm", [e.Resolved("quiet")])
    assert not workers.world.incident.open
    assert workers.ends("14:00").outcome == "failed"
    refs = {one.ref for one in workers.world.bodies(e.DeliveryDue)}
    page = f"{workers.run.id}/end/{PERSON}"
    assert page in refs
    workers.world.runner.write(
        f"person:{PERSON}", commands.acknowledge(workers.world.incident, PERSON, "link", page)
    )
    assert workers.world.incident.pages[page].answered_at is not None


# ── a yes ────────────────────────────────────────────────────────────────────────────────


def test_a_step_waits_for_the_yes_of_its_role_who_is_called_for_it():
    workers = begun(with_playbook(SCALE, {**RESTART, "approve": "technical_lead"}))
    assert workers.done == ["do 0"]
    asked = [one for one in workers.world.bodies(e.Paged) if one.why.code == "approval_wanted"]
    assert [one.person for one in asked] == ["senior-dev"]
    yes = asking.approve(
        workers.world.runner.manual,
        workers.world.incident,
        workers.run.id,
        1,
        "senior-dev",
        yes=True,
        now=workers.world.runner.now,
    )
    workers.world.runner.write("person:senior-dev", yes)
    assert workers.work().outcome == "succeeded"


def test_whoever_does_not_wear_the_role_or_one_above_it_cannot_say_yes():
    workers = begun(with_playbook({**RESTART, "approve": "technical_lead"}))
    whole, incident, run = workers.world.runner.manual, workers.world.incident, workers.run.id
    now = workers.world.runner.now
    with pytest.raises(RefusedError, match="not_theirs_to_approve"):
        asking.approve(whole, incident, run, 0, "frontend-a", yes=True, now=now)
    assert asking.approve(whole, incident, run, 0, "pm", yes=True, now=now), (
        "the commander stands above"
    )


def test_a_role_that_nobody_wears_asks_the_one_above_it():
    whole = with_playbook(SCALE, approve="spare")
    whole.team.roles["spare"] = whole.team.roles["technical_lead"].model_copy(
        update={"held_by": [], "reports_to": "incident_commander"}
    )
    assert called_for(begun(whole), "approval_wanted") == ["pm"]


def test_a_yes_that_comes_too_late_counts_for_nothing():
    workers = begun(with_playbook(SCALE, approve="technical_lead", approve_within="10m"))
    whole, incident = workers.world.runner.manual, workers.world.incident
    late = workers.world.runner.now + timedelta(minutes=10)
    with pytest.raises(RefusedError, match="approval_lapsed"):
        asking.approve(whole, incident, workers.run.id, None, "pm", yes=True, now=late)


def test_an_approval_that_nobody_gives_lapses_and_nothing_is_run():
    workers = begun(with_playbook(SCALE, approve="technical_lead", approve_within="10m"))
    assert not workers.ends("14:59").over
    run = workers.ends("15:00")
    assert (run.outcome, workers.done) == ("refused", [])
    assert run.why is not None
    assert run.why.code == "approval_lapsed"
    assert called_for(workers, "run_failed") == [PERSON, "backend-a"]


def test_a_run_waits_for_its_lock_from_when_it_wants_it_not_from_when_it_was_asked_for():
    workers = begun(with_playbook(SCALE, approve="technical_lead", approve_within="2h"))
    workers.world.skip_to("1:00:00")
    whole, incident, now = (
        workers.world.runner.manual,
        workers.world.incident,
        workers.world.runner.now,
    )
    yes = asking.approve(whole, incident, workers.run.id, None, "pm", yes=True, now=now)
    workers.world.runner.write("person:pm", yes)
    assert workers.run.wanted_at == now


def test_a_call_for_an_approval_ends_when_somebody_has_answered():
    workers = begun(with_playbook(SCALE, approve="technical_lead"))
    whole, incident = workers.world.runner.manual, workers.world.incident
    no = asking.approve(
        whole, incident, workers.run.id, None, "pm", yes=False, now=workers.world.runner.now
    )
    workers.world.runner.write("person:pm", no)
    assert workers.work().outcome == "refused"
    sent = len(workers.world.bodies(e.DeliveryDue))
    workers.world.skip_to("4:00:00")
    asked = [one.page for one in workers.world.bodies(e.Paged) if one.why.code == "approval_wanted"]
    assert not [one for one in workers.world.bodies(e.DeliveryDue)[sent:] if one.ref in asked]
    told = [one.person for one in workers.world.bodies(e.Paged) if one.why.code == "run_failed"]
    assert told == [PERSON, "backend-a"], "who asked for it does not wait for ever"


# ── the lock, dry runs, by itself ────────────────────────────────────────────────────────


def test_a_run_that_finds_its_lock_taken_asks_again_later():
    workers = begun(with_playbook(SCALE, lock="backend"))
    world = World(workers.world.runner.manual)
    world.at("0:00").opens("P0")
    world.runner.write("person:pm", asking.ask(world.runner.manual, world.incident, "mend", {}))
    run = next(iter(world.incident.runs))
    until = world.runner.now + timedelta(seconds=5)
    why = e.Reason("lock_taken", {"lock": "backend", "run": "r1", "incident": "1"})
    world.runner.write("system", [r.RunWaits(run, until, why)])
    assert len(world.bodies(r.StartDue)) == 1
    world.skip_to("0:05")
    assert len(world.bodies(r.StartDue)) == 2


def test_a_dry_run_asks_nobody_and_takes_nothing_back():
    steps = (SCALE, {**RESTART, "approve": "technical_lead"})
    workers = begun(
        with_playbook(*steps, approve="incident_commander"), {"do 1": "failed"}, dry=True
    )
    assert workers.done == ["do 0", "do 1"]
    assert workers.run.outcome == "failed"
    assert workers.world.incident.phase == "verified", "nothing is being changed"
    codes = {one.why.code for one in workers.world.bodies(e.Paged)}
    assert not codes & {"approval_wanted", "run_failed"}


def test_a_dry_run_says_of_each_step_that_would_fail_why_it_would():
    whole = with_playbook(SCALE)
    world = World(whole)
    world.at("0:00").opens("P0")
    world.runner.write("person:pm", asking.ask(whole, world.incident, "mend", {}, dry=True))
    run = Workers(world).run.id
    world.runner.write("system", [r.RunStarted(run)])
    why = "there is no such revision: {line}"
    world.runner.write("system", [r.StepEnded(run, 0, "do", 1, "failed", why, {"line": "9"})])
    (came,) = world.incident.runs[run].done.values()
    assert (came.outcome, came.says, came.values) == ("skipped", why, {"line": "9"})


@pytest.mark.parametrize(("required", "outcome"), [(True, "failed"), (False, "succeeded")])
def test_a_dry_run_shows_all_steps_and_has_failed_where_one_that_is_needed_would(
    required: bool, outcome: str
):
    first = {**SCALE, "required": required}
    workers = begun(with_playbook(first, RESTART), {"do 0": "failed"}, dry=True)
    workers.work()
    assert set(workers.run.done) == {0, 1}
    assert workers.run.outcome == outcome
    assert (workers.run.why and workers.run.why.code) == ("step_failed" if required else None)


def test_however_often_one_rehearses_what_was_done_can_be_taken_back():
    whole = with_playbook(SCALE, RESTART)
    workers = begun(whole)
    run = workers.run.id
    for _ in range(KEPT + 5):
        rehearsed = asking.ask(whole, workers.world.incident, "mend", {}, dry=True)
        workers.world.runner.write(f"person:{PERSON}", rehearsed)
        workers.work()
    assert len(workers.world.incident.runs) == KEPT
    back = asking.take_back(workers.world.incident, run)
    workers.world.runner.write(f"person:{PERSON}", back)
    workers.work()
    assert workers.world.incident.runs[run].outcome == "undone"
    assert workers.done[-2:] == ["undo 1", "undo 0"]


def test_in_a_drill_nothing_is_run_for_real():
    whole = with_playbook(SCALE)
    world = World(whole)
    world.at("0:00").opens("P0", drill=True)
    world.runner.write("person:pm", asking.ask(whole, world.incident, "mend", {}))
    assert [one.dry for one in world.bodies(r.RunAsked)] == [True]


AUTOMATIC = {"automatic": {"when": "checks.cpu == 'unhealthy'"}}


def reported(verdict: str) -> World:
    world = World(with_playbook(SCALE, **AUTOMATIC))
    world.at("0:00").opens("P0")
    world.runner.write("system", [e.Diagnosed(1, "unhealthy", checks=[f"cpu={verdict}"])])
    return world


def test_a_playbook_begins_by_itself_when_the_report_says_so_and_only_once():
    world = reported("unhealthy")
    assert [one.automatic for one in world.bodies(r.RunAsked)] == [True]
    world.runner.write("system", [e.Diagnosed(2, "unhealthy", checks=["cpu=unhealthy"])])
    assert len(world.bodies(r.RunAsked)) == 1


@pytest.mark.parametrize("verdict", ["healthy", "degraded", "unknown"])
def test_what_nobody_could_look_at_starts_nothing_by_itself(verdict: str):
    assert not reported(verdict).bodies(r.RunAsked)


def test_a_run_that_may_not_begin_by_itself_again_calls_a_person():
    world = reported("unhealthy")
    run = next(iter(world.incident.runs))
    bound = e.Reason("automation_bound", {"times": "1", "per": "1h"})
    world.runner.write("system", [r.StartRefused(run, bound)])
    assert world.incident.runs[run].outcome == "refused"
    assert world.bodies(e.Paged)[-1].why.code == "run_bounded"


def test_a_plan_that_this_release_cannot_read_ends_its_run_and_disturbs_no_page():
    world = World(with_playbook(SCALE))
    world.at("0:00").opens("P0")
    strange = r.PlannedStep('{"kind": "teleport"}', {"ko": "?"}, "mend")
    world.runner.write("person:pm", [r.RunAsked("r9", "mend", [strange]), r.RunStarted("r9")])
    run = world.incident.runs["r9"]
    assert run.outcome == "failed"
    assert run.why is not None
    assert run.why.code == "run_undecidable"


def test_stopping_at_a_way_back_that_nobody_knows_of_ends_the_run():
    workers = begun(with_playbook(SCALE, RESTART, LOOK), {"do 2": "failed", "undo 1": "unknown"})
    assert workers.run.stuck == 1
    said = asking.answer(workers.world.incident, workers.run.id, 1, PERSON, said="stop")
    workers.world.runner.write(f"person:{PERSON}", said)
    assert workers.work().outcome == "undo_failed"
    assert workers.done[-1] == "undo 0", "the others are taken back all the same"


def test_taking_back_waits_for_the_lock_as_long_as_any_run_and_may_be_asked_for_again():
    workers = begun(with_playbook(SCALE, lock="backend"))
    world, run = workers.world, workers.run
    world.skip_to("3:00:00")

    def asks() -> None:
        bodies = asking.take_back(world.incident, run.id)
        world.runner.write(f"person:{PERSON}", bodies)

    asks()
    assert workers.run.wanted_at == world.runner.now, "not since the run was asked for, hours ago"
    refused = r.StartRefused(run.id, e.Reason("lock_lost", {"lock": "backend"}))
    workers._seen = len(world.log)
    world.runner.write("system", [refused])
    assert workers.run.outcome == "undo_failed"
    asks()
    assert workers.work().outcome == "undone"
