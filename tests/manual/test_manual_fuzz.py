"""Whatever a folder holds, the answer is a manual or a list of problems, never anything else."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bongsu.manual.check import check
from bongsu.manual.diff import diff
from bongsu.manual.load import assemble, from_document, load, to_document
from bongsu.manual.problems import ManualError, UnreadableManual
from bongsu.manual.schema.document import Manual
from bongsu.manual.yamlfile import Node, parse


def parsed(name: str) -> Any:
    root = parse(name, FILES[name])
    assert isinstance(root, Node)
    return root.value


BASE = Path(__file__).parent / "base"
FILES = {p.relative_to(BASE).as_posix(): p.read_bytes() for p in BASE.rglob("*") if p.is_file()}
YAML_FILES = sorted(name for name in FILES if name.endswith(".yaml"))
DATA = {name: parsed(name) for name in YAML_FILES}

WORDS = [
    "kim",
    "P0",
    "2m",
    "0s",
    "role:lead",
    "rotation:main/primary",
    "true",
    "{{ severity }}",
    "a b",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(WORDS),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*WORDS, "name", "kind", "when"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def answer(files: dict[str, bytes]) -> Manual | None:
    """Load and check, and return what loaded; problems must be printable in both languages."""
    manual: Manual | None = None
    try:
        manual, places = assemble(files)
        problems = check(manual, places)
    except ManualError as failure:
        problems = failure.problems
    assert manual is not None or problems
    for problem in problems:
        assert problem.file in files or problem.line == 0
        assert problem.show("ko")
        assert problem.show("en")
    return manual


def leaves(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [leaf for item in data.values() for leaf in leaves(item)]
    if isinstance(data, list):
        return [leaf for item in data for leaf in leaves(item)]
    return [data]


LIKELY = st.sampled_from([leaf for data in DATA.values() for leaf in leaves(data)])


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, bytes]:
    """Replace, remove or add one entry somewhere in the small manual."""
    name = draw(st.sampled_from(YAML_FILES))
    data: Any = copy.deepcopy(DATA[name])
    place = data
    while isinstance(place, (dict, list)) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if draw(st.integers(0, 5)) == 0 or not isinstance(place[key], (dict, list)):
            break
        place = place[key]
    if isinstance(place, dict) and place:
        del place[key]
        if draw(st.integers(0, 3)):
            other = draw(st.sampled_from([key, key, key, "name", "surplus", "1", "role:x"]))
            place[other] = draw(LIKELY | VALUES)
    elif isinstance(place, list) and place:
        place[key] = draw(LIKELY | VALUES)
    return {**FILES, name: yaml.safe_dump(data, allow_unicode=True).encode()}


@settings(max_examples=150)
@given(st.sampled_from(sorted(FILES)), st.binary(max_size=200))
@example("team.yaml", b"[" * 100_000)
@example("team.yaml", b"- " * 50_000)
@example("team.yaml", b"a: &a [*a]")
@example("team.yaml", b'a: "\\0"')
@example("team.yaml", b'a: "\\uFFFF"')
@example("team.yaml", b"\xff\xfe\x00")
@example("team.yaml", b"a" * 2_000_000)
@example(
    "team.yaml",
    b"- &a [1,1,1,1,1,1,1,1,1]\n"
    + b"".join(b"- &%c [%s]\n" % (c + 1, b",".join([b"*%c" % c] * 9)) for c in range(97, 110)),
)
@example("team.yaml", b"roles: {? {a: b} : c}")
@example("team.yaml", b"<<: 3")
@example("team.yaml", b"<<: [{roles: {}}, 3]")
@example("manual.yaml", b"targets: {detection: 999999999w}")
@example("manual.yaml", b"history: [{date: 99999-01-01}]")
@example("team.yaml", b"%YAML 9.9\n---\n")
@example("team.yaml", b"...\n...\n")
def test_any_bytes_in_any_file_give_a_manual_or_its_problems(name: str, raw: bytes) -> None:
    answer({**FILES, name: raw})


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(FILES)), st.integers(0, 2000), st.integers(0, 30), st.binary(max_size=12)
)
def test_bytes_lost_or_put_in_anywhere_give_a_manual_or_its_problems(
    name: str, start: int, length: int, put_in: bytes
) -> None:
    raw = FILES[name]
    start %= len(raw)
    answer({**FILES, name: raw[:start] + put_in + raw[start + length :]})


@settings(max_examples=250)
@given(spoilt())
def test_any_entry_of_any_shape_gives_a_manual_or_its_problems(files: dict[str, bytes]) -> None:
    answer(files)


@settings(max_examples=150)
@given(spoilt())
def test_whatever_loads_is_stored_and_read_back_the_same(files: dict[str, bytes]) -> None:
    manual = answer(files)
    if manual is not None:
        again = from_document(to_document(manual))
        assert again == manual
        assert again.sha == manual.sha
        assert diff(manual, again, "en") == []


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_stored_bytes_that_are_no_manual_are_unreadable(document: bytes) -> None:
    with pytest.raises(UnreadableManual) as unreadable:
        from_document(document)
    assert unreadable.value.show("ko")


def test_only_a_folder_with_a_manual_in_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "file", tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(UnreadableManual, match=re.escape(str(folder))):
            load(folder)
