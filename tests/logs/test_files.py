"""Files of any size and packing are read in whole records; what can't be read is said."""

import gzip
import os

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.logs import files
from bongsu.logs.decoding import Data
from bongsu.logs.files import UnreadableLog, blocks, stream, whole

RECORD = b"2025-08-14T05:00:00Z ERROR order %d failed\n\tat a.b(C.java:1)\n\tat d.e(F.java:2)\n"
TEXT = b"".join(RECORD % k for k in range(5000))


PACKED = {"": TEXT, ".gz": gzip.compress(TEXT), ".zst": zstandard.compress(TEXT)}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 10_000)


def joined(found):
    return b"".join(bytes(block) for block in found)


def write(path, how):
    path.write_bytes(PACKED[how])
    return path


@pytest.mark.parametrize("how", ["", ".gz", ".zst"])
def test_a_file_is_given_whole_in_blocks_that_begin_with_a_record(tmp_path, how):
    found = [bytes(block) for block in blocks(write(tmp_path / f"a.log{how}", how))]
    assert b"".join(found) == TEXT
    assert len(found) > 2
    assert all(block.startswith(b"2025") for block in found)


def test_a_traceback_is_not_cut_before_what_was_raised(tmp_path):
    record = b"2025-08-14 ERROR x\nTraceback (most recent call last):\n  File y\nValueError: %d\n"
    path = tmp_path / "a"
    path.write_bytes(b"".join(record % k for k in range(2000)))
    assert all(bytes(block).startswith(b"2025") for block in blocks(path))


def test_packing_is_told_by_the_bytes_and_not_by_the_name(tmp_path):
    assert joined(blocks(write(tmp_path / "a.log", ".gz"))) == TEXT


def test_several_packed_parts_in_one_file_are_all_read(tmp_path):
    for how, pack in ((".gz", gzip.compress), (".zst", zstandard.compress)):
        path = tmp_path / f"a{how}"
        path.write_bytes(pack(b"one\n") + pack(b"two\n"))
        assert joined(blocks(path)) == b"one\ntwo\n"


@pytest.mark.parametrize("how", ["", ".gz", ".zst"])
def test_a_pipe_is_read_like_a_file(tmp_path, how):
    with write(tmp_path / "a", how).open("rb") as source:
        assert joined(stream(source)) == TEXT


@pytest.mark.parametrize("how", ["", ".gz", ".zst"])
def test_progress_adds_up_to_what_lies_on_the_disk(tmp_path, how):
    told: list[int] = []
    path = write(tmp_path / "a", how)
    joined(blocks(path, told.append))
    assert sum(told) == path.stat().st_size


def test_what_comes_before_the_damage_is_given(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(TEXT)[:-2000])
    found: list[Data] = []
    with pytest.raises(UnreadableLog, match="damaged or cut off"):
        found.extend(blocks(path))
    assert TEXT.startswith(joined(found))
    assert len(joined(found)) > 10_000


def test_a_line_longer_than_a_block_is_given_whole(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"short\n" + b"x" * 50_000 + b"\nshort\n")
    assert joined(blocks(path)) == path.read_bytes()
    assert joined(whole([path.read_bytes()])) == path.read_bytes()


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_the_last_line_may_lack_its_line_feed(tmp_path, ending):
    path = tmp_path / "a"
    path.write_bytes(b"one\ntwo" + ending)
    assert joined(blocks(path)) == b"one\ntwo" + ending


def test_a_file_that_can_t_be_read_is_named_with_the_mend(tmp_path):
    with pytest.raises(UnreadableLog, match=r"there is no file .*gone"):
        joined(blocks(tmp_path / "gone"))
    with pytest.raises(UnreadableLog, match=r"is a folder; name the files in it"):
        joined(blocks(tmp_path))


def test_a_named_pipe_is_read(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    child = os.posix_spawn("/bin/sh", ["sh", "-c", f"printf 'one\\ntwo\\n' > {path}"], os.environ)
    assert joined(blocks(path)) == b"one\ntwo\n"
    os.waitpid(child, 0)


@given(
    st.lists(
        st.sampled_from([b"a", b"\n", b"\tat x\n", b"bb\n", b"Caused by: y\n", b" "]), max_size=400
    ),
    st.integers(1, 200),
)
@settings(deadline=None)
def test_nothing_is_lost_or_made_up_however_the_pieces_come(parts, size):
    text = b"".join(parts)
    pieces = [text[k : k + size] for k in range(0, len(text), size)]
    assert joined(whole(pieces)) == text
