"""Real Redis servers (Debian's redis-server), each in a folder and on a port of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

ONCE = Retry(NoBackoff(), 0)


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, protocol=2, retry=ONCE)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running_redis(folder: Path, *settings: str) -> Iterator[Server]:
    """Start a server that keeps nothing, and end it."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    arguments = (
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
        "--save", "", "--appendonly", "no", "--loglevel", "warning",
        "--repl-diskless-sync-delay", "0",
    )  # fmt: skip
    process = subprocess.Popen([*arguments, *settings], stdout=subprocess.DEVNULL)
    server = Server(port, process)
    try:
        _wait(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: Server) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            with server.client() as client:
                client.ping()
        except redis.AuthenticationError:
            return
        except redis.ConnectionError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("redis-server does not answer")
