"""`--exact` prints what the manual's pipeline prints, byte by byte."""

import gzip
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bongsu.logs import exact, scanning
from bongsu.logs.files import UnreadableLog

PIPELINE = "cat {files} | grep -a -i error | sort | uniq -c | sort -nr | head -10"


def pipeline(*paths):
    files = " ".join(str(path) for path in paths)
    env = {**os.environ, "LC_ALL": "C"}
    argv = ["sh", "-c", PIPELINE.format(files=files)]
    return subprocess.run(argv, env=env, capture_output=True, check=True).stdout


def printed(*paths):
    return b"".join(b"%7d %b\n" % pair for pair in exact.most_frequent(paths))


WORDS = [
    b"error",
    b"ERROR",
    b"ErRoR",
    b"eror",
    b" ",
    b"a",
    b"b",
    b"\t",
    b"\xff",
    b"\0",
    b"\xea\xb0\x80",
    b"1",
]
LINES = st.lists(st.lists(st.sampled_from(WORDS), max_size=5).map(b"".join), max_size=40)


@given(lines=LINES, ending=st.sampled_from([b"\n", b""]))
@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_lines_are_counted_as_the_pipeline_does(tmp_path, lines, ending):
    log = tmp_path / "a.log"
    log.write_bytes(b"\n".join(lines) + ending)
    assert printed(log) == pipeline(log)


def many(count=30_000):
    lines = [f"2025-08-14T05:{k // 60 % 60:02d}:{k % 60:02d}Z {k} " for k in range(count)]
    return "".join(
        f"{line}{'Error' if k % 3 else 'ok'} {'x' * (k % 97)}\n" for k, line in enumerate(lines)
    )


def test_lines_that_are_all_different_are_ranked_as_the_pipeline_does(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(many())
    assert printed(log) == pipeline(log)


@pytest.fixture
def _compiled(monkeypatch):
    monkeypatch.setattr(exact, "SMALL", 0)
    monkeypatch.setattr(exact, "FEW", 1)


def test_compiled_code_on_all_cores_finds_what_plain_code_does(tmp_path, _compiled, monkeypatch):
    monkeypatch.setattr(scanning, "BATCH", 1000)
    log = tmp_path / "a.log"
    log.write_text(many() + "error twice\nerror twice\nerror without an end")
    assert printed(log) == pipeline(log)


@given(lines=LINES, before=st.integers(0, 600), ending=st.sampled_from([b"\n", b""]))
@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_compiled_code_misses_no_line_wherever_it_lies(tmp_path, _compiled, lines, before, ending):
    log = tmp_path / "a.log"
    log.write_bytes(b"." * before + b"\n".join(lines) + ending)
    assert printed(log) == pipeline(log)


def test_more_lines_than_memory_has_room_for_are_ranked_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(exact, "HELD", 1000)
    log = tmp_path / "a.log"
    log.write_text(many() + "error thrice\n" * 3 + "error once\n")
    assert printed(log) == pipeline(log)


def test_several_files_are_one_input(tmp_path):
    for name, text in (("a", "error 1\nerror 2\n"), ("b", "error 2\n"), ("c", "fine\n")):
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in "abc"]
    assert printed(*paths) == pipeline(*paths)


def test_a_packed_file_is_read_like_a_plain_one(tmp_path):
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    plain.write_text(many(2000))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert printed(packed) == printed(plain) == pipeline(plain)


def test_two_lines_of_the_same_hash_are_told_apart(tmp_path, monkeypatch):
    log = tmp_path / "a.log"
    log.write_text("error a\nerror b\nerror a\nerror c\n")
    monkeypatch.setattr(scanning, "hash", lambda _line: 7, raising=False)
    assert printed(log) == pipeline(log)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableLog, match=r"no file .*gone\.log"):
        exact.most_frequent([tmp_path / "gone.log"])


def test_the_command_prints_the_same_from_a_pipe(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(many(3000))
    argv = [
        sys.executable,
        "-c",
        "from bongsu.cli import main; main()",
        "logs",
        "analyze",
        "--exact",
    ]
    came = subprocess.run(argv, input=log.read_bytes(), capture_output=True, check=True)
    assert came.stdout == pipeline(log)
    assert came.stdout.count(b"\n") == 10
