"""How fast `bongsu logs analyze --exact` is beside the shell pipeline in the C locale.

`python bench log_exact FOLDER` makes a log of the lines of LogHub's samples in FOLDER, each with a
time before it; a share of them has "error". Best of the runs, taken in turns;
the outputs are compared byte by byte. `--work` is where the log is put.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

START = datetime(2025, 8, 14, 1, 0, tzinfo=UTC)
AT_ONCE = 20_000


def write(folder: Path, target: Path, size: int, share: float) -> None:
    """Write about ``size`` bytes of lines that are all different."""
    rnd, at, written = random.Random(1), START, 0
    lines = [
        line
        for path in sorted(folder.glob("*/*_2k.log"))
        for line in path.read_bytes().splitlines()
    ]
    errors = [line for line in lines if b"error" in line.lower()]
    others = [line for line in lines if b"error" not in line.lower()]
    if not errors or not others:
        sys.exit(f"{folder} has no LogHub samples (NAME/NAME_2k.log) to make a log of")
    with target.open("wb") as out:
        while written < size:
            part = []
            for _ in range(AT_ONCE):
                at += timedelta(microseconds=rnd.randrange(1, 9000))
                line = rnd.choice(errors if rnd.random() < share else others)
                part.append(at.isoformat().encode() + b" " + line)
            written += out.write(b"\n".join(part) + b"\n")


def run(command: str) -> tuple[float, bytes]:
    env = {**os.environ, "LC_ALL": "C"}
    began = time.perf_counter()
    came = subprocess.run(["sh", "-c", command], env=env, capture_output=True, check=True)
    return time.perf_counter() - began, came.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench log_exact", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mb", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.07)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.work) as folder:
        log = Path(folder) / "a.log"
        write(options.folder, log, options.mb * 1_000_000, options.share)
        bongsu = Path(sys.executable).with_name("bongsu")
        commands = {
            "pipeline": f"grep -a -i error {log} | sort | uniq -c | sort -nr | head -10",
            "bongsu": f"{bongsu} logs analyze --exact {log}",
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        printed: dict[str, bytes] = {}
        for _ in range(options.runs + 1):
            for name, command in commands.items():
                seconds, printed[name] = run(command)
                taken[name].append(seconds)
        size = log.stat().st_size / 1e6
    best = {name: min(times[1:]) for name, times in taken.items()}
    for name, seconds in best.items():
        print(f"{name:9} {seconds:6.2f} s  {size / seconds:6.0f} MB/s")
    same = "the same bytes" if printed["pipeline"] == printed["bongsu"] else "DIFFERENT OUTPUT"
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{best['pipeline'] / best['bongsu']:.2f} times as fast, {same}; peak of all {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
