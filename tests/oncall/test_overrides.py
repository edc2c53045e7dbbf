"""Somebody stands in for a slot, exactly as long as was agreed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.oncall.manuals import SEED, manual, shifts

from bongsu.manual.schema.oncall import Override
from bongsu.oncall import Shifts, explain
from bongsu.oncall import reasons as r

KST = timezone(timedelta(hours=9))
MOMENT = timedelta(microseconds=1)


def override(start: str, until: str, person: str = "pm", **rest: str) -> dict[str, str]:
    times = {"from": f"{start}+09:00", "until": f"{until}+09:00"}
    return {"rotation": "main", "slot": "primary", "person": person, **times, **rest}


def with_overrides(*overrides: dict[str, str]) -> Shifts:
    return shifts({"main": SEED}, overrides=list(overrides))


def kst(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


def people(answering: Shifts, start: str, until: str) -> list[tuple[str, str | None]]:
    turns = answering.timeline("main", "primary", kst(start), kst(until))
    return [(f"{turn.start.astimezone(KST):%m-%d %H:%M}", turn.person) for turn in turns]


def test_an_override_holds_from_its_first_to_before_its_last_instant() -> None:
    answering = with_overrides(override("2025-08-13T15:00", "2025-08-13T19:30", reason="병원"))
    first, last = kst("2025-08-13T15:00"), kst("2025-08-13T19:30")
    asked = [first - MOMENT, first, last - MOMENT, last]
    found = [answering.who("main", "primary", at).person for at in asked]
    assert found == ["backend-a", "pm", "pm", "backend-a"]
    assert answering.who("main", "secondary", first).person == "frontend-a"


def test_an_override_gives_its_times_and_its_reason() -> None:
    answering = with_overrides(
        override("2025-08-13T15:00", "2025-08-13T19:30", reason="병원"),
        override("2025-08-20T15:00", "2025-08-20T19:30"),
    )
    turn = answering.who("main", "primary", kst("2025-08-13T16:00"))
    assert turn.why == r.Overridden(turn.start, turn.until, "병원")
    assert explain(turn, "ko", answering.manual) == (
        "24/7 온콜 1차 당직은 Pm이에요. "
        "2025-08-13 15:00 (KST)부터 2025-08-13 19:30 (KST)까지 대체 근무예요: 병원"
    )
    assert explain(
        answering.who("main", "primary", kst("2025-08-20T16:00")), "en", answering.manual
    ).endswith("Stands in from 2025-08-20 15:00 (KST) until 2025-08-20 19:30 (KST).")


def test_of_two_overrides_at_once_the_one_listed_last_holds() -> None:
    answering = with_overrides(
        override("2025-08-12T00:00", "2025-08-16T00:00", "pm"),
        override("2025-08-13T00:00", "2025-08-14T00:00", "devops-b"),
    )
    assert people(answering, "2025-08-12T00:00", "2025-08-17T00:00") == [
        ("08-12 00:00", "pm"),
        ("08-13 00:00", "devops-b"),
        ("08-14 00:00", "pm"),
        ("08-16 00:00", "backend-a"),
    ]


def test_overrides_from_the_database_hold_over_the_manuals() -> None:
    spec = override("2025-08-12T00:00", "2025-08-16T00:00", "pm")
    later = Override.model_validate(override("2025-08-12T00:00", "2025-08-13T00:00", "devops-b"))
    answering = Shifts(manual({"main": SEED}, overrides=[spec]), [later])
    assert people(answering, "2025-08-12T00:00", "2025-08-14T00:00") == [
        ("08-12 00:00", "devops-b"),
        ("08-13 00:00", "pm"),
    ]


def test_covering_the_shift_next_to_ones_own_does_not_merge_the_two() -> None:
    """Backend-A covers the first three days of Backend-B's week, right after their own."""
    answering = with_overrides(override("2025-08-18T10:00", "2025-08-21T10:00", "backend-a"))
    assert people(answering, "2025-08-11T10:00", "2025-08-25T10:00") == [
        ("08-11 10:00", "backend-a"),
        ("08-18 10:00", "backend-a"),
        ("08-21 10:00", "backend-b"),
    ]
    assert answering.who("main", "primary", kst("2025-08-17T00:00")).until == kst(
        "2025-08-18T10:00"
    )


def test_an_override_over_a_handoff_is_one_turn() -> None:
    answering = with_overrides(override("2025-08-17T00:00", "2025-08-20T00:00"))
    turn = answering.who("main", "primary", kst("2025-08-18T10:00"))
    assert (turn.start, turn.until) == (kst("2025-08-17T00:00"), kst("2025-08-20T00:00"))


def test_two_overrides_in_a_row_by_one_person_stay_two() -> None:
    answering = with_overrides(
        override("2025-08-12T00:00", "2025-08-13T00:00", reason="a"),
        override("2025-08-13T00:00", "2025-08-14T00:00", reason="a"),
    )
    assert len(people(answering, "2025-08-12T00:00", "2025-08-14T00:00")) == 2


def test_an_override_holds_before_the_rotation_begins_and_outside_its_hours() -> None:
    spec: dict[str, Any] = {
        **SEED,
        "hours": [{"days": ["mon"], "from": "09:00", "until": "18:00"}],
    }
    early = override("2025-08-01T00:00", "2025-08-02T00:00")
    closed = override("2025-08-13T00:00", "2025-08-14T00:00")
    answering = shifts({"main": spec}, overrides=[early, closed])
    for at in ("2025-08-01T12:00", "2025-08-13T12:00"):
        assert answering.who("main", "primary", kst(at)).person == "pm"
    assert answering.who("main", "primary", kst("2025-08-02T12:00")).person is None


def test_an_override_that_fits_nowhere_is_not_forgotten() -> None:
    gone = override("2025-08-12T00:00", "2025-08-13T00:00") | {"slot": "tertiary"}
    assert [stray.slot for stray in with_overrides(gone).stray] == ["tertiary"]
    backwards = Override.model_construct(
        rotation="main",
        slot="primary",
        person="pm",
        start=kst("2025-08-13T00:00"),
        until=kst("2025-08-12T00:00"),
        reason="",
    )
    answering = Shifts(manual(), [backwards])
    assert answering.stray == (backwards,)
    assert answering.who("main", "primary", kst("2025-08-12T12:00")).person == "backend-a"


hours = st.integers(0, 24 * 40)


@given(
    st.lists(
        st.tuples(hours, hours, st.sampled_from(["pm", "devops-a", "backend-b"])), max_size=12
    ),
    st.lists(hours, min_size=1),
)
def test_whoever_is_listed_last_for_an_hour_is_on_call_in_it(
    drawn: list[tuple[int, int, str]], asked: list[int]
) -> None:
    origin = datetime(2025, 8, 1, tzinfo=UTC)
    given_ = [
        Override.model_construct(
            rotation="main",
            slot="primary",
            person=person,
            start=origin + timedelta(hours=start),
            until=origin + timedelta(hours=until),
            reason="",
        )
        for start, until, person in drawn
    ]
    answering, plain = Shifts(manual(), given_), Shifts(manual())
    for hour in asked:
        holders = [person for start, until, person in drawn if start <= hour < until]
        at = origin + timedelta(hours=hour)
        expected = holders[-1] if holders else plain.who("main", "primary", at).person
        assert answering.who("main", "primary", at).person == expected
