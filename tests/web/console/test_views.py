"""What the pages show, worked out without a server or a database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.web.site import START, seed

from bongsu.engine.policy import compile_policy
from bongsu.i18n import translator
from bongsu.incident import events as e
from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident, fold
from bongsu.manual.schema.document import Manual
from bongsu.store.access import Role
from bongsu.web.access.actor import Actor
from bongsu.web.console.views.buttons import Button, buttons
from bongsu.web.console.views.lanes import lanes
from bongsu.web.console.views.listing import asked
from bongsu.web.console.views.snippets import snippets
from bongsu.web.console.views.words import beacons

T = translator("en")
MANUAL = seed()
POLICY = compile_policy(MANUAL)
WHY = e.Reason("first_step", {"target": "rotation:main/primary"})


def log(*steps: tuple[int, e.AnyBody]) -> Incident:
    """Fold events that happened so many seconds after the start."""
    opened = e.Opened("INC-1", "검색 불가", "P0", START)
    return fold(
        "1",
        [
            e.Event(seq, START + timedelta(seconds=after), "system", body)
            for seq, (after, body) in enumerate([(0, opened), *steps], start=1)
        ],
    )


def paged(person: str, after: int = 0, page: str = "p1", step: int = 0) -> e.Paged:
    answer_by = START + timedelta(seconds=after) + timedelta(minutes=3)
    return e.Paged(page, person, "oncall", answer_by, WHY, step=step)


def somebody(role: Role = "responder", person: str = "backend-a") -> Actor:
    return Actor(person, person, role, "en", "console")


def names(incident: Incident, actor: Actor) -> list[str]:
    return [button.action for button in buttons(MANUAL, incident, actor, T).bar]


@pytest.mark.parametrize(
    ("steps", "bar"),
    [
        ([], ["ack", "confirm", "dismiss"]),
        ([(1, e.Acknowledged("backend-a"))], ["confirm", "dismiss", "escalate"]),
        (
            [(1, e.Acknowledged("backend-a")), (2, e.Confirmed())],
            ["recovery", "recovered", "escalate"],
        ),
        ([(1, e.Recovered())], ["resolve", "recovery"]),
        ([(1, e.Dismissed())], ["reopen"]),
    ],
)
def test_the_bar_has_what_is_most_likely_next_first(
    steps: list[tuple[int, e.AnyBody]], bar: list[str]
) -> None:
    found = buttons(MANUAL, log(*steps), somebody(), T).bar
    assert [button.action for button in found] == bar
    assert found[0].tone == "primary"


def test_while_a_required_check_has_not_passed_resolving_is_not_what_comes_first() -> None:
    check = {"name": "c", "test": {"kind": "http", "url": "https://x.example"},
             "passes": "error_rate < 0.01", "criterion": "below 1%"}  # fmt: skip
    document = MANUAL.model_dump(by_alias=True, exclude={"sha"})
    checked = Manual.model_validate(
        {**document, "sha": "", "verification": {"smoke": {"c": check}}}
    )
    bar = buttons(checked, log((1, e.Recovered())), somebody(), T).bar
    assert [button.action for button in bar] == ["verifications", "recovery", "resolve"]


def test_what_waits_for_this_persons_answer_comes_first_in_the_bar() -> None:
    bar = buttons(MANUAL, log(), somebody(), T, Button("", "yes?", place="#step-r7-1")).bar
    assert [(button.place, button.action, button.tone) for button in bar] == [
        ("#step-r7-1", "", "primary"), ("", "ack", "plain"), ("", "confirm", "plain"),
    ]  # fmt: skip


def test_a_viewer_has_no_buttons() -> None:
    assert names(log(), somebody("viewer")) == []


def test_only_a_commander_closes_a_review() -> None:
    resolved = log((1, e.Resolved()))
    assert resolved.phase is Phase.RESOLVED
    assert "review" not in names(resolved, somebody())
    assert names(resolved, somebody("commander")) == ["review", "reopen"]


def test_what_ends_an_incident_asks_before_it_does() -> None:
    shown = buttons(MANUAL, log(), somebody(), T)
    ending = [b for b in (*shown.bar, *shown.more) if b.action in ("dismiss", "resolve")]
    assert len(ending) == 2
    assert all(button.confirm for button in ending)


def test_somebody_called_to_a_role_may_still_answer_that_call() -> None:
    call = e.Paged(
        "p2", "pm", "role:incident_commander", START + timedelta(minutes=5), WHY,
        role="incident_commander",
    )  # fmt: skip
    incident = log((1, e.Acknowledged("backend-a")), (2, e.Confirmed()), (3, call))
    assert names(incident, somebody("commander", "pm"))[0] == "ack"
    assert names(incident, somebody())[0] == "recovery"


def test_the_lanes_show_who_was_called_and_who_comes_next() -> None:
    now = START + timedelta(minutes=1)
    found = lanes(POLICY.manual, log((0, paged("backend-a"))), POLICY.shifts, T, now)
    assert found is not None
    blocks = {lane.name: [block.state for block in lane.blocks] for lane in found.lanes}
    assert blocks["Backend-A"][0] == "waiting"
    assert blocks["Frontend-A"] == ["planned"]
    assert list(blocks) == ["Backend-A", "Frontend-A", "Senior Dev", "PM"]
    assert found.now is not None
    assert found.lanes[1].blocks[0].left > found.now


def test_after_an_answer_nobody_is_planned_to_be_called() -> None:
    incident = log((0, paged("backend-a")), (60, e.Acknowledged("backend-a")))
    now = START + timedelta(seconds=70)
    found = lanes(POLICY.manual, incident, POLICY.shifts, T, now)
    assert found is not None
    assert [b.state for lane in found.lanes for b in lane.blocks] == ["answered"]


@pytest.mark.parametrize("minutes", [0, 3, 30, 600])
def test_every_block_lies_within_the_picture(minutes: int) -> None:
    steps = [(0, paged("backend-a")), (180, paged("frontend-a", 180, "p2", 1))]
    now = START + timedelta(minutes=minutes)
    found = lanes(POLICY.manual, log(*steps), POLICY.shifts, T, now)
    assert found is not None
    for block in (block for lane in found.lanes for block in lane.blocks):
        assert 0 <= block.left <= 100
        assert block.left + block.width <= 100.01


def test_a_filter_that_makes_no_sense_is_left_out() -> None:
    found = asked({"severity": "P9", "state": "perhaps", "phase": "x", "q": " a\0  b "}, [])
    assert (found.severity, found.state, found.phase, found.q) == ("", "", "", "a b")


def test_a_filters_address_leads_to_the_same_filter() -> None:
    found = asked({"severity": "P0", "q": "검색 & 로그"}, [])
    assert found.address() == "/incidents?severity=P0&q=%EA%B2%80%EC%83%89+%26+%EB%A1%9C%EA%B7%B8"


def test_the_snippets_fit_what_a_sender_speaks() -> None:
    made = snippets("https://b.example:8443", ["alertmanager", "prometheus"], "k" * 32, T)
    assert [snippet.file for snippet in made] == ["alertmanager.yml", "prometheus.yml"]
    assert f"https://b.example:8443/in/{'k' * 32}/alertmanager" in made[0].text
    assert "targets: ['b.example:8443']" in made[1].text
    assert "scheme: https" in made[1].text


def test_beacons_burn_as_on_the_hills_of_joseon() -> None:
    assert [beacons(level) for level in ("", "P3", "P2", "P1", "P0")] == [1, 2, 3, 4, 5]
