"""What the manual says to do next, by whom, by when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.incident.conftest import MakeWorld
from tests.incident.manuals import manual, verification
from tests.incident.world import World

from bongsu.i18n import translator
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.guide import NextAction, headline, next_actions

KO = translator("ko")


def asked(world: World) -> list[NextAction]:
    runner = world.runner
    return next_actions(runner.manual, runner.incident, runner.shifts, runner.now)


def codes(world: World) -> list[str]:
    return [action.code for action in asked(world)]


def action(world: World, code: str) -> NextAction:
    (found,) = [action for action in asked(world) if action.code == code]
    return found


def by(world: World, found: NextAction) -> str:
    assert found.by is not None
    return world._clock(found.by)


def said(world: World) -> str:
    return headline(world.runner.manual, world.incident, KO)


def responding(world: World, service: str = "mongodb") -> None:
    opened = world.at("0:00").opens("P0", alerts=1, service=service, type="database_failure")
    opened.expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "pm").expects(
        paged=["senior-dev", "marketing", "devops-a"]
    )


# ── people must answer ───────────────────────────────────────────────────────────────────


def test_whoever_was_called_answers_before_the_next_one_is_called(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    found = asked(world)[0]

    assert (found.code, found.who, by(world, found)) == (
        "acknowledge",
        ("person:backend-a",),
        "3:00",
    )


def test_everybody_who_was_called_may_answer_the_latest_first(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("3:00").expects(paged="frontend-a")
    found = asked(world)[0]

    assert found.who == ("person:frontend-a", "person:backend-a")
    assert by(world, found) == "6:00"


def test_answering_comes_first_even_when_something_else_is_overdue(world: World):
    world.at("0:00").opens("P0")
    world.skip_to("12:00")
    world.calls()

    assert codes(world)[0] == "acknowledge"
    assert asked(world)[1].overdue


def test_where_no_call_is_waiting_somebody_must_be_reached_by_hand(make_world: MakeWorld):
    world = make_world(manual(response={"severities": {"P0": {"repeat": None}}}))
    world.breaks(permanent=True)
    world.at("0:00").opens("P0")
    world.skip_to("10:00")
    world.calls()
    found = asked(world)[0]

    assert (found.code, found.overdue) == ("call_by_hand", True)
    assert found.who == ("person:backend-a", "person:frontend-a", "person:senior-dev")


def test_whoever_answered_says_whether_it_is_real(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    found = asked(world)[0]

    assert (found.code, found.who, by(world, found)) == ("verify", ("person:backend-a",), "3:00")
    assert "acknowledge" not in codes(world)


def test_a_role_that_is_called_for_is_taken_by_whoever_was_called(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    found = asked(world)[0]

    assert (found.code, found.who, by(world, found)) == ("take_role", ("person:pm",), "4:00")
    assert found.words(world.runner.manual, KO) == "장애 지휘자 역할 맡기"
    assert found.people(world.runner.manual, KO) == "PM"


def test_every_role_of_the_team_is_still_to_be_taken(world: World):
    responding(world)
    roles = [a.text.values["role"] for a in asked(world) if a.code == "take_role"]

    assert roles == ["technical_lead", "communications_lead", "devops_engineer"]


def test_a_role_whose_calls_are_over_is_still_open(world: World):
    responding(world)
    world.at("3:00").assigns("communications_lead", "pm")
    world.breaks(permanent=True)
    world.skip_to("30:00").releases("communications_lead")
    world.calls()
    open_role = next(a for a in asked(world) if a.text.values.get("role") == "communications_lead")

    assert (open_role.who, open_role.by) == (("role:communications_lead",), None)


def test_a_snooze_says_when_it_ends_and_asks_for_no_answer(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").snoozes("1h")
    found = asked(world)[0]

    assert (found.code, by(world, found)) == ("snoozed_until", "60:00")
    assert "acknowledge" not in codes(world)


# ── checklists ───────────────────────────────────────────────────────────────────────────


def test_the_checklist_of_the_phase_is_shown_with_its_commands(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    items = [a for a in asked(world) if a.code == "checklist_item"]

    assert [a.words(world.runner.manual, KO) for a in items] == [
        "모니터링 대시보드 확인", "파드 상태 확인",
    ]  # fmt: skip
    assert items[1].command == ("kubectl", "get", "pods", "-n", "korea-prod")
    assert items[1].checklist == ("first_look", 1)
    assert {by(world, a) for a in items} == {"5:00"}


def test_an_item_that_is_done_stands_last(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").writes(e.ChecklistTicked("first_look", 0))
    last = asked(world)[-1]

    assert (last.checklist, last.done, last.overdue) == (("first_look", 0), True, False)


def test_an_item_for_a_role_names_the_role_and_then_its_wearer(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    item = next(a for a in asked(world) if a.checklist == ("commander_first", 0))
    assert item.who == ("role:incident_commander",)

    world.at("2:00").assigns("incident_commander", "pm")
    world.calls()
    item = next(a for a in asked(world) if a.checklist == ("commander_first", 0))
    assert item.who == ("person:pm",)


def test_what_an_earlier_phase_left_undone_comes_after_what_this_one_asks(world: World):
    responding(world)
    world.at("3:00").writes(e.ChecklistTicked("first_look", 0))

    assert [a.checklist for a in asked(world)][-2:] == [("first_look", 1), ("commander_first", 0)]


def test_a_checklist_of_other_severities_is_not_shown(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a")

    assert not [a for a in asked(world) if a.checklist and a.checklist[0] == "commander_first"]


def test_a_checklist_of_the_end_is_shown_at_the_end(make_world: MakeWorld):
    tidy = {"name": "정리", "phase": "resolved", "items": ["임시 조치 되돌리기"]}
    world = make_world(manual(response={"checklists": {"tidy": tidy}}))
    responding(world)
    assert ("tidy", 0) not in [a.checklist for a in asked(world)]

    world.skip_to("30:00").resolves("pm")
    assert [a.checklist for a in asked(world) if a.checklist] == [("tidy", 0)]


# ── notices, playbooks, recovery ─────────────────────────────────────────────────────────


def test_the_team_is_assembled_by_the_commander_or_in_five_minutes(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    found = action(world, "assemble_team")

    assert (found.who, by(world, found)) == (("role:incident_commander",), "6:00")


def test_the_first_notice_is_due_once_it_is_real(make_world: MakeWorld):
    world = make_world(manual(response={"severities": {"P0": {"announce": []}}}))
    world.at("0:00").opens("P0").expects(paged="backend-a")
    assert "first_notice" not in codes(world)

    world.at("1:00").confirms("backend-a").expects(paged="pm")
    found = action(world, "first_notice")
    assert (found.who, by(world, found)) == (("role:communications_lead",), "15:00")


def test_a_notice_that_was_delivered_is_not_asked_for_again(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    assert "first_notice" in codes(world)

    world.at("1:01")
    assert "first_notice" not in codes(world)


def test_a_manual_without_a_communications_lead_asks_whoever_leads(make_world: MakeWorld):
    roles = {"communications_lead": None}
    response: dict[str, object] = {"severities": {"P0": {"announce": [], "assemble": None}}}
    world = make_world(manual(team={"roles": roles}, response=response))
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")

    assert action(world, "first_notice").who == ("role:incident_commander",)


def test_the_playbook_of_the_type_is_offered_with_the_approval_it_needs(world: World):
    responding(world)
    found = action(world, "run_playbook_approved")

    assert found.playbook == "database_failure"
    assert found.words(world.runner.manual, KO) == (
        "장애 지휘자 승인을 받아 조치서 ‘데이터베이스 장애’ 실행하기"
    )
    assert by(world, found) == "30:00"


def test_playbooks_follow_the_type_and_the_severity(world: World):
    world.at("0:00").opens("P0", type="server_down").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    assert [a.playbook for a in asked(world) if a.playbook] == ["server_down"]

    world.at("2:00").turns("P2")
    assert [a.playbook for a in asked(world) if a.playbook] == []

    world.at("3:00").writes(
        *commands.change_type(world.incident, "database_failure", world.runner.manual)
    )
    assert [a.playbook for a in asked(world) if a.playbook] == ["database_failure"]


def test_the_service_is_brought_back_in_the_manuals_order(world: World):
    responding(world)
    found = action(world, "recover_in_order")

    assert found.words(world.runner.manual, KO) == (
        "데이터베이스 복구하고 정상화되면 알리기 (복구 우선순위 1. 사용자 안전 확보)"
    )
    assert by(world, found) == "30:00"


def test_what_the_report_found_broken_is_brought_back_in_order_as_well(make_world: MakeWorld):
    probe = {"kind": "tcp", "host": "mongodb", "port": 27017}
    checks = {"mongodb": {"name": "MongoDB", "service": "mongodb", "probe": probe}}
    owned = {"services": {"mongodb": {"owner": "devops_engineer"}}}
    world = make_world(manual(services=owned, diagnosis={"checks": checks}))
    responding(world, "korea-backend")
    assert [a.text.values["service"] for a in asked(world) if a.code == "recover_in_order"] == [
        "korea-backend"
    ]  # fmt: skip

    world.at("3:00").writes(e.Diagnosed(1, "unhealthy", checks=["mongodb=unhealthy"]))
    found = [a for a in asked(world) if a.code == "recover_in_order"]
    assert [a.text.values["service"] for a in found] == ["mongodb", "korea-backend"]
    assert found[0].who == ("role:devops_engineer",)


def test_the_owner_of_a_service_sees_to_it(make_world: MakeWorld):
    owned = {"services": {"mongodb": {"owner": "devops_engineer"}}}
    world = make_world(manual(services=owned))
    responding(world)
    assert action(world, "recover_in_order").who == ("role:devops_engineer",)

    world.at("3:00").assigns("devops_engineer", "devops-b")
    assert action(world, "recover_in_order").who == ("person:devops-b",)


def test_a_service_that_the_manual_does_not_know_is_recovered_by_whoever_answered(world: World):
    world.at("0:00").opens("P2", service="payments").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a")

    assert action(world, "recover").who == ("person:backend-a",)


def test_what_works_again_is_verified_watched_and_then_resolved():
    world = World(manual(verification=verification()))
    responding(world)
    world.skip_to("20:00").clears().expects(phase="monitoring")
    check = action(world, "verification_runs")

    assert check.words(world.runner.manual, KO) == "복구 검증 중: 사용자 로그인 (통과율 100%)"
    world.at("20:01")
    assert action(world, "verify_recovery").done
    assert check.command == ("npm", "run", "test:login")
    assert by(world, action(world, "keep_watching")) == "35:00"
    assert "take_role" not in codes(world)

    world.at("35:00")
    world.calls()
    assert action(world, "resolve").overdue
    assert action(world, "resolve").who == ("person:pm",)


@pytest.mark.parametrize(("level", "expected"), [("P0", ["review"]), ("P2", [])])
def test_a_resolved_incident_is_reviewed_where_its_severity_asks_for_it(
    world: World, level: str, expected: list[str]
):
    world.at("0:00").opens(level).expects(paged="backend-a")  # type: ignore[arg-type]  # a severity
    world.skip_to("9:00").resolves("backend-a").expects(paged=[])

    assert codes(world) == expected


def test_the_review_is_due_within_the_manuals_time(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.skip_to("9:00").resolves("backend-a").expects(paged=[])

    assert action(world, "review").by == world.start + timedelta(minutes=9, days=5)


def test_nothing_is_asked_of_what_was_dismissed_merged_or_never_opened(world: World):
    assert codes(world) == []

    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").dismisses("backend-a")
    assert codes(world) == []

    world.at("2:00").reopens().expects(paged="backend-a")
    world.at("2:30").writes(e.MergedInto("7"))
    assert codes(world) == []


def test_what_has_a_deadline_comes_in_its_order(world: World):
    responding(world)
    work = [a for a in asked(world) if a.code != "take_role"]
    deadlines = [a.by for a in work if a.by is not None and a.checklist is None]

    assert deadlines == sorted(deadlines)


# ── in one line ──────────────────────────────────────────────────────────────────────────


def test_the_headline_says_what_is_broken_and_who_is_on_it(world: World):
    world.at("0:00").opens("P0", alerts=1, service="mongodb", type="database_failure")
    assert said(world) == "P0 데이터베이스 · 데이터베이스 장애: 아직 아무도 확인하지 않음"

    world.at("0:00").confirms("backend-a")
    assert said(world) == "P0 데이터베이스 · 데이터베이스 장애: Backend-A 대응 중"

    world.at("0:00").assigns("incident_commander", "pm")
    assert said(world) == "P0 데이터베이스 · 데이터베이스 장애: Backend-A 대응 중, PM 지휘"

    world.at("0:00").snoozes("30:00")
    assert said(world).endswith(": 2025-08-14 15:00 (KST)까지 호출 보류")

    world.at("0:00").resolves("pm")
    assert said(world).endswith(": 종결")
    world.calls()


def test_the_headline_of_what_is_not_known_is_its_title(world: World):
    world.at("0:00").opens("P1", title="느려요").expects(paged="backend-a")

    assert said(world) == "P1 느려요: 아직 아무도 확인하지 않음"
    assert headline(world.runner.manual, world.incident, translator("en")) == (
        "P1 느려요: nobody has acknowledged it yet"
    )


def test_the_headline_of_what_was_merged_says_where_it_goes_on(world: World):
    world.at("0:00").opens("P1", title="느려요").expects(paged="backend-a")
    world.at("1:00").writes(e.MergedInto("7"))

    assert said(world) == "P1 느려요: 7번 장애로 병합"
