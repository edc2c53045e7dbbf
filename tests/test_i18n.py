"""A Korean text takes the particle that fits the last sound of what was put into it."""

from __future__ import annotations

import pytest

from bongsu.i18n import Word


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("지휘자", "지휘자가"), ("기술팀", "기술팀이"), ("Marketing", "Marketing이"),
        ("Backend-A", "Backend-A가"), ("DevOps-B", "DevOps-B가"), ("Admin", "Admin이"),
        ("Terminal", "Terminal이"), ("3", "3이"), ("2", "2가"), ("“기술팀”", "“기술팀”이"),
        ("", "가"),
    ],
)  # fmt: skip
def test_the_subject_takes_i_after_a_consonant_and_ga_after_a_vowel(word: str, told: str) -> None:
    assert f"{Word(word):이/가}" == told


@pytest.mark.parametrize(
    ("word", "told"), [("서울", "서울로"), ("부산", "부산으로"), ("제주", "제주로"), ("P1", "P1로")]
)
def test_after_a_final_rieul_towards_is_told_as_after_a_vowel(word: str, told: str) -> None:
    assert f"{Word(word):으로/로}" == told
