"""From a signal to a page: idle latency, a storm of distinct alerts, and starting from nothing.

    python bench paging                      # everything, about 4 minutes
    python bench paging --only idle,start    # idle, storm, grouped, start

Bongsu is `bongsu serve` as users run it, its database included, with a copy of the seed's manual
whose people are reached through a Slack-like sink here. Alertmanager (Debian's) posts the same to
a webhook here with `group_wait: 0s`. Both run in the same run, in turn. A page counts when the
sink has read its request.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import uvloop
import yaml
from _load import (  # type: ignore[import-not-found]  # it stands beside this file when it runs
    request,
    run,
)
from ingest import (  # type: ignore[import-not-found]  # as above
    Meter,
    family,
    free_port,
    process,
    pss_mb,
    wait_for,
)

ROOT = Path(__file__).resolve().parent.parent
SEED = ROOT / "manuals" / "korea-public-data"
BONGSU = str(Path(sys.executable).with_name("bongsu"))
PROBE = re.compile(rb"probe-(\d+)x")
STORM, BATCH, CONNECTIONS = 50_000, 100, 4
PROBE_EVERY = 0.1


class Target(NamedTuple):
    """A running server and how to send to it."""

    name: str
    port: int
    path: str
    roots: list[int]


class Sink:
    """Reads whatever is delivered and notes when each probe was first seen."""

    def __init__(self) -> None:
        self.seen: dict[int, float] = {}
        self.arrived = asyncio.Event()
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(found[1]) if found else 0)
                self.note(body)
                answer = b'{"ok":true,"ts":"1.1","channel":"C1"}'
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(answer) + answer
                )

    def note(self, body: bytes) -> None:
        self.requests += 1
        now = time.perf_counter()
        for probe in PROBE.findall(body):
            if int(probe) not in self.seen:
                self.seen[int(probe)] = now
                self.arrived.set()


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[tuple[Sink, int]]:
    made = Sink()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=2**22)
    yield made, server.sockets[0].getsockname()[1]
    server.close()


def manual(folder: Path, storm_groups: list[str], *, reports: bool) -> Path:
    """Copy the seed's manual: probes are P0, the storm is P2, and everybody has Slack alone.

    ``reports`` says whether the first report of a P0 is made by itself, as the manual has it.
    """
    copy = folder / "manual"
    shutil.copytree(SEED, copy)
    team = yaml.safe_load((copy / "team.yaml").read_text())
    for person in team["people"].values():
        person["contacts"] = ["slack:#bench"]
    (copy / "team.yaml").write_text(yaml.safe_dump(team, allow_unicode=True))
    signals = yaml.safe_load((copy / "signals.yaml").read_text())
    signals["routes"] = [
        _route("Probe", "server_down", "P0", ["..."]),
        _route("Storm", "api_timeout", "P2", storm_groups),
    ]  # fmt: skip
    signals["default"]["title"] = "{{ summary }}"
    (copy / "signals.yaml").write_text(yaml.safe_dump(signals, allow_unicode=True))
    if not reports:
        text = (copy / "diagnosis.yaml").read_text()
        (copy / "diagnosis.yaml").write_text(f"automatic: []\n{text}")
    return copy


def _route(name: str, kind: str, severity: str, groups: list[str]) -> dict[str, object]:
    match = [f'alertname="{name}"']
    return {"match": match, "type": kind, "severity": severity, "group_by": groups}


@contextlib.contextmanager
def bongsu(sink_port: int, storm_groups: list[str], *, reports: bool = True) -> Iterator[Target]:
    """Run `bongsu serve` on an empty data folder."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-bench-"))
    folder.chmod(0o755)
    port = free_port()
    env = {
        **os.environ, "BONGSU_DATA": str(folder / "data"), "BONGSU_SLACK_BOT_TOKEN": "xoxb-bench",
        "BONGSU_SLACK_SIGNING_SECRET": "bench-signing-secret",
        "BONGSU_SLACK_API_URL": f"http://127.0.0.1:{sink_port}/api/", "BONGSU_LANG": "en",
    }  # fmt: skip
    command = (
        BONGSU,
        "serve",
        "--manual",
        str(manual(folder, storm_groups, reports=reports)),
        "--listen",
        f"127.0.0.1:{port}",
    )
    log = (folder / "log").open("w")
    try:
        with process(*command, env=env, stdout=log, stderr=log) as server:
            wait_healthy(port)
            key = subprocess.run(
                [BONGSU, "integration", "key", "prometheus"],
                env=env,
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
            postmaster = int((folder / "data/postgres/postmaster.pid").read_text().split()[0])
            name = "Bongsu" if reports else "Bongsu, no reports"
            yield Target(name, port, f"/in/{key}/api/v2/alerts", [server.pid, postmaster])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_healthy(port: int) -> None:
    """Wait for the first 200 on /healthz."""
    wait_for(port)
    url = f"http://127.0.0.1:{port}/healthz"
    for _ in range(400):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
            if answer.status == 200:
                return
        time.sleep(0.01)
    raise TimeoutError("not healthy")


@contextlib.contextmanager
def alertmanager(sink_port: int, group_by: str) -> Iterator[Target]:
    """Run a fresh Alertmanager that posts to the sink."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        config = Path(folder, "config.yml")
        config.write_text(
            f"route: {{receiver: hook, group_by: [{group_by}], group_wait: 0s, group_interval: 5m,"
            " routes: [{receiver: hook, match: {alertname: Probe}, group_by: ['...'],"
            " group_wait: 0s}]}\n"
            f"receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{sink_port}/'}}]}}]\n"
        )
        command = (
            "prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
            "--log.level=error",
        )  # fmt: skip
        with process(*command, stderr=subprocess.DEVNULL) as server:
            wait_for(port)
            yield Target("Alertmanager", port, "/api/v2/alerts", [server.pid])


def alert(name: str, **labels: str) -> dict[str, object]:
    """Make one alert as Prometheus sends it."""
    return {
        "labels": {"alertname": name, "service": "korea-backend", **labels},
        "annotations": {"summary": f"{name} {' '.join(labels.values())}"},
    }


class Prober:
    """Sends one alert at a time over a connection of its own, and waits for its page."""

    def __init__(self, target: Target, made: Sink) -> None:
        self._target, self._sink = target, made
        self.latencies: list[float] = []
        self._number = 0

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._target.port)

    async def probe(self, patience: float = 30.0) -> None:
        self._number += 1
        number = self._number
        body = json.dumps([alert("Probe", probe=f"probe-{number}x")]).encode()
        begun = time.perf_counter()
        self._writer.write(request(self._target.port, self._target.path, body))
        head = await self._reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        await self._reader.readexactly(int(found[1]) if found else 0)
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(head.decode())
        while number not in self._sink.seen:
            self._sink.arrived.clear()
            await asyncio.wait_for(self._sink.arrived.wait(), patience)
        self.latencies.append((self._sink.seen[number] - begun) * 1000)

    def line(self) -> str:
        p50, p99 = (percentile(self.latencies, share) for share in (0.5, 0.99))
        return f"p50 {p50:7.2f} ms  p99 {p99:7.2f} ms  (n={len(self.latencies)})"


def percentile(values: list[float], share: float) -> float:
    """Return the value that a share of all stay below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def idle(count: int) -> dict[str, object]:
    """Signal to page with nothing else going on, and while the first reports are made."""
    report: dict[str, object] = {}
    async with sink() as (made, port):
        for running in (
            alertmanager(port, "'...'"),
            bongsu(port, ["..."], reports=False),
            bongsu(port, ["..."]),
        ):
            with running as target:
                await asyncio.sleep(2)
                made.seen.clear()
                prober = Prober(target, made)
                await prober.connect()
                for _ in range(20):
                    await prober.probe()
                prober.latencies.clear()
                for _ in range(count):
                    await prober.probe()
                    await asyncio.sleep(0.02)
                memory = pss_mb([pid for root in target.roots for pid in family(root)])
                print(f"idle   {target.name:18} {prober.line()}  {memory:.0f} MB PSS", flush=True)
                report[target.name] = {"latencies_ms": prober.latencies, "pss_mb": memory}
    return report


async def storm(groups: list[str], their_groups: str, label: str) -> dict[str, object]:
    """Distinct alerts in batches, and P0 probes meanwhile."""
    bodies = [
        json.dumps(
            [alert("Storm", instance=f"host-{i}") for i in range(start, start + BATCH)]
        ).encode()
        for start in range(0, STORM, BATCH)
    ]
    report: dict[str, object] = {}
    async with sink() as (made, port):
        for running in (alertmanager(port, their_groups), bongsu(port, groups)):
            with running as target:
                await asyncio.sleep(2)
                made.seen.clear()
                made.requests = 0
                prober = Prober(target, made)
                await prober.connect()
                for _ in range(10):
                    await prober.probe()
                prober.latencies.clear()
                with Meter(target.roots) as meter:
                    loading = asyncio.create_task(
                        run(
                            target.port,
                            [request(target.port, target.path, b) for b in bodies],
                            CONNECTIONS,
                        )
                    )
                    after = time.perf_counter() + 5
                    while not loading.done() or time.perf_counter() < after:
                        await prober.probe()
                        await asyncio.sleep(PROBE_EVERY)
                    result = await loading
                    settled = await quiet(made)
                rate = STORM / result.seconds
                print(
                    f"{label:6} {target.name:12} {rate:8.0f} alerts/s  P0 page {prober.line()}  "
                    f"{meter.cpu / STORM * 100_000:6.1f} CPU-s/100k  {meter.peak_mb:5.0f} MB  "
                    f"{made.requests} deliveries, quiet after {settled:.0f} s, "
                    f"{len(result.bad)} refused",
                    flush=True,
                )
                report[target.name] = {
                    "alerts_per_second": rate, "page_p99_ms": percentile(prober.latencies, 0.99),
                    "cpu_per_100k": meter.cpu / STORM * 100_000, "peak_mb": meter.peak_mb,
                    "deliveries": made.requests, "refused": len(result.bad),
                }  # fmt: skip
    return report


async def quiet(made: Sink, limit: float = 120) -> float:
    """Wait until nothing was delivered for three seconds; return how long that took."""
    begun, last, since = time.perf_counter(), made.requests, time.perf_counter()
    while time.perf_counter() - since < 3 and time.perf_counter() - begun < limit:
        await asyncio.sleep(0.2)
        if made.requests != last:
            last, since = made.requests, time.perf_counter()
    return since - begun


async def start(rounds: int) -> dict[str, object]:
    """`bongsu serve` from an empty folder to the first 200, and `bongsu --help`."""
    first, bare, helps = [], [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        with bongsu_bare() as port:
            await asyncio.to_thread(wait_healthy, port)
            first.append(time.perf_counter() - begun)
        bare.append(timed(sys.executable, "-c", "pass"))
        helps.append(timed(BONGSU, "--help"))
    print(
        f"start  serve to first 200: median {statistics.median(first):.2f} s (max {max(first):.2f})"
    )
    over = statistics.median(helps) - statistics.median(bare)
    print(f"start  --help over bare Python: {over * 1000:.0f} ms")
    return {"serve_s": first, "help_over_bare_ms": over * 1000}


@contextlib.contextmanager
def bongsu_bare() -> Iterator[int]:
    """Start `bongsu serve` on an empty folder without waiting for it."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-bench-"))
    folder.chmod(0o755)
    port = free_port()
    env = {**os.environ, "BONGSU_DATA": str(folder / "data")}
    try:
        with process(
            BONGSU,
            "serve",
            "--listen",
            f"127.0.0.1:{port}",
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ):
            yield port
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def timed(*command: str) -> float:
    """Return how long a program takes, in seconds."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    """Run what was asked for, print it, and write it down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="idle,grouped,storm,start")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    parts = {
        "idle": lambda: idle(options.count),
        "grouped": lambda: storm([], "alertname", "one"),
        "storm": lambda: storm(["..."], "'...'", "storm"),
        "start": lambda: start(5),
    }
    report = {name: uvloop.run(parts[name]()) for name in options.only.split(",")}
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
