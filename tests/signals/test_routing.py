"""What the manual makes of an alert: the first route that matches, and what it leaves open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.signals.conftest import NOW

from bongsu.incident.alert import Alert
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.signals import Signals
from bongsu.signals.routing import LONGEST_TITLE, Routed, Router


def router(seed: Manual, **signals: object) -> Router:
    chapter = {"integrations": {}, **signals}
    return Router(seed.model_copy(update={"signals": Signals.model_validate(chapter)}))


def alert(key: str = "k", summary: str = "down", word: str = "", **labels: str) -> Alert:
    return Alert(
        key=key, status="firing", labels=labels, labels_json="{}", summary=summary,
        severity_word=word,
    )  # fmt: skip


def ask(asked: Router, found: Alert) -> Routed:
    return asked.route(found, "prometheus", NOW)


def test_the_first_route_that_matches_wins(seed: Manual) -> None:
    routes = [
        {"match": ['a="1"', 'b=~"x.*"'], "severity": "P0"},
        {"match": ['a="1"'], "severity": "P1"},
        {"match": [], "severity": "P3"},
    ]
    asked = router(seed, routes=routes)
    cases = [({"a": "1", "b": "xy"}, 0, "P0"), ({"a": "1"}, 1, "P1"), ({}, 2, "P3")]
    for labels, number, severity in cases:
        routed = ask(asked, alert(**labels))
        assert (routed.route_index, routed.severity) == (number, severity)


def test_a_route_may_ask_who_sent_it(seed: Manual) -> None:
    asked = router(seed, routes=[{"match": ['integration="nagios"'], "severity": "P0"}])
    assert asked.route(alert(), "nagios").route_index == 0
    assert asked.route(alert(), "prometheus").route_index is None


@pytest.mark.parametrize(
    ("word", "severity"), [("CRITICAL", "P0"), ("odd", "P3"), ("", "P3")]
)  # fmt: skip
def test_the_senders_word_decides_where_the_route_does_not(
    seed: Manual, word: str, severity: str
) -> None:
    asked = router(seed, severity_words={"Critical": "P0"}, default={"severity": "P3"})
    assert ask(asked, alert(word=word)).severity == severity


def test_alerts_with_equal_grouping_labels_share_an_incident(seed: Manual) -> None:
    asked = router(
        seed,
        routes=[
            {"match": ['r="1"'], "group_by": ["service"]},
            {"match": ['r="2"'], "group_by": []},
            {"match": ['r="3"'], "group_by": ["..."]},
            {"match": ['r="4"'], "group_by": ["service"]},
        ],
    )

    def key(name: str, **labels: str) -> str:
        return ask(asked, alert(name, **labels)).group_key

    assert key("a", r="1", service="x", pod="1") == key("b", r="1", service="x", pod="2")
    assert key("a", r="1", service="x") != key("b", r="1", service="y")
    assert key("a", r="1", service="x") != key("a", r="4", service="x")
    assert key("a", r="1") == key("b", r="1")
    assert key("a", r="2", pod="1") == key("b", r="2", pod="2")
    assert key("a", r="3") != key("b", r="3")


def test_what_the_default_knows_nothing_of_is_not_thrown_together(seed: Manual) -> None:
    asked = router(seed)
    assert ask(asked, alert("a")).group_key != ask(asked, alert("b")).group_key
    same = [ask(asked, alert(key, alertname="X")).group_key for key in ("a", "b")]
    assert same[0] == same[1]


def test_a_silence_holds_only_in_its_time_even_for_an_alert_seen_before(seed: Manual) -> None:
    silence = {
        "match": ['alertname="X"'], "from": NOW, "until": NOW + timedelta(hours=1),
        "reason": "maintenance",
    }  # fmt: skip
    asked = router(seed, silences=[silence])
    times = [(-1, None), (0, "maintenance"), (30, "maintenance"), (60, None)]
    for minutes, reason in times:
        at = NOW + timedelta(minutes=minutes)
        assert asked.route(alert(alertname="X"), "prometheus", at).silenced == reason
    assert ask(asked, alert(alertname="Y")).silenced is None


@pytest.mark.parametrize(
    ("template", "title"),
    [
        ("{{ summary }}", "down"),
        ("{{ labels.pod }}: {{ summary }}", "p-1: down"),
        ("{{ labels.nothing }}\n", "down"),
        ("{{ summary / 0 }}", "down"),
        ("{{ 'x' * 999 }}", "x" * LONGEST_TITLE),
        ("[{{ severity }}] {{ source }}", "[P2] prometheus"),
    ],
)
def test_a_title_is_written_and_never_costs_the_alert(
    seed: Manual, template: str, title: str
) -> None:
    asked = router(seed, default={"title": template})
    assert asked.title(alert(pod="p-1"), "prometheus") == title


def test_an_alert_without_a_summary_is_called_by_its_key(seed: Manual) -> None:
    assert router(seed).title(alert("disk:db-1", summary="")) == "disk:db-1"
