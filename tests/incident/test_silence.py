"""What must not silence anybody: a snooze, a merge, or a sender's own acknowledgement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.incident.manuals import manual
from tests.incident.world import START, Runner

from bongsu.incident import commands, decide
from bongsu.incident import events as e
from bongsu.incident.case import Case
from bongsu.incident.contacts import Finding
from bongsu.incident.rules import responding
from bongsu.incident.state import Incident, apply
from bongsu.manual.schema.base import SeverityLevel
from bongsu.oncall import Shifts


def opened(level: SeverityLevel, incident_id: str = "1") -> Runner:
    runner = Runner(manual(), START, incident_id=incident_id)
    runner.write("integration:prometheus", [
        e.Opened(f"INC-{incident_id}", "Search is slow", level, START, manual=runner.manual.sha)
    ])  # fmt: skip
    return runner


def pages(runner: Runner) -> list[e.Paged]:
    return [one.body for one in runner.log if isinstance(one.body, e.Paged)]


def answered(incident: Incident) -> bool:
    return incident.acknowledged_at is not None


def test_a_snoozed_incident_that_turns_out_to_be_a_p0_pages_at_once():
    runner = opened("P3")
    runner.write("person:pm", commands.snooze(runner.incident, START + timedelta(days=6), START))
    before = len(pages(runner))
    runner.write("integration:prometheus", commands.severity_changed(runner.incident, "P0"))
    assert runner.incident.snoozed_until is None
    assert len(pages(runner)) > before


def test_a_snoozed_incident_whose_severity_is_lowered_stays_snoozed():
    runner = opened("P1")
    runner.write("person:pm", commands.snooze(runner.incident, START + timedelta(hours=1), START))
    runner.write("person:pm", commands.change_severity(runner.incident, "P3"))
    assert runner.incident.snoozed_until is not None


def test_an_unanswered_p0_that_is_merged_into_an_answered_p3_goes_on_paging():
    source, target = opened("P0", "1"), opened("P3", "2")
    target.write("person:pm", commands.acknowledge(target.incident, "pm"))
    before = len(pages(target))
    _, absorbed = commands.merge(source.incident, target.incident)
    target.write("person:pm", absorbed)
    assert target.incident.severity == "P0"
    assert not answered(target.incident)
    assert len(pages(target)) > before


def test_an_answered_p0_that_is_merged_does_not_ask_again():
    source, target = opened("P0", "1"), opened("P3", "2")
    for one in (source, target):
        one.write("person:pm", commands.acknowledge(one.incident, "pm"))
    _, absorbed = commands.merge(source.incident, target.incident)
    target.write("person:pm", absorbed)
    assert target.incident.severity == "P0"
    assert answered(target.incident)


def test_whoever_is_on_call_is_reminded_when_only_a_senders_system_answered():
    runner = opened("P2")
    runner.write("integration:prometheus", [e.Acknowledged("integration:prometheus", "signal")])
    before = len(pages(runner))
    runner.run_until(START + timedelta(hours=2))
    assert len(pages(runner)) > before
    assert all(page.person != "integration:prometheus" for page in pages(runner))


def test_a_rule_that_fails_stops_no_page(monkeypatch: pytest.MonkeyPatch):
    """Whatever is wrong with a notice or a clock, people are called."""

    def broken(case: Case) -> Iterator[Finding]:
        yield e.NoteAdded("half of what it wanted to say")
        raise LookupError("no such template")

    rules = [broken if rule in (responding.announce, responding.watch_clocks) else rule
             for rule in decide.RULES]  # fmt: skip
    monkeypatch.setattr(decide, "RULES", rules)
    whole = manual()
    just_opened = e.Opened("INC-1", "Search is slow", "P0", START, manual=whole.sha)
    incident = apply(Incident("1"), e.Event(1, START, "integration:prometheus", just_opened))
    settled = decide.settle(whole, incident, Shifts(whole), START)
    kinds = [e.kind_of(event.body) for event in settled.events]
    assert "paged" in kinds
    assert "delivery_due" in kinds
    assert "note_added" not in kinds, "what a failing rule has said does not stand"
    assert {one.error for one in settled.troubles} == {"LookupError('no such template')"}
    assert settled.look_at is not None
