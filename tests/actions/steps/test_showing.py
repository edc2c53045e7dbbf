"""Output on its way to people: however it is cut into blocks, no secret is in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.actions.steps.showing import HEAD, TAIL, Shown, secrets_of

SECRET = "correct-horse-battery"
ENV = {"DB_PASSWORD": SECRET, "PATH": "/usr/bin", "LANG": "ko_KR.UTF-8", "PIN_TOKEN": "123"}


def shown(blocks: list[bytes]) -> str:
    seen: list[bytes] = []
    one = Shown(lambda _stream, block: seen.append(block), secrets_of(ENV))
    for block in blocks:
        one.take("out", block)
    one.close()
    return b"".join(seen).decode()


def cut(whole: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(whole), *(one % (len(whole) + 1) for one in at)})
    return [whole[a:b] for a, b in pairwise(places)]


cuts = st.lists(st.integers(0, 10**6), max_size=12)
words = st.text(alphabet="ab cd\n", max_size=40)


@given(before=words, after=words, at=cuts)
def test_a_secret_that_comes_in_pieces_is_hidden_and_the_rest_is_whole(before, after, at):
    text = f"{before}{SECRET}{after}"
    assert shown(cut(text.encode(), at)) == f"{before}[SECRET]{after}"


@given(
    pad=st.integers(0, 70_000), after=st.integers(0, 40_000), at=cuts, fill=st.sampled_from("x 가")
)
def test_a_secret_in_an_endless_line_is_hidden_wherever_it_is_cut(pad, after, at, fill):
    text = f"{fill * pad}{SECRET}{fill * after}"
    assert SECRET not in shown(cut(text.encode(), at))


@pytest.mark.parametrize("fill", ["x", "가"])
def test_wherever_an_endless_line_is_cut_neither_a_secret_nor_a_letter_is_halved(fill: str):
    size = len(fill.encode())
    for pad in range(16_200 // size, 16_500 // size):
        text = f"x{fill * pad}{SECRET}{fill * 20_000}"
        kept = shown([text.encode()])
        assert SECRET not in kept
        assert "[SECRET]" in kept
        assert "\\x" not in kept


@given(lines=st.integers(0, 20_000), at=cuts)
def test_what_is_kept_is_bounded_and_begins_and_ends_like_the_output(lines, at):
    text = "".join(f"line {n}\n" for n in range(lines))
    kept = shown(cut(text.encode(), at))
    assert len(kept) < HEAD + TAIL + 100
    assert text.startswith(kept[: min(HEAD // 2, len(kept))])
    assert text.endswith(kept[-min(TAIL // 2, len(kept)) :] if kept else "")
    if len(text) <= HEAD:
        assert kept == text


def test_secrets_are_known_by_their_names_and_in_the_forms_that_programs_print():
    env = {
        "API_KEY": "k3y-value", "PAGER_WEBHOOK": "https://hooks/x", "DESKTOP_SESSION": "ubuntu",
        "DATABASE": "postgresql://app:p%40ss%20word@db/korea", "KEYBOARD": "korean", "TOKEN": "abc",
        "CERT": "line one of it\nline two of it", "OTHER": "plain value",
    }  # fmt: skip
    found = secrets_of(env, named=["CERT"])
    assert {"k3y-value", "https://hooks/x", "p%40ss%20word", "line two of it"} <= {*found}
    assert "azN5LXZhbHVl" in found
    assert "https%3A%2F%2Fhooks%2Fx" in found
    assert not {"ubuntu", "korean", "abc", "plain value"} & {*found}
    assert found == sorted(found, key=len, reverse=True)
