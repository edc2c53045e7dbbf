"""The values that a message is filled with."""

from __future__ import annotations

from tests.incident.manuals import manual, severity
from tests.incident.world import START, World

from bongsu.incident import events as e
from bongsu.incident.notices import template_values
from bongsu.manual.schema.document import Manual
from bongsu.manual.templates import samples


def values(world: World) -> dict[str, object]:
    runner = world.runner
    return template_values(runner.manual, runner.incident, runner.shifts, runner.now)


def test_every_value_is_one_that_the_manuals_check_knows(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")

    assert values(world).keys() <= samples("update").keys()


def test_what_is_known_is_named_in_the_manuals_language(world: World):
    world.at("0:00").opens("P0", service="korea-backend", type="server_down")
    world.at("0:00").assigns("incident_commander", "pm")
    world.skip_to("12:00")
    found = values(world)

    assert found["severity"] == "P0"
    assert found["severity_name"] == "Critical"
    assert found["services"] == "API 서버"
    assert found["type"] == "서버 다운"
    assert found["category"] == "infrastructure"
    assert found["phase"] == "감지"
    assert found["commander"] == "PM"
    assert found["started_at"] == "2025-08-14 14:30 (KST)"
    assert found["timestamp"] == "2025-08-14 14:42 (KST)"
    assert found["duration"] == "12분"


def test_what_is_not_known_yet_is_none(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    found = values(world)

    assert found["services"] is found["type"] is found["commander"] is found["resolved_at"] is None


def test_a_service_that_the_manual_does_not_know_keeps_its_id(world: World):
    world.at("0:00").opens("P0", service="payments", type="earthquake").expects(paged="backend-a")
    found = values(world)

    assert (found["services"], found["type"]) == ("payments", None)


def test_an_incident_without_a_description_is_described_by_its_title(world: World):
    world.at("0:00").opens("P0", title="API 중단").expects(paged="backend-a")

    assert values(world)["description"] == "API 중단"


def test_the_duration_ends_when_it_works_again(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("2:00").recovers("backend-a")
    world.at("1h")

    assert values(world)["duration"] == "2분"
    assert values(world)["resolved_at"] == "2025-08-14 14:32 (KST)"


def test_until_somebody_answers_the_engineer_is_whoever_the_first_rung_calls(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    assert values(world)["oncall_engineer"] == "Backend-A"

    world.at("1:00").acknowledges("frontend-a")
    assert values(world)["oncall_engineer"] == "Frontend-A"


def test_links_that_the_manual_does_not_have_are_not_known():
    bare = manual(team={"links": None})
    world = World(bare)
    world.at("0:00").opens("P0")

    assert values(world)["war_room_link"] is values(world)["status_page_link"] is None


def test_what_a_template_asks_and_nobody_knows_yet_reads_as_being_confirmed():
    text = "예상 복구: {{ eta }} / 담당: {{ commander }}"
    world = World(_with_text(text))
    world.at("0:00").opens("P0").expects(told="#a")

    assert world.bodies(e.NoticeDue)[0].text == "예상 복구: 확인 중 / 담당: 확인 중"


def test_a_drill_can_be_told_from_the_real_thing():
    world = World(_with_text("{% if drill %}[훈련] {% endif %}{{ title }}"))
    world.at("0:00").opens("P0", title="DB 장애", drill=True)

    assert world.bodies(e.NoticeDue)[0].text == "[훈련] DB 장애"
    assert world.start == START


def _with_text(text: str) -> Manual:
    announce = {"template": "incident_notification", "to": "#a", "when": "opened"}
    opened = severity("P0", announce=[announce])
    return opened.model_copy(update={"texts": {"templates/incident_notification.md": text}})
