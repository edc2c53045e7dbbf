"""How fast all lines of a log get a template, beside the shell pipeline and Drain3; memory.

    python bench log_speed [--size 200MB] [--repeat 2] [--linear]

Whole processes, one after the other on the same file, the best of the repeats. Drain3 gets a
beginning of the file and a few seconds; its rate is what it did there. Memory is the peak of what
isn't file-backed, over all processes of a run.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil

sys.path.insert(0, str(Path(__file__).parent))
from _logs import (  # type: ignore[import-not-found]  # it stands beside this file when it runs
    KINDS,
    write,
)

PIPELINE = 'grep -i error "$1" | sort | uniq -c | sort -nr | head -10'
OURS = (
    "import sys, typer; from bongsu.cli.logs_templates import templates;"
    "app = typer.Typer(); app.command()(templates); app([sys.argv[1]])"
)
DRAIN3 = """
import sys, time
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig
miner, size, lines, begin = TemplateMiner(config=TemplateMinerConfig()), 0, 0, time.perf_counter()
for raw in open(sys.argv[1], 'rb'):
    miner.add_log_message(raw.decode('utf-8', 'replace').rstrip())
    size, lines = size + len(raw), lines + 1
    if lines % 500 == 0 and time.perf_counter() - begin > float(sys.argv[2]):
        break
print(size / (time.perf_counter() - begin))
"""
WATCHED_EVERY = 0.15
"""seconds; looking for memory takes time from what is measured"""
SAMPLED = 6.0
"""seconds that Drain3 gets"""
SIZES = {"MB": 10**6, "GB": 10**9}


class Run(NamedTuple):
    seconds: float
    cpu: float
    """seconds that processors worked on it, all together: what a busy machine changes less"""
    peak: int
    """bytes"""


def anonymous(process: psutil.Process) -> int:
    """Return the bytes of a process and its children that no file backs."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            status = Path(f"/proc/{one.pid}/status").read_text("utf-8")
        except OSError:
            continue
        if "RssAnon:" in status:
            total += 1024 * int(status.split("RssAnon:")[1].split()[0])
    return total


def run(command: list[str], **environment: str) -> Run:
    """Run a process to its end."""
    begin, worked, peak = time.perf_counter(), _worked(), 0
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env={**os.environ, **environment}
    ) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, anonymous(watched))
                process.wait(WATCHED_EVERY)
            except (psutil.Error, subprocess.TimeoutExpired):
                continue
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return Run(time.perf_counter() - begin, _worked() - worked, peak)


def _worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def shell(path: Path, locale: str) -> Run:
    return run(["bash", "-c", PIPELINE, "pipeline", str(path)], LC_ALL=locale)


def ours(path: Path, **environment: str) -> Run:
    return run([sys.executable, "-c", OURS, str(path)], **environment)


def drain3_rate(path: Path, seconds: float) -> float:
    """Return Drain3's bytes a second."""
    command = [sys.executable, "-c", DRAIN3, str(path), str(seconds)]
    return float(subprocess.check_output(command, text=True))


def forget(path: Path) -> None:
    """Put a file out of the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def line(what: str, size: int, found: Run, against: Run | None = None) -> None:
    rate = size / found.seconds / 1e6
    text = f"  {what:28}{found.seconds:8.2f} s {rate:7.0f} MB/s, processor {found.cpu:6.2f} s,"
    text += f" {found.peak >> 20:4} MB"
    if against:
        text += f"; {against.seconds / found.seconds:5.2f}x, by processor"
        text += f" {against.cpu / found.cpu:5.2f}x the C pipeline"
    print(text, flush=True)


def compare(name: str, path: Path, size: int, repeat: int) -> None:
    print(f"{name}, {size / 1e6:.0f} MB; load {os.getloadavg()[0]:.1f}")
    runs: dict[str, list[Run]] = {}
    for _ in range(repeat):
        runs.setdefault("pipeline, C", []).append(shell(path, "C"))
        runs.setdefault("ours", []).append(ours(path))
        runs.setdefault("pipeline, C.UTF-8", []).append(shell(path, "C.UTF-8"))
    best = {what: min(found) for what, found in runs.items()}
    for what, found in best.items():
        line(what, size, found, best["pipeline, C"])
    rate = drain3_rate(path, SAMPLED)
    print(
        f"  {'Drain3, a beginning':26}{rate / 1e6:19.2f} MB/s;"
        f" ours {size / best['ours'].seconds / rate:.0f}x"
    )


def cold(path: Path, size: int, folder: Path) -> None:
    print("cold")
    forget(path)
    line("pipeline, C, file not cached", size, shell(path, "C"))
    forget(path)
    line("ours, file not cached", size, ours(path))
    line("ours, first ever (compiles)", size, ours(path, NUMBA_CACHE_DIR=str(folder / "numba")))


def main() -> None:
    parser = argparse.ArgumentParser(prog="log_speed", description=__doc__)
    parser.add_argument("--size", default="200MB", help="of each log; MB or GB")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--linear", action="store_true", help="also 2 and 4 times the size")
    options = parser.parse_args()
    size = int(float(options.size[:-2]) * SIZES[options.size[-2:].upper()])
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if shutil.disk_usage(folder).free < size * 10:
            sys.exit("not enough room for the logs in the folder for temporary files")
        path = folder / "made.log"
        for name, tails in KINDS.items():
            write(path, tails(), size)
            compare(name, path, path.stat().st_size, options.repeat)
            if name == next(iter(KINDS)):
                cold(path, path.stat().st_size, folder)
        for factor in (1, 2, 4) if options.linear else ():
            write(path, KINDS["mixed, 7% errors"](), size * factor)
            ours(path)
            line(f"ours, {factor} times the size", path.stat().st_size, ours(path))


if __name__ == "__main__":
    main()
