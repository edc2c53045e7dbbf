"""What a check of a step came to is kept in both languages, and read in that of the reader."""

from __future__ import annotations

from tests.actions.steps.conftest import Bench, says

from bongsu.incident.alert import Remark
from bongsu.incident.both import in_both, in_one

BROKEN = {"probe": {"kind": "command", "argv": ["false"]}, "timeout": "60s"}
NAMES = {"ko": "주문 처리", "en": "Orders"}


async def test_an_english_reader_sees_the_checks_english_name_and_detail(bench: Bench):
    one = bench.checking(orders={**BROKEN, "name": NAMES})
    came = await one.do("check", checks=["orders"])
    assert came.outcome == "failed"
    assert says(came, "en").startswith("Orders is unhealthy: ")
    assert says(came, "ko").startswith("주문 처리")
    assert not any("가" <= letter <= "힣" for letter in says(came, "en"))


async def test_so_it_is_where_several_are_ill(bench: Bench):
    both = {name: {**BROKEN, "name": NAMES} for name in ("orders", "carts")}
    came = await bench.checking(**both).do("check", checks=[*both])
    assert says(came, "en").startswith("Orders is unhealthy: ")
    assert "(and 1 more)" in says(came, "en")
    assert "주문 처리" in says(came, "ko")
    assert "Orders" not in says(came, "ko")


def test_a_value_of_no_language_is_as_it_is():
    for value in ("plain", '{"other": 1}', '{"ko": 1}', '{"ko":', "{"):
        assert in_one(value, "en") == value
    assert Remark("{line}", {"line": '{"ko": broken'}).says("en") == '{"ko": broken'


def test_a_text_that_has_one_language_is_read_in_that():
    assert in_one(in_both({"ko": "주문"}), "en") == "주문"
