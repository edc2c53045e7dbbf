"""Traffic captured by tcpdump, for so long and so much at most; the file is kept as evidence."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bongsu.actions.evidence.custody import EvidenceError
from bongsu.actions.evidence.folder import CAPTURES, RUNNING, Folder
from bongsu.actions.evidence.tools import version
from bongsu.actions.output import Output, Stream
from bongsu.actions.programs import MIB, OnOutput, allowed_environment, run
from bongsu.i18n import N_

LOOK_AGAIN_S = 0.1
BEGINS_WITHIN_S = 10.0
GRACE_S = 3.0
USUAL = "net"
"""the name of a capture that was given none"""
SPARE_S = 5.0
_LISTENING = "listening on"
_COUNTS = re.compile(r"(\d+) packets? (captured|received by filter|dropped by kernel)")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,31}")


@dataclass(frozen=True)
class Capture:
    """What is captured."""

    name: str
    interface: str
    """``any`` is all of them"""
    address: str | None
    """an IPv4 or IPv6 address; None takes all traffic"""
    seconds: float
    megabytes: int

    def argv(self, file: Path) -> list[str]:
        """Return tcpdump's arguments.

        Raises:
            EvidenceError: the interface's name is none.
        """
        if not _INTERFACE.fullmatch(self.interface):
            text = N_("{name} is no interface's name")
            raise EvidenceError(text, name=repr(self.interface))
        chosen = ["host", self.address] if self.address else []
        # tcpdump would give up root before it opens a file in a folder that is for root alone.
        user = ["-Z", "root"] if os.geteuid() == 0 else []
        return ["tcpdump", "-i", self.interface, "-nn", "-U", "-s", "0", *user, "-w", str(file),
                *chosen]  # fmt: skip


async def capture(folder: Folder, wanted: Capture, env: Mapping[str, str]) -> dict[str, str]:
    """Capture until the time or the size is reached; returns what custody says of it.

    Raises:
        EvidenceError: tcpdump can't capture.
    """
    file = folder.place(CAPTURES, f"{wanted.name}.pcap")
    argv = wanted.argv(file)
    tools = {"tcpdump": await version("tcpdump", env)}
    mark = _mark(file)
    heard = bytearray()

    def take(stream: Stream, block: bytes) -> None:
        if stream == "err":
            heard.extend(block)
            if _LISTENING.encode() in heard and not mark.exists():
                mark.write_text(str(os.getpid()))

    output = await _bounded(argv, wanted, file, take, env)
    said = heard.decode(errors="replace")
    if _LISTENING not in said:
        mark.unlink(missing_ok=True)
        text = N_("tcpdump did not begin: {why}")
        raise EvidenceError(text, why=_why(said, output))
    file.chmod(0o600)
    counts = {found[2].replace(" ", "_"): found[1] for found in _COUNTS.finditer(said)}
    ended = {"ended": _ended(output)}
    details = {**folder.known(file), "command": " ".join(argv), **counts, **ended}
    folder.note("captured", details, **tools)
    mark.unlink(missing_ok=True)
    return details


def free_name(folder: Folder) -> str:
    """Return a name that no capture has yet; the attack may well go on after the first one."""
    names = (f"{USUAL}-{number}" if number > 1 else USUAL for number in itertools.count(1))
    return next(one for one in names if not (folder.items / CAPTURES / f"{one}.pcap").exists())


async def start(folder: Folder, name: str, arguments: Sequence[str]) -> None:
    """Start ``bongsu evidence capture`` in the background; returns when it captures.

    It ends by itself, and outlives whoever has started it.

    Raises:
        EvidenceError: it did not begin, or there is one of that name already.
    """
    mark = _mark(folder.place(CAPTURES, f"{name}.pcap"))
    code = "from bongsu.cli import main; main()"
    process = subprocess.Popen(  # noqa: ASYNC220, S603  starting it is quick; our own program
        [sys.executable, "-c", code, "evidence", "capture", str(folder.path), *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BEGINS_WITHIN_S
    while not mark.exists():
        if process.poll() is not None or loop.time() > deadline:
            process.terminate()
            told = process.stderr.read().decode(errors="replace") if process.stderr else ""
            text = N_("the capture did not begin: {why}")
            raise EvidenceError(text, why=told.strip()[-500:])
        await asyncio.sleep(LOOK_AGAIN_S)
    if process.stderr is not None:
        process.stderr.close()


async def _bounded(
    argv: Sequence[str], wanted: Capture, file: Path, take: OnOutput, env: Mapping[str, str]
) -> Output | None:
    """Run tcpdump until its time is over, or its file too large: then it has no output."""
    running = asyncio.ensure_future(
        run(
            argv,
            timeout_s=wanted.seconds,
            env=allowed_environment(source=env),
            grace_s=GRACE_S,
            on_output=take,
        )
    )
    try:
        while not running.done():
            await asyncio.wait({running}, timeout=LOOK_AGAIN_S)
            if _size(file) >= wanted.megabytes * MIB:
                return None
        return running.result()
    finally:
        running.cancel()
        await asyncio.wait({running}, timeout=GRACE_S + SPARE_S)


def _mark(file: Path) -> Path:
    """Return what stands beside a capture's file while it runs."""
    return file.with_suffix(f"{file.suffix}{RUNNING}")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _ended(output: Output | None) -> str:
    if output is None:
        return "size"
    return "time" if output.ended == "timed_out" else "early"


def _why(said: str, output: Output | None) -> str:
    if output is not None and output.ended in ("not_found", "not_allowed"):
        return output.complaint
    lines = said.strip().splitlines() or ["-"]
    return next((line for line in lines if line.startswith("tcpdump: ")), lines[-1])
