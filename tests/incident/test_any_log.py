"""Whatever a log holds, in whatever order: it can be decided on and put into words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.incident.manuals import manual
from tests.incident.strategies import bodies, logs
from tests.incident.world import START

from bongsu.i18n import translator
from bongsu.incident import events as e
from bongsu.incident.clocks import clocks
from bongsu.incident.decide import decide, settle
from bongsu.incident.state import apply, fold
from bongsu.incident.timeline import timeline
from bongsu.oncall import Shifts

MANUAL = manual()
SHIFTS = Shifts(MANUAL)
OPENED = e.Opened("INC-1", "API", "P0", START)

opened_logs = st.tuples(bodies(e.Opened), logs()).map(
    lambda pair: [
        e.Event(1, START, e.SYSTEM, pair[0]),
        *(e.Event(v.seq + 1, v.at, v.actor, v.body) for v in pair[1]),
    ]
)
later = st.integers(0, 86_400 * 40).map(lambda seconds: START + timedelta(seconds=seconds))


@given(opened_logs, later)
def test_any_state_can_be_settled(log, now):
    settled = settle(MANUAL, fold("1", log), SHIFTS, now)
    assert not settled.troubles

    assert settled.look_at is None or settled.look_at > now


@pytest.mark.parametrize("ladder", ["oncall", "role:incident_commander"])
@pytest.mark.parametrize("number", [-(2**53), -1, 7, 2**53])
@pytest.mark.parametrize("other", [0, 1])
def test_a_rung_that_no_manual_has_stops_nothing(ladder: str, number: int, other: int):
    odd = (number, other), (other, number)
    for rung in odd:
        _settles_after(e.Paged("p1.1", "pm", ladder, START, e.Reason("first_step"), *rung))


def _settles_after(page: e.Paged) -> None:
    bodies: list[e.AnyBody] = [OPENED, page, e.Acknowledged("pm"), e.Confirmed()]
    log = [e.Event(n, START, e.SYSTEM, body) for n, body in enumerate(bodies, start=1)]

    for length in range(1, len(log) + 1):
        settled = settle(MANUAL, fold("1", log[:length]), SHIFTS, START)
        assert not settled.troubles
        assert settled.look_at is not None


@given(opened_logs, later)
def test_what_is_settled_stays_settled(log, now):
    settled = settle(MANUAL, fold("1", log), SHIFTS, now)
    assert not settled.troubles
    again = settle(MANUAL, settled.incident, SHIFTS, now)

    assert again.events == ()
    assert again.incident == settled.incident
    assert again.look_at == settled.look_at


@given(opened_logs, later)
def test_the_same_question_has_the_same_answer(log, now):
    incident = fold("1", log)

    assert decide(MANUAL, incident, Shifts(MANUAL), now) == decide(MANUAL, incident, SHIFTS, now)


@given(opened_logs, later)
def test_settling_is_writing_what_is_decided(log, now):
    incident = fold("1", log)
    settled = settle(MANUAL, incident, SHIFTS, now)
    for body in decide(MANUAL, incident, SHIFTS, now).due:
        incident = apply(incident, e.Event(incident.seq + 1, now, e.SYSTEM, body))

    assert incident == settled.incident


@given(logs(), later)
def test_a_log_without_a_beginning_asks_for_nothing(log, now):
    log = [event for event in log if not isinstance(event.body, e.Opened)]

    decision = decide(MANUAL, fold("1", log), SHIFTS, now)
    assert not decision.due
    assert decision.look_at is None
    assert clocks(MANUAL, fold("1", log)) == []


@settings(max_examples=200)
@given(logs(), st.sampled_from(["ko", "en"]))
def test_any_log_can_be_put_into_words(log, lang):
    entries = list(timeline(log, MANUAL, translator(lang)))

    assert [entry.seq for entry in entries] == [event.seq for event in log]
