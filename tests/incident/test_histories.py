"""What any release has ever written can still be folded, decided on and read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.incident.histories import ALL, FOLDER, SEED
from tests.incident.strategies import KINDS
from tests.incident.world import World

from bongsu.i18n import translator
from bongsu.incident import events as e
from bongsu.incident.decide import settle
from bongsu.incident.guide import headline, next_actions
from bongsu.incident.phases import Phase
from bongsu.incident.state import fold
from bongsu.incident.timeline import timeline
from bongsu.oncall import Shifts

FILES = sorted(FOLDER.glob("*/*.jsonl"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in FILES]
ENDS = {
    "backend_down": (Phase.REVIEWED, "P0", "frontend-a", {"incident_commander": "pm"}),
    "false_alarm": (Phase.DISMISSED, "P0", "backend-a", {}),
    "forgotten_p2": (Phase.RESOLVED, "P2", "backend-a", {}),
    "storm": (Phase.RESOLVED, "P0", "backend-a", {}),
    "joined_another": (Phase.DISMISSED, "P2", None, {}),
    "every_channel_down": (Phase.RESOLVED, "P0", "devops-b", {}),
    "rolled_back": (Phase.RESOLVED, "P0", "backend-a", {}),
    "back_again": (Phase.RESOLVED, "P0", "frontend-a", {}),
}


def read(path: Path) -> list[e.Event]:
    decoder = msgspec.json.Decoder(e.Event)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]


def test_there_are_histories_to_read():
    assert len(FILES) >= len(ENDS)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_history_folds_to_what_it_came_to(path: Path):
    log = read(path)
    incident = fold("1", log)
    phase, severity, answerer, roles = ENDS[path.stem]

    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert (incident.phase, incident.severity) == (phase, severity)
    assert incident.acknowledged_by == answerer
    assert incident.roles.items() >= roles.items()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_a_history_can_be_read_in_both_languages(path: Path, lang: str):
    for entry in timeline(read(path), SEED, translator(lang)):
        assert entry.text.strip()
        if lang == "ko" and entry.kind != "severity_changed":
            assert re.search("[가-힣]", entry.text), entry
        if entry.kind == "verified":
            continue  # its reason begins with what was measured: ``exit_code 0``
        assert "_" not in entry.why.partition(" ")[0], f"a bare code: {entry}"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_history_can_be_decided_on_at_every_point(path: Path):
    shifts, state, t = Shifts(SEED), fold("1", []), translator("ko")
    for length, event in enumerate(log := read(path), start=1):
        state = fold("1", log[:length])
        settled = settle(SEED, state, shifts, event.at)
        assert settled.look_at is None or settled.look_at > event.at
        assert headline(SEED, state, t)
        next_actions(SEED, state, shifts, event.at)
    assert settle(SEED, state, shifts, log[-1].at + timedelta(days=1)).look_at is None


def test_the_histories_hold_every_kind_of_event():
    kinds = {type(event.body) for path in FILES for event in read(path)}

    assert set(KINDS) - kinds == set()


@pytest.mark.parametrize("live", ALL, ids=lambda live: live.__name__)
def test_the_scenarios_still_come_to_the_same_end(live: Callable[[], World]):
    assert live().incident.phase == ENDS[live.__name__][0]
