"""An incident's life after its first phase: roles, recovery, relapse, end, reopening, merging."""

from __future__ import annotations

import pytest
from tests.incident.manuals import manual
from tests.incident.world import START, World

from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident.commands import RefusedError
from bongsu.incident.state import Incident


def responding(world: World) -> None:
    """Bring a P0 with three firing alerts to a team at work, at 2:00."""
    world.at("0:00").opens("P0", alerts=3).expects(paged="backend-a")
    world.at("1:30").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "pm").expects(phase="responding")
    world.at("2:00").assigns("technical_lead", "senior-dev")
    world.at("2:00").assigns("communications_lead", "marketing")
    world.at("2:00").assigns("devops_engineer", "devops-a")
    world.calls()


# ── roles ────────────────────────────────────────────────────────────────────────────────


def test_a_role_may_be_handed_over(world: World):
    responding(world)
    world.at("20:00").assigns("incident_commander", "senior-dev").expects(paged=[])

    assert world.incident.roles["incident_commander"] == "senior-dev"
    assert world.bodies(e.RoleAssigned)[-1].former == "pm"


def test_a_released_role_is_called_for_again_from_the_first(world: World):
    responding(world)
    world.at("20:00").releases("devops_engineer").expects(paged="devops-a")
    world.at("25:00").expects(paged="devops-b")


def test_a_released_commander_is_followed_by_the_calls_for_another(world: World):
    responding(world)
    world.at("20:00").releases("incident_commander").expects(paged="pm")
    world.at("23:00").expects(paged="senior-dev")
    world.at("30:00").expects(paged="pm")
    world.at("31:00").assigns("incident_commander", "backend-a").expects(paged=[])
    world.at("2h").expects(paged=[])


def test_an_answer_to_a_role_that_another_has_taken_does_not_take_it_from_them(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("4:00").expects(paged="senior-dev")
    call = world.bodies(e.Paged)[-1].page
    world.at("4:30").assigns("incident_commander", "pm")
    world.calls()
    world.at("4:40").acknowledges("senior-dev", call)

    assert world.incident.roles["incident_commander"] == "pm"
    assert world.incident.pages[call].answered_at is not None


def test_who_is_called_for_a_role_may_just_acknowledge(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").acknowledges("pm")
    world.calls()

    assert world.incident.roles["incident_commander"] == "pm"


def test_the_link_of_a_call_that_was_forgotten_still_takes_the_role(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    call = world.bodies(e.Paged)[-1].page
    world.skip_to("3h")
    assert call not in world.incident.pages
    world.at("3h").acknowledges("pm", call)
    world.calls()

    assert world.incident.roles["incident_commander"] == "pm"


def test_a_reminder_to_verify_is_answered_by_its_link(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    world.at("16:00").expects(paged="backend-a", sent=["slack @backend-a"])
    call = world.bodies(e.Paged)[-1].page
    world.at("16:10").acknowledges("backend-a", call)
    world.at("17:00").expects(sent=[])


def test_a_second_acknowledgement_is_refused_and_names_the_first(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    with pytest.raises(RefusedError) as refused:
        world.at("1:30").acknowledges("frontend-a")

    assert refused.value.reason == e.Reason("already_acknowledged", {"person": "backend-a"})


def test_an_acknowledgement_that_is_taken_back_starts_the_calls_anew(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    world.at("1:30").writes(*commands.unacknowledge(world.incident)).expects(paged="backend-a")
    world.at("3:00").expects(phase="detected", paged=[])
    world.at("4:30").expects(paged="frontend-a")


def test_reminders_begin_anew_after_an_acknowledgement_was_taken_back(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("0:00").acknowledges("backend-a")
    world.skip_to("2h")
    world.at("2h").writes(*commands.unacknowledge(world.incident)).expects(paged="backend-a")
    world.at("2:05:00").acknowledges("backend-a")
    world.at("2:20:00").expects(paged="backend-a")


# ── alerts, recovery, relapse ────────────────────────────────────────────────────────────


def test_when_all_alerts_stop_the_incident_is_watched(world: World):
    responding(world)
    world.at("20:00").writes(e.AlertsResolved(2, 1)).expects(phase="responding")
    world.at("25:00").clears().expects(phase="monitoring")

    assert world.bodies(e.Recovered)[0].why == e.Reason("alerts_cleared")


def test_alerts_that_stop_before_anybody_answered_do_not_stop_the_calls_of_a_p0(world: World):
    world.at("0:00").opens("P0", alerts=1).expects(paged="backend-a")
    world.at("1:00").clears().expects(phase="detected")
    world.at("3:00").expects(paged="frontend-a")


def test_an_alert_that_comes_back_is_a_relapse_and_calls_somebody(world: World):
    responding(world)
    world.at("25:00").clears().expects(phase="monitoring")
    world.at("35:00").fires().expects(phase="responding", paged="backend-a")
    world.at("36:00").acknowledges("backend-a")
    world.at("50:00").expects(paged=[], phase="responding")

    assert world.incident.roles["incident_commander"] == "pm"


def test_a_relapse_during_a_snooze_calls_nobody_until_it_ends(world: World):
    responding(world)
    world.at("25:00").clears().expects(phase="monitoring")
    world.at("26:00").snoozes("1h")
    world.at("35:00").fires().expects(phase="responding", paged=[])
    world.at("1h").expects(paged="backend-a")


def test_an_alert_that_has_yet_to_notice_is_no_relapse(world: World):
    responding(world)
    world.at("20:00").recovers("pm").expects(phase="monitoring")
    world.at("21:00").writes(e.AlertsResolved(1, 2)).expects(phase="monitoring")


def test_a_relapse_starts_the_clock_of_recovery_again(world: World):
    responding(world)
    world.at("25:00").clears()
    world.at("29:00").fires().expects(paged="backend-a", missed=[])
    world.at("29:30").acknowledges("backend-a")
    world.at("30:00").expects(missed="recovery")


def test_who_goes_on_with_the_recovery_is_not_overruled_by_quiet_alerts(world: World):
    responding(world)
    world.at("20:00").clears().expects(phase="monitoring")
    world.at("21:00").writes(*commands.start_recovery(world.incident, "pm")).expects(
        phase="recovering"
    )
    assert world.incident.recovered_at is None
    world.at("22:00").fires().clears().expects(phase="monitoring")


def test_a_severity_that_resolves_by_itself_does_so_after_its_quiet_time(world: World):
    world.at("0:00").opens("P3", alerts=1).expects(paged="backend-a")
    world.at("10:00").clears()
    world.at("1:09:59").expects(phase="detected")
    world.at("1:10:00").expects(phase="resolved")

    assert world.bodies(e.Resolved)[0].why == e.Reason("quiet_long_enough")


def test_an_alert_within_the_quiet_time_starts_it_anew(world: World):
    world.at("0:00").opens("P3", alerts=1).expects(paged="backend-a")
    world.at("10:00").clears()
    world.at("1h").fires()
    world.at("1:30:00").clears()
    world.at("2:29:59").expects(phase="detected")
    world.at("2:30:00").expects(phase="resolved")


def test_a_second_report_of_quiet_does_not_start_the_quiet_time_anew(world: World):
    world.at("0:00").opens("P3", alerts=1).expects(paged="backend-a")
    world.at("10:00").clears()
    world.at("30:00").writes(e.AlertsResolved(0, 0))
    world.at("1:10:00").expects(phase="resolved")


def test_a_p0_is_resolved_by_a_person_alone(world: World):
    responding(world)
    world.at("25:00").clears()
    world.at("1d").expects(phase="monitoring", paged=[])


def test_what_ended_waits_for_nothing(world: World):
    responding(world)
    world.at("25:00").resolves("pm").expects(phase="resolved")

    assert world.runner.look_at is None


def test_what_was_recovered_without_a_word_before_has_met_response_and_verification(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    world.at("1:30").recovers("backend-a").expects(phase="monitoring", told=[])
    world.at("14:00").expects(missed=[])

    assert not world.incident.breached


# ── reopening ────────────────────────────────────────────────────────────────────────────


def test_a_reopened_incident_calls_everybody_from_the_first(world: World):
    responding(world)
    world.at("25:00").resolves("pm")
    world.at("40:00").reopens().expects(phase="detected", paged="backend-a")
    world.at("41:00").confirms("backend-a").expects(paged="pm", told="#critical-alerts")
    world.at("44:00").expects(paged="senior-dev")


def test_a_reopened_incident_has_its_targets_before_it_again(world: World):
    responding(world)
    world.at("25:00").resolves("pm")
    world.at("1h").reopens().expects(paged="backend-a", missed=[])
    world.skip_to("1:05:00").expects(missed="first_response")
    world.skip_to("1:30:00").expects(missed="recovery")
    world.calls()


def test_a_reopened_incident_does_not_send_what_was_left_of_its_first_calls(world: World):
    world.at("0:00").opens("P3", alerts=1).expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("0:10").clears()
    world.at("0:20").resolves("backend-a")
    world.at("0:50").reopens().expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("1:00").expects(sent=[])
    world.at("1:50").expects(sent=["email backend-a@company.com"])


def test_a_dismissed_incident_may_be_reopened(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").dismisses("backend-a")
    world.at("10:00").reopens().expects(paged="backend-a", phase="detected")


def test_a_review_ends_it_for_good(world: World):
    responding(world)
    world.at("25:00").resolves("pm")
    world.at("48h").writes(*commands.review(world.incident, "재발 방지 대책 수립"))

    assert world.incident.phase == "reviewed"
    with pytest.raises(RefusedError, match="not_in_this_phase"):
        commands.resolve(world.runner.manual, world.incident, "pm")


# ── merging ──────────────────────────────────────────────────────────────────────────────


def other(world: World, *bodies: e.AnyBody) -> Incident:
    """Make a second incident in the same world."""
    beside = World(world.runner.manual)
    beside.runner.incident = Incident("2")
    beside.at("0:00").opens("P2", alerts=5).writes(*bodies)
    return beside.incident


def test_a_merged_incident_ends_and_goes_on_in_the_other(world: World):
    responding(world)
    mine, theirs = commands.merge(world.incident, other(world))
    world.at("10:00").writes(*mine).expects(phase="dismissed", paged=[])

    assert world.incident.merged_into == "2"
    why = e.Reason("merged_worse", {"incident": world.incident.number})
    assert theirs == [
        e.Absorbed("1", alerts=3, firing=3),
        e.SeverityChanged("P0", "P2", why=why),
    ]
    world.at("1d").expects(paged=[])


def test_what_is_absorbed_brings_the_alerts_that_still_fire(world: World):
    responding(world)
    source = other(world, e.AlertsResolved(3, 2))
    world.at("10:00").writes(*commands.merge(source, world.incident)[1])

    assert (world.incident.alerts, world.incident.firing) == (8, 5)


def test_absorbing_what_is_quiet_keeps_quiet(world: World):
    responding(world)
    world.at("10:00").clears().expects(phase="monitoring")
    source = other(world, e.AlertsResolved(5, 0))
    world.at("11:00").writes(*commands.merge(source, world.incident)[1]).expects(phase="monitoring")


def test_absorbing_what_still_fires_is_a_relapse(world: World):
    responding(world)
    world.at("10:00").clears().expects(phase="monitoring")
    world.at("11:00").writes(*commands.merge(other(world), world.incident)[1]).expects(
        phase="responding", paged="backend-a"
    )


def test_what_was_merged_refuses_everything_and_says_where_it_goes_on(world: World):
    responding(world)
    world.at("10:00").writes(*commands.merge(world.incident, other(world))[0])
    for ask in (commands.reopen, commands.unacknowledge):
        with pytest.raises(RefusedError) as refused:
            ask(world.incident)
        assert refused.value.reason == e.Reason("merged_elsewhere", {"incident": "2"})


def test_an_incident_is_not_merged_with_itself(world: World):
    responding(world)
    with pytest.raises(RefusedError, match="merge_with_itself"):
        commands.merge(world.incident, world.incident)


# ── before it is opened ──────────────────────────────────────────────────────────────────


def test_an_incident_that_was_never_opened_asks_for_nothing():
    announce = {"announce": [{"template": "incident_notification", "to": "#a", "when": "opened"}]}
    world = World(manual(response={"severities": {"P2": announce}}))
    world.at("0:00").writes(e.NoteAdded("a log without a beginning"))

    assert world.runner.look_at is None
    assert len(world.log) == 1
    assert world.start == START
