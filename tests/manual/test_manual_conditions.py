"""Conditions in CEL, as the manual's chapters ask them."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any, get_args

import pytest

from bongsu.i18n import translator
from bongsu.manual.conditions import VARIABLES, Condition, ConditionError, Scope, samples

INCIDENT: dict[str, Any] = {
    **samples("incident"),
    "severity": "P1",
    "type": "data_breach",
    "category": "security",
    "users_affected": 0.5,
    "persons_affected": 1000,
    "lasted": timedelta(minutes=31),
    "labels": {"team": "search"},
}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("severity in ['P0', 'P1'] && users_affected > 0.5", False),
        ("severity in ['P0', 'P1'] && users_affected >= 0.5", True),
        ("lasted > duration('30m')", True),
        ("lasted > duration('1h')", False),
        ("type == 'data_breach' || category == 'security'", True),
        ("persons_affected >= 1000", True),
        ("users_affected > 0", True),
        ("persons_affected > 999.5", True),
        ("has(labels.team) && labels.team == 'search'", True),
        ("has(labels.region) && labels.region == 'kr'", False),
        ("'team' in labels", True),
        ("labels.exists(name, name.startsWith('te'))", True),
        ("title.matches('^Backend')", True),
        ("!drill", True),
        ("title.contains('장애')", False),
    ],
)
def test_a_condition_is_answered_as_cel_says(text: str, *, answer: bool) -> None:
    assert Condition(text).holds(INCIDENT) is answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("severity = 'P0'", "1:10: Syntax error"),
        ("severity == ", "1:13: Syntax error"),
        ("", "1:1: Syntax error"),
        ("(" * 500, "Syntax error|recursion|depth"),
        ("true || " * 200 + "true", "more than 1000 characters"),
    ],
)
def test_what_is_not_cel_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(ConditionError, match=reason):
        Condition(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("severity", "neither true nor false"),
        ("lasted > 30", "No such overload"),
        ("unheard_of == 1", "Undefined variable or function: 'unheard_of'"),
        ("labels.region == 'kr'", "there is no key 'region'"),
        ("1 / 0 == 1", "division by zero"),
    ],
)
def test_what_can_not_be_answered_says_why(text: str, reason: str) -> None:
    with pytest.raises(ConditionError, match=reason):
        Condition(text).holds(INCIDENT)


def test_the_variables_of_a_condition_are_those_that_it_does_not_bind_itself() -> None:
    condition = Condition("unhealthy.exists(check, check == 'api') && severity == 'P0'")
    assert condition.variables == {"unhealthy", "severity"}


@pytest.mark.parametrize("scope", get_args(Scope))
def test_every_variable_of_a_scope_can_be_asked_about(scope: Scope) -> None:
    known = samples(scope)
    assert known
    for name in known:
        assert Condition(f"{name} == {name}").holds(known)


def test_every_variable_is_explained_in_both_languages() -> None:
    for variable in VARIABLES:
        assert translator("ko")(variable.means) != variable.means


def test_the_extension_comes_without_its_command_line() -> None:
    program = (
        "import sys; from bongsu.manual.conditions import Condition; Condition('true').holds({});"
        "assert not {'prompt_toolkit', 'typer', 'pygments'} & set(sys.modules);"
        "import cel; assert cel.evaluate('1 + 1') == 2"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
