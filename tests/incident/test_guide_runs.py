"""What the guide says of playbooks at work: what they wait for, by whom and until when."""

from __future__ import annotations

from datetime import timedelta

from tests.incident.test_runs import LOOK, SCALE, Workers, begun, command, with_playbook
from tests.incident.world import START

from bongsu.i18n import translator
from bongsu.incident import events as e
from bongsu.incident.guide import NextAction, next_actions
from bongsu.manual.schema.document import Manual


def said(workers: Workers, manual: Manual, code: str) -> list[NextAction]:
    world = workers.world
    now = next_actions(manual, world.incident, world.runner.shifts, world.runner.now)
    return [action for action in now if action.code == code]


def test_an_approval_is_asked_of_whoever_is_called_for_it_until_it_lapses():
    manual = with_playbook(command("restart", approve="technical_lead"))
    workers = begun(manual)
    (action,) = said(workers, manual, "approve_step")
    assert action.who == ("person:senior-dev",)
    assert action.by == START + timedelta(minutes=35)
    assert action.words(manual, translator("en")).endswith("“Mend”, step 1: restart")


def test_a_whole_run_that_waits_for_a_yes_says_so():
    manual = with_playbook(LOOK, approve="technical_lead")
    (action,) = said(begun(manual), manual, "approve_run")
    assert "조치서 “Mend”" in action.words(manual, translator("ko"))


def test_a_step_of_a_person_is_shown_with_its_instruction_and_its_time():
    words = {"ko": "디스크를 바꾸세요", "en": "Swap the disk"}
    hand = {"name": "swap", "kind": "human", "instruction": words, "role": "technical_lead",
            "timeout": "20m"}  # fmt: skip
    manual = with_playbook(LOOK, hand)
    (action,) = said(begun(manual), manual, "do_step")
    assert action.who == ("role:technical_lead",)
    assert action.by == START + timedelta(minutes=25)
    assert "디스크를 바꾸세요" in action.words(manual, translator("ko"))
    assert "Swap the disk" in action.words(manual, translator("en"))


def test_a_step_of_which_nobody_knows_whether_it_was_done_is_a_persons_to_say():
    manual = with_playbook(SCALE, LOOK)
    (action,) = said(begun(manual, {"do 0": "unknown"}), manual, "say_of_step")
    assert "scale" in action.words(manual, translator("en"))


def test_a_playbook_is_not_called_for_while_it_runs_and_is_done_when_it_has_succeeded():
    wait = {"name": "settle", "kind": "wait", "duration": "30s"}
    manual = with_playbook(wait, LOOK, types=["server_down"])
    workers = begun(manual)
    workers.world.runner.write(e.SYSTEM, [e.TypeChanged("server_down")])
    assert [a for a in said(workers, manual, "run_playbook") if a.playbook == "mend"] == []
    workers.ends("6:00")
    (action,) = [a for a in said(workers, manual, "run_playbook") if a.playbook == "mend"]
    assert action.done
