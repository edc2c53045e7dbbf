"""Bongsu's own processes, started as a person starts them, and killed as nobody should."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from tests.ports import free_port

from bongsu.store.database import PoolConnection, connect_pool

MANUAL = Path(__file__).parent / "manual"
BONGSU = str(Path(sys.executable).with_name("bongsu"))
KEPT = "BONGSU_TEST_KEEP"
"""names a folder into which everything is copied at the end, to see what went wrong"""
PATIENCE = 60.0
"""seconds that anything is waited for before the test fails"""
ENDS_WITHIN = 30.0
"""seconds that a process which is told to end is waited for: half of them are its own bounds"""


def tell(capsys: pytest.CaptureFixture[str], figures: str) -> None:
    """Print figures for whoever reads the tests' output, whether they pass or not."""
    with capsys.disabled():
        print(f"\n{figures}")


class Bongsu:
    """One process; `start` may be called again after it has ended."""

    def __init__(self, house: House, name: str, *arguments: str) -> None:
        self.name = name
        self.arguments = arguments
        self.log = house.folder / f"{name}.log"
        self._house = house
        self._process: subprocess.Popen[bytes] | None = None
        self._begins = 0

    def start(self) -> None:
        """Start it; its words go to its log."""
        self._begins = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [BONGSU, *self.arguments], env=self._house.environment, stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, cwd=self._house.folder,
            )  # fmt: skip

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process as it was started last."""
        assert self._process is not None
        return self._process

    @property
    def runs(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens where the process has ended."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.runs:
            self.process.kill()
        if self._process is not None:
            self._process.wait()

    async def up(self, within: float = PATIENCE) -> None:
        """Wait until it says that it runs."""
        deadline = time.monotonic() + within
        while "Ctrl-C stops it." not in self.words()[self._begins :]:
            assert self.runs, f"{self.name} has ended:\n{self.words()[-4000:]}"
            assert time.monotonic() < deadline, f"{self.name} is not up:\n{self.words()[-4000:]}"
            await asyncio.sleep(0.05)

    async def ended(self, within: float = ENDS_WITHIN) -> int:
        """Return the exit code."""
        return await asyncio.to_thread(self.process.wait, within)

    def words(self) -> str:
        """Return all that it has said."""
        return self.log.read_bytes().decode("latin-1") if self.log.exists() else ""


class House:
    """A data folder with everything that runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.manual = folder / "manual"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("BONGSU_")},
            "BONGSU_DATA": str(self.data), "BONGSU_LANG": "en", "XDG_CONFIG_HOME": str(folder),
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        self.processes: list[Bongsu] = []
        shutil.copytree(MANUAL, self.manual)

    @property
    def url(self) -> str:
        """The embedded database's address."""
        return f"postgresql://postgres:@/postgres?host={self.data / 'postgres'}"

    def server(self, name: str = "server", *options: str) -> Server:
        """Return a server that is not started yet."""
        server = Server(self, name, free_port(), *options)
        self.processes.append(server)
        return server

    def worker(self, name: str = "worker", *options: str) -> Bongsu:
        """Return a worker that is not started yet."""
        worker = Bongsu(self, name, "worker", *options)
        self.processes.append(worker)
        return worker

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnection]:
        """Connect to the embedded database, however long it takes to come up."""
        pool = await connect_pool(self.url, size=1, patience=PATIENCE)
        try:
            async with pool.acquire() as conn:
                yield conn
        finally:
            pool.terminate()

    @property
    def postgres(self) -> list[psutil.Process]:
        """The embedded server's processes, the postmaster first."""
        folder, parents = str(self.data / "postgres"), dict[psutil.Process, int]()
        for one in psutil.process_iter():
            if _in_folder(one, folder):
                with contextlib.suppress(psutil.NoSuchProcess):
                    parents[one] = one.ppid()
        own = {one.pid for one in parents}
        return sorted(parents, key=lambda one: parents[one] in own)

    def kill_postgres(self, *, whole: bool = True) -> int:
        """SIGKILL the postmaster, and with ``whole`` all of its children; returns how many."""
        found = self.postgres if whole else self.postgres[:1]
        for one in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        return len(found)

    def end(self) -> None:
        """Kill everything that is left."""
        for one in self.processes:
            one.kill()
        self.kill_postgres()


class Server(Bongsu):
    """A ``bongsu serve``."""

    def __init__(self, house: House, name: str, port: int, *options: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        listen = f"127.0.0.1:{port}"
        super().__init__(
            house, name, "serve", "--manual", str(house.manual), "--listen", listen, *options
        )

    async def ready(self, within: float = PATIENCE) -> float:
        """Wait for the first 200 of /healthz; returns the seconds that it took."""
        begun = time.monotonic()
        async with httpx.AsyncClient(timeout=2) as client:
            while time.monotonic() - begun < within:
                assert self.runs, f"{self.name} has ended:\n{self.words()[-4000:]}"
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{self.url}/healthz")).status_code == 200:
                        return time.monotonic() - begun
                await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name} did not answer:\n{self.words()[-4000:]}")


def _in_folder(process: psutil.Process, folder: str) -> bool:
    try:
        return bool(process.name() == "postgres" and process.cwd() == folder)
    except psutil.Error:
        return False


@contextmanager
def house() -> Iterator[House]:
    """Make a folder that PostgreSQL's own user may enter; everything in it ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-resilience-"))
    folder.chmod(0o755)
    made = House(folder)
    try:
        yield made
    finally:
        made.end()
        if KEPT in os.environ:
            logs = shutil.ignore_patterns("data", "manual")
            shutil.copytree(folder, os.environ[KEPT], dirs_exist_ok=True, ignore=logs)
        shutil.rmtree(folder, ignore_errors=True)
