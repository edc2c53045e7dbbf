"""One program from its start until nothing of it is left, as `bongsu.actions.programs` runs it."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from os import PathLike
from subprocess import DEVNULL, PIPE
from typing import Any, cast

import psutil

from bongsu.actions.guard import CLAIM_HOLDS, GUARD, ClaimLostError
from bongsu.actions.guarding import MARK
from bongsu.actions.identity import me
from bongsu.actions.output import Ended, Kept, Output, Stream

_STREAMS: dict[int, Stream] = {1: "out", 2: "err"}
_UNDER_WAY: set[Program] = set()
_LAST_WORDS_S = 1.0
"""how long pipes may stay open after everything that we know of was ended"""


class Program(asyncio.SubprocessProtocol):
    """One program from its start until nothing of it is left.

    A protocol of our own rather than asyncio's `Process`, whose ``wait`` waits in some versions for
    pipes that a grandchild may hold open for ever.
    """

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], take: Callable[[Stream, bytes], None]
    ) -> None:
        self._argv = [*argv]
        self._mark = f"{me()}.{secrets.token_hex(8)}"
        self._env = {**env, MARK: self._mark}
        self._take = take
        self._transport: asyncio.SubprocessTransport | None = None
        self._pid = 0
        self._exited = asyncio.Event()
        self._silent = asyncio.Event()
        self._open = {1, 2}
        self._when_over: Callable[[], None] = lambda: None
        self._failed: tuple[Ended, str] | None = None
        self._error: Exception | None = None
        self._began = self._took_s = 0.0
        self._guarded = False
        self.timed_out = False

    @property
    def over(self) -> bool:
        """Whether it has exited, or never ran."""
        return self._exited.is_set()

    async def start(self, cwd: str | PathLike[str] | None, stdin: bytes | None) -> None:
        """Start it; where that can't be done, it is over and `output` says why.

        Raises:
            ClaimLostError: it was to run under a claim, and that has ended.
        """
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        if (holds := CLAIM_HOLDS.get()) is not None:
            if not holds():
                raise ClaimLostError
            self._guarded = True
            GUARD.hold(self._mark)
        begun = asyncio.ensure_future(
            loop.subprocess_exec(
                lambda: self,
                *self._argv,
                stdin=DEVNULL if stdin is None else PIPE,
                env=self._env,
                cwd=cwd,
                start_new_session=True,
            )
        )
        try:
            await _whole(begun)
        except (FileNotFoundError, NotADirectoryError) as error:
            self._never_ran("not_found", error)
        except PermissionError as error:
            self._never_ran("not_allowed", error)
        except OSError as error:
            # No program at all: not executable for this machine, its arguments too long, ...
            self._never_ran("not_allowed", error)
        else:
            self._feed(stdin)

    async def wait(self, timeout_s: float) -> None:
        """Wait until it has exited and was read whole; leave when its time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._exited.wait()
        except TimeoutError:
            self.timed_out = not self.over
        if self.over and self._transport is not None:
            # What it left running may hold the pipes open; that must go before they close.
            self._signal(signal.SIGTERM)
            await _within(_LAST_WORDS_S, self._silent)
        if self._error is not None:
            raise self._error

    async def end(self, grace_s: float) -> None:
        """End whatever is left of it: SIGTERM, ``grace_s`` seconds, SIGKILL."""
        try:
            await self._end(grace_s)
        finally:
            GUARD.drop(self._mark)
            _UNDER_WAY.discard(self)

    def kill(self) -> None:
        """End it at once with all that it started, and wait for nothing."""
        self._signal(signal.SIGKILL)
        _end_marked(self._mark)

    async def _end(self, grace_s: float) -> None:
        if self._transport is None:
            return
        forced = not self.over
        self.resume()
        try:
            if self._signal(signal.SIGTERM):
                await self._group_gone(grace_s)
        finally:
            self._signal(signal.SIGKILL)
            try:
                await self._last_words(forced=forced)
            finally:
                self._transport.close()

    async def _last_words(self, *, forced: bool) -> None:
        if forced:
            await asyncio.to_thread(_end_marked, self._mark)
        await _within(_LAST_WORDS_S, self._exited)
        await _within(0.0 if forced else _LAST_WORDS_S, self._silent)

    def output(self, out: Kept, err: Kept) -> Output:
        """Say what came of it, with what was kept of what it printed."""
        took_s = round(self._took_s or asyncio.get_running_loop().time() - self._began, 6)
        if self._failed is not None:
            ended, why = self._failed
            return Output(ended=ended, exit_code=None, err=why.encode(), took_s=took_s)
        ended, code = self._outcome()
        kept = {"out": out.bytes(), "err": err.bytes()}
        truncated = out.truncated or err.truncated
        return Output(ended=ended, exit_code=code, took_s=took_s, truncated=truncated, **kept)

    def pause(self) -> None:
        """Read no more of its standard output until `resume`."""
        if 1 in self._open and (pipe := self._pipe(1)) is not None:
            cast("asyncio.ReadTransport", pipe).pause_reading()

    def resume(self) -> None:
        """Read on."""
        if 1 in self._open and (pipe := self._pipe(1)) is not None:
            cast("asyncio.ReadTransport", pipe).resume_reading()

    def on_over(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when it is over; at once if it is."""
        self._when_over = call
        if self.over:
            call()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Know it from here on, also if whoever started it is cancelled before it runs."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._pid = self._transport.get_pid()
        _UNDER_WAY.add(self)
        if self._guarded:
            GUARD.hold(self._mark, self._pid)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Pass on what it printed; where that fails, the program is ended and the run fails."""
        try:
            self._take(_STREAMS[fd], bytes(data))
        except Exception as error:  # noqa: BLE001  raised again where the program is waited for
            self._error = self._error or error
            self._signal(signal.SIGKILL)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """Note that a stream has ended."""
        self._open.discard(fd)
        if not self._open:
            self._silent.set()

    def process_exited(self) -> None:
        """Note that it has exited, though what it started may still run."""
        self._took_s = asyncio.get_running_loop().time() - self._began
        self._exited.set()
        self._when_over()

    def _never_ran(self, ended: Ended, error: OSError) -> None:
        self._failed = (ended, str(error))
        self._silent.set()
        self._exited.set()

    def _feed(self, stdin: bytes | None) -> None:
        pipe = self._pipe(0)
        if stdin is not None and pipe is not None:
            cast("asyncio.WriteTransport", pipe).write(stdin)
            cast("asyncio.WriteTransport", pipe).write_eof()

    def _pipe(self, fd: int) -> asyncio.BaseTransport | None:
        return None if self._transport is None else self._transport.get_pipe_transport(fd)

    def _outcome(self) -> tuple[Ended, int | None]:
        assert self._transport is not None
        code = self._transport.get_returncode()
        if self.timed_out or code is None:
            return "timed_out", None
        return ("signalled", 128 - code) if code < 0 else ("exited", code)

    def _signal(self, number: signal.Signals) -> bool:
        """Signal its process group; False if nobody is left in it."""
        assert self._transport is not None
        try:
            os.killpg(self._pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            # It changed its user; it still gets what its parent may send.
            with suppress(ProcessLookupError, PermissionError):
                self._transport.send_signal(number)
        return True

    async def _group_gone(self, grace_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while _lives(self._pid):  # noqa: ASYNC110  the kernel tells nobody
                    await asyncio.sleep(0.01)


def kill_left() -> None:
    """End at once whatever this process has begun, for one that is about to end itself."""
    for program in [*_UNDER_WAY]:
        program.kill()


async def _whole(begun: asyncio.Future[Any]) -> None:
    """Wait for a start that is not cut in two; asyncio may wait for ever for one that is."""
    try:
        await asyncio.shield(begun)
    except asyncio.CancelledError:
        await asyncio.wait({begun})
        raise


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _lives(group: int) -> bool:
    """Whether anybody of a process group still runs; the dead may wait long to be collected."""
    return any(_is_of(pid, group) for pid in psutil.pids())


def _is_of(pid: int, group: int) -> bool:
    with suppress(psutil.Error, OSError):
        return os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _end_marked(mark: str) -> None:
    """End the descendants that left the process group."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                process.kill()
