"""The chain of custody: who did what to the evidence and when, each entry chained to the last.

`custody.jsonl` has one JSON object a line. An entry's hash covers the one before it, so that no
entry can be altered, taken out or put in without breaking all that follow.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from bongsu.actions.saying import SaidError
from bongsu.i18n import N_
from bongsu.incident.alert import Remark

FILE = "custody.jsonl"
FIRST = "0" * 64
"""what the first entry follows"""
NO_CHAIN = N_("there is no custody.jsonl, the chain of custody")
UNREADABLE = N_("the chain of custody is broken: entry {number} can't be read: {why}")
ALTERED = N_(
    "the chain of custody is broken: entry {number} was altered, or one before it is missing"
)
_WRITABLE, _KEPT = 0o600, 0o400


class EvidenceError(SaidError):
    """The evidence can't be kept as asked."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was done to the evidence."""

    seq: int
    at: datetime
    who: str
    action: str
    """``opened``, ``collected``, ``captured``, ``sealed``, ``noted`` …"""
    details: dict[str, str]
    tools: dict[str, str]
    """name → version of what did it"""
    previous: str
    hash: str = ""


class Chain(NamedTuple):
    """The entries that can be read, and what is wrong with the rest."""

    entries: list[Entry]
    broken: Remark | None
    """why it can't be trusted from the entry after the last one on"""

    def must_be_whole(self) -> None:
        """Raise EvidenceError where it is broken."""
        if self.broken is not None:
            raise EvidenceError(self.broken.text, **self.broken.values)

    @property
    def head(self) -> str:
        """The hash of the last entry."""
        return self.entries[-1].hash if self.entries else FIRST


class Done(NamedTuple):
    """What an entry says."""

    at: datetime
    who: str
    action: str
    details: Mapping[str, str]
    tools: Mapping[str, str]


def append(folder: Path, done: Done) -> Entry:
    """Add an entry, on disk when this returns; several processes may do so at once.

    Raises:
        EvidenceError: the chain is broken, so that nothing may be added to it.
        OSError: it can't be written.
    """
    path = folder / FILE
    was_kept = path.exists() and path.stat().st_mode & 0o777 == _KEPT
    if was_kept:
        path.chmod(_WRITABLE)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, _WRITABLE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        chain = read(folder)
        chain.must_be_whole()
        number, (at, who, action, details, tools) = len(chain.entries) + 1, done
        bare = Entry(number, at, who, action, dict(details), dict(tools), chain.head)
        entry = msgspec.structs.replace(bare, hash=_hash(bare))
        os.write(handle, _line(entry))
        os.fsync(handle)
    finally:
        os.close(handle)
        if was_kept:
            path.chmod(_KEPT)
    return entry


def read(folder: Path) -> Chain:
    """Read the chain and hold each entry against the one before it."""
    path = folder / FILE
    if not path.is_file():
        return Chain([], Remark(NO_CHAIN))
    entries: list[Entry] = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except msgspec.DecodeError as error:
            return Chain(entries, Remark(UNREADABLE, {"number": f"{number}", "why": f"{error}"}))
        follows = entries[-1].hash if entries else FIRST
        whole = (entry.seq, entry.previous, entry.hash) == (number, follows, _hash(entry))
        if not whole or _line(entry) != line:
            return Chain(entries, Remark(ALTERED, {"number": f"{number}"}))
        entries.append(entry)
    return Chain(entries, None)


def _hash(entry: Entry) -> str:
    return hashlib.sha256(_line(msgspec.structs.replace(entry, hash=""))).hexdigest()


def _line(entry: Entry) -> bytes:
    return msgspec.json.encode(entry, order="deterministic") + b"\n"
