"""Log files, also compressed or larger than memory, as blocks that end where a record ends."""

from __future__ import annotations

import gzip
import mmap
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from bongsu.i18n import N_
from bongsu.logs.decoding import Data, Decoder
from bongsu.logs.shapes import CONTINUATION, THROWN, TRACEBACK

OnRead = Callable[[int], None]
"""is told how many more bytes of the file were read, compressed ones as they lie there"""

BLOCK = 4 << 20
LONGEST = 64 << 20
"""bytes after which a record that doesn't end is cut"""
LOOKED_BACK = 256 << 10
BROKEN = (OSError, EOFError, zlib.error, zstandard.ZstdError)
"""what is raised where a file, or what is packed in it, ends or breaks in the middle"""
PIPE = Path("/dev/stdin")
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class UnreadableLog(Exception):  # noqa: N818  it is the log that is, as UnreadableManual
    """A log can't be read: ``text`` of the catalogue says why, with ``values``."""

    def __init__(self, text: str, **values: str) -> None:
        super().__init__(text.format_map(values))
        self.text = text
        self.values = values


def blocks(path: Path, on_read: OnRead | None = None) -> Iterator[Data]:
    """Give a file's text in blocks of whole records, a few MiB each; in UTF-8 if it is in CP949.

    A plain file is mapped into memory, not read; gzip and zstd are told by their first bytes.
    The last record may lack its line feed.

    Raises:
        UnreadableLog: it is not there, a folder, not readable, or its compression is broken.
    """
    return map(Decoder().utf8, raw_blocks(path, on_read))


def stream(source: BinaryIO, on_read: OnRead | None = None) -> Iterator[Data]:
    """Give what comes from a pipe as `blocks` does; it may be packed, too.

    Raises:
        UnreadableLog: its compression is broken, or it ends in the middle.
    """
    return map(Decoder().utf8, raw_stream(source, on_read))


def raw_blocks(path: Path, on_read: OnRead | None = None) -> Iterator[Data]:
    """Give a file's bytes as `blocks` gives its text.

    Raises:
        UnreadableLog: it is not there, a folder, not readable, or its compression is broken.
    """
    tell = on_read or _nothing
    try:
        with path.open("rb") as source:
            if not path.is_file():
                yield from whole(_pieces(source, tell))
                return
            kind = os.pread(source.fileno(), 4, 0)
            if kind.startswith((GZIP, ZSTD)):
                yield from whole(_unpacked(source, kind, tell))
            else:
                yield from _mapped(source, tell)
    except BROKEN as error:
        raise _reason(path, error) from error


def raw_stream(source: BinaryIO, on_read: OnRead | None = None) -> Iterator[Data]:
    """Give the bytes from a pipe as `stream` gives the text.

    Raises:
        UnreadableLog: its compression is broken, or it ends in the middle.
    """
    tell = on_read or _nothing
    peek = getattr(source, "peek", None)
    kind = peek(4)[:4] if peek is not None else b""
    packed = kind.startswith((GZIP, ZSTD))
    try:
        yield from whole(_unpacked(source, kind, tell) if packed else _pieces(source, tell))
    except BROKEN as error:
        raise _reason(PIPE, error) from error


def whole(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut pieces of any size anew, so that no record, with its stack trace, lies in two of them.

    Where the pieces end with an error, what came before it is given all the same.
    """
    cutter = Cutter()
    try:
        for piece in pieces:
            yield from cutter.push(piece)
    except BROKEN:
        yield from cutter.rest()
        raise
    yield from cutter.rest()


class Cutter:
    """Cuts what comes in pieces into blocks of whole records."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def push(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece, and give the block that it completes."""
        self._held.append(piece)
        self._size += len(piece)
        if self._size < BLOCK:
            return
        data = b"".join(self._held)
        at = cut(data, self._size) or (self._size if self._size > LONGEST else 0)
        self._held, self._size = [data[at:]], self._size - at
        yield from filter(None, (data[:at],))

    def rest(self) -> Iterator[bytes]:
        """Give what is left in the end."""
        yield from filter(None, (b"".join(self._held),))
        self._held, self._size = [], 0


def cut(data: bytes | mmap.mmap, end: int, start: int = 0) -> int:
    """Return where the last record before ``end`` begins; ``start`` if it can't be told."""
    limit = max(start, end - LOOKED_BACK)
    line = data.rfind(b"\n", limit, end) + 1
    while line > limit:
        at = data.rfind(b"\n", limit, line - 1) + 1
        if at <= limit:
            break
        goes_on = CONTINUATION.match(data, at) or THROWN.match(data, at, line - 1)
        if not goes_on and not _within_traceback(data, at, limit):
            return at
        line = at
    # One record as long as all that: its lines are better than nothing.
    return max(data.rfind(b"\n", limit, end) + 1, start)


def _within_traceback(data: bytes | mmap.mmap, at: int, limit: int) -> bool:
    """Whether a line ends a traceback: ``ValueError: ...`` after the indented ones."""
    while at > limit:
        at = data.rfind(b"\n", limit, at - 1) + 1
        if data[at : at + 1] not in (b" ", b"\t"):
            return data[at : at + len(TRACEBACK)] == TRACEBACK
    return False


def _mapped(source: BinaryIO, tell: OnRead) -> Iterator[Data]:
    size = os.fstat(source.fileno()).st_size
    if not size:
        return
    data = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
    view, start = memoryview(data), 0
    while start < size:
        end = size if size - start <= BLOCK else cut(data, start + BLOCK, start)
        if end <= start:
            feed = data.find(b"\n", start + BLOCK, start + LONGEST)
            end = feed + 1 if feed >= 0 else min(size, start + LONGEST)
        yield view[start:end]
        tell(end - start)
        start = end


def _pieces(source: BinaryIO, tell: OnRead) -> Iterator[bytes]:
    read = getattr(source, "read1", source.read)
    while piece := read(1 << 18):
        tell(len(piece))
        yield piece


def _unpacked(source: BinaryIO, kind: bytes, tell: OnRead) -> Iterator[bytes]:
    counted = cast("BinaryIO", _Counted(source, tell))
    if kind.startswith(GZIP):
        with gzip.GzipFile(fileobj=counted) as unpacked:
            yield from _pieces(cast("BinaryIO", unpacked), _nothing)
        return
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    with unpacker.stream_reader(counted, read_across_frames=True, closefd=False) as reader:
        while piece := reader.read(1 << 18):
            yield piece


class _Counted:
    """A file that tells how much of it was read."""

    def __init__(self, source: BinaryIO, tell: OnRead) -> None:
        self._source, self._tell = source, tell

    def read(self, size: int = -1) -> bytes:
        got = self._source.read(size)
        self._tell(len(got))
        return got


def _nothing(_read: int) -> None:
    pass


def _reason(path: Path, error: Exception) -> UnreadableLog:
    name = str(path)
    match error:
        case FileNotFoundError():
            return UnreadableLog(N_("there is no file {name}"), name=name)
        case IsADirectoryError():
            return UnreadableLog(N_("{name} is a folder; name the files in it"), name=name)
        case PermissionError():
            return UnreadableLog(N_("{name} may not be read by this user"), name=name)
        case gzip.BadGzipFile() | EOFError() | zlib.error() | zstandard.ZstdError():
            return UnreadableLog(
                N_("{name} is damaged or cut off: {why}"), name=name, why=str(error)
            )
        case _:
            return UnreadableLog(N_("{name} can't be read: {why}"), name=name, why=str(error))
