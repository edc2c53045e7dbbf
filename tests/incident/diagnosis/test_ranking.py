from __future__ import annotations

import random
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from bongsu.incident.alert import Remark
from bongsu.incident.diagnosis.ranking import BROKEN, GRAVEST_FIRST, affected, gravest, rank
from bongsu.incident.diagnosis.wanted import leaned_on
from bongsu.incident.report import Finding, Looked, Verdict
from bongsu.manual.schema.base import Text
from bongsu.manual.schema.services import Service

NAMES = ("a", "b", "c", "d", "e", "f")
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def service(*depends_on: str) -> Service:
    return Service(name=Text.of("x"), tier=2, depends_on=[*depends_on])


def looked(name: str, verdict: Verdict) -> Looked:
    return Looked(f"check-{name}", verdict, 0.0, service=name)


graphs = st.fixed_dictionaries(
    {name: st.sets(st.sampled_from(NAMES)).map(lambda on: service(*sorted(on))) for name in NAMES}
)
looks = st.lists(st.builds(looked, st.sampled_from(NAMES), st.sampled_from(VERDICTS)))
findings = st.lists(
    st.builds(
        Finding, code=st.sampled_from(("x", "y")), says=st.just(Remark("z")),
        verdict=st.sampled_from(VERDICTS), weight=st.floats(0, 1), check=st.sampled_from(NAMES),
        service=st.sampled_from((*NAMES, None)),
    )
)  # fmt: skip


@given(findings, graphs, st.randoms(use_true_random=False))
def test_findings_are_ranked_by_verdict_then_weight_however_they_came(
    found: list[Finding], services: dict[str, Service], lots: random.Random
):
    ranked = rank(found, services)
    order = [(GRAVEST_FIRST.index(one.verdict), -one.weight) for one in ranked]
    assert order == sorted(order)
    shuffled = lots.sample(found, len(found))
    assert rank(shuffled, services) == ranked


@given(looks, graphs)
def test_affected_is_exactly_what_is_broken_or_leans_on_it(
    looks: list[Looked], services: dict[str, Service]
):
    broken = {one.service for one in looks if one.verdict in BROKEN}
    found = {one.service: one for one in affected(looks, services)}
    assert found.keys() == {name for name in NAMES if leaned_on(name, services) & broken}
    for name, one in found.items():
        assert (one.through == ()) == (name in broken)


@given(looks, graphs)
def test_a_chain_follows_dependencies_down_to_something_broken(
    looks: list[Looked], services: dict[str, Service]
):
    broken = {one.service for one in looks if one.verdict in BROKEN}
    for one in affected(looks, services):
        above = one.service
        for lower in one.through:
            assert lower in services[above].depends_on
            above = lower
        assert above in broken


@given(looks, graphs)
def test_what_is_broken_itself_comes_before_what_leans_on_it(
    looks: list[Looked], services: dict[str, Service]
):
    lengths = [len(one.through) for one in affected(looks, services)]
    assert lengths == sorted(lengths)


@given(st.lists(st.sampled_from(VERDICTS)))
def test_healthy_is_only_what_was_seen_healthy_throughout(verdicts: list[Verdict]):
    assert (gravest(verdicts) == "healthy") == (set(verdicts) <= {"healthy"})


def test_the_way_down_leads_to_the_gravest_and_of_those_to_the_nearest():
    services = {
        "site": service("api", "cache"), "api": service("database"), "cache": service(),
        "database": service(),
    }  # fmt: skip
    near, grave = looked("cache", "degraded"), looked("database", "unhealthy")
    (site,) = [one for one in affected([near, grave], services) if one.service == "site"]
    assert site.through == ("api", "database")


def test_a_service_that_leans_on_something_broken_keeps_its_own_verdict():
    services = {"site": service("api"), "shop": service("api"), "api": service()}
    looks = [looked("api", "unhealthy"), looked("site", "healthy")]
    verdicts = {one.service: one.verdict for one in affected(looks, services)}
    assert verdicts == {"api": "unhealthy", "site": "healthy", "shop": "unknown"}
