"""What a log keeps: every body survives writing and reading, whatever is in it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from tests.incident.strategies import KINDS, bodies, logs

from bongsu.incident import events as e
from bongsu.incident.state import Incident, apply, fold


@given(bodies())
def test_every_body_reads_back_as_it_was_written(body: e.AnyBody):
    assert e.decode_body(e.encode_body(body)) == body


@given(bodies())
def test_every_body_carries_its_kind(body: e.AnyBody):
    assert msgspec.json.decode(e.encode_body(body))["kind"] == e.kind_of(body)


def test_no_two_bodies_share_a_kind():
    kinds = [kind.__struct_config__.tag for kind in KINDS]

    assert len(set(kinds)) == len(kinds)
    assert "delivery_due" in kinds


def test_every_body_class_is_one_that_a_log_can_hold():
    assert set(e.Body.__subclasses__()) == set(KINDS)


def test_a_field_that_a_later_release_adds_does_not_keep_this_one_from_reading():
    assert e.decode_body('{"kind":"confirmed","note":"x","mood":"grim"}') == e.Confirmed("x")


def test_a_kind_that_this_release_does_not_know_is_an_error():
    with pytest.raises(msgspec.ValidationError, match="kind"):
        e.decode_body('{"kind":"teleported"}')


@given(logs())
def test_any_sequence_of_events_folds(log: list[e.Event]):
    assert fold("1", log).seq == len(log)


@given(logs())
def test_folding_is_applying_one_after_another(log: list[e.Event]):
    state = Incident("1")
    for event in log:
        state = apply(state, event)

    assert fold("1", log) == state


@given(logs())
def test_a_state_reads_back_as_it_was_kept(log: list[e.Event]):
    state = fold("1", log)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Incident) == state
