"""Every code has words in both languages, and no words fail for what a log holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from tests.incident.manuals import manual
from tests.incident.strategies import reasons

import bongsu
from bongsu.i18n import translator
from bongsu.incident import reasons as r
from bongsu.incident.events import Reason
from bongsu.incident.verification.reasons import OUTCOMES, REFUSED, VERDICTS

MANUAL = manual()
KO, EN = translator("ko"), translator("en")
TEXTS = {**r.DECISIONS, **r.REFUSALS, **r.GUIDANCE, **VERDICTS, **REFUSED}
TABLES = [r.DECISIONS, r.REFUSALS, r.GUIDANCE, r.PHASES, r.CLOCKS, VERDICTS, REFUSED, OUTCOMES]
PACKAGE = Path(bongsu.__file__).parent


def codes_in_the_source() -> set[str]:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _callee(node) in (
                "Reason",
                "RefusedError",
                "Unreadable",
            ):
                match node.args:
                    case [ast.Constant(value=str(code)), *_]:
                        found.add(code)
    return found


def _callee(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def test_every_reason_that_any_code_gives_has_words():
    codes = codes_in_the_source()

    assert len(codes) > 50
    assert codes - TEXTS.keys() == set()


@pytest.mark.parametrize("table", TABLES)
def test_every_text_is_in_the_korean_catalogue(table: dict[str, str]):
    missing = [
        text
        for text in table.values()
        if text not in ("{item}", "{numbers}") and not re.search("[가-힣]", KO(text))
    ]

    assert missing == []


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_a_text_names_the_same_values_in_both_languages(code: str):
    english, korean = TEXTS[code], KO(TEXTS[code])

    assert _names(korean) == _names(english)


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_a_reason_whose_values_an_older_release_did_not_write_is_still_readable(code: str):
    assert explain(code)


@given(reasons)
def test_no_reason_fails(reason: Reason):
    for code in ("step_unanswered", "checklist_item", "recover_in_order", reason.code):
        for t in (KO, EN):
            assert isinstance(r.explain(Reason(code, reason.values), MANUAL, t), str)


def explain(code: str, lang: str = "ko", **values: str) -> str:
    return r.explain(Reason(code, values), MANUAL, translator(lang))


def test_a_code_of_another_release_is_shown_as_it_is():
    assert explain("moon_is_full", phase="3") == "moon_is_full 3"


@pytest.mark.parametrize(
    ("target", "korean", "english"),
    [
        ("person:pm", "PM", "PM"),
        ("person:ghost", "ghost", "ghost"),
        ("role:technical_lead", "기술 책임자", "Technical Lead"),
        ("rotation:main/primary", "1차 (24/7 On-Call)", "primary (24/7 On-Call)"),
        ("rotation:ghost/night", "night (ghost)", "night (ghost)"),
        ("nonsense", "nonsense", "nonsense"),
    ],
)
def test_a_target_is_read_by_its_name(target: str, korean: str, english: str):
    assert r.target_name(target, MANUAL, KO) == korean
    assert r.target_name(target, MANUAL, EN) == english


def test_korean_particles_follow_the_name_that_was_put_in():
    assert explain("step_unanswered", target="role:technical_lead") == (
        "응답이 없어 매뉴얼의 다음 순서인 기술 책임자를 호출"
    )
    assert explain("step_unanswered", target="role:communications_lead") == (
        "응답이 없어 매뉴얼의 다음 순서인 소통 담당을 호출"
    )


def test_an_answer_of_an_integration_is_read_by_its_name():
    assert r.person_name("integration:prometheus", MANUAL) == "Prometheus"
    assert r.person_name("integration:ghost", MANUAL) == "ghost"


def test_a_duration_is_read_in_the_readers_language():
    assert explain("fired_again", within="30m") == "종결된 지 30분 안에 다시 울림"
    assert explain("fired_again", "en", within="1h30m") == (
        "it fired again within 1 h 30 min of its end"
    )
    assert explain("fired_again", within="soon") == "종결된 지 soon 안에 다시 울림"


def test_the_tables_of_codes_do_not_overlap():
    tables = (r.DECISIONS, r.REFUSALS, r.GUIDANCE, VERDICTS, REFUSED)
    assert len(TEXTS) == sum(len(table) for table in tables)
