"""The table of phases, and the pages that are written from it."""

from __future__ import annotations

import pytest
from scripts.incident_reference import FOLDER, pages
from tests.incident.strategies import KINDS

from bongsu.incident import events as e
from bongsu.incident.phases import ACTIVE, ENDED, TRANSITIONS, Phase, allowed, following


def test_every_phase_but_the_first_can_be_reached_from_it():
    reached = {Phase.DETECTED}
    for _ in Phase:
        reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}

    assert reached == set(Phase)


@pytest.mark.parametrize("phase", ACTIVE)
def test_every_open_incident_can_be_resolved_dismissed_and_merged(phase: Phase):
    assert allowed(phase, e.Resolved)
    assert allowed(phase, e.Dismissed)
    assert allowed(phase, e.MergedInto)


@pytest.mark.parametrize("phase", sorted(ENDED))
def test_every_ended_incident_can_be_reopened_and_only_that_opens_it(phase: Phase):
    ways = {
        kind for (before, kind), after in TRANSITIONS.items() if before == phase and after in ACTIVE
    }

    assert ways == {e.Reopened}


def test_an_event_that_the_table_does_not_list_leaves_the_phase_as_it_is():
    assert following(Phase.RESOLVED, e.Confirmed()) is Phase.RESOLVED
    assert following(Phase.RESPONDING, e.NoteAdded("x")) is Phase.RESPONDING


def test_the_table_names_only_kinds_that_a_log_can_hold():
    assert {kind for _, kind in TRANSITIONS} <= set(KINDS)


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_reference_pages_are_current(name: str):
    assert (FOLDER / name).read_text("utf-8") == pages()[name]
