"""The folder of one incident's evidence.

FOLDER/
items/logs/POD/CONTAINER.log      what was collected
items/cluster/*.json
items/captures/*.pcap
custody.jsonl                     who did what, chained
MANIFEST.sha256, SEAL.json        once it is sealed
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bongsu.actions.evidence import custody
from bongsu.actions.evidence.custody import EvidenceError
from bongsu.i18n import N_

ITEMS, MANIFEST, SEAL = "items", "MANIFEST.sha256", "SEAL.json"
RUNNING = ".running"
"""the ending of a file that stands beside a capture while it runs; its pid is in it"""
CAPTURES = "captures"
SEALED = N_("{path} is sealed; nothing may be added")
_SAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Folder:
    """A folder of evidence, and who works on it."""

    path: Path
    who: str
    now: Callable[[], datetime]

    @property
    def items(self) -> Path:
        """Where the collected files lie."""
        return self.path / ITEMS

    @property
    def is_sealed(self) -> bool:
        """Whether nothing may be added any more."""
        return (self.path / SEAL).exists()

    def note(self, action: str, details: Mapping[str, str], **tools: str) -> custody.Entry:
        """Add an entry to the chain of custody.

        Raises:
            EvidenceError: the chain is broken.
        """
        done = custody.Done(self.now(), self.who, action, details, tools)
        return custody.append(self.path, done)

    def place(self, *parts: str) -> Path:
        """Return where a new file goes; it exists in no other form than this one.

        Raises:
            EvidenceError: it is there already, or the evidence is sealed.
        """
        if self.is_sealed:
            raise EvidenceError(SEALED, path=self.path)
        path = self.items.joinpath(*(_SAFE.sub("_", part).lstrip(".") or "_" for part in parts))
        if path.exists():
            raise EvidenceError(
                N_("{path} is there already, and evidence is never overwritten"), path=path
            )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def known(self, path: Path) -> dict[str, str]:
        """Return what custody says of a file: name, size and hash."""
        name = path.relative_to(self.path).as_posix()
        return {"file": name, "bytes": str(path.stat().st_size), "sha256": sha256_of(path)}


def open_folder(
    path: Path, case: str, now: Callable[[], datetime], by: str | None = None
) -> Folder:
    """Open a folder for an incident's evidence, or go on with the one that is there.

    Raises:
        EvidenceError: something else lies there, or it is another incident's, or sealed.
        OSError: it can't be made.
    """
    folder = Folder(path, _who(by), now)
    if (path / custody.FILE).exists():
        _same_case(path, case)
        if folder.is_sealed:
            raise EvidenceError(SEALED, path=path)
        return folder
    if path.exists() and any(path.iterdir()):
        raise EvidenceError(N_("{path} holds something else; choose an empty folder"), path=path)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    (path / ITEMS).mkdir(mode=0o700, exist_ok=True)
    (path / custody.FILE).touch(mode=0o600)
    folder.note("opened", {"case": case, "host": socket.gethostname()})
    return folder


def existing(path: Path, now: Callable[[], datetime], by: str | None = None) -> Folder:
    """Go on with a folder that was opened before.

    Raises:
        EvidenceError: it was not.
    """
    if not (path / custody.FILE).is_file():
        raise EvidenceError(N_("{path} is no folder of evidence; open it first"), path=path)
    return Folder(path, _who(by), now)


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(path: Path) -> Iterator[Path]:
    """Yield everything below a folder that is no folder, by name; links are not followed."""
    for root, folders, names in os.walk(path, followlinks=False):
        linked = [name for name in folders if Path(root, name).is_symlink()]
        yield from (Path(root, name) for name in sorted([*names, *linked]))
        folders.sort()


def _same_case(path: Path, case: str) -> None:
    chain = custody.read(path)
    chain.must_be_whole()
    known = chain.entries[0].details.get("case")
    if known != case:
        text = N_("{path} holds the evidence of {known}, not of {case}")
        raise EvidenceError(text, path=path, known=known, case=case)


def _who(by: str | None) -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    whole = f"{user}@{socket.gethostname()}"
    return f"{by} ({whole})" if by else whole
