"""Who is called next and when, when nothing goes as it should."""

from __future__ import annotations

import pytest
from tests.incident.conftest import MakeWorld
from tests.incident.manuals import manual, severity
from tests.incident.world import Moment, Page, World

from bongsu.incident import events as e
from bongsu.incident.commands import RefusedError

EVERY_STEP = [("backend-a", "0:00"), ("frontend-a", "3:00"), ("senior-dev", "6:00")]

# ── repeats ──────────────────────────────────────────────────────────────────────────────


def test_for_ever_is_for_ever(make_world: MakeWorld):
    one = {"contacts": [{"channel": "slack", "to": "@somebody"}]}
    world = make_world(manual(team={"people": dict.fromkeys(manual().team.people, one)}))
    world.at("0:00").opens("P0")
    world.skip_to("1w")

    calls = world.calls()
    rounds = 7 * 24 * 6
    assert len(calls) == rounds * 3 + 1
    assert calls[-4:] == [
        Page("10070:00", "backend-b"), Page("10073:00", "frontend-a"),
        Page("10076:00", "senior-dev"), Page("10080:00", "backend-b"),
    ]  # fmt: skip


def test_a_handoff_in_the_middle_calls_the_next_weeks_person(world: World):
    handoff = "91:30:00"  # Monday 10:00 in Korea
    world.at("91:20:00").opens("P0").expects(paged="backend-a")
    world.at("91:23:00").expects(paged="frontend-a")
    world.at("91:26:00").expects(paged="senior-dev")
    world.at(handoff).expects(paged="backend-b")


def test_bounded_repeats_end(world: World):
    world.at("0:00").opens("P2")
    world.skip_to("1d")

    minutes = [page.at for page in world.calls()]
    assert minutes == [f"{60 * n + late}:00" for n in range(4) for late in (0, 30)]
    assert world.runner.look_at is None  # but for the clocks, and they have all been missed


def test_a_ladder_without_repeat_is_climbed_once(make_world: MakeWorld):
    world = make_world(severity("P0", repeat=None))
    world.at("0:00").opens("P0")
    world.skip_to("1d")

    assert [page.person for page in world.calls()] == ["backend-a", "frontend-a", "senior-dev"]


def test_a_manual_that_repeats_every_0s_repeats_nothing(make_world: MakeWorld):
    world = make_world(severity("P0", repeat={"every": "0s"}))
    world.at("0:00").opens("P0")
    world.skip_to("1h")

    assert len(world.calls()) == 3


def test_a_manual_that_verifies_within_0s_reminds_once(make_world: MakeWorld):
    world = make_world(severity("P2", verify={"within": "0s", "unanswered": "remind"}))
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a").expects(paged="backend-a")
    world.at("1h")


# ── nobody there ─────────────────────────────────────────────────────────────────────────


def test_a_rung_that_leads_to_nobody_is_passed_over_at_once(make_world: MakeWorld):
    shifts = [{"name": "Week 1", "secondary": "frontend-a", "escalation": "role:technical_lead"}]
    world = make_world(manual(oncall={"rotations": {"main": {"shifts": shifts}}}))
    world.at("0:00").opens("P0").expects(paged="frontend-a")
    world.at("3:00").expects(paged="senior-dev")

    assert world.bodies(e.NobodyToPage)[0].target == "rotation:main/primary"


def test_a_person_without_contacts_is_nobody(make_world: MakeWorld):
    world = make_world(manual(team={"people": {"backend-a": {"contacts": []}}}))
    world.at("0:00").opens("P0").expects(paged="frontend-a")


def test_where_nobody_can_be_called_at_all_everybody_is_tried_again_after_the_longest_pause(
    make_world: MakeWorld,
):
    nobody: dict[str, object] = {p: {"contacts": []} for p in manual().team.people}
    world = make_world(manual(team={"people": nobody}))
    world.at("0:00").opens("P0").expects(
        kinds=["opened", *["nobody_to_page", "advanced"] * 2, "nobody_to_page"]
    )
    world.at("3:59").expects(kinds=[])
    world.at("4:00").expects(kinds=[*["nobody_to_page", "advanced"] * 2, "nobody_to_page"])
    world.at("8:00").expects(kinds=[*["nobody_to_page", "advanced"] * 2, "nobody_to_page"])


def test_a_round_that_begins_as_the_last_step_is_called_does_not_spin(make_world: MakeWorld):
    nobody: dict[str, object] = {p: {"contacts": []} for p in manual().team.people}
    world = make_world(
        manual(
            team={"people": nobody},
            response={"severities": {"P0": {"repeat": {"every": "6m"}}}},
        )
    )
    world.at("0:00").opens("P0")
    world.skip_to("2:59")
    world.skip_to("1h")

    assert len(world.bodies(e.NobodyToPage)) == 3 * 21


def test_a_role_that_nobody_holds_is_shown(make_world: MakeWorld):
    world = make_world(manual(team={"roles": {"incident_commander": {"held_by": []}}}))
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="senior-dev")

    assert world.bodies(e.NobodyToPage)[0].target == "role:incident_commander"


# ── unreachable people ───────────────────────────────────────────────────────────────────


def test_who_cannot_be_reached_on_any_channel_is_passed_over_at_once(world: World):
    world.breaks(person="backend-a", permanent=True)
    world.at("0:00").opens("P0").expects(paged=["backend-a", "frontend-a"])
    world.at("3:00").expects(paged="senior-dev")

    assert [body.person for body in world.bodies(e.Unreachable)] == ["backend-a"]


def test_who_cannot_be_reached_after_retries_is_passed_over_then(world: World):
    world.breaks(person="backend-a")
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("0:14").expects(paged="frontend-a")
    world.at("3:14").expects(paged="senior-dev")


def test_two_people_of_one_rung_who_cannot_be_reached_are_passed_over_together(
    make_world: MakeWorld,
):
    both = {"after": "0s", "page": ["person:backend-a", "person:backend-b"]}
    late = {"after": "3m", "page": ["person:pm"]}
    world = make_world(severity("P0", escalation=[both, late]))
    world.breaks(person="backend-a", permanent=True)
    world.breaks(person="backend-b", permanent=True)
    world.at("0:00").opens("P0").expects(paged=["backend-a", "backend-b", "pm"])


def test_nobody_is_passed_over_while_one_person_of_the_rung_was_reached(make_world: MakeWorld):
    both = {"after": "0s", "page": ["person:backend-a", "person:backend-b"]}
    late = {"after": "3m", "page": ["person:pm"]}
    world = make_world(severity("P0", escalation=[both, late]))
    world.breaks(person="backend-a", permanent=True)
    world.at("0:00").opens("P0").expects(paged=["backend-a", "backend-b"])
    world.at("2:59").expects(paged=[])
    world.at("3:00").expects(paged="pm")


def test_a_night_in_which_every_channel_is_down_is_no_storm_of_calls(world: World):
    world.breaks(permanent=True)
    world.at("0:00").opens("P0")
    world.skip_to("1h")

    rounds = [page for page in world.calls() if page.person == "backend-a"]
    assert [page.at for page in rounds] == [f"{minutes}:00" for minutes in range(0, 61, 4)]


def test_a_person_called_by_two_targets_of_one_rung_is_called_once(make_world: MakeWorld):
    step = {"after": "0s", "page": ["rotation:main/primary", "person:backend-a"]}
    world = make_world(severity("P0", escalation=[step]))
    world.at("0:00").opens("P0").expects(paged="backend-a")


# ── the engine was away ──────────────────────────────────────────────────────────────────


def test_after_two_hours_asleep_each_step_is_called_once(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.sleeps_until("2h")
    world.at("2h").expects(paged=["frontend-a", "senior-dev", "backend-a"])
    world.at("2:03:00").expects(paged="frontend-a")


def test_after_two_hours_asleep_a_bounded_ladder_takes_its_last_round(make_world: MakeWorld):
    world = make_world(severity("P0", repeat={"every": "10m", "times": 2}))
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.sleeps_until("2h")
    world.at("2h").expects(paged=["backend-a", "frontend-a", "senior-dev"])
    world.at("3h").expects(paged=[])

    assert {page.round for page in world.bodies(e.Paged)[1:]} == {2}


def test_an_incident_that_should_have_resolved_meanwhile_calls_nobody(make_world: MakeWorld):
    world = make_world(severity("P3", repeat={"every": "30m"}))
    world.at("0:00").opens("P3", alerts=1).expects(paged="backend-a")
    world.at("1:00").clears()
    world.sleeps_until("3h")
    world.at("3h").expects(paged=[], phase="resolved")


# ── snooze ───────────────────────────────────────────────────────────────────────────────


def test_a_snooze_silences_the_calls_and_its_end_starts_them_anew(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:30").snoozes("31:30")
    world.at("31:29").expects(paged=[])
    world.at("31:30").expects(paged="backend-a")
    world.at("34:30").expects(paged="frontend-a")


def test_a_snooze_silences_the_second_contact_too(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("0:30").snoozes("31:30")
    world.at("1:00").expects(sent=[])


def test_the_end_of_a_snooze_asks_whoever_had_answered_again(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").snoozes("30:00")
    world.at("29:59").expects(paged=[])
    world.at("30:00").expects(paged="backend-a", phase="verified")
    world.at("30:30").acknowledges("backend-a").expects(paged="pm")
    world.at("32:59").expects(paged=[])
    world.at("33:00").expects(paged="senior-dev")
    world.at("35:00").expects(paged=["senior-dev", "marketing", "devops-a"])


def test_the_team_is_called_one_after_another_again_after_a_snooze(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "pm")
    world.calls()
    world.at("3:00").snoozes("1h")
    world.at("1h").expects(paged="backend-a")
    world.at("1:01:00").acknowledges("backend-a").expects(
        paged=["senior-dev", "marketing", "devops-a"]
    )
    world.at("1:04:59").expects(paged=[])
    world.at("1:05:00").expects(paged="devops-b")


def test_a_snooze_silences_whoever_was_asked_for_by_name(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("0:20").escalates("person:pm").expects(paged="pm", sent=["slack @pm"])
    world.at("0:30").snoozes("1h")
    world.at("1:20").expects(sent=[])


def test_an_acknowledgement_ends_a_snooze(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").snoozes("1h")
    world.at("2:00").acknowledges("backend-a")
    world.at("4:00").expects(phase="verified", paged="pm")


def test_nothing_is_presumed_during_a_snooze(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    world.at("1:30").snoozes("1h")
    world.at("59:59").expects(phase="detected", paged=[])
    world.at("1h").expects(paged="backend-a")


def test_a_snoozed_incident_cannot_be_escalated_before_it_is_woken(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").snoozes("1h")
    with pytest.raises(RefusedError, match="snoozed"):
        world.at("2:00").escalates("person:pm")


# ── severity ─────────────────────────────────────────────────────────────────────────────


def test_a_severity_that_is_raised_before_anybody_answered_starts_its_own_ladder(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("10:00").turns("P0").expects(paged="backend-a")
    world.at("13:00").expects(paged="frontend-a")
    world.at("16:00").expects(paged="senior-dev")


def test_a_raised_severity_takes_back_the_message_that_has_not_gone_out(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("0:30").turns("P0").expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("1:00").expects(sent=[])
    world.at("1:30").expects(sent=["email backend-a@company.com"])


def test_a_lowered_severity_goes_on_at_its_own_pace(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").turns("P2").expects(paged=[])
    world.at("29:59").expects(paged=[])
    world.at("30:00").expects(paged="frontend-a")


def test_a_severity_raised_hours_later_calls_the_commander_now_and_the_deputy_later(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(phase="responding")
    world.at("3h").turns("P0").expects(paged="pm")
    world.at("3:02:59").expects(paged=[])
    world.at("3:03:00").expects(paged="senior-dev")
    world.at("3:05:00").expects(paged=["senior-dev", "marketing", "devops-a"])


def test_a_p1_raised_to_p0_does_not_call_the_commander_twice(world: World):
    world.at("0:00").opens("P1").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").turns("P0").expects(paged=[])
    world.at("4:00").expects(paged="senior-dev")


def test_a_raised_severity_calls_the_roles_that_it_adds(world: World):
    world.at("0:00").opens("P1").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "pm").expects(paged=["senior-dev", "marketing"])
    world.at("3:00").assigns("technical_lead", "senior-dev")
    world.at("4:00").assigns("communications_lead", "marketing")
    world.at("1h").turns("P0").expects(paged="devops-a")
    world.at("1:05:00").expects(paged="devops-b")


def test_a_raised_severity_makes_the_announcements_that_it_adds(make_world: MakeWorld):
    def to(place: str) -> dict[str, object]:
        return {"announce": [{"template": "incident_notification", "to": place}]}

    world = make_world(manual(response={"severities": {"P2": to("#minor"), "P0": to("#major")}}))
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(told="#minor")
    world.at("2:00").turns("P0").expects(told="#major", paged="pm")


def test_a_raised_severity_does_not_tell_the_same_place_twice(world: World):
    world.at("0:00").opens("P1").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(told="#critical-alerts", paged="pm")
    world.at("2:00").turns("P0").expects(told=[])


# ── a person asks for more ───────────────────────────────────────────────────────────────


def test_escalating_calls_the_next_rung_now_and_the_rest_sooner(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").escalates().expects(paged="frontend-a")
    world.at("4:00").expects(paged="senior-dev")


def test_escalating_at_the_end_of_a_round_begins_the_next_one_now(world: World):
    world.at("0:00").opens("P0")
    world.skip_to("7:00").escalates().expects(paged="backend-a")
    world.at("10:00").expects(paged="frontend-a")
    world.calls()


def test_escalating_at_the_minute_of_the_next_rung_calls_nobody_twice(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.sleeps_until("3:30")
    Moment(world).escalates().expects(paged="frontend-a")
    world.at("6:00").expects(paged="senior-dev")


def test_escalating_at_the_end_of_a_ladder_says_that_somebody_must_be_named(make_world: MakeWorld):
    world = make_world(severity("P0", repeat=None))
    world.at("0:00").opens("P0")
    world.skip_to("7:00")
    world.calls()
    with pytest.raises(RefusedError, match="ladder_at_its_end"):
        world.at("8:00").escalates()


def test_escalating_to_somebody_calls_exactly_them(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").escalates("role:communications_lead").expects(paged="marketing")
    world.at("3:00").expects(paged="frontend-a")


def test_escalating_what_was_acknowledged_calls_the_next_of_the_rotation(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a")
    world.at("2:00").escalates().expects(paged="frontend-a")


@pytest.mark.parametrize(
    "target", ["person:ghost", "rotation:main/ghost", "role:ghost", "ghost", ""]
)
def test_escalating_to_nobody_is_refused(world: World, target: str):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    with pytest.raises(RefusedError, match="nobody_reachable"):
        world.at("1:00").escalates(target)


# ── the manual changes in the middle ─────────────────────────────────────────────────────


def test_a_manual_that_changes_in_the_middle_decides_from_then_on(world: World):
    step = [
        {"after": "0s", "page": ["rotation:main/primary"]},
        {"after": "5m", "page": ["person:pm"]},
    ]
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("2:00").adopts(severity("P0", escalation=step))
    world.at("4:59").expects(paged=[])
    world.at("5:00").expects(paged="pm")
    world.at("10:00").expects(paged="backend-a")


def test_a_manual_that_has_fewer_steps_than_were_taken_goes_on_with_the_next_round(world: World):
    step = [{"after": "0s", "page": ["person:pm"]}]
    world.at("0:00").opens("P0")
    world.skip_to("7:00").adopts(severity("P0", escalation=step))
    world.skip_to("9:59")
    world.at("10:00").expects(paged="pm")


def test_a_manual_that_drops_a_person_takes_back_their_call(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    gone = manual(
        team={"people": {"backend-a": None}},
        oncall={"rotations": {"main": {"shifts": [{"primary": "pm", "secondary": "devops-a"}]}}},
    )
    world.at("0:30").adopts(gone).expects(paged="devops-a")

    assert world.bodies(e.Unreachable)[0].person == "backend-a"


def test_a_manual_that_adds_a_role_calls_it(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "pm")
    world.calls()
    roles = ["technical_lead", "communications_lead", "devops_engineer", "incident_commander"]
    more = severity("P0", commander=None, assemble={"roles": roles})
    world.at("3:00").adopts(more).expects(paged=[])

    assert world.bodies(e.TeamAssembled)[1].roles == ["incident_commander"]
