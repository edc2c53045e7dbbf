"""How well a change explains an onset: order, reasons, and what must hold for any changes."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.incident.world import START

from bongsu.incident.alert import Link, Remark
from bongsu.incident.changes import ChangeEvent, ChangeKind, as_change, masked, placed, rank
from bongsu.incident.report import Change, Evidence
from bongsu.manual.schema.services import Service


def service(name: str, *below: str, deployment: str | None = None) -> Service:
    workload = {"namespace": "prod", "deployment": deployment} if deployment else None
    return Service.model_validate(
        {"name": name, "tier": 1, "depends_on": list(below), "workload": workload}
    )


SERVICES = {
    "web": service("Web", "api"),
    "api": service("API", "db", "cache", deployment="korea-backend"),
    "db": service("DB"),
    "cache": service("Cache"),
    "mail": service("메일"),
}


def change(minutes: float, of: str | None = "api", kind: ChangeKind = "deployment", **numbers):
    return Change(
        at=START - timedelta(minutes=minutes), kind=kind, subject=f"{kind}/{of}",
        says=Remark("changed"), service=of, evidence=Evidence(numbers=numbers),
    )  # fmt: skip


def ranked(*changes: Change, of: str | None = "api"):
    return rank(changes, START, of, SERVICES)


def test_the_later_of_two_alike_explains_better():
    assert ranked(change(60), change(2), change(600)) == ranked(change(2), change(60), change(600))
    assert [one.at for one in ranked(change(60), change(2))] == [change(2).at, change(60).at]


def test_what_was_changed_after_the_onset_stands_last_and_explains_nothing():
    found = ranked(change(-1), change(10_000, "mail", "event"))
    assert [one.score > 0 for one in found] == [True, False]
    assert found[1].reasons[0].says("en") == "1 min after the onset: it does not explain it"


def test_nearer_in_the_graph_explains_better_and_below_better_than_above():
    found = ranked(*(change(5, of) for of in ("mail", "web", None, "db", "api")))
    assert [one.service for one in found] == ["api", "db", None, "web", "mail"]


def test_a_chain_of_dependencies_is_counted_step_by_step():
    (found,) = ranked(change(5, "cache"), of="web")
    assert found.reasons[1].says("en") == "web leans on cache, 2 away"


def test_a_rollout_of_a_dependency_minutes_ago_beats_an_old_one_of_the_service():
    found = ranked(change(8 * 60), change(3, "db"))
    assert [one.service for one in found] == ["db", "api"]


def test_scaling_to_nothing_beats_scaling_a_little():
    little = change(5, kind="scale", before=10, after=9)
    nothing = change(5, kind="scale", before=10, after=0)
    assert ranked(little, nothing)[0].evidence == nothing.evidence


def test_every_reason_reads_in_both_languages_and_none_says_root_cause():
    told = [
        change(5), change(300, "db"), change(5, "web"), change(0.1, "mail"), change(-90),
        change(9_000, None), change(1, kind="scale", before=3, after=1), change(1, changed=4.0),
    ]  # fmt: skip
    for one in ranked(*told):
        for reason in one.reasons:
            assert "root cause" not in reason.says("en").lower()
            assert "근본 원인" not in reason.says("ko")
            assert reason.says("ko") != reason.says("en")


def test_a_told_change_is_placed_by_its_deployments_name():
    event = ChangeEvent(at=START, summary="v2", subject="deployment/korea-backend")
    assert placed(event, SERVICES).service == "api"
    assert (
        placed(msgspec.structs.replace(event, subject="x", source="메일"), SERVICES).service
        == "mail"
    )
    unknown = msgspec.structs.replace(event, subject="", service="checkout")
    assert placed(unknown, SERVICES).service == "checkout"


def test_a_told_change_loses_its_secrets_and_nothing_else():
    told = ChangeEvent(
        at=START, summary="v1.2.4 with password=hunter2secret by kim@example.com",
        links=(Link("https://ci.example.com/817?token=hunter2secret", "build 817"),),
        details={"db_password": "hunter2secret", "before": "2", "image": "korea-backend:1.2.4"},
    )  # fmt: skip
    kept = masked(told)
    assert "hunter2secret" not in repr(kept)
    assert "kim@example.com" in kept.summary
    assert kept.summary.startswith("v1.2.4 with password=")
    assert kept.links[0].href.startswith("https://ci.example.com/817?token=")
    assert kept.details["before"] == "2"
    assert kept.details["image"] == "korea-backend:1.2.4"
    assert masked(kept) == kept


def test_a_told_change_keeps_braces_and_its_first_link():
    event = ChangeEvent(
        at=START, summary="Rename {x}", links=(Link("https://ci/1"),), details={"after": "3"}
    )
    found = as_change(event, "ci")
    assert found.says.says("ko") == "Rename {x}"
    assert (found.link, found.evidence.numbers) == ("https://ci/1", {"after": 3.0})


changes = st.builds(
    change,
    st.floats(-10_000, 100_000),
    st.sampled_from([*SERVICES, "ghost", None]),
    st.sampled_from(get_args(ChangeKind)),
    before=st.floats(-1e9, 1e9),
    after=st.floats(-1e9, 1e9),
)


@given(st.lists(changes, max_size=12), st.sampled_from([*SERVICES, "ghost", None]))
def test_any_changes_are_all_kept_scored_from_0_to_1_and_in_order(found, of):
    order = rank(found, START, of, SERVICES)
    assert sorted((c.at, c.subject) for c in order) == sorted((c.at, c.subject) for c in found)
    assert all(0 <= one.score <= 1 and one.reasons for one in order)
    before = [one.score for one in order if one.at <= START]
    after = [one for one in order if one.at > START]
    assert before == sorted(before, reverse=True)
    assert order[len(before) :] == tuple(after)
    assert all(one.score == 0 for one in after)


@given(st.lists(changes, max_size=8), st.randoms())
def test_the_order_does_not_depend_on_the_order_they_came_in(found, dice):
    shuffled = list(found)
    dice.shuffle(shuffled)
    scores = [one.score for one in rank(found, START, "api", SERVICES)]
    assert scores == [one.score for one in rank(shuffled, START, "api", SERVICES)]


@given(changes, st.floats(0.5, 5_000))
def test_the_same_change_longer_ago_never_explains_better(one, longer):
    if one.at > START:
        one = msgspec.structs.replace(one, at=START)
    older = msgspec.structs.replace(one, at=one.at - timedelta(minutes=longer))
    newer_score = rank([one], START, "api", SERVICES)[0].score
    assert rank([older], START, "api", SERVICES)[0].score <= newer_score


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=15))
def test_circles_of_dependencies_come_to_an_end(edges):
    services = {n: service(n, *[b for a, b in edges if a == n]) for n in "abcdef"}
    (found,) = rank([change(5, "b")], START, "a", services)
    assert 0 < found.score <= 1
