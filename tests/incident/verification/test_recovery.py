"""복구 검증: what must pass before anybody says "recovered", minute by minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.incident.manuals import manual
from tests.incident.world import World

from bongsu.incident import commands as c
from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.incident.commands import RefusedError
from bongsu.incident.verification import plan


def _check(**test: Any) -> dict[str, Any]:
    return {"name": "점검", "criterion": "통과", **test}


EXIT = {"test": {"kind": "command", "argv": ["true"]}, "passes": "exit_code == 0"}
QUIET = {
    "test": {"kind": "no_alerts", "severities": ["P0"], "duration": "15m"},
    "passes": "quiet >= duration('15m')",
}
LISTS = {
    "smoke": {"login": _check(**EXIT)},
    "performance": {"load": _check(**EXIT, severities=["P0"])},
    "monitoring": {"silence": _check(**QUIET), "extra": _check(**EXIT, required=False)},
    "watch": "20m",
}


@pytest.fixture
def world() -> World:
    return World(manual(verification=LISTS))


def monitored(world: World, level: Any = "P0") -> None:
    """At 9:00 its alert stops, and it works again."""
    world.at("0:00").opens(level, alerts=1).expects(paged="backend-a")
    world.skip_to("1:00").confirms("backend-a")
    now = world.skip_to("9:00").clears()
    if world.incident.phase != "monitoring":
        now.recovers("backend-a")


def asked(world: World) -> list[tuple[str, list[str]]]:
    return [(one.why.code, one.checks) for one in world.bodies(v.VerificationDue)]


def refused(world: World) -> e.Reason:
    with pytest.raises(RefusedError) as found:
        c.resolve(world.runner.manual, world.incident, "pm")
    return found.value.reason


def test_when_it_works_again_the_checks_begin_by_themselves(world: World):
    monitored(world)
    assert world.incident.phase == "monitoring"
    every = ["smoke:login", "performance:load", "monitoring:extra"]
    assert asked(world) == [("after_recovery", every)]


def test_it_is_asked_whether_alerts_are_quiet_once_they_can_be(world: World):
    monitored(world)
    world.skip_to("23:59")
    assert len(asked(world)) == 1
    world.skip_to("24:00")
    assert asked(world)[1:] == [("after_recovery", ["monitoring:silence"])]


def test_an_alert_that_was_late_to_stop_is_given_its_fifteen_minutes_from_there(world: World):
    world.at("0:00").opens("P0", alerts=1).expects(paged="backend-a")
    world.skip_to("10:00").recovers("backend-a")
    world.skip_to("12:00").clears()
    world.skip_to("26:59")
    assert ["monitoring:silence"] not in [checks for _, checks in asked(world)]
    world.skip_to("27:00")
    assert asked(world)[-1] == ("after_recovery", ["monitoring:silence"])


def test_while_an_alert_still_fires_it_is_asked_all_the_same_and_again_once_it_could_be_quiet(
    world: World,
):
    world.at("0:00").checks_come_to("failed", "monitoring:silence")
    world.at("0:00").opens("P0", alerts=1).expects(paged="backend-a")
    world.skip_to("10:00").recovers("backend-a")
    world.skip_to("25:00")
    assert asked(world)[-1] == ("after_recovery", ["monitoring:silence"])
    world.skip_to("26:00").clears()
    world.skip_to("40:59")
    assert len(asked(world)) == 3
    world.skip_to("41:00")
    assert asked(world)[-1] == ("after_recovery", ["monitoring:silence"])


def test_it_is_resolved_once_everything_that_is_required_has_passed(world: World):
    world.at("0:00").checks_come_to("failed", "monitoring:extra")
    monitored(world)
    assert refused(world).values == {
        "verification": "smoke:login, performance:load, monitoring:silence"
    }
    world.skip_to("24:00")
    assert refused(world) == e.Reason(
        "recovery_not_verified", {"verification": "monitoring:silence"}
    )
    world.skip_to("24:01").resolves("pm").expects(phase="resolved")


def test_a_check_of_another_severity_keeps_nobody(world: World):
    monitored(world, "P2")
    assert asked(world)[0][1] == ["smoke:login", "monitoring:extra"]
    world.skip_to("24:01").resolves("pm").expects(phase="resolved")


def test_a_check_may_be_required_of_some_severities_and_inform_the_others():
    lists = {"smoke": {"login": _check(**EXIT, required=["P0", "P1", "P2"])}}
    for level, unverified in (("P3", {}), ("P2", {"smoke:login": "failed"})):
        world = World(manual(verification=lists))
        world.at("0:00").checks_come_to("failed", "smoke:login")
        monitored(world, level)
        world.skip_to("10:00")
        assert asked(world)[0][1] == ["smoke:login"], "it is run all the same"
        assert plan.unverified(world.runner.manual, world.incident) == unverified
        world.skip_to("3h")
        assert len(world.bodies(e.Relapsed)) == (level != "P3")


@pytest.mark.parametrize(
    ("outcome", "code"), [("failed", "recovery_failed"), ("inconclusive", "recovery_not_verified")]
)
def test_what_has_not_passed_keeps_the_incident_in_monitoring(
    world: World, outcome: v.Outcome, code: str
):
    world.at("0:00").checks_come_to(outcome, "smoke:login")
    monitored(world)
    world.skip_to("24:01").expects(phase="monitoring")
    assert refused(world) == e.Reason(code, {"verification": "smoke:login"})


def test_a_commander_resolves_it_all_the_same_with_a_reason(world: World):
    world.at("0:00").checks_come_to("failed", "smoke:login")
    monitored(world)
    world.skip_to("24:01").resolves("pm", "로그인 시험 계정이 만료됨").expects(phase="resolved")
    assert world.bodies(v.VerificationOverridden) == [
        v.VerificationOverridden("로그인 시험 계정이 만료됨", ["smoke:login"])
    ]


def test_an_override_where_everything_passed_is_not_written_down(world: World):
    monitored(world)
    world.skip_to("24:01").resolves("pm", "확인함").expects(phase="resolved")
    assert not world.bodies(v.VerificationOverridden)


def test_an_empty_reason_overrides_nothing(world: World):
    monitored(world)
    with pytest.raises(RefusedError):
        c.resolve(world.runner.manual, world.incident, "pm", override="  ")


def test_nothing_is_resolved_before_it_is_said_to_work_again(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    assert refused(world).code == "recovery_not_verified"


def test_a_person_has_a_failed_check_run_again_and_it_passes(world: World):
    world.at("0:00").checks_come_to("failed", "smoke:login")
    monitored(world)
    world.skip_to("12:00").checks_come_to("passed", "smoke:login").verifies("smoke:login")
    assert world.incident.verification.running == {"smoke:login"}
    world.skip_to("24:01").resolves("pm").expects(phase="resolved")


def test_what_runs_is_not_asked_for_twice(world: World):
    monitored(world)
    with pytest.raises(RefusedError) as found:
        c.verify(world.runner.manual, world.incident, ["smoke:login"])
    assert found.value.reason.code == "verification_runs_already"


def test_at_the_end_of_the_watch_what_watches_is_asked_once_more_but_no_load_is_made(world: World):
    monitored(world)
    world.skip_to("29:00")
    assert asked(world)[-1] == ("watch_over", ["smoke:login", "monitoring:extra"])
    world.skip_to("3h")
    assert len(asked(world)) == 3


def test_a_load_test_that_runs_beyond_the_watch_has_no_second_one_beside_it(world: World):
    world.runner.takes = {
        "performance:load": timedelta(minutes=25),
        "smoke:login": timedelta(minutes=22),
    }
    monitored(world)
    world.skip_to("30:00")
    assert len(asked(world)) == 3, "the quiet alerts, and what had an answer when the watch ended"
    assert asked(world)[-1] == ("watch_over", ["monitoring:extra"])
    world.skip_to("31:00")
    assert asked(world)[-1] == ("watch_over", ["smoke:login"])
    world.skip_to("34:00")
    assert plan.standing(world.incident, "performance:load") == "passed"
    world.skip_to("3h")
    assert len(asked(world)) == 4


def test_a_check_that_passed_and_fails_at_the_end_of_the_watch_is_a_relapse(world: World):
    monitored(world)
    world.skip_to("28:00").checks_come_to("failed", "smoke:login")
    world.skip_to("29:01").expects(phase="responding", paged="backend-a")
    assert world.bodies(e.Relapsed)[0].why == e.Reason(
        "check_failed_again", {"verification": "smoke:login"}
    )
    assert world.incident.acknowledged_at is None
    assert plan.standing(world.incident, "smoke:login") is None, "the next recovery begins anew"


def test_a_relapse_of_a_check_is_not_recovered_by_alerts_that_never_came_back(world: World):
    monitored(world)
    world.skip_to("28:00").checks_come_to("failed", "smoke:login")
    world.skip_to("40:00").acknowledges("backend-a").expects(phase="responding")
    world.skip_to("50:00").checks_come_to("passed", "smoke:login").recovers("backend-a")
    world.skip_to("1:05:01").resolves("pm").expects(phase="resolved")


def test_whoever_sees_a_check_fail_that_they_ran_is_not_called(world: World):
    monitored(world)
    world.skip_to("12:00").checks_come_to("failed", "smoke:login").verifies("smoke:login")
    world.skip_to("12:01").expects(phase="responding")
    assert world.incident.acknowledged_by == "backend-a"


def test_alerts_that_come_back_reopen_the_response_and_the_checks_begin_anew(world: World):
    monitored(world)
    world.skip_to("12:00").fires().expects(phase="responding", paged="backend-a")
    world.skip_to("12:30").acknowledges("backend-a")
    world.skip_to("15:00").clears().expects(phase="monitoring")
    assert asked(world)[-1][0] == "after_recovery"
    world.skip_to("29:59")
    assert refused(world).values == {"verification": "monitoring:silence"}
    world.skip_to("30:01").resolves("pm").expects(phase="resolved")


def test_an_answer_to_a_former_recovery_says_nothing_of_this_one(world: World):
    monitored(world)
    due = world.incident.verification.asked["smoke:login"].due
    world.skip_to("12:00").fires()
    world.skip_to("15:00").clears()
    late = v.Verified("smoke:login", "passed", e.Reason("criterion_met"), due)
    before = world.incident.verification
    world.runner.write(e.SYSTEM, [late])
    assert world.incident.verification == before


def test_a_drill_puts_nothing_under_load(world: World):
    world.at("0:00").opens("P0", alerts=1, drill=True).expects(paged="backend-a")
    world.skip_to("9:00").recovers("backend-a")
    assert asked(world) == [("after_recovery", ["smoke:login", "monitoring:extra"])]
    with pytest.raises(RefusedError) as found:
        c.verify(world.runner.manual, world.incident, ["performance:load"])
    assert found.value.reason.code == "no_load_in_a_drill"
    assert "performance:load" not in plan.unverified(world.runner.manual, world.incident)


QUICK = {"smoke": {"login": _check(**EXIT), "extra": _check(**EXIT)}, "watch": "20m"}


def test_what_was_resolved_early_is_watched_on_and_reopened_if_a_check_fails_again():
    world = World(manual(verification=QUICK))
    monitored(world)
    world.skip_to("10:00").resolves("pm").checks_come_to("failed", "smoke:login")
    world.skip_to("28:59").expects(phase="resolved")
    world.skip_to("29:01").expects(phase="detected", paged="backend-a")
    assert asked(world)[-1] == ("watch_over", ["smoke:login", "smoke:extra"])
    assert world.bodies(e.Reopened)[0].why == e.Reason(
        "check_failed_again", {"verification": "smoke:login"}
    )


def test_what_was_resolved_early_and_stays_well_stays_resolved():
    world = World(manual(verification=QUICK))
    monitored(world)
    world.skip_to("10:00").resolves("pm")
    world.skip_to("3h").expects(phase="resolved")
    assert len(asked(world)) == 2


@pytest.mark.parametrize("recovered", [True, False])
def test_what_a_commander_resolved_without_a_check_is_not_reopened_by_it(*, recovered: bool):
    world = World(manual(verification=QUICK))
    world.at("0:00").checks_come_to("failed", "smoke:login")
    if recovered:
        monitored(world)
    else:
        world.at("0:00").opens("P0").expects(paged="backend-a")
        world.skip_to("1:00").confirms("backend-a")
        world.skip_to("5:00").verifies("smoke:login")
    world.skip_to("10:00").verifies("smoke:extra")
    if not recovered:
        world.skip_to("11:00").verifies("smoke:login")
    world.skip_to("12:00").resolves("pm", "시험 계정 만료").expects(phase="resolved")
    world.skip_to("3h").expects(phase="resolved")


def test_an_incident_that_resolves_by_itself_waits_for_its_checks():
    world = World(
        manual(verification=LISTS, response={"severities": {"P3": {"resolve_when_clear": "1h"}}})
    )
    world.at("0:00").opens("P3", alerts=1).checks_come_to("failed", "smoke:login")
    world.skip_to("10:00").clears()
    world.skip_to("1:10:00").expects(phase="monitoring")
    world.skip_to("1:26:00").expects(phase="monitoring")
    world.at("1:26:00").checks_come_to("passed", "smoke:login").verifies("smoke:login")
    world.skip_to("1:26:01").expects(phase="resolved")


def test_a_manual_without_checks_verifies_nothing():
    world = World(manual())
    monitored(world)
    assert not asked(world)
    world.skip_to("9:01").resolves("pm").expects(phase="resolved")
    with pytest.raises(RefusedError) as found:
        c.verify(world.runner.manual, world.incident)
    assert found.value.reason.code == "not_open"


def test_a_check_that_the_manual_does_not_have_is_named_with_those_that_it_has(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    with pytest.raises(RefusedError) as found:
        c.verify(world.runner.manual, world.incident, ["smoke:logout"])
    assert found.value.reason.values["known"].startswith("smoke:login, ")
