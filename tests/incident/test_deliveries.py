"""How a call reaches a person, when channels fail for a while or for good."""

from __future__ import annotations

import pytest
from tests.incident.conftest import MakeWorld
from tests.incident.manuals import manual, severity
from tests.incident.world import World

from bongsu.incident import events as e
from bongsu.incident.rules.paging import wanted


def contacts(*entries: tuple[str, str]) -> dict[str, object]:
    return {
        "people": {
            "backend-a": {
                "contacts": [
                    {"channel": channel, "to": f"{channel}-address", "after": after}
                    for channel, after in entries
                ]
            }
        }
    }


def test_a_failure_that_may_pass_is_tried_again_after_2_and_after_5_seconds(world: World):
    world.breaks(channel="slack")
    world.at("0:00").opens("P0").expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("0:02").expects(sent=["slack @backend-a"])
    world.at("0:06").expects(sent=[])
    world.at("0:07").expects(sent=["slack @backend-a", "email backend-a@company.com"])


def test_three_failures_hand_over_to_the_next_contact_at_once(world: World):
    world.breaks(channel="slack")
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("0:07").expects(kinds=["delivery_due", "delivery_failed", "delivery_due"])
    world.at("2:00").expects(sent=[])

    assert world.bodies(e.DeliveryDue)[-1].channel == "email"


def test_a_failure_that_will_not_pass_hands_over_at_once(world: World):
    world.breaks(channel="slack", permanent=True, error="channel_not_found")
    world.at("0:00").opens("P0").expects(
        paged="backend-a", sent=["slack @backend-a", "email backend-a@company.com"]
    )
    world.at("2:00").expects(sent=[])


def test_a_retry_carries_the_error_that_it_follows(world: World):
    world.breaks(channel="slack", error="timeout")
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("0:02")

    assert world.bodies(e.DeliveryDue)[1].why == e.Reason("retry", {"error": "timeout"})


def test_a_retry_that_succeeds_ends_the_retries(world: World):
    world.breaks(channel="slack")
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.mends()
    world.at("0:02").expects(sent=["slack @backend-a"])
    world.at("0:59").expects(sent=[])
    world.at("1:00").expects(sent=["email backend-a@company.com"])


def test_a_channel_that_asks_for_patience_does_not_hold_up_the_next_contact(world: World):
    world.breaks(channel="slack", error="429", retry_after=50)
    world.at("0:00").opens("P0").expects(
        paged="backend-a", sent=["slack @backend-a", "email backend-a@company.com"]
    )
    world.at("0:49").expects(sent=[])
    world.at("0:50").expects(sent=["slack @backend-a"])


def test_a_channel_that_asks_for_a_moment_is_waited_for(world: World):
    world.breaks(channel="slack", error="429", retry_after=4)
    world.at("0:00").opens("P0").expects(paged="backend-a", sent=["slack @backend-a"])
    world.at("0:04").expects(sent=["slack @backend-a"])


@pytest.mark.parametrize("nonsense", [1e300, float("inf"), float("nan"), -5.0])
def test_nonsense_about_when_to_try_again_stops_nothing(world: World, nonsense: float):
    world.breaks(channel="slack", error="429", retry_after=nonsense)
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("3:00").expects(paged="frontend-a")


def test_a_person_whose_only_channel_wants_an_hours_patience_is_still_followed_by_the_next(
    make_world: MakeWorld,
):
    world = make_world(manual(team=contacts(("slack", "0s"))))
    world.breaks(person="backend-a", error="429", retry_after=3600)
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("3:00").expects(paged="frontend-a")


def test_a_contact_later_than_two_rounds_is_used_all_the_same(make_world: MakeWorld):
    step = {"after": "0s", "page": ["person:backend-a"]}
    often = {"escalation": [step], "repeat": {"every": "2m"}}
    world = make_world(
        manual(
            team=contacts(("slack", "0s"), ("call", "5m")), response={"severities": {"P0": often}}
        )
    )
    world.at("0:00").opens("P0")
    world.skip_to("5:00").expects(sent=["call call-address"])
    world.skip_to("7:00").expects(sent=["call call-address"])
    world.calls()


def test_contacts_at_the_same_time_go_out_side_by_side(make_world: MakeWorld):
    world = make_world(manual(team=contacts(("slack", "0s"), ("sms", "0s"), ("email", "1m"))))
    world.at("0:00").opens("P0").expects(
        paged="backend-a", sent=["slack slack-address", "sms sms-address"]
    )


def test_a_message_is_not_wanted_once_somebody_has_answered(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    delivery = next(iter(world.incident.deliveries.values()))
    assert wanted(world.runner.manual, world.incident, delivery)

    world.at("0:00").acknowledges("frontend-a")
    assert not wanted(world.runner.manual, world.incident, delivery)
    world.at("0:01").expects(kinds=["delivery_withdrawn"])


def test_the_call_of_a_role_is_not_wanted_once_the_role_is_taken(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:30").confirms("backend-a").expects(paged="pm")
    world.at("2:00").assigns("incident_commander", "senior-dev")
    world.calls()
    world.at("2:30").expects(sent=[])


def test_a_notice_is_tried_for_a_quarter_of_an_hour(make_world: MakeWorld):
    announce = {"template": "incident_notification", "to": "#alerts", "when": "opened"}
    world = make_world(severity("P3", announce=[announce]))
    world.breaks(channel="slack")
    world.at("0:00").opens("P3")
    world.skip_to("1h")
    world.calls()

    tried = [
        v.at for v in world.log if isinstance(v.body, e.DeliveryDue) and v.body.to == "#alerts"
    ]
    assert [world._clock(at) for at in tried] == ["0:00", "0:02", "0:07", "0:37", "2:37", "12:37"]


def test_a_notice_goes_out_even_after_the_end(make_world: MakeWorld):
    announce = {"template": "incident_notification", "to": "#alerts", "when": "opened"}
    world = make_world(severity("P0", announce=[announce]))
    world.breaks(channel="slack")
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("0:01").resolves("backend-a")
    world.mends()
    world.at("0:02").expects(sent=["slack #alerts"])
    world.at("0:03").expects(kinds=["delivered"])


def test_a_template_that_fails_gives_a_plain_text_that_says_so(make_world: MakeWorld):
    world = make_world(manual(texts={"templates/incident_notification.md": "{{ nonsense }}"}))
    world.at("0:00").opens("P0", title="API 중단").expects(paged="backend-a")
    world.at("1:00").confirms("backend-a").expects(told="#critical-alerts", paged="pm")

    notice = world.bodies(e.NoticeDue)[0]
    assert notice.text == "[P0] API 중단 (INC-20250814-01)"
    assert notice.why.code == "template_failed"
    assert "nonsense" in notice.why.values["error"]
