"""Whom a page goes to: people, roles and slots of rotations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oncall.manuals import SEED, shifts

from bongsu.oncall import Shifts, say
from bongsu.oncall import reasons as r

AT = datetime(2025, 8, 28, 3, tzinfo=UTC)


def test_a_person_is_called_by_name(seed: Shifts) -> None:
    found = seed.targets("person:pm", AT)
    assert [(callee.person, callee.why) for callee in found] == [("pm", r.Named())]


def test_a_role_is_called_in_the_order_of_its_holders(seed: Shifts) -> None:
    found = seed.targets("role:technical_lead", AT)
    assert [callee.person for callee in found] == ["senior-dev", "pm"]
    assert [callee.why for callee in found] == [
        r.HoldsRole("technical_lead", 1),
        r.HoldsRole("technical_lead", 2),
    ]
    assert say(found.people[1].why, "ko", seed.manual) == (
        "Technical Lead 역할의 2번째 담당자예요."
    )


def test_a_slot_leads_to_whoever_is_on_call_in_it(seed: Shifts) -> None:
    (callee,) = seed.targets("rotation:main/primary", AT)
    assert callee.person == "devops-a"
    assert callee.why == seed.who("main", "primary", AT).why


def test_a_slot_of_a_role_leads_to_its_first_holder_alone(seed: Shifts) -> None:
    assert [c.person for c in seed.targets("rotation:main/escalation", AT)] == ["senior-dev"]


@pytest.mark.parametrize(
    ("ref", "why", "korean"),
    [
        ("person:ghost", r.NoSuchPerson("ghost"), "매뉴얼에 ghost라는 사람이 없어요."),
        ("role:ghost", r.NoSuchRole("ghost"), "매뉴얼에 ghost라는 역할이 없어요."),
        (
            "role:customer_support_lead",
            r.RoleVacant("customer_support_lead"),
            "Customer Support Lead 역할을 맡은 사람이 없어요.",
        ),
        ("rotation:ghost/primary", r.NoSuchRotation("ghost"), "매뉴얼에 ghost라는 순환이 없어요."),
        (
            "rotation:main/ghost",
            r.NoSuchSlot("main", "ghost"),
            "24/7 온콜에는 ghost라는 자리가 없어요.",
        ),
        (
            "backend-a",
            r.NotATarget("backend-a"),
            "backend-a는 사람도, 역할도, 순환의 자리도 아니에요.",
        ),
    ],
)
def test_a_target_that_leads_to_nobody_says_why(
    seed: Shifts, ref: str, why: r.Why, korean: str
) -> None:
    found = seed.targets(ref, AT)
    assert len(found) == 0
    assert not found
    assert found.why == why
    assert say(why, "ko", seed.manual) == korean


@given(st.text(max_size=40) | st.from_regex(r"(person|role|rotation):[a-z/:-]*"), st.datetimes())
def test_no_target_raises(seed: Shifts, ref: str, at: datetime) -> None:
    found = seed.targets(ref, at.replace(tzinfo=UTC))
    assert r.decode_why(r.encode_why(found.why)) == found.why


def test_a_shift_without_the_slot_leads_to_nobody() -> None:
    spec: dict[str, Any] = {**SEED, "shifts": [{"primary": "pm", "escalation": "role:ghost"}]}
    answering = shifts({"main": spec})
    empty, vacant = (answering.targets(f"rotation:main/{s}", AT) for s in SEED["slots"][1:])  # type: ignore[index]  # a list
    assert isinstance(empty.why, r.EmptySlot)
    assert say(empty.why, "ko", answering.manual, "main") == (
        "1주차에는 이 자리를 맡은 사람이 없어요."
    )
    assert isinstance(vacant.why, r.NoHolder)
    assert say(vacant.why, "en", answering.manual, "main") == "Nobody holds the role ghost."
