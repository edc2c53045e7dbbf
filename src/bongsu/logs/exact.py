"""Exactly ``grep -i error | sort | uniq -c | sort -nr | head``, for those who trust nothing else.

The lines are told apart by a 64-bit hash and where they stand, on disk, so that memory stays small;
what is printed was compared byte by byte. All is as in the C locale: bytes, ASCII case only.
"""

from __future__ import annotations

import heapq
import mmap
import os
import secrets
import sys
from array import array
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, NamedTuple

from bongsu.logs import scanning
from bongsu.logs.files import GZIP, ZSTD, raw_blocks, raw_stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bongsu.logs.machine import Function

    Offsets = NDArray[np.int64]
    Hashed = Offsets | array[int]
    Batch = tuple[Hashed, Hashed]

Ranked = tuple[int, bytes]
"""how often, and the line"""

SMALL = 16 << 20
"""bytes up to which the compiled code isn't worth its start-up"""
SLICE = 8 << 20
"""bytes that a thread takes at a time"""
KEY, SPARE = 48, 128
"""bytes of a key, and of what a search works in: as the kernel has it"""
HELD = 3 << 19
"""hashes that are held in memory at once; with their offsets, and while they are sorted, 100 MiB"""
TOLD, FEW = 256, 100
"""bytes of a line by which most are told to sort below others; lines that need no telling"""


class Text(NamedTuple):
    """The bytes of one input, or the matching lines of one that can't be mapped."""

    data: mmap.mmap | bytes
    base: int
    """where it begins among all inputs"""


def most_frequent(inputs: Sequence[Path | None], top: int = 10) -> list[Ranked]:
    """Return the most frequent lines with ``error`` in any case, and how often; ``top`` at most.

    Most frequent first, the greater line first of two as frequent. None stands for standard input.
    Lines come without their line feed; bytes are what they are, UTF-8 or not (as ``grep -a``).

    Raises:
        UnreadableLog: an input can't be read.
    """
    with ExitStack() as stack:
        texts: list[Text] = []
        for path in inputs:
            base = texts[-1].base + len(texts[-1].data) if texts else 0
            texts.append(_text(path, base, stack))
        large = sum(len(text.data) for text in texts) > SMALL
        key = b"" if not large else secrets.token_bytes(KEY)
        runs = [
            _scanned_by_all(text, key, stack) if large else _scanned(text, stack) for text in texts
        ]
        return _ranked(texts, runs, top)


def _text(path: Path | None, base: int, stack: ExitStack) -> Text:
    """Map a plain file; of anything else, keep the matching lines in a file that nobody sees."""
    if path is not None and path.is_file():
        with path.open("rb") as source:
            if not os.pread(source.fileno(), 4, 0).startswith((GZIP, ZSTD)):
                return Text(_mapped(source), base)
    spool = stack.enter_context(TemporaryFile())  # noqa: SIM115  the stack closes it
    for block in raw_stream(sys.stdin.buffer) if path is None else raw_blocks(path):
        data = bytes(block)
        spool.write(b"".join(data[start:end] + b"\n" for start, end in scanning.found(data)))
    spool.flush()
    return Text(_mapped(spool), base)


def _mapped(source: IO[bytes]) -> mmap.mmap | bytes:
    if not os.fstat(source.fileno()).st_size:
        return b""
    return mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)


class Run(NamedTuple):
    """A file of batches, and what to add to their offsets."""

    file: IO[bytes]
    base: int

    def write(self, hashes: Hashed, offsets: Hashed) -> None:
        """Add a batch."""
        self.file.write(len(hashes).to_bytes(8, sys.byteorder))
        self.file.write(hashes.tobytes() + offsets.tobytes())

    def write_all(self, batches: list[Batch]) -> None:
        """Add some batches."""
        for hashes, offsets in batches:
            self.write(hashes, offsets)


def _scanned(text: Text, stack: ExitStack) -> Run:
    run = Run(stack.enter_context(TemporaryFile()), text.base)  # noqa: SIM115  as above
    for hashes, offsets in scanning.scan(text.data, 0, len(text.data)):
        run.write(hashes, offsets)
    return run


def _scanned_by_all(text: Text, key: bytes, stack: ExitStack) -> Run:
    """Scan a large input with a thread a core, slice by slice."""
    from bongsu.logs.machine import kernel  # noqa: PLC0415  a small input does without

    search = kernel()["search"]
    run = Run(stack.enter_context(TemporaryFile()), text.base)  # noqa: SIM115  as above
    size, threads = len(text.data), len(os.sched_getaffinity(0))
    bounds = [scanning.line_from(text.data, at) for at in (*range(0, size, SLICE), size)]
    begun: deque[Future[list[Batch]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for begin, end in pairwise(bounds):
            begun.append(pool.submit(_scan, search, text.data, begin, end, key))
            if len(begun) > 2 * threads:
                run.write_all(begun.popleft().result())
        while begun:
            run.write_all(begun.popleft().result())
    return run


def _scan(search: Function, data: mmap.mmap | bytes, at: int, end: int, key: bytes) -> list[Batch]:
    import numpy as np  # noqa: PLC0415  as said above

    from bongsu.logs.machine import address  # noqa: PLC0415  as said above

    view, keys = np.frombuffer(data, np.uint8), np.frombuffer(key, np.uint64)
    spare, state = np.empty(SPARE, np.uint8), np.zeros(1, np.int64)
    found: list[Batch] = []
    while at < end:
        offsets, hashes = np.empty(scanning.BATCH, np.int64), np.empty(scanning.BATCH, np.int64)
        count = search(
            address(view), len(view), at, end, address(keys), address(spare),
            scanning.BATCH, address(offsets), address(hashes), address(state),
        )  # fmt: skip
        found.append((hashes[:count], offsets[:count]))
        at = int(state[0])
    return found


def _batches(run: Run) -> Iterator[tuple[Offsets, Offsets]]:
    import numpy as np  # noqa: PLC0415  as said above

    run.file.seek(0)
    while head := run.file.read(8):
        count = int.from_bytes(head, sys.byteorder)
        hashes = np.frombuffer(run.file.read(8 * count), np.int64)
        yield hashes, np.frombuffer(run.file.read(8 * count), np.int64) + run.base


def _ranked(texts: Sequence[Text], runs: Sequence[Run], top: int) -> list[Ranked]:
    """Go through the hashes in as many parts as fit into memory; equal ones are in the same."""
    total = sum(os.fstat(run.file.fileno()).st_size // 16 for run in runs)
    parts = total // HELD + 1
    best: list[Ranked] = []
    for part in range(parts):
        least = min(best)[0] if len(best) >= top else 1
        keys, at = _part(runs, part, parts)
        best = heapq.nlargest(top, best + _best(texts, keys, at, least, top))
    return sorted(best, reverse=True)


def _part(runs: Sequence[Run], part: int, parts: int) -> tuple[Offsets, Offsets]:
    """Return the hashes of one part, sorted, and where their lines begin."""
    import numpy as np  # noqa: PLC0415  as said above

    hashes, offsets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for run in runs:
        for some, places in _batches(run):
            mine = some.view(np.uint64) % parts == part if parts > 1 else slice(None)
            hashes.append(some[mine])
            offsets.append(places[mine])
    keys, at = np.concatenate(hashes), np.concatenate(offsets)
    order = np.argsort(keys)
    return keys[order], at[order]


def _best(texts: Sequence[Text], keys: Offsets, at: Offsets, least: int, top: int) -> list[Ranked]:
    """Return the best lines of a part, of those that occur ``least`` times or more."""
    import numpy as np  # noqa: PLC0415  as said above

    if not len(keys):
        return []
    begins = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    counts = np.diff(np.r_[begins, len(keys)])
    last = max(0, len(counts) - top)
    least = max(least, int(np.partition(counts, last)[last]))
    more = begins[counts > least]
    # Most often thousands are as frequent as the last one; the greatest of them is wanted.
    ties = begins[counts == least]
    # In the order of the log: memory is much slower here and there.
    ties = ties[np.argsort(at[ties])]
    ties = ties[_greatest(texts, at[ties], top)]
    ends = np.r_[begins, len(keys)]
    stops = ends[np.searchsorted(ends, np.r_[more, ties], side="right")]
    found: list[Ranked] = []
    for begin, stop in zip(np.r_[more, ties].tolist(), stops.tolist(), strict=True):
        found += _verified(texts, at[begin:stop])
    return found


def _verified(texts: Sequence[Text], offsets: Offsets) -> list[Ranked]:
    """Count the lines of one hash by their bytes."""
    first = _line(texts, int(offsets[0]))
    if len(offsets) == 1:
        return [(1, first)]
    if all(_stands(texts, offset, first) for offset in offsets.tolist()):
        return [(len(offsets), first)]
    counted = Counter(_line(texts, offset) for offset in offsets.tolist())
    return [(count, line) for line, count in counted.items()]


def _greatest(texts: Sequence[Text], offsets: Offsets, top: int) -> list[int]:
    """Return which ``top`` of the lines at ``offsets``, all different, are the greatest."""
    import numpy as np  # noqa: PLC0415  as said above

    hopeful = []
    for text in texts:
        inside = np.flatnonzero((offsets >= text.base) & (offsets < text.base + len(text.data)))
        hopeful += inside[_hopeful(text.data, offsets[inside] - text.base, top)].tolist()
    return heapq.nlargest(top, hopeful, key=lambda k: _line(texts, int(offsets[k])))


def _hopeful(data: mmap.mmap | bytes, offsets: Offsets, top: int) -> Offsets:
    """Return which lines of a text may be among its ``top`` greatest, eight bytes at a time."""
    import numpy as np  # noqa: PLC0415  as said above

    left: Offsets = np.arange(len(offsets), dtype=np.int64)
    ahead: Offsets = left[:0]
    if len(data) < 8:  # noqa: PLR2004  a word
        return left
    # Every eight bytes as a number that sorts as they do, wherever they begin.
    words = np.ndarray((len(data) - 7,), ">u8", data, 0, (1,))
    step = 0
    while len(left) > max(FEW, top - len(ahead)) and step < TOLD:
        at = offsets[left] + step
        if int(at.max()) >= len(words):
            break
        keys = words[at].astype(np.uint64)
        ended = _feeds(keys)
        wanted = top - len(ahead)
        least = np.partition(keys & ~ended, len(left) - wanted)[len(left) - wanted]
        keys &= ~ended
        ahead = np.concatenate([ahead, left[keys > least]])
        same = keys == least
        if ended[same].any():
            # Some of them end here: eight bytes more would be another line's.
            left = left[same]
            break
        left = left[same]
        step += 8
    return np.concatenate([ahead, left])


def _feeds(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a mask of the first line feed in eight bytes, and of all after it."""
    import numpy as np  # noqa: PLC0415  as said above

    ones, low = np.uint64(0x0101010101010101), np.uint64(0x7F7F7F7F7F7F7F7F)
    other = words ^ (ones * np.uint64(10))
    found = ~(((other & low) + low) | other | low)
    for bits in (8, 16, 32):
        found |= found >> np.uint64(bits)
    mask: NDArray[np.uint64] = (found >> np.uint64(7)) * np.uint64(255)
    return mask


def _of(texts: Sequence[Text], offset: int) -> Text:
    return next(text for text in reversed(texts) if text.base <= offset and len(text.data))


def _line(texts: Sequence[Text], offset: int) -> bytes:
    text = _of(texts, offset)
    end = text.data.find(b"\n", offset - text.base)
    return text.data[offset - text.base : len(text.data) if end < 0 else end]


def _stands(texts: Sequence[Text], offset: int, line: bytes) -> bool:
    text = _of(texts, offset)
    start = offset - text.base
    end = start + len(line)
    return text.data[start:end] == line and text.data[end : end + 1] in (b"\n", b"")
