"""Real Redis servers (Debian's redis-server), each in a folder and on a port of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tests.ports import free_port
from tests.waiting import until_true_blocking

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
        until_true_blocking(lambda: _answers(server))
        yield server
    finally:
        process.kill()
        process.wait()


def _answers(server: Server) -> bool:
    assert server.process.poll() is None, "redis-server has ended"
    try:
        with server.client() as client:
            client.ping()
    except redis.AuthenticationError:
        return True
    except redis.ConnectionError:
        return False
    return True
