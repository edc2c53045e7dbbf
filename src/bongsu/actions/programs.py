"""Programs run for the manual: never through a shell, bounded in time and output, ended whole.

Each program leads a session of its own. When it is over, ended or not, whatever it left running in
its process group is ended too; a program that had to be ended takes with it also the descendants
that moved to a session of their own, which are found by a mark in their environment.

What is kept here is not masked: who keeps it in an `Evidence` masks it there.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from os import PathLike

from bongsu.actions.output import Ended, Kept, Output, Stream
from bongsu.actions.process import Program

__all__ = [
    "KIB",
    "MIB",
    "Blocks",
    "Ended",
    "Output",
    "Stream",
    "allowed_environment",
    "run",
    "stream",
]

KIB = 1024
MIB = 1024 * KIB

OnOutput = Callable[[Stream, bytes], None]

PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
)
"""what every program sees of our environment; all else must be named"""

_READ_AHEAD = MIB


def allowed_environment(
    names: Iterable[str] = (), source: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what a program may see of ``source``: `PASSED_ON` and ``names``, where set."""
    return {name: source[name] for name in (*PASSED_ON, *names) if name in source}


async def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str],
    cwd: str | PathLike[str] | None = None,
    limit: int = 64 * KIB,
    stdin: bytes | None = None,
    on_output: OnOutput | None = None,
    grace_s: float = 2.0,
) -> Output:
    """Run a program to its end, or end it after ``timeout_s`` seconds.

    ``limit`` bytes of each stream are kept: its first and its last half. ``on_output`` is given
    all of it as it comes. A program that must go, because its time is over or because the calling
    task was cancelled, has ``grace_s`` seconds between SIGTERM and SIGKILL.
    """
    kept = {"out": Kept(limit), "err": Kept(limit)}

    def take(stream: Stream, block: bytes) -> None:
        kept[stream].add(block)
        if on_output is not None:
            on_output(stream, block)

    program = Program(argv, env, take)
    async with _started(program, cwd, stdin, grace_s):
        await program.wait(timeout_s)
    return program.output(kept["out"], kept["err"])


class Blocks:
    """The standard output of a running program, in blocks as they come; standard error bounded."""

    def __init__(self, limit: int) -> None:
        self._err = Kept(limit)
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._came = asyncio.Event()
        self._program: Program | None = None
        self._deadline = 0.0

    @property
    def output(self) -> Output:
        """What came of the program, once all blocks were taken; its ``out`` is empty."""
        assert self._program is not None
        return self._program.output(Kept(0), self._err)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give each block; ends with the program, or when its time is over (see ``output``)."""
        while True:
            while self._waiting:
                yield self._next()
            if not await self._more():
                return

    def begin(self, program: Program, timeout_s: float) -> None:
        """Take the blocks of this program until ``timeout_s`` seconds from now."""
        self._program = program
        self._deadline = asyncio.get_running_loop().time() + timeout_s
        program.on_over(self._came.set)

    def take(self, stream: Stream, block: bytes) -> None:
        """Keep a block until it is asked for; the program waits while there are too many."""
        if stream == "err":
            self._err.add(block)
            return
        self._waiting.append(block)
        self._size += len(block)
        self._came.set()
        if self._size > _READ_AHEAD and self._program is not None:
            self._program.pause()

    def _next(self) -> bytes:
        block = self._waiting.popleft()
        self._size -= len(block)
        if self._size <= _READ_AHEAD and self._program is not None:
            self._program.resume()
        return block

    async def _more(self) -> bool:
        assert self._program is not None
        if self._program.over:
            await self._program.wait(0.0)
            return bool(self._waiting)
        self._came.clear()
        try:
            async with asyncio.timeout_at(self._deadline):
                await self._came.wait()
        except TimeoutError:
            self._program.timed_out = True
            return False
        return True


@asynccontextmanager
async def stream(
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str],
    cwd: str | PathLike[str] | None = None,
    limit: int = 64 * KIB,
    grace_s: float = 2.0,
) -> AsyncIterator[Blocks]:
    """Run a program for its standard output, which may be larger than memory.

    Use ``async with stream(...) as blocks: async for block in blocks: ...``. Leaving the ``with``
    ends the program; ``blocks.output`` says afterwards what came of it. A slow reader makes the
    program wait; nothing is left out. ``limit`` bytes of standard error are kept.
    """
    blocks = Blocks(limit)
    program = Program(argv, env, blocks.take)
    async with _started(program, cwd, None, grace_s):
        blocks.begin(program, timeout_s)
        yield blocks


@asynccontextmanager
async def _started(
    program: Program, cwd: str | PathLike[str] | None, stdin: bytes | None, grace_s: float
) -> AsyncIterator[None]:
    """Start the program; whatever happens then, it is ended whole."""
    try:
        await program.start(cwd, stdin)
        yield
    finally:
        await program.end(grace_s)
