"""What a person may do, and the refusals that say why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.incident.manuals import manual
from tests.incident.world import START, World

from bongsu.i18n import translator
from bongsu.incident import commands as c
from bongsu.incident import events as e
from bongsu.incident.reasons import explain
from bongsu.incident.state import Incident, apply

MANUAL = manual()
DAY = timedelta(days=1)


def opened(*bodies: e.AnyBody) -> Incident:
    state = Incident("1")
    for seq, body in enumerate([e.Opened("INC-1", "API", "P0", START), *bodies], start=1):
        state = apply(state, e.Event(seq, START, "person:pm", body))
    return state


def refusal(ask: Callable[[], object]) -> e.Reason:
    with pytest.raises(c.RefusedError) as refused:
        ask()
    return refused.value.reason


ENDED = opened(e.Resolved())


def resolve(incident: Incident, person: str) -> c.Bodies:
    return c.resolve(manual(), incident, person)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: c.acknowledge(ENDED, "pm"),
        lambda: c.unacknowledge(ENDED),
        lambda: c.assign(ENDED, "technical_lead", "pm", MANUAL),
        lambda: c.release(ENDED, "technical_lead"),
        lambda: c.change_severity(ENDED, "P2"),
        lambda: c.change_type(ENDED, "server_down", MANUAL),
        lambda: c.snooze(ENDED, START + DAY, START),
        lambda: c.merge(ENDED, opened()),
        lambda: c.merge(opened(), ENDED),
    ],
)
def test_what_ended_must_be_reopened_first(ask: Callable[[], object]):
    assert refusal(ask) == e.Reason("not_open", {"phase": "resolved"})


@pytest.mark.parametrize("verb", [c.confirm, c.dismiss, c.start_recovery, c.recovered, resolve])
def test_a_resolved_incident_takes_no_further_step(verb: Callable[..., object]):
    assert refusal(lambda: verb(ENDED, "pm")) == e.Reason(
        "not_in_this_phase", {"phase": "resolved"}
    )


def test_what_is_open_needs_no_reopening():
    assert refusal(lambda: c.reopen(opened())).code == "not_in_this_phase"


def test_a_confirmed_incident_is_not_confirmed_again():
    state = opened(e.Acknowledged("pm"), e.Confirmed())

    assert refusal(lambda: c.confirm(state, "pm")).code == "not_in_this_phase"


def test_who_acts_first_has_acknowledged():
    for verb in (c.confirm, c.dismiss, c.start_recovery, c.recovered, resolve):
        assert verb(opened(), "pm")[0] == e.Acknowledged("pm")


def test_a_second_actor_does_not_acknowledge_again():
    state = opened(e.Acknowledged("backend-a"))

    assert c.confirm(state, "pm", "DB 연결 실패") == [e.Confirmed("DB 연결 실패")]


def test_the_way_an_answer_came_is_noted():
    assert c.acknowledge(opened(), "pm", "slack") == [e.Acknowledged("pm", "slack")]
    assert c.dismiss(opened(), "pm", via="link")[0] == e.Acknowledged("pm", "link")


def test_an_unknown_role_names_those_there_are():
    reason = refusal(lambda: c.assign(opened(), "boss", "pm", MANUAL))

    assert reason.code == "unknown_role"
    assert "incident_commander, technical_lead" in reason.values["known"]


def test_an_unknown_person_names_those_there_are():
    reason = refusal(lambda: c.assign(opened(), "technical_lead", "ghost", MANUAL))

    assert reason.code == "unknown_person"
    assert "backend-a" in reason.values["known"]


def test_an_unknown_type_names_those_there_are():
    reason = refusal(lambda: c.change_type(opened(), "earthquake", MANUAL))

    assert reason.values["known"] == "server_down, database_failure, data_breach"


def test_a_role_that_is_worn_by_the_same_person_is_not_assigned_again():
    state = opened(e.RoleAssigned("technical_lead", "pm"))

    assert refusal(lambda: c.assign(state, "technical_lead", "pm", MANUAL)).code == (
        "role_already_theirs"
    )


def test_a_role_that_nobody_wears_is_not_released():
    assert refusal(lambda: c.release(opened(), "technical_lead")).code == "role_not_taken"


def test_what_nobody_acknowledged_is_not_taken_back():
    assert refusal(lambda: c.unacknowledge(opened())).code == "not_acknowledged"


def test_the_same_severity_is_no_change():
    assert refusal(lambda: c.change_severity(opened(), "P0")).code == "severity_unchanged"


def test_the_same_type_or_title_writes_nothing():
    state = opened(e.TypeChanged("server_down"))

    assert c.change_type(state, "server_down", MANUAL) == []
    assert c.retitle(state, " API ") == []
    assert c.retitle(state, "API", "느림") == [e.Retitled("API", "느림")]


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_is_refused(text: str):
    assert refusal(lambda: c.note(text)).code == "empty_text"
    assert refusal(lambda: c.retitle(opened(), text)).code == "empty_text"


def test_a_note_may_be_written_after_the_end():
    assert c.note(" 원인: 인증서 만료 ") == [e.NoteAdded("원인: 인증서 만료")]


@pytest.mark.parametrize(
    ("checklist", "item"), [("ghost", 0), ("first_look", 2), ("first_look", -1)]
)
def test_an_item_that_is_not_there_is_not_ticked(checklist: str, item: int):
    assert refusal(lambda: c.tick(opened(), MANUAL, checklist, item)).code == "unknown_item"


def test_a_tick_may_be_taken_back_and_repeating_it_writes_nothing():
    ticked = opened(e.ChecklistTicked("first_look", 1))

    assert c.tick(opened(), MANUAL, "first_look", 1) == [e.ChecklistTicked("first_look", 1)]
    assert c.tick(ticked, MANUAL, "first_look", 1) == []
    assert c.tick(ticked, MANUAL, "first_look", 1, done=False) == [
        e.ChecklistTicked("first_look", 1, done=False)
    ]


@pytest.mark.parametrize("days", [-1, 0, 7.01])
def test_a_snooze_ends_in_the_future_and_within_a_week(days: float):
    until = START + timedelta(days=days)

    assert refusal(lambda: c.snooze(opened(), until, START)).code == "snooze_out_of_range"


def test_a_snooze_may_be_ended_before_its_time(world: World):
    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("1:00").snoozes("1h")
    world.at("10:00").writes(*c.unsnooze(world.incident)).expects(paged="backend-a")


def test_what_is_not_snoozed_is_not_woken():
    assert refusal(lambda: c.unsnooze(opened())).code == "not_snoozed"


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_refusal_can_be_read(lang: str):
    reason = refusal(lambda: c.acknowledge(opened(e.Acknowledged("backend-a")), "pm"))

    assert (
        explain(reason, MANUAL, translator(lang))
        == {
            "ko": "Backend-A가 이미 확인했어요",
            "en": "Backend-A has acknowledged it already",
        }[lang]
    )
