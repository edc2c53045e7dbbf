"""복구 우선순위: safety first, then the core functions, then the rest, then performance."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bongsu.incident.recovery_order import Broken, recovery_order
from bongsu.manual.load import load

SEED = load(Path(__file__).parents[2] / "manuals" / "korea-public-data")
SERVICES = sorted(SEED.services.services)


def order(*broken: Broken) -> list[str]:
    return [one.service for one in recovery_order(SEED, broken)]


def test_the_users_data_comes_before_the_functions_that_show_it():
    assert order(Broken("korea-frontend"), Broken("mongodb"), Broken("external-data-api")) == [
        "mongodb", "korea-frontend", "external-data-api"
    ]  # fmt: skip


def test_within_a_tier_comes_first_what_others_lean_on():
    assert order(Broken("korea-frontend"), Broken("korea-backend"), Broken("redis")) == [
        "redis", "korea-backend", "korea-frontend"
    ]  # fmt: skip


def test_a_breach_comes_before_everything_whatever_it_is_about():
    breach = Broken("external-data-api", "INC-2", "data_breach")
    found = recovery_order(SEED, [Broken("mongodb", "INC-1", "database_failure"), breach])
    assert [(one.service, one.safety, one.tier) for one in found] == [
        ("external-data-api", True, 1), ("mongodb", False, 1)
    ]  # fmt: skip


def test_a_service_with_several_incidents_has_one_place():
    found = recovery_order(
        SEED, [Broken("redis", "INC-1"), Broken("redis"), Broken("redis", "INC-2")]
    )
    assert [one.incidents for one in found] == [("INC-1", "INC-2")]


def test_what_a_report_found_broken_has_its_place_too():
    seen = ("mongodb=unhealthy", "reach_redis=unhealthy", "api_health=degraded", "pods=unknown")
    found = recovery_order(SEED, [Broken("korea-frontend", "INC-1", None, seen)])
    assert [(one.service, one.incidents) for one in found] == [
        ("mongodb", ("INC-1",)), ("redis", ("INC-1",)), ("korea-frontend", ("INC-1",)),
    ]  # fmt: skip


def test_what_is_degraded_counts_only_where_it_is_about_safety():
    assert order(Broken("search", checks=("redis=degraded", "mongodb=degraded"))) == [
        "mongodb", "search"
    ]  # fmt: skip


def test_a_breach_makes_nothing_a_matter_of_safety_that_a_report_found_besides():
    found = recovery_order(SEED, [Broken("search", "INC-1", "data_breach", ("redis=unhealthy",))])
    assert [(one.service, one.safety) for one in found] == [("search", True), ("redis", False)]


def test_an_incident_about_no_service_speaks_by_its_report():
    assert order(Broken("", "INC-1", None, ("api_health=unhealthy",))) == ["korea-backend"]
    assert order(Broken("", "INC-1", None, ("gone=unhealthy", "nodes=unhealthy"))) == []


def test_what_the_manual_does_not_know_comes_last():
    assert order(Broken("payments"), Broken("external-data-api"))[-1] == "payments"


@given(st.lists(st.sampled_from([*SERVICES, "payments"])), st.randoms())
def test_the_order_is_the_same_however_it_is_asked(names: list[str], random: object):
    broken = [Broken(name) for name in names]
    shuffled = sorted(broken, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis's
    assert recovery_order(SEED, broken) == recovery_order(SEED, shuffled)
    assert sorted({*names}) == sorted(order(*broken))
