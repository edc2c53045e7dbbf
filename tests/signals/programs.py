"""Real senders: Debian's Prometheus and Alertmanager, run for one test on free ports."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.ports import free_port
from tests.waiting import PATIENCE, until

ALERTMANAGER = "prometheus-alertmanager"
PROMETHEUS = "prometheus"
AMTOOL = "amtool"


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip a test where a program is missing; `make test` installs them all."""
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@contextlib.asynccontextmanager
async def running(*command: str, port: int) -> AsyncIterator[str]:
    """Run a server until it is ready, yield its address, and end it."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _ready(process, f"{url}/-/ready")
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(process: asyncio.subprocess.Process, url: str) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as client:

        async def answers() -> bool:
            assert process.returncode is None, f"it ended with {process.returncode}"
            with contextlib.suppress(httpx.TransportError):
                return (await client.get(url)).status_code == 200
            return False

        await until(answers, every=0.05)


@contextlib.asynccontextmanager
async def alertmanager(folder: Path, config: str) -> AsyncIterator[str]:
    """Run an Alertmanager with a configuration."""
    file, port = folder / "alertmanager.yml", free_port()
    file.write_text(config)
    command = (
        ALERTMANAGER, f"--config.file={file}", f"--storage.path={folder}/am",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    )  # fmt: skip
    async with running(*command, port=port) as url:
        yield url


@contextlib.asynccontextmanager
async def prometheus(folder: Path, config: str, *more: str) -> AsyncIterator[str]:
    """Run a Prometheus with a configuration."""
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(config)
    command = (
        PROMETHEUS, f"--config.file={file}", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}", *more,
    )  # fmt: skip
    async with running(*command, port=port) as url:
        yield url


@contextlib.asynccontextmanager
async def target() -> AsyncIterator[int]:
    """Serve a metrics page that Prometheus scrapes, and die at the block's end; yield the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            body = b"backend_requests_total 1\n"
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
