"""At which rank a new or spiking message is reported, beside the shell pipeline's.

`python bench log_novelty FOLDER [--seeds 50]`: FOLDER has LogHub's labelled samples, a folder each.
Each seed mixes three of them into 60,000 baseline and 10,000 incident lines whose rates drift, and
hides one message among them: four times of five one that was never seen, 3 to 400 times; else all
lines of one usual event (by the labels), eight times as often.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from bongsu.logs.analyser import Analyser

START = datetime(2025, 8, 14, 5, 0, tzinfo=UTC)
BASELINE, INCIDENT = timedelta(hours=1), timedelta(minutes=10)
LINES = (60_000, 10_000)
PHASES = 12
UNSEEN = (
    "ERROR pool exhausted: could not get a connection within {n} ms",
    "mongo primary stepped down, election {n} begins",
    "고객 주문 {n} 결제 실패: 응답 시간 초과",
    "WARN retry storm detected on route /v1/orders/{n}",
    "FATAL out of memory in worker {n}, restarting",
    "certificate for host api-{n} has expired",
    "circuit breaker orders opened after {n} failures",
    "unexpected EOF while reading frame {n} from upstream",
    "replica lag {n} s is above the limit",
    "java.lang.IllegalStateException: session {n} is closed",
)


@dataclass(frozen=True)
class Case:
    """One log with something hidden in its last minutes."""

    kind: str
    needle: str
    is_it: Callable[[str], bool]
    """whether a line, its time included, is the hidden message"""
    count: int
    lines: list[str]


def read(folder: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return each data set's lines by its name, and each line's event."""
    sets: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    for path in sorted(folder.glob("*/*_2k.log")):
        lines = [" ".join(line.split()) for line in path.read_text("utf-8", "replace").splitlines()]
        with path.with_name(f"{path.name}_structured.csv").open(encoding="utf-8") as table:
            events = [row["EventId"] for row in csv.DictReader(table)]
        name = path.parent.name
        sets[name] = lines
        labels.update((line, f"{name} {event}") for line, event in zip(lines, events, strict=True))
    return sets, labels


def mixed(
    rnd: random.Random, samples: Sequence[list[str]], count: int, weights: list[float]
) -> list[str]:
    """Draw lines; each data set's share drifts by up to two from one phase to the next."""
    lines: list[str] = []
    for _ in range(PHASES):
        for k, weight in enumerate(weights):
            weights[k] = min(8.0, max(0.2, weight * rnd.uniform(0.6, 1.6)))
        chosen = rnd.choices(range(len(samples)), weights, k=count // PHASES)
        lines += [rnd.choice(samples[k]) for k in chosen]
    return lines


def stamped(lines: list[str], begin: datetime, length: timedelta) -> list[str]:
    """Put a time before each line."""
    step = length / max(1, len(lines))
    return [
        f"{(begin + step * k).isoformat(timespec='milliseconds')} {line}"
        for k, line in enumerate(lines)
    ]


def case(seed: int, sets: dict[str, list[str]], labels: dict[str, str]) -> Case:
    """Return the log of a seed."""
    rnd = random.Random(seed)
    samples = [sets[name] for name in rnd.sample(sorted(sets), min(3, len(sets)))]
    weights = [1.0] * len(samples)
    before = mixed(rnd, samples, LINES[0], weights)
    after = mixed(rnd, samples, LINES[1], weights)
    if seed % 5:
        kind, text = "new", rnd.choice(UNSEEN)
        hidden = [
            text.format(n=rnd.randrange(100_000))
            for _ in range(round(3 * (400 / 3) ** rnd.random()))
        ]
        needle = re.compile(re.escape(text).replace(r"\{n\}", r"\d+"))
        is_it = lambda line: needle.search(line) is not None  # noqa: E731
    else:
        events = Counter(labels[line] for line in after)
        kind, text = "spike", rnd.choice([event for event, n in events.items() if 10 <= n <= 100])
        hidden = [line for line in after if labels[line] == text] * 7
        is_it = lambda line: labels.get(line.partition(" ")[2]) == text  # noqa: E731
    for line in hidden:
        after.insert(rnd.randrange(len(after) // 4, len(after)), line)
    lines = stamped(before, START, BASELINE) + stamped(after, START + BASELINE, INCIDENT)
    return Case(kind, text, is_it, len(hidden), lines)


def rank(found: Case) -> int:
    """Return the place of the hidden message in the analysis, from 1; 11 beyond its top ten."""
    analyser = Analyser(now=START + timedelta(days=1), since=INCIDENT, baseline=BASELINE, top=10)
    analyser.feed("log", "\n".join(found.lines).encode())
    for place, pattern in enumerate(analyser.analysis().patterns, 1):
        if found.is_it(pattern.sample.partition("\n")[0]):
            return place
    return 11


def rank_of_pipeline(found: Case) -> int:
    """Return its place in `grep -i error | sort | uniq -c | sort -nr | head` of the incident."""
    incident = found.lines[LINES[0] // PHASES * PHASES :]
    counts = Counter(line for line in incident if "error" in line.lower())
    top = sorted(counts.items(), key=lambda item: (item[1], item[0]), reverse=True)[:10]
    return next((place for place, (line, _) in enumerate(top, 1) if found.is_it(line)), 11)


def report(kind: str, ranks: list[tuple[int, int]]) -> None:
    for name, which in (("bongsu", 0), ("pipeline", 1)):
        places = [pair[which] for pair in ranks]
        first3 = sum(place <= 3 for place in places)
        first10 = sum(place <= 10 for place in places)
        print(
            f"{kind:6} {name:9} median {median(places):4.1f}  worst {max(places):3}"
            f"  in the top 3 {first3}/{len(places)} ({first3 / len(places):.0%})"
            f"  top 10 {first10}/{len(places)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench log_novelty", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    sets, labels = read(options.folder)
    ranks: dict[str, list[tuple[int, int]]] = {}
    for seed in range(options.first, options.first + options.seeds):
        hidden = case(seed, sets, labels)
        pair = rank(hidden), rank_of_pipeline(hidden)
        ranks.setdefault(hidden.kind, []).append(pair)
        if options.verbose:
            print(seed, hidden.kind, hidden.count, pair, hidden.needle[:80])
    for kind, pairs in ranks.items():
        report(kind, pairs)
    print("rank 11: not in the top ten")


if __name__ == "__main__":
    main()
