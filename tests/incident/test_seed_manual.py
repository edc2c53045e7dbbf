"""The first user's own manual, as it is shipped: who is called at which minute."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.incident.conftest import MakeWorld
from tests.incident.world import Page, World

from bongsu.incident import events as e
from bongsu.manual.load import load

SEED = load(Path(__file__).parents[2] / "manuals" / "korea-public-data")
TEAM = ["senior-dev", "marketing", "support", "backend-a", "frontend-a", "devops-a"]


@pytest.fixture
def seed(make_world: MakeWorld) -> World:
    return make_world(SEED)


def test_a_p0_that_nobody_answers(seed: World):
    seed.at("0:00").opens("P0")
    seed.skip_to("13:00")

    assert seed.calls() == [
        Page("0:00", "backend-a"), Page("3:00", "frontend-a"), Page("6:00", "senior-dev"),
        Page("9:00", "pm"), Page("10:00", "backend-a"), Page("13:00", "frontend-a"),
    ]  # fmt: skip


def test_two_people_are_called_within_the_five_minutes_of_the_first_response(seed: World):
    seed.at("0:00").opens("P0")
    seed.skip_to("4:59")

    assert len(seed.calls()) == 2


def test_a_p0_from_the_alert_to_the_war_room(seed: World):
    seed.at("0:00").opens("P0").expects(paged="backend-a")
    seed.at("1:00").acknowledges("backend-a")
    seed.at("3:00").expects(phase="verified", paged="pm", told="#critical-alerts")
    seed.at("4:00").assigns("incident_commander", "pm").expects(paged=TEAM, phase="responding")

    assert seed.times(e.WarRoomOpened) == ["4:00"]
    assert seed.incident.war_room == "https://meet.google.com/war-room"


def test_without_a_commander_a_team_is_at_work_within_ten_minutes(seed: World):
    seed.at("0:00").opens("P0").expects(paged="backend-a")
    seed.at("3:00").expects(paged="frontend-a")
    seed.at("4:59").acknowledges("frontend-a")
    seed.at("6:59").expects(paged="pm", phase="verified")
    seed.at("9:59").expects(paged=["senior-dev", *TEAM])
    seed.at("9:59").assigns("technical_lead", "senior-dev").expects(phase="responding")
    seed.skip_to("10:00").expects(missed=[])
    seed.calls()


def test_the_announcement_is_the_manuals_own(seed: World):
    seed.at("0:00").opens("P0", title="KoreaBackendDown", service="korea-backend").expects(
        paged="backend-a"
    )
    seed.at("1:00").confirms("backend-a").expects(paged="pm")

    text = seed.bodies(e.NoticeDue)[0].text
    assert text.startswith("🚨 **INCIDENT ALERT** 🚨\n\n**Severity**: P0\n")
    assert "**Affected Services**: API 서버\n**On-Call Engineer**: Backend-A\n" in text
    assert text.rstrip().endswith(
        "@here Please join the war room if you're part of the response team."
    )


def test_week_2_calls_the_people_of_week_2(seed: World):
    week = 7 * 24
    seed.at(f"{week}:00:00").opens("P0").expects(paged="backend-b")
    seed.at(f"{week}:03:00").expects(paged="frontend-b")


def test_a_p3_is_told_once_every_twelve_hours_and_resolves_by_itself(seed: World):
    seed.at("0:00").opens("P3", alerts=1).expects(paged="backend-a")
    seed.at("12h").expects(paged="backend-a")
    seed.at("13h").clears()
    seed.at("13:59:59").expects(phase="detected")
    seed.at("14h").expects(phase="resolved")
