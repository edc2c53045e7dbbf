"""Programs as people start them: Bongsu, Prometheus, Alertmanager, and a service that can die."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from tests.ports import free_port
from tests.waiting import PATIENCE, until

T = TypeVar("T")
BONGSU = str(Path(sys.executable).with_name("bongsu"))


async def eventually(look: Callable[[], Awaitable[T]], what: str) -> T:
    """Look until something true is seen, and return it; ``what`` names it in the failure."""
    try:
        return await until(look, every=0.1)
    except AssertionError as error:
        error.add_note(f"waited for {what}")
        raise


@asynccontextmanager
async def program(*argv: str, env: dict[str, str] | None = None) -> AsyncIterator[Path]:
    """Run a program in a process group of its own, and end it; yields the file with its output."""
    with tempfile.NamedTemporaryFile(prefix="output-", suffix=".log") as output:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield Path(output.name)
            assert process.returncode is None, Path(output.name).read_text()
        finally:
            await ended(process)


async def ended(process: asyncio.subprocess.Process) -> int:
    """End a process as Ctrl-C does, or else by force; returns its exit code."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(PATIENCE):
            return await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise


@dataclass
class Bongsu:
    """A running ``bongsu serve``, and its commands."""

    url: str
    data: Path
    env: dict[str, str]
    token: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    async def run(self, *arguments: str, code: int = 0, **env: str) -> str:
        """Run a command; returns what it printed, and fails unless it ends with ``code``."""
        process = await asyncio.create_subprocess_exec(
            BONGSU, *arguments, env={**self.env, **env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        assert process.returncode == code, (arguments, process.returncode, out, err)
        return (out if code == 0 else err).decode()

    async def json(self, *arguments: str, **env: str) -> Any:
        """Run a command with ``--json``."""
        return json.loads(await self.run(*arguments, "--json", code=0, **env))

    async def key(self, integration: str) -> str:
        """Issue an integration key."""
        return (await self.run("integration", "key", integration)).strip()

    def http(self, **headers: str) -> httpx.AsyncClient:
        """Return a client of the API with this machine's own token."""
        headers = {"authorization": f"Bearer {self.token}", "accept-language": "en", **headers}
        return httpx.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, timeout=PATIENCE
        )

    async def incidents(self) -> list[dict[str, Any]]:
        """Return all incidents, as the list shows them."""
        async with self.http() as http:
            found = (await http.get("/api/v1/incidents")).raise_for_status()
        listed: list[dict[str, Any]] = found.json()["incidents"]
        return listed

    async def incident(self, number: int = 1) -> dict[str, Any]:
        """Return one incident."""
        async with self.http() as http:
            found = (await http.get(f"/api/v1/incidents/{number}")).raise_for_status()
        shown: dict[str, Any] = found.json()
        return shown


@asynccontextmanager
async def serving(**env: str) -> AsyncIterator[Bongsu]:
    """Run ``bongsu serve`` with a database of its own, and end it as Ctrl-C does."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-e2e-"))
    folder.chmod(0o711)  # PostgreSQL's own user must get in
    url = f"http://127.0.0.1:{free_port()}"
    try:
        bongsu = Bongsu(url, folder / "data", _environment(folder, env))
        async with _served(bongsu):
            bongsu.token = json.loads((bongsu.data / "local.json").read_text())["token"]
            yield bongsu
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, env: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BONGSU_")}
    return {
        **kept, "BONGSU_DATA": str(folder / "data"), "BONGSU_LANG": "en",
        "XDG_CONFIG_HOME": str(folder / "config"), "TZ": "Asia/Seoul", **env,
    }  # fmt: skip


@asynccontextmanager
async def _served(bongsu: Bongsu) -> AsyncIterator[None]:
    log = bongsu.data.parent / "serve.log"
    listen = bongsu.url.removeprefix("http://")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            BONGSU, "serve", "--listen", listen, env=bongsu.env, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    code: int | None = None
    try:
        await eventually(lambda: _says(log, "Ctrl-C", process), "bongsu serve")
        yield
    finally:
        code = await ended(process)
    assert code == 0, log.read_text()


async def _says(log: Path, words: str, process: asyncio.subprocess.Process) -> bool:
    assert process.returncode is None, log.read_text()
    return words in log.read_text()


class Service:
    """A small backend that Prometheus scrapes; it can die and come back on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Answer."""
        self._server = await asyncio.start_server(_metrics, "127.0.0.1", self.port)

    async def die(self) -> None:
        """Stop answering."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None


async def _metrics(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = b"requests_total 1\n"
    head = f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close"
    writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
    await writer.drain()
    writer.close()
