"""Phase 1 of the manual (감지 및 초기 대응, 0-10분), one test a sentence, at the exact minute."""

from __future__ import annotations

import pytest
from tests.incident.conftest import MakeWorld
from tests.incident.manuals import severity
from tests.incident.world import Page, World

from bongsu.incident import events as e
from bongsu.manual.schema.base import SeverityLevel

# ── Alert triggered: M → OC ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("level", ["P0", "P1", "P2", "P3"])
def test_an_alert_pages_the_primary_at_once(world: World, level: SeverityLevel):
    world.at("0:00").opens(level).expects(paged="backend-a", phase="detected")


def test_the_page_goes_out_on_the_first_contact_at_once_and_on_the_next_after_a_minute(
    world: World,
):
    world.at("0:00").opens("P0").expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("0:59").expects_nothing()
    world.at("1:00").expects(sent=["email backend-a@company.com"])


@pytest.mark.parametrize(
    ("week", "primary", "secondary"),
    [
        (0, "backend-a", "frontend-a"),
        (1, "backend-b", "frontend-a"),
        (2, "devops-a", "backend-a"),
        (3, "devops-b", "frontend-a"),
        (4, "backend-a", "frontend-a"),
    ],
)
def test_the_week_of_the_rotation_decides_who_is_paged(
    world: World, week: int, primary: str, secondary: str
):
    hours = week * 7 * 24
    world.at(f"{hours}:00:00").opens("P0").expects(paged=primary)
    world.at(f"{hours}:03:00").expects(paged=secondary)


# ── primary → secondary → escalation ─────────────────────────────────────────────────────


def test_a_p0_that_nobody_acknowledges_goes_to_secondary_and_then_to_escalation(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("2:59").expects(paged=[])
    world.at("3:00").expects(paged="frontend-a")
    world.at("5:59").expects(paged=[])
    world.at("6:00").expects(paged="senior-dev")


def test_each_call_says_by_when_it_must_be_answered(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("3:00").expects(paged="frontend-a")
    world.at("6:00").expects(paged="senior-dev")

    deadlines = [world._clock(page.answer_by) for page in world.bodies(e.Paged)]
    assert deadlines == ["3:00", "6:00", "10:00"]


def test_each_call_carries_its_reason(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("3:00").expects(paged="frontend-a")
    world.skip_to("10:00").expects(paged="backend-a")

    reasons = [(page.why.code, page.why.values["target"]) for page in world.bodies(e.Paged)]
    assert reasons == [
        ("first_step", "rotation:main/primary"),
        ("step_unanswered", "rotation:main/secondary"),
        ("step_unanswered", "rotation:main/escalation"),
        ("round_repeated", "rotation:main/primary"),
    ]


def test_after_ten_minutes_the_calls_begin_again(world: World):
    world.at("0:00").opens("P0")
    world.skip_to("30:00")

    assert world.calls() == [
        Page("0:00", "backend-a"), Page("3:00", "frontend-a"), Page("6:00", "senior-dev"),
        Page("10:00", "backend-a"), Page("13:00", "frontend-a"), Page("16:00", "senior-dev"),
        Page("20:00", "backend-a"), Page("23:00", "frontend-a"), Page("26:00", "senior-dev"),
        Page("30:00", "backend-a"),
    ]  # fmt: skip


def test_an_acknowledgement_stops_the_calls(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("2:30").acknowledges("backend-a").expects(paged=[])
    world.at("3:00").expects(paged=[])
    world.at("4:29").expects(paged=[])


def test_an_acknowledgement_stops_messages_that_are_still_to_go_out(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("0:30").acknowledges("backend-a")
    world.at("1:00").expects_nothing()


# ── Verify incident (2min): OC → OC ──────────────────────────────────────────────────────


def test_what_nobody_verified_within_two_minutes_is_treated_as_real(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a").expects(phase="detected")
    world.at("2:59").expects(phase="detected")
    world.at("3:00").expects(phase="verified", paged="pm")


def test_the_on_call_confirms_that_it_is_real(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    world.at("1:40").confirms("backend-a").expects(phase="verified", paged="pm")


def test_who_confirms_has_acknowledged(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(phase="verified", paged="pm")

    assert world.incident.acknowledged_by == "backend-a"
    world.at("3:00").expects(paged=[])


def test_a_false_alarm_is_dismissed_and_pages_nobody_any_more(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    world.at("1:30").dismisses("backend-a").expects(phase="dismissed", paged=[])
    world.at("24h").expects(phase="dismissed")

    assert world.runner.look_at is None


def test_nobody_is_presumed_to_have_verified_what_nobody_acknowledged(world: World):
    world.at("0:00").opens("P0")
    world.skip_to("1h").expects(phase="detected")
    world.calls()


def test_a_p2_reminds_the_person_who_answered_instead_of_presuming(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("10:00").acknowledges("backend-a")
    world.at("25:00").expects(paged="backend-a", phase="detected")
    world.at("40:00").expects(paged="backend-a")
    world.at("41:00").confirms("backend-a").expects(phase="responding", paged=[])
    world.at("3h").expects(paged=[])


def test_a_p2_is_reminded_of_four_times_at_most(world: World):
    world.at("0:00").opens("P2").expects(paged="backend-a")
    world.at("0:00").acknowledges("backend-a")
    world.skip_to("1d")

    reminders = [page for page in world.bodies(e.Paged) if page.ladder == "verify"]
    assert [page.person for page in reminders] == ["backend-a"] * 4


# ── Escalate if P0/P1: OC → IC ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("level", ["P0", "P1"])
def test_a_real_p0_or_p1_calls_the_commander(world: World, level: SeverityLevel):
    world.at("0:00").opens(level).expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")

    assert world.bodies(e.Paged)[-1].role == "incident_commander"


@pytest.mark.parametrize("level", ["P2", "P3"])
def test_a_real_p2_or_p3_is_handled_by_the_on_call_alone(world: World, level: SeverityLevel):
    world.at("0:00").opens(level).expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged=[], phase="responding")
    world.at("2h").expects(paged=[])


def test_a_commander_who_does_not_answer_is_followed_by_the_deputy(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("3:59").expects(paged=[])
    world.at("4:00").expects(paged="senior-dev")


def test_the_commander_is_called_again_until_somebody_takes_the_role(make_world: MakeWorld):
    world = make_world(severity("P0", assemble=None))
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("4:00").expects(paged="senior-dev")
    world.at("11:00").expects(paged="pm")
    world.at("14:00").expects(paged="senior-dev")
    world.at("14:30").acknowledges("senior-dev", world.bodies(e.Paged)[-1].page)
    world.at("2h").expects(paged=[])

    assert world.incident.roles == {"incident_commander": "senior-dev"}


def test_who_answers_the_call_takes_the_role(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    call = world.bodies(e.Paged)[-1].page
    world.at("2:00").acknowledges("pm", call).expects(
        paged=["senior-dev", "marketing", "devops-a"], phase="responding"
    )

    assert world.incident.roles["incident_commander"] == "pm"


# ── Assemble response team, start war room: IC → T ───────────────────────────────────────


def test_the_commander_assembles_the_team_and_starts_the_war_room(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "pm").expects(
        paged=["senior-dev", "marketing", "devops-a"]
    )

    assert world.times(e.TeamAssembled) == world.times(e.WarRoomOpened) == ["2:00"]
    assert world.incident.war_room == "https://meet.google.com/war-room"


def test_without_a_commander_the_team_is_assembled_after_five_minutes_at_the_latest(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("4:00").expects(paged="senior-dev")
    world.at("5:59").expects(paged=[])
    world.at("6:00").expects(paged=["senior-dev", "marketing", "devops-a"])

    assert world.bodies(e.TeamAssembled)[0].why.code == "commander_late"
    assert world.times(e.WarRoomOpened) == ["6:00"]


def test_a_manual_without_a_war_room_opens_none(make_world: MakeWorld):
    world = make_world(severity("P0", assemble={"war_room": False}))
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "pm")
    world.calls()

    assert world.times(e.TeamAssembled) == ["2:00"]
    assert world.times(e.WarRoomOpened) == []


def test_the_next_holder_of_a_role_is_called_after_five_minutes(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "pm").expects(
        paged=["senior-dev", "marketing", "devops-a"]
    )
    world.at("7:00").expects(paged="devops-b")


def test_the_response_begins_when_the_first_of_the_team_takes_a_role(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(paged="pm", phase="verified")
    world.at("3:00").assigns("technical_lead", "senior-dev").expects(phase="responding")
    world.calls()


# ── Slack 자동 메시지 ─────────────────────────────────────────────────────────────────────


def test_the_team_is_told_once_it_is_real(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a", told=[])
    world.at("1:00").acknowledges("backend-a").expects(told=[])
    world.at("1:30").confirms("backend-a").expects(paged="pm", told="#critical-alerts")
    world.skip_to("1h")

    assert world.times(e.NoticeDue) == ["1:30"]


def test_the_announcement_is_the_seeds_text_with_its_blanks_filled_in(world: World):
    world.at("0:00").opens(
        "P0", title="BackendDown", description="API가 응답하지 않습니다", service="korea-backend"
    ).expects(paged="backend-a")
    world.at("1:30").confirms("backend-a").expects(paged="pm")

    assert world.bodies(e.NoticeDue)[0].text == (
        "🚨 **INCIDENT ALERT** 🚨\n"
        "\n"
        "**Severity**: P0\n"
        "**Description**: API가 응답하지 않습니다\n"
        "**Affected Services**: API 서버\n"
        "**On-Call Engineer**: Backend-A\n"
        "\n"
        "War Room: https://meet.google.com/war-room\n"
        "Status Page: https://status.korea-public-data.com\n"
        "\n"
        "@here Please join the war room if you're part of the response team.\n"
    )


def test_a_manual_may_tell_the_team_as_soon_as_it_opens(make_world: MakeWorld):
    announce = {"template": "incident_notification", "to": "#alerts", "when": "opened"}
    world = make_world(severity("P0", announce=[announce]))
    world.at("0:00").opens("P0").expects(
        paged="backend-a", told="#alerts", sent=["slack @backend-a", "slack #alerts"]
    )


# ── 대응 목표 ─────────────────────────────────────────────────────────────────────────────


def test_the_targets_are_missed_at_their_minute_and_once(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.skip_to("4:59").expects(missed=[])
    world.skip_to("5:00").expects(missed="first_response")
    world.skip_to("10:00").expects(missed="response")
    world.skip_to("15:00").expects(missed="communication")
    world.skip_to("30:00").expects(missed="recovery")
    world.skip_to("1d")
    world.calls()

    assert len(world.bodies(e.ClockBreached)) == 4


def test_a_first_response_within_five_minutes_meets_its_target(world: World):
    world.at("0:00").opens("P0")
    world.skip_to("4:59").acknowledges("backend-a")
    world.skip_to("9:00")
    world.calls()

    assert "first_response" not in world.incident.breached


def test_an_alert_that_took_six_minutes_to_be_noticed_misses_detection(world: World):
    world.at("6:00").opens("P0", started="0:00").expects(paged="backend-a", missed="detection")


def test_verification_that_takes_two_minutes_misses_its_target(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").acknowledges("backend-a")
    world.at("3:00").expects(missed="verification", phase="verified", paged="pm")


def test_a_notice_that_arrived_within_fifteen_minutes_meets_communication(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a")
    world.skip_to("20:00")
    world.calls()

    assert world.times(e.NoticeDue) == ["1:00"]
    assert world._clock(world.incident.communicated_at or world.start) == "1:01"
    assert "communication" not in world.incident.breached
