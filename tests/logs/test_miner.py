"""The miner: any bytes in, for each record a template that matches it, by either path."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bongsu.logs import miner as mining
from bongsu.logs.miner import Block, Miner
from bongsu.logs.templates import Templates, variables

PIECES = st.sampled_from(
    ["a", "user", "bob", "7", "x9", " ", "  ", "\t", ":", "=", "-", ".", "..", "/", "[", "]", "(",
     ")", '"', "'", ",", "|", "\r", "\0", "10.0.0.1", "Jun", "INFO", "12:01:02", "결제", "오류1",
     "\u3000", "\x85", "null", "true", "<*>", "Traceback (", "Caused by: ", "... 3 more",
     "abcdefab", "KB", "http://x/y", "C:\\d"]
)  # fmt: skip
TEXT_LINES = st.lists(PIECES, max_size=12).map("".join).map(str.encode)
ANY_LINES = st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"?"))
STACK_LINES = st.sampled_from([
    b"ERROR it broke", b"\tat a.B(B.java:1)", b"Caused by: x", b"... 3 more", b"Traceback (x",
    b"java.io.IOException", b"java.io.IOException: no", b"a.b.Error\r", b"a.b.Throwable:",
    b"a.Errors", b"Exception", b"aException", b"x.Exception y", b"ValueError: no", b"",
])  # fmt: skip
# Words and lines around the lengths that the kernel takes at once.
LONG_LINES = st.lists(
    st.tuples(
        st.sampled_from(["x", "7", "x7", "-", "가", "x ", "9 "]),
        st.sampled_from([1, 15, 16, 17, 30, 63, 64, 65, 127, 128, 129, 2100]),
    ).map(lambda part: part[0] * part[1]),
    max_size=4,
).map(lambda parts: "".join(parts).encode())
LINES = st.lists(st.one_of(TEXT_LINES, ANY_LINES, STACK_LINES, LONG_LINES), max_size=30)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def equal(a: Block, b: Block) -> bool:
    return [x.tolist() for x in (a.starts, a.ends, a.shapes)] == [
        x.tolist() for x in (b.starts, b.ends, b.shapes)
    ]


def same(a: Templates, b: Templates) -> bool:
    return a.texts == b.texts and np.array_equal(a.of_shape, b.of_shape)


def heads(data: bytes, block: Block) -> list[bytes]:
    return [data[s:e] for s, e in zip(block.starts, block.ends, strict=True)]


@QUICK
@given(LINES, st.booleans(), st.booleans())
def test_both_paths_find_the_same(lines, stacks, ended):
    data = b"\n".join(lines) + b"\n" * ended
    slow, fast = Miner(stacks=stacks), Miner(stacks=stacks, small=-1)
    assert equal(slow.feed(data), fast.feed(data))
    assert same(slow.templates(), fast.templates())


@QUICK
@given(LINES)
def test_each_line_has_one_template_and_it_matches(lines):
    data = b"".join(line + b"\n" for line in lines)
    miner = Miner(stacks=False)
    block = miner.feed(data)
    assert heads(data, block) == lines
    found = miner.templates()
    for line, shape in zip(lines, block.shapes, strict=True):
        assert variables(found.texts[found.of_shape[shape]], line) is not None


@QUICK
@given(st.lists(LINES, max_size=4), st.booleans())
def test_one_block_or_many_are_the_same(parts, fast):
    blocks = [b"".join(line + b"\n" for line in lines) for lines in parts]
    many, one = Miner(stacks=False, small=-1 if fast else 1 << 20), Miner(stacks=False)
    shapes = [shape for block in blocks for shape in many.feed(block).shapes]
    assert shapes == one.feed(b"".join(blocks)).shapes.tolist()
    assert same(many.templates(), one.templates())


@QUICK
@given(LINES)
def test_records_cover_every_line_with_stacks_too(lines):
    data = b"".join(line + b"\n" for line in lines)
    block = Miner().feed(data)
    assert b"".join(record + b"\n" for record in heads(data, block)) == data
    assert (block.ends >= block.starts).all()


@pytest.mark.parametrize("small", [-1, 3000, 1 << 20])
def test_feeding_all_at_once_gives_what_feeding_one_by_one_does(small):
    blocks = [
        b"".join(b"job %d of %s done\n" % (k, bytes([97 + k % 7]) * part) for k in range(50))
        for part in range(1, 6)
    ]
    one, all_ = Miner(small=small), Miner(small=small)
    answers = [one.feed(block) for block in blocks]
    for answer, other in zip(answers, all_.feed_all(blocks), strict=True):
        assert equal(answer, other)
    assert same(one.templates(), all_.templates())


def test_moving_to_the_fast_path_keeps_the_numbers():
    lines = [b"user %s has %d" % (bytes([97 + k % 26, 97 + k % 23]), k) for k in range(300)]
    lines += [b"", b" one that is indented", b"", b" another"]
    data = b"\n".join(lines) + b"\n"
    moved, slow = Miner(small=len(data)), Miner()
    assert equal(moved.feed(data), slow.feed(data))
    more = data + b"something else\n\tat x\n"
    assert equal(moved.feed(more), slow.feed(more))
    assert moved.exemplar(0) == slow.exemplar(0) == lines[0]


@pytest.mark.parametrize("small", [-1, 1 << 20])
def test_a_stack_trace_is_one_record_with_the_line_before(small):
    data = (
        b"ERROR failed 1\n\tat com.shop.Pay(Pay.java:12)\n\t... 12 more\n"
        b"Caused by: java.io.IOException\n  Traceback\nINFO ok\n"
        b"Traceback (most recent call last):\n  File x\nValueError: no\nINFO ok\n"
    )
    records = heads(data, Miner(small=small).feed(data))
    assert [record.split(b"\n")[0] for record in records] == [
        b"ERROR failed 1",
        b"INFO ok",
        b"INFO ok",
    ]
    assert records[1].endswith(b"ValueError: no")


@pytest.mark.parametrize("small", [-1, 1 << 20])
def test_what_java_has_thrown_belongs_to_the_line_that_logs_it(small):
    data = (
        b"ERROR pool 3 broke\njava.lang.IllegalStateException: closed\n\tat a.B.c(B.java:1)\n"
        b"Caused by: java.io.IOException: reset\n\t... 2 more\nINFO ok\n"
        b"java.lang.OutOfMemoryError\n\tat a.B.c(B.java:1)\n"
        b"java.lang.Error: again\n\tat a.B.c(B.java:1)\nmore.of.this: no exception\n"
    )
    records = heads(data, Miner(small=small).feed(data))
    assert [record.split(b"\n")[0] for record in records] == [
        b"ERROR pool 3 broke",
        b"INFO ok",
        b"java.lang.Error: again",
        b"more.of.this: no exception",
    ]


@pytest.mark.parametrize("small", [-1, 8 << 20])
def test_a_line_of_a_megabyte_and_one_without_an_end(small):
    data = b"x" * (1 << 20) + b" 5\nlast 7"
    miner = Miner(small=small)
    block = miner.feed(data)
    assert heads(data, block)[1] == b"last 7"
    assert len(miner.exemplar(0)) == mining.EXEMPLAR
    found = miner.templates()
    assert variables(found.texts[found.of_shape[0]], data.split(b"\n")[0]) is not None


def test_the_table_grows_with_the_shapes():
    names = [
        f"{a}{b}{c} came"
        for a in "abcdefghijklmno"
        for b in "abcdefghijklmnopq"
        for c in "abcdefghijkl"
    ]
    data = "\n".join(names * 2).encode()
    block = Miner(small=-1).feed(data)
    assert block.shapes.tolist() == list(range(len(names))) * 2


@pytest.mark.parametrize("small", [-1, 1 << 30])
def test_beyond_the_most_shapes_lines_are_told_apart_by_common_words(monkeypatch, small):
    monkeypatch.setattr(mining, "SHAPES", 40)
    monkeypatch.setattr(mining, "ROUGH", 3)
    first = [f"user {a}{b} came from 10.0.0.1" for a in "abcdefgh" for b in "abcdefgh"]
    then = [
        "user zz came from 10.0.0.9",
        "from user qq came",
        *(f"{' user' * k} came" for k in range(9)),
    ]
    lines = [line.encode() for line in first + then]
    miner = Miner(stacks=False, small=small)
    block = miner.feed(b"\n".join(lines))
    assert block.shapes.max() == 40 + 3
    assert block.shapes[40] == block.shapes[len(first)]
    found = miner.templates()
    for line, shape in zip(lines, block.shapes, strict=True):
        assert variables(found.texts[found.of_shape[shape]], line) is not None


def test_a_mapped_file_can_be_fed(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_bytes(b"request 1 done\nrequest 2 done\n" * 1000)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        block = Miner(small=-1).feed(data)
    assert len(block.shapes) == 2000
    assert set(block.shapes.tolist()) == {0}


def test_the_values_at_the_wildcards():
    assert variables("user <*> from <*>", b"user bob  from 10.0.0.1\n\tat x") == ["bob", "10.0.0.1"]
    assert variables("user <*> from <*>", b"users bob") is None
    assert variables("no holes", b"no holes\r") == []
    assert variables("<*> a <*>b", b"x a b") == ["x", ""]
