"""Accepted alerts per second, latency, CPU and memory of the signal routes against Alertmanager.

Both get the same alerts as a Prometheus sends them: each is new once and then repeated. Cells are
interleaved (one of theirs, one of ours), each with fresh processes and an empty store. Ours
answers when PostgreSQL has flushed its log to disk; Alertmanager keeps alerts in memory.

    python bench ingest [--alerts 40000] [--rounds 3] [--sizes 1,10,100,1000] [--repeats 3]
                        [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self

import asyncpg
import uvloop
from _load import (  # type: ignore[import-not-found]  # it stands beside this file when it runs
    Result,
    request,
    run,
)

from bongsu.store.database import Embedded, connect_pool, start_embedded

HERE = Path(__file__).resolve().parent
MANUAL = HERE.parent / "manuals" / "korea-public-data"
CONNECTIONS = {1: 64, 10: 32, 100: 16, 1000: 8}
TICK = os.sysconf("SC_CLK_TCK")
COLUMNS = {
    "alerts/s": (9, 0), "p50 ms": (8, 1), "p99 ms": (8, 1), "CPU-s/100k": (10, 2),
    "peak MB": (8, 0),
}  # fmt: skip
"""each figure's heading, width and digits"""
GOALS = {1: (1.0, None), 10: (1.5, 0.5), 100: (2.0, 0.5), 1000: (2.0, 0.5)}
"""by batch size: speed at least, CPU at most; p99 at most 0.2 everywhere"""


class Cell(NamedTuple):
    """One measurement. CPU seconds are the server's and the database's, memory is PSS in MB."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_per_100k: float
    peak_mb: float


def bodies(size: int, alerts: int, repeats: int, run_id: str) -> list[bytes]:
    """Make the bodies of batches: every alert once, then ``repeats`` times again."""
    begun = datetime.now(UTC)
    rounds = []
    for turn in range(repeats + 1):
        ends = begun + timedelta(minutes=4 + turn)
        items = [_alert(i, begun, ends, run_id) for i in range(alerts)]
        rounds += [
            json.dumps(items[i : i + size], separators=(",", ":")).encode()
            for i in range(0, alerts, size)
        ]
    return rounds


def _alert(i: int, begun: datetime, ends: datetime, run_id: str) -> dict[str, object]:
    return {
        "labels": {
            "alertname": "HighLatency",
            "cluster": "korea-prod",
            "instance": f"10.0.{i % 250}.{i // 250}:9100",
            "job": "node",
            "namespace": "korea-prod",
            "pod": f"korea-backend-{run_id}-{i:06d}",
            "severity": "critical",
        },
        "annotations": {
            "summary": f"High latency on instance {i}",
            "description": "The 99th percentile of the latency is above 500 ms for 5 minutes",
            "runbook_url": "https://runbooks.example.com/HighLatency",
        },
        "startsAt": begun.isoformat().replace("+00:00", "Z"),
        "endsAt": ends.isoformat().replace("+00:00", "Z"),
        "generatorURL": "http://prometheus:9090/graph?g0.expr=latency_p99+%3E+0.5&g0.tab=1",
    }


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until something listens."""
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(p for child in children for p in family(int(child)))]


def cpu_seconds(pids: Sequence[int]) -> float:
    """Sum the CPU time of processes and of the children that they have waited for."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(f) for f in fields[11:15])
    return ticks / TICK


def pss_mb(pids: Sequence[int]) -> float:
    """Sum the proportional memory of processes."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


class Meter:
    """Watches the memory and CPU of some process trees while a block runs."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = roots
        self._over = threading.Event()
        self.peak_mb = 0.0
        self.cpu = 0.0

    def _pids(self) -> list[int]:
        return [pid for root in self._roots for pid in family(root)]

    def __enter__(self) -> Self:
        self._before = cpu_seconds(self._pids())
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self.peak_mb = max(self.peak_mb, pss_mb(self._pids()))

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        self.peak_mb = max(self.peak_mb, pss_mb(self._pids()))
        self.cpu = cpu_seconds(self._pids()) - self._before


@contextlib.contextmanager
def process(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program and end it."""
    started = subprocess.Popen(command, text=True, **options)  # type: ignore[call-overload]  # options are passed on as they are
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextlib.contextmanager
def alertmanager() -> Iterator[tuple[int, str, list[int]]]:
    """Run a fresh Alertmanager; yield its port, no extra header and its process."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        config = Path(folder, "config.yml")
        config.write_text(
            "route: {receiver: none, group_by: [alertname]}\nreceivers: [{name: none}]\n"
        )
        command = (
            "prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
            "--log.level=error",
        )  # fmt: skip
        with process(*command, stderr=subprocess.DEVNULL) as server:
            wait_for(port)
            yield port, "", [server.pid]


@contextlib.contextmanager
def bongsu(database: Embedded) -> Iterator[tuple[int, str, list[int]]]:
    """Run our signal routes on an empty database; yield port, key header and processes."""
    port = free_port()
    asyncio.run(_emptied(database.url))
    script = str(HERE / "_ingest_server.py")
    command = (sys.executable, script, database.url, str(port), str(MANUAL))
    with process(*command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        key = server.stdout.readline().strip()
        wait_for(port)
        postmaster = int((database.folder / "postmaster.pid").read_text().split()[0])
        yield port, f"Authorization: Bearer {key}\r\n", [server.pid, postmaster]


async def _emptied(url: str) -> None:
    conn = await asyncpg.connect(url)
    await conn.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await conn.close()
    pool = await connect_pool(url, size=1)
    await pool.execute("CHECKPOINT")
    await pool.close()


def measure(
    target: tuple[int, str, list[int]], size: int, load: Sequence[bytes], alerts: int
) -> Cell:
    """Send a load and weigh what it cost."""
    port, header, roots = target
    requests = [request(port, "/api/v2/alerts", body, header) for body in load]
    warm = requests[: max(1, len(requests) // 50)]
    uvloop.run(run(port, warm, CONNECTIONS[size]))
    with Meter(roots) as meter:
        result: Result = uvloop.run(run(port, requests, CONNECTIONS[size]))
    if result.bad:
        raise RuntimeError(f"{len(result.bad)} refused, for example {result.bad[0]!r}")
    return Cell(
        alerts / result.seconds,
        result.percentile(0.5) * 1000,
        result.percentile(0.99) * 1000,
        meter.cpu / alerts * 100_000,
        meter.peak_mb,
    )


def middle(cells: Sequence[Cell]) -> Cell:
    """Return the median of each figure."""
    return Cell(*(statistics.median(column) for column in zip(*cells, strict=True)))


def compare(options: argparse.Namespace, database: Embedded) -> dict[str, object]:
    """Measure every cell and print the table."""
    report: dict[str, object] = {"alerts": options.alerts, "repeats": options.repeats}
    print(f"{options.alerts} alerts a cell, of which 1 in {options.repeats + 1} is new\n")
    heads = " ".join(f"{name:>{width}}" for name, (width, _) in COLUMNS.items())
    print(f"{'batch':>5} {'':12} {heads}")
    for size in options.sizes:
        theirs, ours = [], []
        distinct = options.alerts // (options.repeats + 1) // size * size
        total = distinct * (options.repeats + 1)
        for turn in range(options.rounds):
            load = bodies(size, distinct, options.repeats, f"{size}-{turn}")
            with alertmanager() as target:
                theirs.append(measure(target, size, load, total))
            with bongsu(database) as target:
                ours.append(measure(target, size, load, total))
        report[str(size)] = _row(size, theirs, ours)
    return report


def _row(size: int, theirs: Sequence[Cell], ours: Sequence[Cell]) -> dict[str, object]:
    them, us = middle(theirs), middle(ours)
    ratios = Cell(*(one / other for one, other in zip(us, them, strict=True)))
    _line(size, "Alertmanager", them)
    _line(size, "Bongsu", us)
    speed, cpu = GOALS.get(size, (1.0, None))
    _line(size, "ratio", ratios, digits=2)
    print(f"{'':5} goal: ≥{speed}, p99 ≤0.2" + (f", CPU ≤{cpu}" if cpu else ""), flush=True)
    runs = {"alertmanager": [c._asdict() for c in theirs], "bongsu": [c._asdict() for c in ours]}
    return {"ratio": ratios._asdict(), **runs}


def _line(size: int, name: str, cell: Cell, digits: int | None = None) -> None:
    shown = [
        f"{value:{width}.{precision if digits is None else digits}f}"
        for value, (width, precision) in zip(cell, COLUMNS.values(), strict=True)
    ]
    print(f"{size:5} {name:12} " + " ".join(shown))


def main() -> None:
    """Compare, print and write down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--alerts", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--sizes", type=lambda text: [int(n) for n in text.split(",")], default=list(CONNECTIONS)
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bongsu-bench-"))
    folder.chmod(0o711)
    try:
        database = start_embedded(folder / "pg")
        try:
            report = compare(options, database)
        finally:
            database.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
