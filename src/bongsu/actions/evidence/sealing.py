"""Evidence sealed, and the seal verified: any flipped byte, missing or added file is named.

The seal is the SHA-256 of SEAL.json, which holds the hash of the manifest (the hash of each file)
and of the chain of custody so far. Whoever could rewrite the whole folder could write a new seal
as well, so it has to be kept somewhere else, too: a playbook's output goes into the incident's
record, from where ``verify`` is given it.
"""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from bongsu.actions.evidence import custody
from bongsu.actions.evidence.custody import EvidenceError
from bongsu.actions.evidence.folder import (
    ITEMS,
    MANIFEST,
    RUNNING,
    SEAL,
    Folder,
    files_of,
    sha256_of,
)
from bongsu.i18n import N_
from bongsu.incident.alert import Remark

ANOTHER = N_("it is not the one named")
UNNAMED = N_("it is not the one that the chain of custody names")
REPLACED = N_("the chain of custody is not the one that was sealed")
AGAIN_S = 0.2
_OURS = frozenset((MANIFEST, SEAL, custody.FILE))


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What SEAL.json holds."""

    sealed_at: datetime
    who: str
    files: int
    size: int
    """bytes of all files"""
    manifest: str
    """SHA-256 of MANIFEST.sha256"""
    custody: str
    """hash of the last entry before the seal"""


class Trouble(NamedTuple):
    """One thing that is not as it was sealed."""

    code: str
    """``altered``, ``missing``, ``added``, ``custody``, ``seal``, ``not_sealed``"""
    subject: str
    detail: Remark = Remark("")


class Verified(NamedTuple):
    """What came of verifying."""

    seal: str
    files: int
    troubles: list[Trouble]

    @property
    def whole(self) -> bool:
        """Whether everything is as it was sealed."""
        return not self.troubles


async def captures_over(folder: Folder, wait_s: float) -> None:
    """Wait until no capture runs any more; one whose process is gone is noted as broken off.

    Raises:
        EvidenceError: one still runs after ``wait_s`` seconds.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while running := sorted(folder.items.rglob(f"*{RUNNING}")):
        for mark in running:
            _bury(folder, mark)
        if loop.time() >= deadline:
            raise EvidenceError(N_("a capture still runs: {name}"), name=running[0].name)
        await asyncio.sleep(AGAIN_S)


def seal(folder: Folder) -> str:
    """Close a folder of evidence for good; returns the seal.

    Raises:
        EvidenceError: it is sealed already, holds nothing, or is not what was collected.
    """
    if folder.is_sealed:
        raise EvidenceError(N_("{path} is sealed already"), path=folder.path)
    hashes = {_name(folder.path, path): _hash_of(path) for path in files_of(folder.items)}
    if not hashes:
        raise EvidenceError(N_("{path} holds nothing that could be sealed"), path=folder.path)
    _as_collected(folder, hashes)
    size = sum((folder.path / name).stat().st_size for name in hashes)
    lines = [f"{digest}  {name}\n" for name, digest in hashes.items()]
    manifest = _written(folder.path / MANIFEST, "".join(lines).encode())
    head = custody.read(folder.path).head
    made = Seal(folder.now(), folder.who, len(hashes), size, manifest, head)
    sealed = _written(folder.path / SEAL, msgspec.json.encode(made) + b"\n")
    folder.note("sealed", {"seal": sealed, "files": str(len(hashes)), "bytes": str(size)})
    _read_only(folder.path)
    return sealed


def verify(path: Path, expected: str | None = None) -> Verified:
    """Hold a sealed folder against its seal, and against the one that was kept elsewhere."""
    if not (path / SEAL).is_file():
        return Verified("", 0, [Trouble("not_sealed", str(path))])
    sealed = sha256_of(path / SEAL)
    troubles = [] if expected in (None, sealed) else [Trouble("seal", SEAL, Remark(ANOTHER))]
    try:
        found = msgspec.json.decode((path / SEAL).read_bytes(), type=Seal)
    except msgspec.DecodeError as error:
        return Verified(sealed, 0, [*troubles, Trouble("seal", SEAL, Remark(str(error)))])
    troubles += _chain_troubles(path, sealed, found)
    troubles += _file_troubles(path, found)
    return Verified(sealed, found.files, troubles)


def _chain_troubles(path: Path, sealed: str, found: Seal) -> list[Trouble]:
    chain = custody.read(path)
    if chain.broken is not None:
        return [Trouble("custody", custody.FILE, chain.broken)]
    noted = [entry for entry in chain.entries if entry.action == "sealed"]
    if len(noted) != 1 or noted[0].details.get("seal") != sealed:
        return [Trouble("seal", SEAL, Remark(UNNAMED))]
    if noted[0].previous != found.custody:
        return [Trouble("custody", custody.FILE, Remark(REPLACED))]
    return []


def _file_troubles(path: Path, found: Seal) -> list[Trouble]:
    manifest = path / MANIFEST
    if not manifest.is_file():
        return [Trouble("missing", MANIFEST)]
    if sha256_of(manifest) != found.manifest:
        return [Trouble("altered", MANIFEST)]
    lines = manifest.read_text().splitlines()
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    there = {_name(path, one): one for one in files_of(path)}
    troubles = [Trouble("missing", name) for name in wanted.keys() - there.keys()]
    troubles += [Trouble("added", name) for name in there.keys() - wanted.keys() - _OURS]
    for name in wanted.keys() & there.keys():
        if not _is_plain(there[name]) or sha256_of(there[name]) != wanted[name]:
            troubles.append(Trouble("altered", name))
    return sorted(troubles, key=lambda one: (one.code, one.subject))


def _as_collected(folder: Folder, hashes: dict[str, str]) -> None:
    """Refuse what is not what custody says was collected."""
    chain = custody.read(folder.path)
    chain.must_be_whole()
    noted = {
        entry.details["file"]: entry.details["sha256"]
        for entry in chain.entries
        if "sha256" in entry.details
    }
    for name in noted.keys() - hashes.keys():
        raise EvidenceError(N_("{name} was collected and is gone"), name=name)
    for name, digest in hashes.items():
        if name not in noted:
            raise EvidenceError(N_("{name} was not collected by Bongsu; take it out"), name=name)
        if noted[name] != digest:
            raise EvidenceError(N_("{name} was altered after it was collected"), name=name)


def _bury(folder: Folder, mark: Path) -> None:
    with suppress(OSError, ValueError):
        os.kill(int(mark.read_text()), 0)
        return
    file = mark.with_suffix("")
    if not mark.exists():
        return
    mark.unlink()
    if file.exists():
        folder.note("capture_broken_off", folder.known(file))


def _hash_of(path: Path) -> str:
    if not _is_plain(path):
        raise EvidenceError(N_("{path} is no plain file"), path=path)
    if any(ord(char) < ord(" ") or char == "\\" for char in str(path)):
        raise EvidenceError(N_("{path} has a name that a manifest can't hold"), path=repr(path))
    return sha256_of(path)


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _written(path: Path, body: bytes) -> str:
    with path.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    return sha256_of(path)


def _read_only(path: Path) -> None:
    for root, _, names in os.walk(path, topdown=False):
        for name in names:
            Path(root, name).chmod(0o400)
        Path(root).chmod(0o500)


__all__ = ["ITEMS", "Seal", "Trouble", "Verified", "captures_over", "seal", "verify"]
